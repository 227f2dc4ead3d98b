//! Logins belong to one TCP connection, also behind a proxy.

use std::sync::Arc;

use winrm::{AuthMethod, Connection, ErrorKind, Shell};

use crate::proxy::Proxy;
use crate::{LIMIT, Oracle, line};

async fn says_hello(arguments: &[&str], scheme: &str, asked: &str) {
    let Some(oracle) = Oracle::start(arguments) else {
        return;
    };
    let proxy = Proxy::start(false).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.proxy = Some(proxy.url(scheme));
    let mut shell = Shell::open(Arc::new(endpoint)).await.unwrap();
    let output = shell
        .execute(&line("echo hello"), None, LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(output.stdout, b"hello\n");
    shell.close().await.unwrap();
    assert_eq!(proxy.seen(), [asked.replace("PORT", &oracle.port.to_string())]);
    oracle.expect_count("CONNECT", 1);
    oracle.expect_count("LOGIN", 1);
    oracle.expect_clean();
}

#[tokio::test]
async fn sealed_messages_are_forwarded_over_one_connection() {
    says_hello(&["--auth", "ntlm"], "http", "POST http://localhost:PORT/wsman").await;
}

#[tokio::test]
async fn sealed_messages_go_through_socks() {
    says_hello(&["--auth", "ntlm"], "socks5", "SOCKS 127.0.0.1:PORT").await;
    says_hello(&["--auth", "ntlm"], "socks5h", "SOCKS localhost:PORT").await;
}

#[tokio::test]
async fn https_is_tunnelled_and_the_login_bound_to_the_certificate() {
    let strict = ["--auth", "ntlm", "--tls", "--cbt", "strict"];
    says_hello(&strict, "http", "CONNECT localhost:PORT").await;
    says_hello(&strict, "socks5h", "SOCKS localhost:PORT").await;
}

#[tokio::test]
async fn another_name_is_checked_behind_a_proxy_that_is_given_addresses() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm", "--tls", "--cbt", "strict"]) else {
        return;
    };
    let proxy = Proxy::start(false).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.proxy = Some(proxy.url("socks5"));
    endpoint.url.set_host(Some("127.0.0.1")).unwrap();
    endpoint.tls.server_name = Some("localhost".to_owned());
    assert!(Connection::open(&endpoint).await.unwrap().is_open());
    endpoint.tls.server_name = Some("cas01.contoso.example".to_owned());
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert_eq!(proxy.seen(), vec![format!("SOCKS 127.0.0.1:{}", oracle.port); 2]);
    oracle.expect_count("LOGIN", 1);
}

#[cfg(feature = "native-tls")]
#[tokio::test]
async fn the_second_backend_goes_through_socks() {
    let old = ["--auth", "ntlm", "--tls", "--cbt", "strict", "--suites", "2012r2"];
    let Some(oracle) = Oracle::start(&old) else { return };
    let proxy = Proxy::start(false).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.proxy = Some(proxy.url("socks5h"));
    let mut connection = Connection::open(&endpoint).await.unwrap();
    connection.identify().await.unwrap();
    // The first try, and the second.
    assert_eq!(proxy.seen().len(), 2);
    oracle.expect_count("LOGIN", 1);

    endpoint.proxy = Some(proxy.url("http"));
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert!(error.hint().unwrap().starts_with("use a socks5 proxy"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_parts_a_login_is_told_and_nothing_goes_in_clear() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm"]) else {
        return;
    };
    let proxy = Proxy::start(true).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.proxy = Some(proxy.url("http"));
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRefused, "{error}");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("the proxy must keep one connection to the server"),
        "{error}"
    );
    assert_eq!(
        (oracle.count("LOGIN"), oracle.count("REFUSED plain body")),
        (0, 0)
    );
}

#[tokio::test]
async fn a_sealed_connection_that_was_closed_between_two_waves_is_opened_again_unseen() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm"]) else {
        return;
    };
    let proxy = Proxy::start(false).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.proxy = Some(proxy.url("socks5h"));
    let mut shell = Shell::open(Arc::new(endpoint)).await.unwrap();
    for wave in 1..=3 {
        let output = shell
            .execute(&line("echo hello"), None, LIMIT, &mut |_, _| {})
            .await
            .unwrap();
        assert_eq!(output.stdout, b"hello\n");
        oracle.expect_count("LOGIN", wave);
        oracle.expect_count("COMMAND", wave);
        proxy.cut().await;
    }
    shell.close().await.unwrap();
    oracle.expect_clean();
}
