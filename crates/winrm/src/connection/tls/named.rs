//! Trust in what a file names.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::Cause;

/// Trusts what a file names: authorities, and single certificates of servers.
///
/// A WinRM listener often has a certificate that it signed itself. Where that also claims to be an authority, the usual check refuses
/// it as the certificate of a server; here it passes if it is, byte for byte, one of those named, and has the right name.
#[derive(Debug)]
pub(super) struct Named {
    certificates: Vec<CertificateDer<'static>>,
    usual: Arc<WebPkiServerVerifier>,
}

impl Named {
    pub(super) fn new(pem: &[u8], provider: Arc<CryptoProvider>) -> Result<Self, Cause> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() {
            return Err("expected at least one certificate in PEM, found none".into());
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone())?;
        }
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { certificates, usual })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self
            .usual
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
        {
            // `Other` is what the usual check says of an authority in the place of a server, after it has looked at the dates.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.certificates.iter().any(|named| named == certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    struct Made {
        pem: String,
        der: CertificateDer<'static>,
    }

    /// A certificate that signed itself.
    fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = CertificateParams::new(vec!["cas01.contoso.example".to_owned()]).unwrap();
        change(&mut params);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Made {
            pem: made.pem(),
            der: made.der().clone(),
        }
    }

    fn authority(params: &mut CertificateParams) {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }

    fn verify(trusted: &Made, shown: &Made, name: &str) -> Result<(), rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Named::new(trusted.pem.as_bytes(), provider).unwrap();
        let name = ServerName::try_from(name).unwrap().to_owned();
        verifier
            .verify_server_cert(&shown.der, &[], &name, &[], UnixTime::now())
            .map(|_| ())
    }

    #[test]
    fn a_server_that_signed_its_own_certificate_is_trusted_if_named() {
        for made in [self_signed(|_| {}), self_signed(authority)] {
            assert_eq!(verify(&made, &made, "cas01.contoso.example"), Ok(()));
            let other = verify(&made, &made, "cas02.contoso.example").unwrap_err();
            assert!(
                matches!(
                    other,
                    rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
                ),
                "{other}"
            );
        }
    }

    #[test]
    fn another_certificate_with_the_same_names_is_not_trusted() {
        for (trusted, shown) in [
            (self_signed(authority), self_signed(authority)),
            (self_signed(|_| {}), self_signed(authority)),
            (self_signed(authority), self_signed(|_| {})),
        ] {
            assert!(verify(&trusted, &shown, "cas01.contoso.example").is_err());
        }
    }

    #[test]
    fn an_expired_certificate_is_refused_even_if_named() {
        let made = self_signed(|params| {
            authority(params);
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        });
        let error = verify(&made, &made, "cas01.contoso.example").unwrap_err();
        assert!(
            matches!(
                error,
                rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. })
            ),
            "{error}"
        );
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        assert_eq!(
            Named::new(b"not a certificate", provider)
                .unwrap_err()
                .to_string(),
            "expected at least one certificate in PEM, found none"
        );
    }
}
