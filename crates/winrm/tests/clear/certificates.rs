//! Certificates that are refused, with each backend that this build has.

use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use winrm::{AuthMethod, Binding, Connection, Error, Fingerprint, TlsBackend, TlsPolicy, TlsProblem};

use crate::Server;
use crate::identity::Identity;

const BACKENDS: &[TlsBackend] = if cfg!(feature = "native-tls") {
    &[TlsBackend::Rustls, TlsBackend::Native]
} else {
    &[TlsBackend::Rustls]
};

/// A server that shows this certificate and answers every request with a 401.
async fn shows(identity: &Identity) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        seen: Default::default(),
    };
    let acceptor = identity.acceptor();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let refusal =
                            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n";
                        let _ = stream.write_all(refusal).await;
                    }
                }
            });
        }
    });
    server
}

async fn open(server: &Server, tls: TlsPolicy) -> Error {
    let mut endpoint = server.endpoint();
    endpoint.url = format!("https://localhost:{}/wsman", server.port)
        .parse()
        .unwrap();
    endpoint.tls = tls;
    Connection::open(&endpoint).await.unwrap_err()
}

#[tokio::test]
async fn an_expired_certificate_is_refused_with_its_dates_and_what_to_do() {
    for (from, until) in [(2001, 2002), (2998, 2999)] {
        let identity = Identity::new("localhost", &PKCS_ECDSA_P256_SHA256, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(until, 1, 1);
        });
        let server = shows(&identity).await;
        for &backend in BACKENDS {
            let policy = || TlsPolicy {
                ca: Some(identity.pem.clone().into_bytes()),
                backend,
                ..TlsPolicy::default()
            };
            let error = open(&server, policy()).await;
            let hint = error.hint().unwrap();
            let Error::TlsFailed { source, .. } = error else {
                unreachable!("{error}")
            };
            let problem = source.downcast::<TlsProblem>().unwrap();
            assert!(matches!(*problem, TlsProblem::OutOfTime { .. }), "{problem}");
            let fingerprint = Fingerprint::of(&identity.der);
            assert_eq!(
                problem.to_string(),
                format!(
                    "expected a certificate that holds today, found one for localhost, signed by itself, valid from {from}-01-01T00:00:00Z until \
                     {until}-01-01T00:00:00Z, {fingerprint}"
                )
            );
            assert!(
                hint.contains("this machine's clock")
                    && hint.contains(&format!("`fingerprint = \"{fingerprint}\"`")),
                "{hint}"
            );
            // The pin takes the place of the dates.
            let pinned = open(
                &server,
                TlsPolicy {
                    fingerprint: Some(fingerprint),
                    ..policy()
                },
            )
            .await;
            assert!(matches!(pinned, Error::LoginRefused { .. }), "{pinned}");
        }
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_told_before_anything_is_sent() {
    let identity = Identity::new("localhost", &PKCS_ECDSA_P256_SHA256, |_| {});
    let server = shows(&identity).await;
    for &backend in BACKENDS {
        let error = open(
            &server,
            TlsPolicy {
                ca: Some(b"nothing".to_vec()),
                backend,
                ..TlsPolicy::default()
            },
        )
        .await;
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "expected at least one certificate in PEM, found none");
    }
}

/// RFC 5929 defines no binding for EdDSA. A service that insists on one refuses every login, and only this tells why.
#[tokio::test]
async fn a_certificate_that_allows_no_binding_is_named() {
    for (algorithm, binding) in [
        (&PKCS_ED25519, Binding::Undefined),
        (&PKCS_ECDSA_P256_SHA256, Binding::Bound),
    ] {
        let identity = Identity::new("localhost", algorithm, |_| {});
        let server = shows(&identity).await;
        let mut endpoint = server.endpoint();
        endpoint.url = format!("https://localhost:{}/wsman", server.port)
            .parse()
            .unwrap();
        endpoint.auth = AuthMethod::Ntlm;
        endpoint.tls.fingerprint = Some(Fingerprint::of(&identity.der));
        let error = Connection::open(&endpoint).await.unwrap_err();
        let hint = error.hint().unwrap();
        assert!(
            matches!(&error, Error::LoginRefused { circumstances, .. } if circumstances.binding == binding),
            "{error}"
        );
        let named = hint.contains("allows no channel binding, which CbtHardeningLevel=Strict insists on");
        assert_eq!(named, binding == Binding::Undefined, "{hint}");
    }
}

/// Windows resets the connection when it finds no suite in common; others send an alert. Both lead to the same words.
#[tokio::test]
async fn a_handshake_cut_off_is_taken_for_nothing_in_common() {
    for alert in [
        &b""[..],
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x15\x03\x03\x00\x02\x02\x46",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            seen: Default::default(),
        };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut hello = [0; 5];
                let _ = stream.read_exact(&mut hello).await;
                let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
                let _ = stream.read_exact(&mut rest).await;
                let _ = stream.write_all(alert).await;
            }
        });
        let error = open(
            &server,
            TlsPolicy {
                backend: TlsBackend::Rustls,
                fingerprint: Some(Fingerprint::new([0; 32])),
                ..TlsPolicy::default()
            },
        )
        .await;
        let cause = std::error::Error::source(&error).unwrap();
        assert!(
            matches!(cause.downcast_ref(), Some(TlsProblem::NothingInCommon { .. })),
            "{alert:?}: {cause:?}"
        );
    }
}
