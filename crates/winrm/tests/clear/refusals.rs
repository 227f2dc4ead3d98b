//! A 401 and a fault 5, each with what explains it.

use winrm::{AuthMethod, Connection, Error, ErrorKind};
use wsman::{Action, Fault};

use crate::{Answer, Server, fault};

/// How a login is refused by a server that says this with its 401.
async fn refused(headers: &'static str) -> String {
    let server = Server::start(move |_, _| {
        let reply = format!("HTTP/1.1 401 Unauthorized\r\n{headers}Content-Length: 0\r\n\r\n");
        Some(Answer::Raw(reply.into_bytes()))
    })
    .await;
    let error = Connection::open(&server.endpoint()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRefused, "{error}");
    error.hint().unwrap()
}

#[tokio::test]
async fn a_clock_that_differs_is_named_first() {
    let hint =
        refused("WWW-Authenticate: Basic realm=\"WSMAN\"\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n").await;
    assert!(hint.starts_with("the server's clock is "), "{hint}");
    assert!(hint.contains(" minutes behind this machine's"), "{hint}");
    let hint = refused("WWW-Authenticate: Basic realm=\"WSMAN\"\r\n").await;
    assert!(hint.starts_with("wrong user or password"), "{hint}");
}

#[tokio::test]
async fn a_plain_body_is_named_where_one_was_sent() {
    let hint = refused("WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm=\"WSMAN\"\r\n").await;
    assert!(hint.contains("unless its AllowUnencrypted is true"), "{hint}");
    assert!(
        hint.contains("`auth = \"negotiate\"`, which seals them"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_scheme_that_is_not_offered_is_the_whole_explanation() {
    let hint = refused("WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Kerberos\r\n").await;
    assert!(
        hint.starts_with("the WinRM service does not offer `Basic`"),
        "{hint}"
    );
    assert!(!hint.contains("wrong user"), "{hint}");
}

/// The server lets the user in, and refuses the shell.
async fn denied(user: &str) -> Error {
    let server = Server::start(|request, _| match request.action {
        Action::Create => fault(Fault::new(
            wsman::code::ACCESS_DENIED,
            "w:AccessDenied",
            "Access is denied.",
        )),
        _ => None,
    })
    .await;
    let mut endpoint = server.endpoint();
    endpoint.url.set_host(Some("localhost")).unwrap();
    endpoint.credentials.user = user.to_owned();
    let error = winrm::Shell::open(std::sync::Arc::new(endpoint))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    // Nothing was made, so nothing is deleted.
    assert_eq!(server.seen(), "| Identify Create");
    error
}

#[tokio::test]
async fn access_denied_after_the_login_tells_local_accounts_from_others() {
    let error = denied(r"CONTOSO\operator").await;
    assert!(
        error
            .to_string()
            .contains(r"CONTOSO\operator logged in and may not have a shell"),
        "{error}"
    );
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("Remote Management Users") && !hint.contains("LocalAccountTokenFilterPolicy"),
        "{hint}"
    );
    for user in ["operator", r".\operator", r"LOCALHOST\operator"] {
        let hint = denied(user).await.hint().unwrap();
        assert!(
            hint.contains(r"reg add HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 1 /f"),
            "{user}: {hint}"
        );
    }
}

#[tokio::test]
async fn a_name_without_a_domain_is_pointed_out() {
    let server = Server::start(|_, _| {
        Some(Answer::Raw(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"WSMAN\"\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ))
    })
    .await;
    let mut endpoint = server.endpoint();
    assert_eq!(endpoint.auth, AuthMethod::Basic);
    let hint = Connection::open(&endpoint).await.unwrap_err().hint().unwrap();
    assert!(hint.contains("means an account of the server itself"), "{hint}");
    endpoint.credentials.user = "operator@contoso.example".to_owned();
    let hint = Connection::open(&endpoint).await.unwrap_err().hint().unwrap();
    assert!(!hint.contains("means an account of the server itself"), "{hint}");
}
