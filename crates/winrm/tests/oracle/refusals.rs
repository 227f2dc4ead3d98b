//! Logins that a foreign endpoint refuses, each with the explanation that fits.

use std::sync::Arc;

use rcgen::PKCS_ECDSA_P256_SHA256;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use winrm::{AuthMethod, Binding, Connection, Error, Shell};

use crate::Oracle;
use crate::identity::Identity;

/// Somebody who opens TLS on the way to the endpoint, as an inspecting firewall does, and whose certificate the client trusts.
async fn between(oracle: &Oracle) -> (u16, Identity) {
    let identity = Identity::new("localhost", &PKCS_ECDSA_P256_SHA256, |_| {});
    let acceptor = identity.acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let upstream = oracle.port;
    let connector = connector();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut client = acceptor.accept(stream).await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
            let mut server = connector
                .connect("localhost".try_into().unwrap(), server)
                .await
                .unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (port, identity)
}

/// Who stands between need not be careful.
#[derive(Debug)]
struct Careless(Arc<CryptoProvider>);

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn connector() -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Careless(provider)))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_login_relayed_through_another_certificate_is_refused_and_says_so() {
    let Some(oracle) = Oracle::start(&["--auth", "ntlm", "--tls", "--cbt", "strict"]) else {
        return;
    };
    let (port, identity) = between(&oracle).await;
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.url.set_port(Some(port)).unwrap();
    endpoint.tls.ca = Some(identity.pem.into_bytes());
    let error = Connection::open(&endpoint).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(
        matches!(&error, Error::LoginRefused { circumstances, .. } if circumstances.binding == Binding::Bound),
        "{error}"
    );
    assert!(hint.contains("a proxy that opens TLS in between"), "{hint}");
    assert_eq!(oracle.count("LOGIN"), 0);
}

#[tokio::test]
async fn a_service_that_takes_nothing_in_clear_is_told_from_a_wrong_password() {
    let Some(oracle) = Oracle::start(&["--auth", "basic"]) else {
        return;
    };
    let mut endpoint = oracle.endpoint(AuthMethod::Basic);
    endpoint.allow_unencrypted = true;
    let error = Shell::open(Arc::new(endpoint)).await.unwrap_err();
    oracle.expect_count("REFUSED plain body", 1);
    assert!(error.hint().unwrap().contains("AllowUnencrypted"), "{error}");

    // Sealed messages are not meant by that.
    let Some(oracle) = Oracle::start(&["--auth", "ntlm"]) else {
        return;
    };
    let mut endpoint = oracle.endpoint(AuthMethod::Ntlm);
    endpoint.credentials.password = auth::Secret::from("hunter2");
    let error = Shell::open(Arc::new(endpoint)).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(
        hint.starts_with("wrong user or password") && !hint.contains("AllowUnencrypted"),
        "{hint}"
    );
}
