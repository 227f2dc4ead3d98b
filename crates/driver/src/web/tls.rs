//! TLS towards front ends: whom to trust, and which name the certificate must bear.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::error::WebError;

/// A TLS configuration that trusts `authority` (PEM), or the system's authorities without one, and asks for a certificate for `name`.
///
/// The name is fixed here and not taken from the URL, since a server is asked by its own address while its certificate is for the name that
/// the clients type.
pub(crate) fn client_config(authority: Option<&[u8]>, name: &str) -> Result<ClientConfig, WebError> {
    let unusable = |problem: String| WebError::CertificateAuthority { problem };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(authority)?);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| unusable(format!("`{name}` is not a name that a certificate can bear")))?;
    Ok(ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamedVerifier {
            inner,
            name,
            provider,
        }))
        .with_no_client_auth())
}

fn roots(authority: Option<&[u8]>) -> Result<RootCertStore, WebError> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()))
                    .map_err(|problem| WebError::CertificateAuthority { problem })?;
            }
            if roots.is_empty() {
                return Err(WebError::CertificateAuthority {
                    problem: "it holds no certificate".to_owned(),
                });
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

/// WebPKI's verification with a name of our choice in place of the URL's.
#[derive(Debug)]
struct NamedVerifier {
    inner: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for NamedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name_of_the_url: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let error = client_config(Some(b"hello"), "mail.contoso.example").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the certificate authority's file cannot be used: it holds no certificate"
        );
    }

    #[test]
    fn a_name_that_no_certificate_bears_is_refused() {
        let error = client_config(None, "not a name").unwrap_err();
        assert!(
            matches!(error, WebError::CertificateAuthority { .. }),
            "{error:?}"
        );
    }
}
