//! What HTTP and TCP can do to a client.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use winrm::{AuthMethod, Connection, Error, ErrorKind};
use wsman::Action;

use crate::{Answer, Server, line};

fn raw(text: &str) -> Option<Answer> {
    Some(Answer::Raw(text.as_bytes().to_vec()))
}

/// Opens a connection to a server that answers `Identify` in this way.
async fn opened(answer: &'static str) -> (Error, String) {
    let server = Server::start(move |_, _| raw(answer)).await;
    let error = Connection::open(&server.endpoint()).await.unwrap_err();
    (error, server.seen())
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        seen: Default::default(),
    };
    drop(listener);
    let error = Connection::open(&server.endpoint()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!("http://127.0.0.1:{}/wsman: no connection", server.port)
    );
}

#[tokio::test]
async fn a_login_begins_with_an_empty_post_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        seen: Default::default(),
    };
    let mut endpoint = server.endpoint();
    endpoint.auth = AuthMethod::Ntlm;
    let opening = tokio::spawn(async move { Connection::open(&endpoint).await.map(|_| ()) });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("POST /wsman HTTP/1.1\r\n"), "{head}");
    assert_eq!(head.matches("content-length: 0\r\n").count(), 1, "{head}");
    assert!(head.contains("authorization: Negotiate TlRMTVNTUAAB"), "{head}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    drop(stream);
    let error = opening.await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            Error::ConnectionLost {
                step: "the login",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::start(|_, _| Some(Answer::Nothing)).await;
    let mut endpoint = server.endpoint();
    endpoint.timeouts.connect = Duration::from_millis(500);
    let started = tokio::time::Instant::now();
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (error, seen) =
        opened("HTTP/1.1 307 Temporary Redirect\r\nLocation: /wsman\r\nContent-Length: 0\r\n\r\n").await;
    assert!(matches!(error, Error::HttpStatus { status: 307, .. }), "{error}");
    assert_eq!(seen, "| Identify");
}

#[tokio::test]
async fn other_services_are_told_by_their_status() {
    let (error, seen) = opened("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope").await;
    assert!(
        error
            .to_string()
            .ends_with("expected a SOAP reply to Identify, found HTTP status 404 (nope)"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("/wsman"));
    assert_eq!((error.kind(), seen.as_str()), (ErrorKind::Protocol, "| Identify"));

    let (error, seen) = opened("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(
        (error.kind(), seen.as_str()),
        (ErrorKind::Unreachable, "| Identify")
    );

    let (error, _) = opened("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>").await;
    assert!(matches!(error, Error::Malformed { .. }), "{error}");

    let (error, _) = opened("SSH-2.0-OpenSSH_9.6\r\n").await;
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
}

#[tokio::test]
async fn a_reply_without_an_end_does_not_fill_the_memory() {
    let server = Server::start(|_, _| {
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        raw(&format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            piece.repeat(100)
        ))
    })
    .await;
    let error = Connection::open(&server.endpoint()).await.unwrap_err();
    assert!(matches!(error, Error::ReplyTooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_broke_stays_closed() {
    let server = Server::start(|request, before| {
        (request.action == Action::Identify && before == 1).then_some(Answer::Close)
    })
    .await;
    let mut connection = Connection::open(&server.endpoint()).await.unwrap();
    let error = connection.identify().await.unwrap_err();
    assert!(
        matches!(error, Error::ConnectionLost { step: "Identify", .. }),
        "{error}"
    );
    assert!(!connection.is_open());
    let error = connection.identify().await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    // The last one was not sent, and no second connection was made.
    assert_eq!(server.seen(), "| Identify Identify");
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_not_reopened_behind_its_back() {
    let server = Server::start(|request, before| {
        let reply = wsman::Response::Identity(wsman::Identity::default());
        (request.action == Action::Identify && before == 1).then_some(Answer::SayAndClose(reply))
    })
    .await;
    let mut connection = Connection::open(&server.endpoint()).await.unwrap();
    connection.identify().await.unwrap();
    let error = connection.identify().await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    assert_eq!(server.seen(), "| Identify Identify");
}

#[tokio::test]
async fn a_cancelled_request_closes_its_connection() {
    let server = Server::start(|_, before| (before == 1).then_some(Answer::Nothing)).await;
    let mut connection = Connection::open(&server.endpoint()).await.unwrap();
    let cancelled = tokio::time::timeout(Duration::from_millis(50), connection.identify()).await;
    assert!(cancelled.is_err());
    assert!(!connection.is_open());
    assert_eq!(connection.requests(), 2);
}

#[tokio::test]
async fn a_401_later_on_is_one_more_login_and_not_more() {
    let refusal =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"WSMAN\"\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(move |request, before| match request.action {
        Action::Command if before == 0 => raw(refusal),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(
        server.seen(),
        "| Identify Create Command | Identify Command Receive Signal Delete"
    );

    let server = Server::start(move |request, _| {
        if request.action == Action::Command {
            raw(refusal)
        } else {
            None
        }
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    let error = shell
        .execute(&line(), None, Duration::from_secs(5), &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRefused, "{error}");
    shell.close().await.unwrap();
    assert_eq!(
        server.seen(),
        "| Identify Create Command | Identify Command | Identify Delete"
    );
}

/// The HTTP client asks for a new connection whenever the old one is not back in its pool yet; that must never be the one that wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_in_a_row_share_one_connection() {
    let server = Server::start(|_, _| None).await;
    let mut connection = Connection::open(&server.endpoint()).await.unwrap();
    for _ in 0..2_000 {
        connection.identify().await.unwrap();
    }
    assert_eq!(connection.requests(), 2_001);
    assert_eq!(server.seen().matches('|').count(), 1);
}
