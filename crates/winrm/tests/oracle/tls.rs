//! Which certificates are trusted, and with what TLS is spoken.

use winrm::{AuthMethod, Connection, Endpoint, Error, Fingerprint, TlsBackend, TlsPolicy, TlsProblem};

use crate::Oracle;

/// What TLS said no with.
#[expect(clippy::panic, reason = "a helper of tests")]
async fn problem(endpoint: &Endpoint) -> (TlsProblem, String) {
    let error = Connection::open(endpoint).await.unwrap_err();
    let hint = error.hint().unwrap();
    match error {
        Error::TlsFailed { source, .. } => (*source.downcast::<TlsProblem>().unwrap(), hint),
        other => panic!("{other}: {:?}", std::error::Error::source(&other)),
    }
}

/// Trust in every way, with one backend.
async fn trust(backend: TlsBackend, arguments: &[&str]) {
    let Some(oracle) = Oracle::start(&[&["--auth", "ntlm", "--tls", "--cbt", "strict"], arguments].concat())
    else {
        return;
    };
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    let ca = endpoint.tls.ca.take();

    // Nobody knows who signed it; the hint tells a line that lets it pass.
    endpoint.tls.backend = backend;
    let (unknown, hint) = problem(&endpoint).await;
    assert!(matches!(unknown, TlsProblem::UnknownIssuer { .. }), "{unknown}");
    let text = unknown.to_string();
    assert!(
        text.starts_with(
            "expected a certificate signed by an authority that this machine trusts, found one for localhost, 127.0.0.1, signed by itself, \
             valid from "
        ),
        "{text}"
    );
    let fingerprint = unknown.certificate().unwrap().fingerprint;
    assert!(
        hint.contains("`ca_file = ") && hint.contains(&format!("`fingerprint = \"{fingerprint}\"`")),
        "{hint}"
    );
    oracle.expect_count("LOGIN", 0);

    // Pinned: the name does not matter any more, and the login is bound all the same.
    endpoint.tls.fingerprint = Some(fingerprint);
    endpoint.tls.server_name = Some("cas01.contoso.example".to_owned());
    endpoint.url.set_host(Some("127.0.0.1")).unwrap();
    let connection = Connection::open(&endpoint).await.unwrap();
    let facts = connection.tls().unwrap();
    assert_eq!(facts.certificate.fingerprint, fingerprint);
    oracle.expect_count("LOGIN", 1);

    // Another pin, although everything else would be right.
    let other = Fingerprint::of(b"another certificate");
    endpoint.tls = TlsPolicy {
        ca: ca.clone(),
        fingerprint: Some(other),
        backend,
        ..TlsPolicy::default()
    };
    endpoint.url.set_host(Some("localhost")).unwrap();
    let (refused, hint) = problem(&endpoint).await;
    assert!(
        matches!(&refused, TlsProblem::OtherCertificate { expected, found } if *expected == other && found.fingerprint == fingerprint),
        "{refused}"
    );
    assert!(
        refused.to_string().starts_with(&format!(
            "expected the certificate {other}, found one for localhost"
        )),
        "{refused}"
    );
    assert!(
        hint.contains("somebody stands between") && hint.contains(&fingerprint.to_string()),
        "{hint}"
    );

    // An authority that is named, and another name than the one asked for.
    endpoint.tls.fingerprint = None;
    endpoint.tls.server_name = Some("cas01.contoso.example".to_owned());
    let (refused, hint) = problem(&endpoint).await;
    assert!(
        matches!(&refused, TlsProblem::OtherName { expected, .. } if expected == "cas01.contoso.example"),
        "{refused}"
    );
    assert!(hint.contains("`tls_server_name = \"localhost\"`"), "{hint}");
    oracle.expect_count("LOGIN", 1);

    // By address, under the name that the certificate has.
    endpoint.url.set_host(Some("127.0.0.1")).unwrap();
    endpoint.tls.server_name = Some("localhost".to_owned());
    let mut connection = Connection::open(&endpoint).await.unwrap();
    assert!(connection.identify().await.is_ok());
    oracle.expect_count("LOGIN", 2);
    oracle.expect_well_formed();
}

#[tokio::test]
async fn trust_is_by_authority_by_pin_or_not_at_all() {
    trust(TlsBackend::Automatic, &[]).await;
}

/// The suites of Windows Server 2012 R2 with an RSA key: rustls has none of them.
const OLD: [&str; 5] = ["--auth", "ntlm", "--tls", "--suites", "2012r2"];

#[tokio::test]
async fn a_server_without_a_suite_in_common_is_told_as_such() {
    let Some(oracle) = Oracle::start(&OLD) else { return };
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.tls.backend = TlsBackend::Rustls;
    let (nothing, hint) = problem(&endpoint).await;
    assert_eq!(
        nothing.to_string(),
        "expected a TLS version and a cipher suite in common with rustls, found none; `tls = \"rustls\"` keeps the second TLS backend from \
         being tried"
    );
    assert!(
        hint.starts_with("leave out `tls`, or write `tls = \"native\"`"),
        "{hint}"
    );
}

#[cfg(not(feature = "native-tls"))]
mod without {
    use super::*;

    #[tokio::test]
    async fn the_missing_backend_is_named() {
        let Some(oracle) = Oracle::start(&OLD) else { return };
        let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
        let (nothing, hint) = problem(&endpoint).await;
        let text = nothing.to_string();
        assert!(
            text.ends_with("built without the second TLS backend (cargo feature `native-tls`)"),
            "{text}"
        );
        assert!(
            hint.contains("cargo install --path crates/cli --features native-tls"),
            "{hint}"
        );

        endpoint.tls.backend = TlsBackend::Native;
        let (missing, hint) = problem(&endpoint).await;
        assert!(matches!(missing, TlsProblem::NoNativeBackend), "{missing}");
        assert!(hint.contains("--features native-tls"), "{hint}");
    }
}

#[cfg(feature = "native-tls")]
mod with {
    use super::*;
    use crate::run;

    #[tokio::test]
    async fn the_second_backend_trusts_as_the_first_does() {
        trust(TlsBackend::Native, &[]).await;
        trust(TlsBackend::Native, &["--suites", "2012r2"]).await;
        trust(TlsBackend::Automatic, &["--suites", "2012r2"]).await;
    }

    #[tokio::test]
    async fn an_old_server_is_spoken_to_with_the_second_backend_and_a_notice() {
        for auth in [AuthMethod::Ntlm, AuthMethod::Negotiate] {
            let Some(oracle) =
                Oracle::start(&[&OLD[2..], &["--auth", auth.word(), "--cbt", "strict"]].concat())
            else {
                return;
            };
            let output = run(&oracle, auth, "echo hello; exit 7").await.unwrap();
            assert_eq!(
                (output.exit_code, output.stdout.as_slice()),
                (7, b"hello\n".as_slice())
            );
            let connection = Connection::open(&oracle.endpoint(auth)).await.unwrap();
            let facts = connection.tls().unwrap();
            assert_eq!(facts.backend, "native");
            let notice = facts.notice.as_deref().unwrap();
            assert!(
                notice.contains("no TLS version or cipher suite in common with rustls")
                    && notice.contains("`tls = \"native\"`"),
                "{notice}"
            );
            let mut endpoint = oracle.endpoint(auth);
            endpoint.tls.backend = TlsBackend::Native;
            let connection = Connection::open(&endpoint).await.unwrap();
            assert_eq!(connection.tls().unwrap().notice, None);
            oracle.expect_count("LOGIN", 3);
        }
    }

    #[tokio::test]
    async fn basic_sends_no_password_to_a_certificate_that_is_not_the_pinned_one() {
        let Some(oracle) = Oracle::start(&["--auth", "basic", "--tls", "--suites", "2012r2"]) else {
            return;
        };
        let output = run(&oracle, AuthMethod::Basic, "echo hello").await.unwrap();
        assert_eq!(output.stdout, b"hello\n");
        oracle.expect_clean();
        let refused = oracle.count("REFUSED");
        let actions = oracle.count("ACTION");
        let mut endpoint = oracle.endpoint(AuthMethod::Basic);
        endpoint.tls.fingerprint = Some(Fingerprint::of(b"another certificate"));
        endpoint.tls.backend = TlsBackend::Native;
        let (other, _) = problem(&endpoint).await;
        assert!(matches!(other, TlsProblem::OtherCertificate { .. }), "{other}");
        // It saw the empty greeting, and nothing else.
        assert_eq!(oracle.count("REFUSED not authenticated"), oracle.count("REFUSED"));
        assert_eq!(
            (oracle.count("REFUSED"), oracle.count("ACTION")),
            (refused + 1, actions)
        );
    }
}
