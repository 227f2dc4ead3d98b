//! Logins, bodies, status codes.

use auth::{Credentials, Scheme, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wsman::{Request, Response};

use super::client::{Client, SOAP, operator, start};
use crate::endpoint::{EndpointOptions, Record};

#[tokio::test]
async fn raw_ntlm_and_spnego_both_log_in_and_identify_tells_the_version() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    for scheme in [Scheme::Ntlm, Scheme::Negotiate] {
        let mut client = Client::connect(endpoint.address()).await.unwrap();
        client.log_in(scheme, &operator()).await.unwrap();
        let Ok(Response::Identity(identity)) = client.ask(Request::Identify).await else {
            panic!("no identity")
        };
        assert_eq!(identity.vendor.as_deref(), Some("Microsoft Corporation"));
        assert_eq!(
            identity.version.as_deref(),
            Some("OS: 10.0.17763 SP: 0.0 Stack: 3.0")
        );
    }
    let expected = Record {
        connections: 2,
        requests: endpoint.record().requests,
        logins: 2,
        ..Record::default()
    };
    assert_eq!(endpoint.record(), expected);
    endpoint.stop().await;
}

#[tokio::test]
async fn the_user_may_be_written_in_any_form() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    for name in [
        r"contoso\OPERATOR",
        "operator@contoso.example",
        "operator",
        r".\operator",
    ] {
        let mut client = Client::connect(endpoint.address()).await.unwrap();
        let who = Credentials::new(name, Secret::from("Opera+Pass1!"));
        client.log_in(Scheme::Ntlm, &who).await.expect(name);
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_user_are_refused_with_the_offer() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    for (user, password) in [
        (r"CONTOSO\operator", "no"),
        (r"CONTOSO\somebody", "Opera+Pass1!"),
        (r"FABRIKAM\operator", "Opera+Pass1!"),
    ] {
        let mut client = Client::connect(endpoint.address()).await.unwrap();
        let who = Credentials::new(user, Secret::from(password));
        let refused = client.log_in(Scheme::Negotiate, &who).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{user}");
        assert_eq!(refused.challenges, ["Negotiate"], "{user}");
        assert!(refused.body.is_empty());
        // The connection is as good as new: the right password goes through on it.
        client.log_in(Scheme::Ntlm, &operator()).await.unwrap();
    }
    assert_eq!(endpoint.record().refused_logins, 3);
}

#[tokio::test]
async fn a_body_in_clear_is_refused_before_and_after_the_login() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let (message, _) = client.write(&Request::Identify);
    let answer = client
        .post("/wsman", &[("Content-Type", SOAP)], message.clone().into())
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.challenges.as_slice()),
        (StatusCode::UNAUTHORIZED, &["Negotiate".to_owned()][..])
    );
    // It ended the login, too: what is sealed now is not understood any more.
    let answer = client.exchange(message.as_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);

    let mut stranger = Client::connect(endpoint.address()).await.unwrap();
    let answer = stranger
        .post("/wsman", &[("Content-Type", SOAP)], message.into())
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(endpoint.record().refused_bodies, 3);
    assert!(machine.command_lines().is_empty());
}

#[tokio::test]
async fn who_asks_without_a_login_learns_that_it_is_winrm_but_not_which() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut stranger = Client::connect(endpoint.address()).await.unwrap();
    let (message, _) = stranger.write(&Request::Identify);
    let headers = [("Content-Type", SOAP), ("WSMANIDENTIFY", "unauthenticated")];
    let answer = stranger.post("/wsman", &headers, message.into()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let Ok(Response::Identity(identity)) = Response::parse(&answer.body, None) else {
        panic!("no identity")
    };
    assert_eq!(identity.version.as_deref(), Some("OS: 0.0.0 SP: 0.0 Stack: 3.0"));
    // Nothing else is for strangers.
    let (message, _) = stranger.write(&Request::GetConfig);
    let answer = stranger.post("/wsman", &headers, message.into()).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_protocol_is_415_and_a_broken_body_400() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let message = b"<s:Envelope/>";
    for (from, to, expected) in [
        (
            "HTTP-SPNEGO-session",
            "HTTP-Kerberos-session",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("Length=13", "Length=14", StatusCode::BAD_REQUEST),
        ("octet-stream", "octet-streams", StatusCode::BAD_REQUEST),
    ] {
        let mut client = Client::open(endpoint.address()).await;
        let (kind, body) = client.session.as_mut().unwrap().seal_body(message).unwrap();
        let body = replaced(&body, from.as_bytes(), to.as_bytes());
        let kind = kind.replace(from, to);
        let answer = client
            .post("/wsman", &[("Content-Type", &kind)], body)
            .await
            .unwrap();
        assert_eq!(answer.status, expected, "{to}");
        // The keys are spoilt: only a new login helps.
        let answer = client.exchange(message).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        client.log_in(Scheme::Ntlm, &operator()).await.unwrap();
    }
    let mut client = Client::open(endpoint.address()).await;
    let (kind, mut body) = client.session.as_mut().unwrap().seal_body(message).unwrap();
    let last = body
        .windows(14)
        .rposition(|window| window == b"--Encrypted Bo")
        .unwrap()
        - 1;
    body[last] ^= 1;
    let answer = client
        .post("/wsman", &[("Content-Type", &kind)], body)
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

fn replaced(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[tokio::test]
async fn other_paths_and_methods_and_schemes_are_refused() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let answer = client.post("/elsewhere", &[], Vec::new()).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let basic = format!("Basic {}", STANDARD.encode("operator:Opera+Pass1!"));
    for header in [basic.as_str(), "NTLM TlRMTVNTUAAB", "Negotiate ???", "Negotiate"] {
        let mut client = Client::connect(endpoint.address()).await.unwrap();
        let answer = client
            .post("/wsman", &[("Authorization", header)], Vec::new())
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
    let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
    stream
        .write_all(b"GET /wsman HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 405 "), "{text}");
}

#[tokio::test]
async fn a_login_belongs_to_its_connection() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut one = Client::open(endpoint.address()).await;
    let mut other = Client::connect(endpoint.address()).await.unwrap();
    other.session = one.session.take();
    let (message, _) = other.write(&Request::Identify);
    let answer = other.exchange(message.as_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
