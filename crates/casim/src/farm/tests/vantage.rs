//! A server of the farm as a place from which another one is looked at.

use std::time::Duration;

use exchange::vantage::{NoAnswer, Request, Sighting, Stage, look};

use super::{Farm, FarmOptions, HOST, options};
use crate::front_end::tests::source;
use crate::machine::{OutputSink, Stdin};

/// What the farm's last server sees.
async fn sees(farm: &Farm, request: &Request<'_>) -> Sighting {
    let (sink, mut output) = OutputSink::channel();
    let asked = look(request).unwrap();
    let machine = farm.machines().last().unwrap();
    let code = machine.run(asked.line().as_str(), Stdin::empty(), sink).await;
    let mut said = command::Output {
        exit_code: code,
        ..command::Output::default()
    };
    while let Ok(chunk) = output.try_recv() {
        said.stdout.extend(chunk.bytes);
    }
    asked.parse(&said).unwrap()
}

fn failed(sighting: Sighting) -> NoAnswer {
    sighting.seen.unwrap_err()
}

#[tokio::test]
async fn a_server_sees_another_ones_front_end_from_its_own_address() {
    let farm = Farm::start(FarmOptions {
        adjust: |_, machine| machine.goes_out_from = source(9),
        ..options(2)
    })
    .await
    .unwrap();
    let port = farm.front_ends()[0].address().port();
    let request = Request {
        address: "127.0.0.1",
        port,
        server: HOST,
        path: "/Microsoft-Server-ActiveSync/",
        limit: Duration::from_secs(10),
    };
    let seen = sees(&farm, &request).await.seen.unwrap();
    assert_eq!(seen.status, 401);
    assert!(
        seen.headers
            .iter()
            .any(|name| name.eq_ignore_ascii_case("x-feserver"))
    );
    let line = farm.machines()[0].requests().pop().unwrap();
    assert_eq!(line.client, source(9));

    let other_name = Request {
        server: "other.contoso.example",
        ..request
    };
    let untrusted = failed(sees(&farm, &other_name).await);
    assert_eq!(
        (untrusted.stage, untrusted.exception.as_str()),
        (
            Stage::Tls,
            "System.Security.Authentication.AuthenticationException"
        )
    );
    let nowhere = Request {
        address: "cas99.invalid",
        ..request
    };
    assert_eq!(failed(sees(&farm, &nowhere).await).code, Some(11001));
    let endpoint = farm.endpoints()[0].address().port();
    let no_tls = Request {
        port: endpoint,
        ..request
    };
    assert_eq!(failed(sees(&farm, &no_tls).await).stage, Stage::Tls);
    let nobody = Request { port: 1, ..request };
    let refused = failed(sees(&farm, &nobody).await);
    assert_eq!((refused.stage, refused.code), (Stage::Connect, Some(10061)));
    farm.stop().await;
}
