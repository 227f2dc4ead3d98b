//! Whom a connection over `https` trusts.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::endpoint::Endpoint;
use crate::error::{Cause, Error};

/// This machine's certificate authorities, read from its disk once.
static OF_THIS_MACHINE: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// The configuration of one connection. Its certificate checks cannot be switched off.
pub(super) async fn config(endpoint: &Endpoint) -> Result<ClientConfig, Error> {
    let failed = |source: Cause| Error::TlsFailed {
        url: endpoint.name(),
        source,
    };
    let roots = match &endpoint.tls.ca {
        Some(pem) => Arc::new(from_pem(pem).map_err(failed)?),
        None => of_this_machine().await.map_err(failed)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| failed(source.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn from_pem(pem: &[u8]) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate?)?;
    }
    match roots.is_empty() {
        true => Err("expected at least one certificate in PEM, found none".into()),
        false => Ok(roots),
    }
}

/// Authorities that cannot be read or are malformed are left out, as browsers do; none at all is an error.
async fn of_this_machine() -> Result<Arc<RootCertStore>, Cause> {
    if let Some(known) = OF_THIS_MACHINE.get() {
        return Ok(Arc::clone(known));
    }
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let why = loaded
            .errors
            .first()
            .map(|error| format!(": {error}"))
            .unwrap_or_default();
        return Err(format!("expected certificate authorities on this machine, found none{why}").into());
    }
    Ok(Arc::clone(OF_THIS_MACHINE.get_or_init(|| Arc::new(roots))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        assert_eq!(
            from_pem(b"not a certificate").unwrap_err().to_string(),
            "expected at least one certificate in PEM, found none"
        );
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        assert_eq!(from_pem(made.cert.pem().as_bytes()).unwrap().len(), 1);
    }
}
