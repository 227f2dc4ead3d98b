use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Clients, ClientsOptions, Entrance, Tally};
use crate::Authority;
use crate::front_end::tests::{HOST, TestSite, eventually, source};

fn start(authority: &Authority, to: std::net::SocketAddr, host: &str) -> Clients {
    let entrance = Entrance {
        vip: to,
        host: host.to_owned(),
        tls: authority.client_config().unwrap(),
    };
    let options = ClientsOptions {
        rate: 200,
        ..ClientsOptions::default()
    };
    Clients::through(entrance, options)
}

#[tokio::test]
async fn gateways_and_people_are_served_and_counted() {
    let authority = Authority::new("test CA").unwrap();
    let site = TestSite::new();
    let front_end = site.serve(&authority);
    let clients = start(&authority, front_end.address(), HOST);
    eventually("sixty requests", async || clients.tally().requests >= 60).await;
    let tally = clients.stop().await;
    let seen = site.seen.lock().unwrap().clone();
    assert_eq!(tally.failed, 0, "{:?}", tally.first_failures);
    assert_eq!(usize::try_from(tally.requests).unwrap(), seen.len());
    for request in seen {
        let expected = if request.client == source(10) {
            "/Microsoft-Server-ActiveSync/"
        } else {
            assert!((20..30).map(source).any(|person| person == request.client));
            "/owa/"
        };
        assert_eq!(request.path, expected);
    }
}

#[tokio::test]
async fn a_wrong_answer_is_a_failure_that_says_what_came() {
    let authority = Authority::new("test CA").unwrap();
    let site = TestSite::new();
    let front_end = site.serve(&authority);
    let clients = start(&authority, front_end.address(), "another.contoso.example");
    eventually("two dozen failures", async || clients.tally().failed >= 24).await;
    let Tally {
        requests,
        failed,
        first_failures,
    } = clients.stop().await;
    assert_eq!(requests, failed);
    assert_eq!(first_failures.len(), 10);
    assert!(
        first_failures[0].contains("127.0.0.10 GET /Microsoft-Server-ActiveSync/: TLS with 127.0.0.1:"),
        "{first_failures:?}"
    );
}

#[tokio::test]
async fn a_pause_is_a_pause() {
    let authority = Authority::new("test CA").unwrap();
    let site = TestSite::new();
    let front_end = site.serve(&authority);
    let clients = start(&authority, front_end.address(), HOST);
    eventually("some requests", async || clients.tally().requests > 4).await;
    clients.set_rate(0);
    let mut before = clients.tally().requests;
    eventually("the open connections have ended", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = clients.tally().requests;
        std::mem::replace(&mut before, now) == now
    })
    .await;
    site.listens.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(clients.stop().await.failed, 0);
}
