//! TLS for one connection: whom it trusts, with what it is spoken, and what a failure of it means.

mod named;
#[cfg(feature = "native-tls")]
mod native;
mod witness;

use std::io;
use std::sync::{Arc, OnceLock};

use reqwest::ClientBuilder;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{AlertDescription, ClientConfig, RootCertStore};

use self::named::Named;
use self::witness::{Pinned, Shown, Witness};
use crate::endpoint::{Endpoint, TlsBackend};
use crate::error::{Cause, Error};
use crate::handshake::{NoSecondTry, TlsProblem};

/// This machine's certificate authorities, read from its disk once.
static OF_THIS_MACHINE: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// With what one connection speaks TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Backend {
    Rustls,
    #[cfg_attr(
        not(feature = "native-tls"),
        expect(dead_code, reason = "there is only one then")
    )]
    Native,
}

impl Backend {
    /// The word in the inventory.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rustls => "rustls",
            Self::Native => "native",
        }
    }

    /// The one to begin with.
    pub(super) fn first(endpoint: &Endpoint) -> Result<Self, Error> {
        match endpoint.tls.backend {
            TlsBackend::Native if endpoint.is_tls() => native(endpoint),
            _ => Ok(Self::Rustls),
        }
    }

    /// The one to try after that failure of the first, if there is one.
    pub(super) fn second(endpoint: &Endpoint, failure: &Error) -> Option<Self> {
        let Error::TlsFailed { source, .. } = failure else {
            return None;
        };
        match source.downcast_ref::<TlsProblem>() {
            Some(TlsProblem::NothingInCommon {
                second: NoSecondTry::NotBuilt,
                ..
            }) => native(endpoint).ok(),
            _ => None,
        }
    }
}

#[cfg(feature = "native-tls")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature as without the feature"
)]
fn native(_: &Endpoint) -> Result<Backend, Error> {
    Ok(Backend::Native)
}

#[cfg(not(feature = "native-tls"))]
fn native(endpoint: &Endpoint) -> Result<Backend, Error> {
    Err(Error::TlsFailed {
        url: endpoint.name(),
        source: TlsProblem::NoNativeBackend.into(),
    })
}

/// TLS of one connection.
pub(super) struct Tls {
    backend: Backend,
    shown: Shown,
}

impl Tls {
    /// Prepares the HTTP client. Over plain HTTP nothing is ever asked of it.
    pub(super) async fn prepare(
        endpoint: &Endpoint,
        backend: Backend,
        builder: ClientBuilder,
    ) -> Result<(Self, ClientBuilder), Error> {
        let failed = |source: Cause| Error::TlsFailed {
            url: endpoint.name(),
            source,
        };
        let tls = Self {
            backend,
            shown: Shown::default(),
        };
        let builder = match backend {
            Backend::Rustls => {
                let config = tls.rustls(endpoint).await.map_err(failed)?;
                builder.tls_backend_preconfigured(config)
            }
            #[cfg(feature = "native-tls")]
            Backend::Native => {
                builder.tls_backend_preconfigured(native::connector(&endpoint.tls).map_err(failed)?)
            }
            #[cfg(not(feature = "native-tls"))]
            Backend::Native => return Err(failed(TlsProblem::NoNativeBackend.into())),
        };
        Ok((tls, builder))
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// The certificate that this connection saw, in DER.
    pub(super) fn shown(&self) -> Option<&[u8]> {
        self.shown.get()
    }

    async fn rustls(&self, endpoint: &Endpoint) -> Result<ClientConfig, Cause> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let mut config = if endpoint.is_tls() {
            let check: Arc<dyn ServerCertVerifier> = match (endpoint.tls.fingerprint, &endpoint.tls.ca) {
                (Some(pin), _) => Arc::new(Pinned::new(pin, provider)),
                (None, Some(pem)) => Arc::new(Named::new(pem, provider)?),
                (None, None) => {
                    let roots = of_this_machine().await?;
                    WebPkiServerVerifier::builder_with_provider(roots, provider).build()?
                }
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Witness::new(self.shown.clone(), check)))
        } else {
            // Nobody is asked over plain HTTP, and a machine without authorities must not matter there.
            builder.with_root_certificates(RootCertStore::empty())
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// What a failure to connect means: one of TLS with all that is known of it, or the cause unchanged where TLS has no part in it.
    pub(super) async fn explain(
        &self,
        endpoint: &Endpoint,
        name: &str,
        cause: Cause,
    ) -> Result<Cause, Cause> {
        #[cfg(feature = "native-tls")]
        if self.backend == Backend::Native {
            return native::explain(endpoint, name, cause).await;
        }
        match classify(&cause) {
            Kind::Elsewhere => Err(cause),
            Kind::Certificate => Ok(match self.shown.get() {
                Some(shown) => TlsProblem::of_certificate(&endpoint.tls, name, shown, cause).into(),
                None => cause,
            }),
            Kind::NothingInCommon => Ok(TlsProblem::NothingInCommon {
                second: match endpoint.tls.backend {
                    TlsBackend::Rustls => NoSecondTry::NotWanted,
                    _ if !endpoint.is_native_possible() => NoSecondTry::Proxy,
                    _ => NoSecondTry::NotBuilt,
                },
                source: cause,
            }
            .into()),
            Kind::Other => Ok(cause),
        }
    }
}

/// Where in the handshake rustls failed.
#[derive(Debug, Eq, PartialEq)]
enum Kind {
    /// Not in TLS.
    Elsewhere,
    Certificate,
    NothingInCommon,
    Other,
}

fn classify(cause: &Cause) -> Kind {
    let mut kind = Kind::Elsewhere;
    for_each_cause(cause, |error| {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            kind = match error {
                rustls::Error::InvalidCertificate(_) => Kind::Certificate,
                rustls::Error::PeerIncompatible(_)
                | rustls::Error::AlertReceived(
                    AlertDescription::HandshakeFailure
                    | AlertDescription::ProtocolVersion
                    | AlertDescription::InsufficientSecurity,
                ) => Kind::NothingInCommon,
                _ => Kind::Other,
            };
        } else if let Some(error) = error.downcast_ref::<io::Error>()
            && kind == Kind::Elsewhere
            && matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            )
        {
            // Windows resets the connection where it finds no suite in common, rather than say so.
            kind = Kind::NothingInCommon;
        }
    });
    kind
}

/// Visits an error and all that it was caused by.
fn for_each_cause(cause: &Cause, mut visit: impl FnMut(&(dyn std::error::Error + 'static))) {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(cause.as_ref());
    while let Some(error) = next {
        visit(error);
        // An `io::Error` does not name the error inside of it as its cause, only that one's cause.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
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
