//! Where a runtime API listens, and one conversation with it: a line of commands, and all that comes back.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::load_balancer::error::BalancerError;

/// No farm's table is longer; a socket that talks without end is not HAProxy's.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// Where the runtime API listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Socket {
    /// `host:port`.
    Tcp(String),
    /// A path.
    Unix(String),
}

impl Socket {
    /// `tcp://host:port`, `unix:///path` or a path.
    pub(super) fn parse(text: &str) -> Self {
        match (text.strip_prefix("tcp://"), text.strip_prefix("unix://")) {
            (Some(address), _) => Self::Tcp(address.trim_end_matches('/').to_owned()),
            (_, Some(path)) => Self::Unix(path.to_owned()),
            _ => Self::Unix(text.to_owned()),
        }
    }

    /// The address as socat writes it.
    pub(super) fn socat(&self) -> String {
        match self {
            Self::Tcp(address) => format!("tcp:{address}"),
            Self::Unix(path) => format!("unix-connect:{path}"),
        }
    }

    /// Sends one line and reads to the end; the whole may take `limit`.
    pub(super) async fn exchange(&self, line: &str, limit: Duration) -> Result<String, BalancerError> {
        let exchange = async {
            match self {
                Self::Tcp(address) => converse(TcpStream::connect(address).await?, line).await,
                Self::Unix(path) => converse(UnixStream::connect(path).await?, line).await,
            }
        };
        let answer = tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| BalancerError::TimedOut {
                place: self.to_string(),
                request: line.to_owned(),
                limit,
            })?
            .map_err(|source| BalancerError::Unreachable {
                place: self.to_string(),
                source: source.into(),
            })?;
        if answer.len() as u64 > LONGEST_ANSWER {
            return Err(BalancerError::TooLong {
                request: line.to_owned(),
                limit: LONGEST_ANSWER,
            });
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{path}"),
        }
    }
}

/// Sends one line and reads until the other side closes, as it does after each line outside interactive mode.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, line: &str) -> std::io::Result<Vec<u8>> {
    let (reader, mut writer) = tokio::io::split(stream);
    writer.write_all(format!("{line}\n").as_bytes()).await?;
    writer.flush().await?;
    let mut answer = Vec::new();
    reader
        .take(LONGEST_ANSWER.saturating_add(1))
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}
