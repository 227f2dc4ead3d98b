use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    Admin, Balance, CheckOptions, LoadBalancer, LoadBalancerOptions, Mishap, OWN_ADDRESS, Thresholds,
};
use crate::Authority;
use crate::front_end::FrontEnd;
use crate::front_end::tests::{HOST, LIMIT, TestSite, eventually, loopback, source};
use crate::web_client::{Failure, WebConnection};

struct Farm {
    sites: Vec<Arc<TestSite>>,
    _front_ends: Vec<FrontEnd>,
    balancer: LoadBalancer,
    tls: Arc<ClientConfig>,
}

impl Farm {
    async fn start(servers: usize, balance: Balance) -> Self {
        let authority = Authority::new("test CA").unwrap();
        let tls = authority.client_config().unwrap();
        let sites: Vec<_> = (0..servers).map(|_| TestSite::new()).collect();
        let front_ends: Vec<_> = sites.iter().map(|site| site.serve(&authority)).collect();
        let balancer = LoadBalancer::start(LoadBalancerOptions {
            backend: "eas".to_owned(),
            servers: front_ends
                .iter()
                .enumerate()
                .map(|(index, front_end)| (format!("cas{:02}", index + 1), front_end.address()))
                .collect(),
            balance,
            check: CheckOptions {
                host: HOST.to_owned(),
                path: "/health".to_owned(),
                interval: Duration::from_millis(30),
                timeout: LIMIT,
                tls: Arc::clone(&tls),
            },
            thresholds: Thresholds::default(),
            hide_clients: false,
            vip: loopback(0),
            runtime_api: loopback(0),
            speed: 1.0,
        })
        .await
        .unwrap();
        Self {
            sites,
            _front_ends: front_ends,
            balancer,
            tls,
        }
    }

    async fn ask(&self, line: &str) -> String {
        ask(self.balancer.runtime_api(), line).await
    }

    async fn open(&self, from: u8) -> Result<WebConnection, Failure> {
        WebConnection::open(source(from), self.balancer.vip(), HOST, &self.tls, LIMIT).await
    }

    fn status(&self, index: usize) -> String {
        self.balancer.members()[index].status()
    }

    async fn until(&self, index: usize, status: &str) {
        eventually(status, async || self.status(index) == status).await;
    }
}

pub(crate) async fn ask(api: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(api).await.unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn checks_come_from_the_balancer_and_connections_from_the_client() {
    let farm = Farm::start(1, Balance::RoundRobin).await;
    farm.until(0, "UP").await;
    let seen = farm.sites[0].seen.lock().unwrap().clone();
    assert!(
        seen.iter()
            .all(|request| request.client == OWN_ADDRESS && request.path == "/health")
    );
    let mut connection = farm.open(66).await.unwrap();
    assert_eq!(connection.get("/owa/").await.unwrap().status, 302);
    assert!(farm.sites[0].clients().contains(&source(66)));
    farm.balancer.hide_clients(true);
    let mut connection = farm.open(67).await.unwrap();
    assert_eq!(connection.get("/owa/").await.unwrap().status, 302);
    assert!(!farm.sites[0].clients().contains(&source(67)));
}

#[tokio::test]
async fn connections_are_spread_and_counted() {
    let farm = Farm::start(2, Balance::LeastConnections).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut connection = farm.open(20).await.unwrap();
        assert_eq!(connection.get("/owa/").await.unwrap().status, 302);
        open.push(connection);
    }
    let current: Vec<u64> = farm
        .balancer
        .members()
        .iter()
        .map(|member| member.sessions.current)
        .collect();
    assert_eq!(current, [2, 2]);
    let text = farm.ask("show stat eas 4 1").await;
    assert_eq!(text.lines().nth(1).unwrap().split(',').nth(4), Some("2"));
    drop(open);
    eventually("no connection is left", async || {
        farm.balancer
            .members()
            .iter()
            .all(|member| member.sessions.current == 0)
    })
    .await;
    assert_eq!(farm.balancer.members()[0].sessions.total, 2);
}

#[tokio::test]
async fn draining_keeps_open_connections_and_gives_no_new_ones() {
    let farm = Farm::start(2, Balance::RoundRobin).await;
    let mut kept = farm.open(20).await.unwrap();
    assert_eq!(kept.get("/owa/").await.unwrap().status, 302);
    let first = usize::from(!farm.sites[0].clients().contains(&source(20)));
    let name = format!("cas{:02}", first + 1);
    assert_eq!(
        farm.ask(&format!("set server eas/{name} state drain")).await,
        "\n"
    );
    farm.until(first, "DRAIN").await;
    for _ in 0..3 {
        let mut connection = farm.open(21).await.unwrap();
        assert_eq!(connection.get("/owa/").await.unwrap().status, 302);
    }
    assert!(!farm.sites[first].clients().contains(&source(21)));
    assert_eq!(kept.get("/owa/").await.unwrap().status, 302);
    assert_eq!(farm.balancer.members()[first].sessions.current, 1);
    assert_eq!(
        farm.ask(&format!("set server eas/{name} state ready")).await,
        "\n"
    );
    assert_eq!(farm.status(first), "UP");
}

#[tokio::test]
async fn a_sick_server_goes_down_and_comes_back() {
    let farm = Farm::start(2, Balance::RoundRobin).await;
    farm.until(0, "UP").await;
    farm.sites[0].health.store(503, Ordering::SeqCst);
    farm.until(0, "DOWN").await;
    let text = farm.ask("show stat eas 4 1").await;
    assert!(
        text.contains(",L7STS,503,") && text.contains(",Service Unavailable,"),
        "{text}"
    );
    for _ in 0..4 {
        assert_eq!(
            farm.open(20).await.unwrap().get("/owa/").await.unwrap().status,
            302
        );
    }
    assert!(!farm.sites[0].clients().contains(&source(20)));
    farm.sites[0].health.store(200, Ordering::SeqCst);
    farm.until(0, "UP").await;
}

#[tokio::test]
async fn a_server_that_stopped_listening_fails_on_layer_four_and_its_connections_go_elsewhere() {
    let farm = Farm::start(2, Balance::RoundRobin).await;
    farm.until(0, "UP").await;
    farm.sites[0].listens.store(false, Ordering::SeqCst);
    farm.until(0, "DOWN").await;
    assert!(farm.ask("show stat eas 4 1").await.contains(",L4CON,"));
    farm.sites[1].listens.store(false, Ordering::SeqCst);
    farm.until(1, "DOWN").await;
    // Nobody is left: the connection is accepted and closed.
    assert!(matches!(farm.open(20).await, Err(Failure::Tls { .. })));
    assert!(farm.ask("show stat eas 2 -1").await.contains(",DOWN,0,0,0,"));
}

#[tokio::test]
async fn a_server_in_maintenance_is_not_checked() {
    let farm = Farm::start(2, Balance::RoundRobin).await;
    farm.until(0, "UP").await;
    farm.ask("set server eas/cas01 state maint").await;
    assert_eq!(farm.status(0), "MAINT");
    // A check that was under way may still arrive; after it there is silence.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let checks = farm.sites[0].clients().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(farm.sites[0].clients().len(), checks);
    farm.ask("set server eas/cas01 state ready").await;
    farm.until(0, "UP").await;
}

#[tokio::test]
async fn a_reload_forgets_what_operators_asked_for_and_every_shift_is_noted_down() {
    let farm = Farm::start(2, Balance::RoundRobin).await;
    farm.until(0, "UP").await;
    assert!(farm.balancer.set("cas01", Admin::Maint));
    assert!(!farm.balancer.set("cas09", Admin::Maint));
    assert_eq!(farm.status(0), "MAINT");
    farm.balancer.reload();
    assert_eq!(farm.balancer.members()[0].admin, Admin::Ready);
    farm.until(0, "UP").await;
    let shifts = farm.balancer.shifts();
    let seen: Vec<_> = shifts
        .iter()
        .map(|shift| shift.takes_connections.as_slice())
        .collect();
    assert_eq!(seen, [&[true, true][..], &[false, true], &[true, true]]);
    assert!(shifts.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[tokio::test]
async fn a_command_can_go_unheard_be_denied_or_lose_its_answer() {
    let farm = Farm::start(1, Balance::RoundRobin).await;
    let admin = || farm.balancer.members()[0].admin;
    // (what goes wrong, what is answered, what has come of it)
    let cases = [
        (Mishap::Unheard, "", Admin::Ready),
        (Mishap::Denied, "Permission denied\n\n", Admin::Ready),
        (Mishap::AnswerLost, "", Admin::Drain),
    ];
    for (mishap, said, becomes) in cases {
        farm.balancer.faults().plan("state drain", mishap, 1);
        assert_eq!(
            farm.ask("set server eas/cas01 state drain").await,
            said,
            "{mishap:?}"
        );
        assert_eq!(admin(), becomes, "{mishap:?}");
    }
    farm.balancer.faults().plan("state ready", Mishap::Silent, 1);
    let mut stream = TcpStream::connect(farm.balancer.runtime_api()).await.unwrap();
    stream
        .write_all(b"set server eas/cas01 state ready\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!((text.as_str(), admin()), ("", Admin::Drain));
    assert_eq!(farm.ask("set server eas/cas01 state ready").await, "\n");
    assert_eq!(admin(), Admin::Ready);
}
