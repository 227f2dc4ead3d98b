use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ClientConfig;

use super::{FrontEnd, WebSite};
use crate::Authority;
use crate::machine::{WebReply, WebRequest};
use crate::web_client::{Failure, WebConnection};

/// The name on the certificates of the tests.
pub(crate) const HOST: &str = "mail.contoso.example";
/// Long enough for a busy computer.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A site that answers what it is told to.
pub(crate) struct TestSite {
    pub(crate) listens: AtomicBool,
    pub(crate) health: AtomicU16,
    pub(crate) seen: Mutex<Vec<WebRequest>>,
}

impl TestSite {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            listens: AtomicBool::new(true),
            health: AtomicU16::new(200),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn clients(&self) -> Vec<IpAddr> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.client)
            .collect()
    }

    /// A front end for this site.
    pub(crate) fn serve(self: &Arc<Self>, authority: &Authority) -> FrontEnd {
        let tls = authority.issue(&[HOST.to_owned()]).unwrap().tls;
        FrontEnd::serve(Arc::clone(self), "a test".to_owned(), loopback(0), tls).unwrap()
    }
}

impl WebSite for TestSite {
    fn listens(&self) -> bool {
        self.listens.load(Ordering::SeqCst)
    }

    fn web(&self, request: &WebRequest) -> WebReply {
        self.seen.lock().unwrap().push(request.clone());
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let (status, headers) = match request.path.as_str() {
            "/health" => (self.health.load(Ordering::SeqCst), Vec::new()),
            "/Microsoft-Server-ActiveSync/" => (401, header("WWW-Authenticate", "Basic realm=\"x\"")),
            "/owa/" => (302, header("Location", "/owa/auth/logon.aspx")),
            "/abort" => return WebReply::Aborted,
            _ => (404, Vec::new()),
        };
        WebReply::Reply {
            status,
            headers,
            body: b"text".to_vec(),
        }
    }
}

pub(crate) fn loopback(last: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, last))
}

pub(crate) fn source(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

async fn open(to: SocketAddr, tls: &Arc<ClientConfig>) -> Result<WebConnection, Failure> {
    WebConnection::open(source(66), to, HOST, tls, LIMIT).await
}

/// Waits until `done`, for a bounded time.
pub(crate) async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn the_site_sees_the_client_and_the_path_and_the_client_the_reply() {
    let authority = Authority::new("test CA").unwrap();
    let tls = authority.client_config().unwrap();
    let site = TestSite::new();
    let front_end = site.serve(&authority);
    let mut connection = open(front_end.address(), &tls).await.unwrap();
    let answer = connection.get("/Microsoft-Server-ActiveSync/").await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"x\"");
    assert_eq!(connection.get("/nowhere?q=1").await.unwrap().status, 404);
    let seen = site.seen.lock().unwrap().clone();
    assert_eq!(seen[0].client, source(66));
    assert_eq!(seen[1].path, "/nowhere?q=1");
    assert!(seen[0].https && !seen[0].authorization && seen[0].forwarded_for.is_none());
}

#[tokio::test]
async fn an_aborted_request_closes_the_connection_without_an_answer() {
    let authority = Authority::new("test CA").unwrap();
    let tls = authority.client_config().unwrap();
    let front_end = TestSite::new().serve(&authority);
    let mut connection = open(front_end.address(), &tls).await.unwrap();
    let failure = connection.get("/abort").await.unwrap_err();
    assert!(matches!(failure, Failure::Answer { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_stranger_does_not_trust_the_farm() {
    let stranger = Authority::new("another CA").unwrap().client_config().unwrap();
    let front_end = TestSite::new().serve(&Authority::new("test CA").unwrap());
    let failure = open(front_end.address(), &stranger).await.err().unwrap();
    assert!(matches!(failure, Failure::Tls { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_stopped_site_refuses_closes_and_comes_back_on_the_same_port() {
    let authority = Authority::new("test CA").unwrap();
    let tls = authority.client_config().unwrap();
    let site = TestSite::new();
    let front_end = site.serve(&authority);
    let connection = open(front_end.address(), &tls).await.unwrap();
    site.listens.store(false, Ordering::SeqCst);
    eventually("the open connection is closed", async || connection.is_closed()).await;
    eventually("new ones are refused", async || {
        matches!(
            open(front_end.address(), &tls).await,
            Err(Failure::Connect { source, .. }) if source.kind() == std::io::ErrorKind::ConnectionRefused
        )
    })
    .await;
    site.listens.store(true, Ordering::SeqCst);
    eventually("it is back", async || {
        open(front_end.address(), &tls).await.is_ok()
    })
    .await;
    front_end.stop().await;
}

#[tokio::test]
async fn clients_of_ipv6_come_to_the_same_port() {
    let machine = crate::machine::Machine::new(crate::machine::MachineOptions::named("CAS01"));
    let authority = Authority::new("test CA").unwrap();
    let names = ["mail.contoso.example".to_owned(), "127.0.0.1".to_owned()];
    let identity = authority.issue(&names).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let front_end = FrontEnd::start(Arc::clone(&machine), address, identity.tls)
        .await
        .unwrap();
    let Some(v6) = front_end.address_v6() else {
        println!("skipped: no IPv6 on this machine");
        return;
    };
    assert_eq!(v6.port(), front_end.address().port());
    let tls = authority.client_config().unwrap();
    let mut connection =
        WebConnection::open(v6.ip(), v6, "mail.contoso.example", &tls, Duration::from_secs(10))
            .await
            .unwrap();
    connection.get("/owa/healthcheck.htm").await.unwrap();
    let seen: Vec<IpAddr> = machine.requests().iter().map(|line| line.client).collect();
    assert_eq!(seen, [v6.ip()]);
    front_end.stop().await;
}
