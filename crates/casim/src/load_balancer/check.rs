//! Health checks: one HTTPS request per server and interval, from the load balancer's own address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::Shared;
use super::member::Admin;
use crate::web_client::{Failure, WebConnection};

/// How the servers are checked.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Host and SNI of the request.
    pub host: String,
    /// Path of the request.
    pub path: String,
    /// Real time between the end of a check and the next one.
    pub interval: Duration,
    /// Real time that each phase of a check may take.
    pub timeout: Duration,
    /// Whom the checks trust.
    pub tls: Arc<ClientConfig>,
}

/// What a check found, by the layer that it reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// 2xx or 3xx.
    Passed {
        /// The HTTP status.
        status: u16,
    },
    /// Any other status.
    WrongStatus {
        /// The HTTP status.
        status: u16,
    },
    /// The connection was refused or broke.
    ConnectFailed,
    /// Nobody answered the connection.
    ConnectTimeout,
    /// TLS failed.
    TlsFailed,
    /// TLS did not end in time.
    TlsTimeout,
    /// The connection was closed instead of an answer.
    NoAnswer,
    /// No answer in time.
    AnswerTimeout,
}

impl CheckResult {
    pub(super) fn passed(self) -> bool {
        matches!(self, Self::Passed { .. })
    }

    /// HAProxy's word, its number in the server state file, and its description.
    pub(super) fn words(self) -> (&'static str, u8, &'static str) {
        match self {
            Self::ConnectTimeout => ("L4TOUT", 7, "Layer4 timeout"),
            Self::ConnectFailed => ("L4CON", 8, "Layer4 connection problem"),
            Self::TlsTimeout => ("L6TOUT", 10, "Layer6 timeout"),
            Self::TlsFailed => ("L6RSP", 11, "Layer6 invalid response"),
            Self::AnswerTimeout => ("L7TOUT", 12, "Layer7 timeout"),
            Self::NoAnswer => ("L7RSP", 13, "Layer7 invalid response"),
            Self::Passed { .. } => ("L7OK", 15, "Layer7 check passed"),
            Self::WrongStatus { .. } => ("L7STS", 17, "Layer7 wrong status"),
        }
    }

    pub(super) fn status(self) -> Option<u16> {
        match self {
            Self::Passed { status } | Self::WrongStatus { status } => Some(status),
            _ => None,
        }
    }

    /// The `last_chk` column: what the server or the system said.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::ConnectFailed => "Connection refused",
            Self::TlsFailed => "SSL handshake failure",
            Self::WrongStatus { status } => StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default(),
            _ => "",
        }
    }
}

impl From<&Failure> for CheckResult {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Connect { .. } => Self::ConnectFailed,
            Failure::ConnectTimeout { .. } => Self::ConnectTimeout,
            Failure::Tls { .. } => Self::TlsFailed,
            Failure::TlsTimeout { .. } => Self::TlsTimeout,
            Failure::Answer { .. } | Failure::Path { .. } => Self::NoAnswer,
            Failure::AnswerTimeout { .. } => Self::AnswerTimeout,
        }
    }
}

/// Checks one server for ever.
///
/// HAProxy makes a new connection for every check. Here one is kept while it works: at a hundred times real speed
/// the handshakes would take the processor from what is being simulated. A stopped front end closes it.
pub(super) async fn watch(shared: Arc<Shared>, index: usize, server: SocketAddr, options: CheckOptions) {
    let mut kept: Option<WebConnection> = None;
    loop {
        if shared.lock().members[index].admin == Admin::Maint {
            kept = None;
        } else {
            let started = Instant::now();
            let result = check(&mut kept, shared.address, server, &options).await;
            let now = shared.now();
            shared.lock().checked(index, result, started.elapsed(), now);
        }
        tokio::time::sleep(options.interval).await;
    }
}

async fn check(
    kept: &mut Option<WebConnection>,
    source: IpAddr,
    server: SocketAddr,
    options: &CheckOptions,
) -> CheckResult {
    let open = kept.take().filter(|connection| !connection.is_closed());
    let reused = open.is_some();
    let mut connection = match open {
        Some(connection) => connection,
        None => match connect(source, server, options).await {
            Ok(connection) => connection,
            Err(failure) => return CheckResult::from(&failure),
        },
    };
    let mut answer = connection.get(&options.path).await;
    if reused && matches!(answer, Err(Failure::Answer { .. })) {
        // The kept connection went away between two checks: what counts is whether a new one works.
        connection = match connect(source, server, options).await {
            Ok(connection) => connection,
            Err(failure) => return CheckResult::from(&failure),
        };
        answer = connection.get(&options.path).await;
    }
    match answer {
        Ok(answer) => {
            *kept = Some(connection);
            let status = answer.status.as_u16();
            if answer.status.is_success() || answer.status.is_redirection() {
                CheckResult::Passed { status }
            } else {
                CheckResult::WrongStatus { status }
            }
        }
        Err(failure) => CheckResult::from(&failure),
    }
}

async fn connect(
    source: IpAddr,
    server: SocketAddr,
    options: &CheckOptions,
) -> Result<WebConnection, Failure> {
    WebConnection::open(source, server, &options.host, &options.tls, options.timeout).await
}
