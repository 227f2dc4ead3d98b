//! Ways to log in.

use std::sync::Arc;

use winrm::{AuthMethod, Connection, Error, ErrorKind, Shell};

use crate::{Oracle, run};

async fn says_hello(oracle: &Oracle, auth: AuthMethod) {
    let output = run(oracle, auth, "echo hello; echo oops >&2; exit 7")
        .await
        .unwrap();
    assert_eq!(
        (
            output.exit_code,
            output.stdout.as_slice(),
            output.stderr.as_slice()
        ),
        (7, b"hello\n".as_slice(), b"oops\n".as_slice())
    );
    assert_eq!(oracle.count("CONNECT"), 1, "{:#?}", oracle.lines());
    assert_eq!(oracle.count("SIGNAL terminate"), 1);
    oracle.expect_clean();
}

#[tokio::test]
async fn ntlm_over_http_is_sealed() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm"]) else {
        return;
    };
    says_hello(&oracle, AuthMethod::Ntlm).await;
    assert_eq!(oracle.wait_for("LOGIN"), r"LOGIN CONTOSO\operator ntlm");
}

/// gss-ntlmssp: another hand's NTLM, in C.
#[tokio::test]
async fn a_second_acceptor_agrees() {
    if !Oracle::has_gss_ntlmssp() {
        return;
    }
    let Some(oracle) = Oracle::start(&["--auth", "ntlm", "--impl", "gss"]) else {
        return;
    };
    says_hello(&oracle, AuthMethod::Ntlm).await;
    assert_eq!(
        oracle.wait_for("LOGIN"),
        r"LOGIN CONTOSO\operator ntlm (gss-ntlmssp)"
    );
}

#[tokio::test]
async fn spnego_over_http_is_sealed() {
    let Some(oracle) = Oracle::start(&["--auth", "negotiate"]) else {
        return;
    };
    says_hello(&oracle, AuthMethod::Negotiate).await;
    assert_eq!(oracle.count("LOGIN"), 1);
}

#[tokio::test]
async fn basic_goes_over_tls() {
    let Some(oracle) = Oracle::start(&["--auth", "basic", "--tls"]) else {
        return;
    };
    says_hello(&oracle, AuthMethod::Basic).await;
}

#[tokio::test]
async fn basic_in_clear_is_for_those_who_ask_for_it() {
    let Some(oracle) = Oracle::start(&["--auth", "basic", "--allow-unencrypted"]) else {
        return;
    };
    let mut endpoint = oracle.endpoint(AuthMethod::Basic);
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::InvalidEndpoint { .. }), "{error}");
    assert_eq!(oracle.count("CONNECT"), 0);
    endpoint.allow_unencrypted = true;
    Shell::open(Arc::new(endpoint))
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    oracle.expect_clean();
}

#[tokio::test]
async fn a_login_over_tls_is_bound_to_the_certificate() {
    for (name, auth) in [("ntlm", AuthMethod::Ntlm), ("negotiate", AuthMethod::Negotiate)] {
        let Some(oracle) = Oracle::start(&["--auth", name, "--tls", "--cbt", "strict"]) else {
            return;
        };
        says_hello(&oracle, auth).await;
        assert_eq!(oracle.count("LOGIN"), 1);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_as_one() {
    for (arguments, auth) in [
        (&["--auth", "ntlm"][..], AuthMethod::Ntlm),
        (&["--auth", "negotiate"], AuthMethod::Negotiate),
        (&["--auth", "basic", "--tls"], AuthMethod::Basic),
    ] {
        let Some(oracle) = Oracle::start(arguments) else {
            return;
        };
        let mut endpoint = oracle.endpoint(auth);
        endpoint.credentials.password = auth::Secret::from("hunter2");
        let error = Shell::open(Arc::new(endpoint)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRefused, "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains(r"CONTOSO\operator was refused") && !text.contains("hunter2"),
            "{text}"
        );
        assert!(error.hint().unwrap().starts_with("wrong user or password"));
        // Tries with a wrong password count towards a lock-out: one is enough.
        assert!(oracle.count("REFUSED") <= 2, "{:#?}", oracle.lines());
        assert_eq!(oracle.count("CONNECT"), 1);
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_offered_is_named() {
    let Some(oracle) = Oracle::start(&["--auth", "basic", "--tls"]) else {
        return;
    };
    let error = Connection::open(&oracle.endpoint(AuthMethod::Negotiate))
        .await
        .unwrap_err();
    match &error {
        Error::LoginRefused { offered, .. } => assert_eq!(offered, &["Basic"]),
        other => panic!("{other}"),
    }
    assert!(error.hint().unwrap().contains("does not offer `Negotiate`"));
}

#[tokio::test]
async fn the_server_says_who_it_is() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm"]) else {
        return;
    };
    let mut connection = Connection::open(&oracle.endpoint(AuthMethod::Ntlm))
        .await
        .unwrap();
    assert_eq!((connection.scheme(), connection.requests()), ("ntlm", 2));
    let identity = connection.identify().await.unwrap();
    assert_eq!(identity.vendor.as_deref(), Some("oracle"));
    assert_eq!(identity.version.as_deref(), Some("OS: 0.0.0 SP: 0.0 Stack: 3.0"));
    assert_eq!(connection.requests(), 3);
    oracle.expect_well_formed();
}
