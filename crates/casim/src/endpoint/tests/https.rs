//! WinRM over HTTPS: bodies in clear, Basic, channel binding.

use std::sync::Arc;

use auth::{Scheme, channel_binding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use rustls::ClientConfig;
use wsman::{Request, Response};

use super::client::{Client, SOAP, operator, start};
use crate::endpoint::{Endpoint, EndpointOptions};
use crate::{Authority, ServerIdentity};

async fn start_tls(strict_binding: bool) -> (Endpoint, ServerIdentity, Arc<ClientConfig>) {
    let authority = Authority::new("test CA").unwrap();
    let identity = authority.issue(&["127.0.0.1".to_owned()]).unwrap();
    let options = EndpointOptions {
        tls: Some(identity.clone()),
        strict_binding,
        ..EndpointOptions::default()
    };
    let (_, endpoint) = start(options).await;
    (endpoint, identity, authority.client_config().unwrap())
}

#[tokio::test]
async fn under_tls_a_body_in_clear_is_fine_and_a_sealed_one_as_well() {
    let (endpoint, _, tls) = start_tls(false).await;
    let mut client = Client::connect_tls(endpoint.address(), tls).await.unwrap();
    client.log_in(Scheme::Negotiate, &operator()).await.unwrap();
    assert!(client.ask(Request::Identify).await.is_ok());
    let (message, _) = client.write(&Request::GetConfig);
    let answer = client
        .post("/wsman", &[("Content-Type", SOAP)], message.clone().into())
        .await
        .unwrap();
    assert_eq!((answer.status, answer.kind.as_str()), (StatusCode::OK, SOAP));
    assert!(matches!(
        Response::parse(&answer.body, None),
        Ok(Response::Config(_))
    ));
    let answer = client
        .post("/wsman", &[("Content-Type", "text/xml")], message.into())
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn basic_is_on_offer_and_its_password_is_checked() {
    let (endpoint, _, tls) = start_tls(false).await;
    let mut client = Client::connect_tls(endpoint.address(), tls).await.unwrap();
    let (message, _) = client.write(&Request::GetConfig);
    for (name, password, expected) in [
        (r"CONTOSO\operator", "no", StatusCode::UNAUTHORIZED),
        ("somebody", "Opera+Pass1!", StatusCode::UNAUTHORIZED),
        (r"CONTOSO\operator", "Opera+Pass1!", StatusCode::OK),
        ("operator", "Opera+Pass1!", StatusCode::OK),
    ] {
        let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        let headers = [("Authorization", basic.as_str()), ("Content-Type", SOAP)];
        let answer = client
            .post("/wsman", &headers, message.clone().into())
            .await
            .unwrap();
        assert_eq!(answer.status, expected, "{name}:{password}");
        if expected == StatusCode::UNAUTHORIZED {
            assert_eq!(answer.challenges, ["Negotiate", "Basic realm=\"WSMAN\""]);
        }
    }
}

#[tokio::test]
async fn a_login_must_be_bound_to_the_certificate_where_hardening_is_strict() {
    let stranger = Authority::new("another CA")
        .unwrap()
        .issue(&["127.0.0.1".to_owned()])
        .unwrap();
    for strict in [false, true] {
        let (endpoint, identity, tls) = start_tls(strict).await;
        let right = channel_binding(&identity.certificate).unwrap();
        let wrong = channel_binding(&stranger.certificate).unwrap();
        assert!(right.is_some() && right != wrong);
        for (binding, welcome) in [(right, true), (wrong, false), (None, !strict)] {
            let mut client = Client::connect_tls(endpoint.address(), Arc::clone(&tls))
                .await
                .unwrap();
            client.binding = binding.clone();
            let login = client.log_in(Scheme::Ntlm, &operator()).await;
            assert_eq!(login.is_ok(), welcome, "strict {strict}, {binding:?}");
        }
    }
}
