//! Every wait has an end of its own, and what idleness does to a connection is not seen by anybody.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use winrm::{Connection, Error, ErrorKind, TlsPolicy};
use wsman::Action;

use crate::proxy::Proxy;
use crate::{Answer, Server, line};

/// Fails unless it took about so long.
fn took_about(started: Instant, limit: Duration) {
    let took = started.elapsed();
    assert!(took >= limit && took < limit + Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_handshake_has_the_limit_of_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        seen: Default::default(),
    };
    let mut endpoint = server.endpoint();
    endpoint.url.set_scheme("https").unwrap();
    // Any trust will do: it does not come to that.
    endpoint.tls = TlsPolicy {
        fingerprint: Some(winrm::Fingerprint::new([0; 32])),
        ..TlsPolicy::default()
    };
    endpoint.timeouts.connect = Duration::from_millis(300);
    endpoint.timeouts.login = Duration::from_secs(60);
    let started = Instant::now();
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    took_about(started, endpoint.timeouts.connect);
}

#[tokio::test]
async fn a_login_has_its_own_limit() {
    let server = Server::start(|_, _| Some(Answer::Nothing)).await;
    let mut endpoint = server.endpoint();
    endpoint.timeouts.connect = Duration::from_millis(200);
    endpoint.timeouts.login = Duration::from_millis(400);
    let started = Instant::now();
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Silent {
                step: "the login",
                ..
            }
        ),
        "{error}"
    );
    took_about(started, Duration::from_millis(600));
}

#[tokio::test]
async fn a_request_has_the_operations_limit_and_five_seconds() {
    let server = Server::start(|_, before| (before == 1).then_some(Answer::Nothing)).await;
    let mut endpoint = server.endpoint();
    endpoint.timeouts.operation = Duration::from_millis(100);
    let mut connection = Connection::open(&endpoint).await.unwrap();
    let started = Instant::now();
    let error = connection.identify().await.unwrap_err();
    assert!(matches!(error, Error::Silent { step: "Identify", .. }), "{error}");
    took_about(started, Duration::from_millis(5_100));
}

/// The total: the server answers every request in time, and never with an end.
#[tokio::test]
async fn a_command_has_a_total_however_lively_the_server_is() {
    let server = Server::start(|request, _| match request.action {
        Action::Receive => Some(Answer::Say(wsman::Response::Received(wsman::Received::default()))),
        _ => None,
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    let limit = Duration::from_millis(400);
    let started = Instant::now();
    let error = shell
        .execute(&line(), None, limit, &mut |_, _| {})
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    took_about(started, limit);
    shell.close().await.unwrap();
}

/// After ten minutes a firewall may have forgotten the connection without a word: a command sent on it would have an unknown outcome.
#[tokio::test]
async fn a_connection_that_was_idle_for_long_is_not_used_again() {
    let server = Server::start(|_, _| None).await;
    let mut shell = server.shell().await.unwrap();
    for _ in 0..2 {
        let output = shell
            .execute(&line(), None, Duration::from_secs(30), &mut |_, _| {})
            .await
            .unwrap();
        assert_eq!(output.stdout, b"ok");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(600)).await;
        tokio::time::resume();
    }
    shell.close().await.unwrap();
    assert_eq!(
        server.seen(),
        "| Identify Create Command Receive Signal | Identify Command Receive Signal | Identify Delete"
    );
}

#[tokio::test]
async fn proxies_are_used_where_named() {
    for (scheme, asked) in [
        ("http", "POST http://127.0.0.1:PORT/wsman"),
        ("socks5", "SOCKS 127.0.0.1:PORT"),
        ("socks5h", "SOCKS 127.0.0.1:PORT"),
    ] {
        let server = Server::start(|_, _| None).await;
        let proxy = Proxy::start(false).await;
        let mut endpoint = server.endpoint();
        endpoint.proxy = Some(proxy.url(scheme));
        let mut connection = Connection::open(&endpoint).await.unwrap();
        connection.identify().await.unwrap();
        assert_eq!(proxy.seen(), [asked.replace("PORT", &server.port.to_string())]);
        assert_eq!(server.seen(), "| Identify Identify");
        proxy.cut().await;
        let error = connection.identify().await.unwrap_err();
        assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
        assert_eq!(server.seen(), "| Identify Identify");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = Server::start(|_, _| None).await;
    let mut endpoint = server.endpoint();
    endpoint.proxy = Some(format!("socks5://127.0.0.1:{port}").parse().unwrap());
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        format!("no way through the proxy socks5://127.0.0.1:{port}")
    );
    assert_eq!(server.seen(), "");
}

/// The environment of this process cannot be changed under other tests, so a child runs one of them.
#[test]
fn no_proxy_is_taken_from_the_environment() {
    let nobody = "http://127.0.0.1:9";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "waits::a_command_has_a_total_however_lively_the_server_is",
        ])
        .envs(
            [
                "http_proxy",
                "HTTP_PROXY",
                "https_proxy",
                "ALL_PROXY",
                "all_proxy",
            ]
            .map(|name| (name, nobody)),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
