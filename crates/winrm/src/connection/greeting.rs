//! The first exchange over `https`: an empty request without a user, which nobody minds.
//!
//! It brings TLS about, shows the certificate that the login is to be bound to, and its answer, a 401, tells already which schemes the server
//! offers. Nothing secret is sent before the certificate has passed.

use tokio::time::Instant;

use super::login::{post_error, remaining};
use super::tls::Backend;
use super::transport::{PostError, Reply, Transport};
use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::handshake::TlsProblem;

/// What errors call this.
const STEP: &str = "the first request";

/// What TLS brought about on a connection.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `rustls` or `native`: the word in an inventory.
    pub backend: &'static str,
    /// What the server showed, and the login is bound to.
    pub certificate: Certificate,
    /// That the second backend had to be tried, and what to write so that the first is not.
    pub notice: Option<String>,
}

/// A connection over which the server was greeted.
pub(super) struct Greeted {
    pub(super) transport: Transport,
    pub(super) reply: Reply,
    pub(super) facts: TlsFacts,
}

/// Connects, with the second backend where the first has nothing in common with the server.
pub(super) async fn greet(endpoint: &Endpoint, until: Instant) -> Result<Greeted, Error> {
    let first = Backend::first(endpoint)?;
    let failure = match greet_with(endpoint, first, until).await {
        Ok(greeted) => return Ok(greeted),
        Err(failure) => failure,
    };
    let Some(second) = Backend::second(endpoint, &failure) else {
        return Err(failure);
    };
    let mut greeted = greet_with(endpoint, second, until).await?;
    greeted.facts.notice = Some(format!(
        "{}: no TLS version or cipher suite in common with {}, so TLS is spoken with the second backend; `tls = \"{}\"` saves the first try",
        endpoint.name(),
        first.word(),
        second.word()
    ));
    Ok(greeted)
}

async fn greet_with(endpoint: &Endpoint, backend: Backend, until: Instant) -> Result<Greeted, Error> {
    let mut transport = Transport::new(endpoint, backend).await?;
    let reply = match transport.post(None, None, Vec::new(), remaining(until)).await {
        Ok(reply) => reply,
        Err(PostError::Connect(cause)) => {
            let url = endpoint.name();
            return Err(
                match transport.tls().explain(endpoint, transport.host(), cause).await {
                    Ok(source) => Error::TlsFailed { url, source },
                    Err(source) => Error::Unreachable { url, source },
                },
            );
        }
        Err(error) => return Err(post_error(endpoint, STEP, error)),
    };
    let shown = reply
        .certificate
        .as_deref()
        .ok_or_else(|| Error::UnexpectedReply {
            url: endpoint.name(),
            expected: "the certificate of the TLS connection",
            found: "none".to_owned(),
        })?;
    let certificate = Certificate::read(shown);
    if let Some(pin) = endpoint.tls.fingerprint
        && pin != certificate.fingerprint
    {
        // rustls has checked this before; for OpenSSL this is the check.
        return Err(Error::TlsFailed {
            url: endpoint.name(),
            source: TlsProblem::OtherCertificate {
                expected: pin,
                found: Box::new(certificate),
            }
            .into(),
        });
    }
    Ok(Greeted {
        facts: TlsFacts {
            backend: transport.tls().backend().word(),
            certificate,
            notice: None,
        },
        transport,
        reply,
    })
}

/// The certificate that the server shows, unchecked, over a connection of its own that carries nothing and is used for nothing else.
#[cfg(feature = "native-tls")]
pub(super) async fn look(endpoint: &Endpoint) -> Option<Vec<u8>> {
    let mut endpoint = endpoint.clone();
    // Any pin switches OpenSSL's own check off, so that the handshake comes to its end; nobody compares it here.
    endpoint.tls.fingerprint = Some(crate::endpoint::Fingerprint::new([0; 32]));
    let mut transport = Transport::new(&endpoint, Backend::Native).await.ok()?;
    let limit = endpoint.timeouts.login;
    let reply = transport.post(None, None, Vec::new(), limit).await.ok()?;
    reply.certificate
}
