//! HAProxy's runtime API (management guide, section 9.3): one command a connection, over TCP or a Unix socket.
//!
//! The API says no in prose and yes with an empty line, so every answer that is not the expected shape is a refusal. Every wait is bounded.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::error::BalancerError;
use super::stat::{self, Member};

/// No farm's table is longer; a socket that talks without end is not HAProxy's.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// A backend of an HAProxy, steered through its runtime API.
#[derive(Clone, Debug)]
pub(crate) struct Haproxy {
    socket: Socket,
    backend: String,
    limit: Duration,
}

/// Where the runtime API listens.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Socket {
    /// `host:port`.
    Tcp(String),
    /// A path.
    Unix(String),
}

impl Socket {
    /// `tcp://host:port`, `unix:///path` or a path.
    fn parse(text: &str) -> Self {
        match (text.strip_prefix("tcp://"), text.strip_prefix("unix://")) {
            (Some(address), _) => Self::Tcp(address.trim_end_matches('/').to_owned()),
            (_, Some(path)) => Self::Unix(path.to_owned()),
            _ => Self::Unix(text.to_owned()),
        }
    }

    /// The address as socat writes it.
    fn socat(&self) -> String {
        match self {
            Self::Tcp(address) => format!("tcp:{address}"),
            Self::Unix(path) => format!("unix-connect:{path}"),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// What an operator may set a server to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AdminState {
    /// No new connections; those that are there go on.
    Drain,
    /// Serve, as far as the health checks agree.
    Ready,
}

impl AdminState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Ready => "ready",
        }
    }
}

impl Haproxy {
    /// The backend `backend` behind `socket` (as the inventory writes it); each exchange is given `limit` of real time.
    pub(crate) fn new(socket: &str, backend: &str, limit: Duration) -> Self {
        Self {
            socket: Socket::parse(socket),
            backend: backend.to_owned(),
            limit,
        }
    }

    /// The backend's name.
    pub(crate) fn backend(&self) -> &str {
        &self.backend
    }

    /// Sets a server's administrative state.
    pub(crate) async fn set_state(&self, server: &str, state: AdminState) -> Result<(), BalancerError> {
        let command = self.set_state_command(server, state)?;
        let answer = self.exchange(&command).await?;
        match answer.trim() {
            "" => Ok(()),
            answer => Err(BalancerError::Refused {
                command,
                answer: answer.to_owned(),
            }),
        }
    }

    /// Every server of the backend as it stands now.
    pub(crate) async fn members(&self) -> Result<Vec<Member>, BalancerError> {
        stat::members(&self.exchange("show stat").await?, &self.backend)
    }

    /// The line with which a person can put a server back by hand.
    pub(crate) fn ready_by_hand(&self, server: &str) -> String {
        format!(
            "echo \"set server {}/{server} state ready\" | socat stdio {}",
            self.backend,
            self.socket.socat()
        )
    }

    fn set_state_command(&self, server: &str, state: AdminState) -> Result<String, BalancerError> {
        for name in [self.backend.as_str(), server] {
            // A blank, a semicolon or a line break would end the name and begin something else.
            if name.is_empty()
                || name.contains(|c: char| c.is_whitespace() || c.is_control() || ";/<".contains(c))
            {
                return Err(BalancerError::Name {
                    name: name.to_owned(),
                });
            }
        }
        Ok(format!(
            "set server {}/{server} state {}",
            self.backend,
            state.as_str()
        ))
    }

    async fn exchange(&self, command: &str) -> Result<String, BalancerError> {
        let exchange = async {
            match &self.socket {
                Socket::Tcp(address) => converse(TcpStream::connect(address).await?, command).await,
                Socket::Unix(path) => converse(UnixStream::connect(path).await?, command).await,
            }
        };
        let answer = tokio::time::timeout(self.limit, exchange)
            .await
            .map_err(|_| BalancerError::TimedOut {
                socket: self.socket.to_string(),
                command: command.to_owned(),
                limit: self.limit,
            })?
            .map_err(|source| BalancerError::Unreachable {
                socket: self.socket.to_string(),
                source,
            })?;
        if answer.len() as u64 > LONGEST_ANSWER {
            return Err(BalancerError::TooLong {
                command: command.to_owned(),
                limit: LONGEST_ANSWER,
            });
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Sends one command and reads until the other side closes, as it does after each command outside interactive mode.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, command: &str) -> std::io::Result<Vec<u8>> {
    let (reader, mut writer) = tokio::io::split(stream);
    writer.write_all(format!("{command}\n").as_bytes()).await?;
    writer.flush().await?;
    let mut answer = Vec::new();
    reader
        .take(LONGEST_ANSWER.saturating_add(1))
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
