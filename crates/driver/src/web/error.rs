//! Why a front end gave no answer at all. An HTTP answer, whatever its status, is not an error here.

use std::net::IpAddr;
use std::time::Duration;

use exchange::vantage::{NoAnswer, Stage};
use inventory::ServerName;
use rollout::StepError;

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
    /// Another Windows server asked, and had no answer.
    #[error("no answer to GET {path} that {vantage} sent: {}", in_words(.failed))]
    Unanswered {
        path: String,
        vantage: ServerName,
        failed: NoAnswer,
    },
    /// Another Windows server could not be made to ask, so that nothing was seen.
    #[error("{vantage} saw nothing: {}", .error.found)]
    Lost {
        vantage: ServerName,
        error: Box<StepError>,
    },
}

impl WebError {
    /// Whether the server took the request, and closed the connection without a word.
    pub(crate) fn is_dropped(&self) -> bool {
        match self {
            Self::Request { source, .. } => {
                source.is_request() && !source.is_connect() && !source.is_timeout()
            }
            Self::Unanswered { failed, .. } => failed.is_dropped(),
            _ => false,
        }
    }

    /// Whether it was time that ran out.
    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Request { source, .. } => source.is_timeout(),
            Self::Unanswered { failed, .. } => failed.is_timeout(),
            _ => false,
        }
    }

    /// Whether no connection could be made.
    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::NoAddressFor { .. } => true,
            Self::Request { source, .. } => source.is_connect(),
            Self::Unanswered { failed, .. } => failed.stage == Stage::Connect,
            _ => false,
        }
    }
}

fn in_words(failed: &NoAnswer) -> String {
    let stage = match failed.stage {
        Stage::Connect => "connecting",
        Stage::Tls => "TLS",
        Stage::Answer => "waiting for the answer",
        Stage::Headers => "reading its headers",
    };
    match failed.code {
        Some(code) => format!("{stage} ended with {} {code}", failed.exception),
        None => format!("{stage} ended with {}", failed.exception),
    }
}
