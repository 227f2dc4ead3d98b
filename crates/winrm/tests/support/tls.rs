//! A server's side of TLS, with certificates made for the occasion.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate that signed itself, with its key.
pub(crate) struct Identity {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    pub(crate) fn new(
        name: &str,
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let made = params.self_signed(&key).unwrap();
        Self {
            pem: made.pem(),
            der: made.der().to_vec(),
            key: key.serialize_der(),
        }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone().into()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
