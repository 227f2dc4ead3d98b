//! Why a front end gave no answer at all. An HTTP answer, whatever its status, is not an error here.

use std::net::IpAddr;
use std::time::Duration;

/// No answer from a front end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// The server's name has no address.
    #[error("the address of {address} cannot be found")]
    Resolve {
        address: String,
        #[source]
        source: std::io::Error,
    },
    /// The server has no address of the vantage's family.
    #[error("{address} has no address that can be reached from {from}")]
    NoAddressFor { address: String, from: IpAddr },
    /// The file of the certificate authority holds no certificate that can be read.
    #[error("the certificate authority's file cannot be used: {problem}")]
    CertificateAuthority { problem: String },
    /// The client could not be made.
    #[error("no HTTPS client can be made for {address}")]
    Client {
        address: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something that is no path.
    #[error("`{path}` is not a path on a web server")]
    Path { path: String },
    /// The connection, TLS or the exchange failed.
    #[error("no answer to GET {path}")]
    Request {
        path: String,
        #[source]
        source: reqwest::Error,
    },
    /// A limit passed.
    #[error("no answer to GET {path} within {limit:?}")]
    TimedOut { path: String, limit: Duration },
}

impl WebError {
    /// Whether the server took the request, and closed the connection without a word.
    pub(crate) fn is_dropped(&self) -> bool {
        matches!(self, Self::Request { source, .. } if source.is_request() && !source.is_connect() && !source.is_timeout())
    }

    /// Whether it was time that ran out.
    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Request { source, .. } => source.is_timeout(),
            _ => false,
        }
    }

    /// Whether no connection could be made.
    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::NoAddressFor { .. } => true,
            Self::Request { source, .. } => source.is_connect(),
            _ => false,
        }
    }
}
