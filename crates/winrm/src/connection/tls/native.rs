//! The second TLS backend: OpenSSL, for servers that share no cipher suite with rustls.
//!
//! It checks certificates by itself, but tells neither which one it refused nor lets anybody else decide. So a pinned certificate is checked
//! once the handshake is over and before anything secret is sent, and a refused one is looked at over a connection of its own.

use native_tls::{Certificate, Protocol, TlsConnector};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::for_each_cause;
use crate::connection::greeting;
use crate::endpoint::{Endpoint, TlsPolicy};
use crate::error::Cause;
use crate::handshake::TlsProblem;

/// The connector of one connection.
pub(super) fn connector(policy: &TlsPolicy) -> Result<TlsConnector, Cause> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    if policy.fingerprint.is_some() {
        // The pin takes the place of these checks: the greeting compares it before it lets the connection be used.
        builder.danger_accept_invalid_certs(true);
        builder.danger_accept_invalid_hostnames(true);
    } else if let Some(pem) = &policy.ca {
        builder.disable_built_in_roots(true);
        let mut named = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            builder.add_root_certificate(Certificate::from_der(&certificate?)?);
            named += 1;
        }
        if named == 0 {
            return Err("expected at least one certificate in PEM, found none".into());
        }
    }
    Ok(builder.build()?)
}

/// What a failure to connect means: one of TLS with all that is known of it, or the cause unchanged where TLS has no part in it.
pub(super) async fn explain(endpoint: &Endpoint, name: &str, cause: Cause) -> Result<Cause, Cause> {
    let mut text = None;
    for_each_cause(&cause, |error| {
        if error.is::<native_tls::Error>() {
            text = Some(error.to_string());
        }
    });
    let Some(text) = text else { return Err(cause) };
    if !text.contains("certificate verify failed") {
        return Ok(cause);
    }
    Ok(match greeting::look(endpoint).await {
        Some(shown) => TlsProblem::of_certificate(&endpoint.tls, name, &shown, cause).into(),
        None => cause,
    })
}
