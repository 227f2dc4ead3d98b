//! HAProxy's runtime API (management guide, section 9.3): one line of commands a connection, over TCP or a Unix socket.
//!
//! The API says no in prose and yes with an empty line, so every answer that is not the expected shape is a refusal. Every wait is bounded. A
//! pool may stand in several backends (one for each protocol), and several HAProxies or processes may serve it, each with a state of its own:
//! what is set is set everywhere, and what is seen is seen everywhere.

mod socket;
mod stat;

use std::collections::BTreeMap;
use std::time::Duration;

use super::AdminState;
use super::error::BalancerError;
use super::member::{Member, merge};
use socket::Socket;

/// The servers of every backend, and what operators asked of each: the first table tells how a server stands, the second whether somebody took
/// it out. A drained server whose checks fail is just `DOWN` in the first.
const LOOK: &str = "show stat -1 4 -1;show servers state";

/// Backends of HAProxies, steered through their runtime APIs.
#[derive(Clone, Debug)]
pub(crate) struct Haproxy {
    sockets: Vec<Socket>,
    backends: Vec<String>,
    limit: Duration,
}

impl AdminState {
    fn of_haproxy(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Ready => "ready",
        }
    }
}

impl Haproxy {
    /// The `backends` behind each of the `sockets` (as the inventory writes them); each exchange is given `limit` of real time.
    pub(crate) fn new(sockets: &[String], backends: &[String], limit: Duration) -> Self {
        Self {
            sockets: sockets.iter().map(|text| Socket::parse(text)).collect(),
            backends: backends.to_vec(),
            limit,
        }
    }

    /// The backends' names, for people.
    pub(crate) fn backends(&self) -> String {
        self.backends.join(" and ")
    }

    /// Sets a server's administrative state in every backend at every socket.
    pub(crate) async fn set_state(&self, server: &str, state: AdminState) -> Result<(), BalancerError> {
        for socket in &self.sockets {
            for backend in &self.backends {
                let command = set_state_command(backend, server, state)?;
                let answer = socket.exchange(&command, self.limit).await?;
                let answer = answer.trim();
                if !answer.is_empty() {
                    return Err(BalancerError::Refused {
                        place: socket.to_string(),
                        request: command,
                        answer: answer.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Every server of the backends as it stands now.
    pub(crate) async fn members(&self) -> Result<Vec<Member>, BalancerError> {
        let mut places: BTreeMap<String, Vec<(String, Member)>> = BTreeMap::new();
        let mut order = Vec::new();
        for socket in &self.sockets {
            let answer = socket.exchange(LOOK, self.limit).await?;
            let mut seen = stat::read(&answer, &socket.to_string(), LOOK)?;
            for backend in &self.backends {
                let members = seen.remove(backend).ok_or_else(|| BalancerError::NoBackend {
                    place: socket.to_string(),
                    backend: backend.clone(),
                    known: seen.keys().cloned().collect::<Vec<_>>().join(", "),
                })?;
                for member in members {
                    if !places.contains_key(&member.name) {
                        order.push(member.name.clone());
                    }
                    places
                        .entry(member.name.clone())
                        .or_default()
                        .push((self.place(socket, backend), member));
                }
            }
        }
        let everywhere = self.sockets.len().saturating_mul(self.backends.len());
        let mut members = Vec::new();
        for name in order {
            let seen = places.get(&name).map_or(&[][..], Vec::as_slice);
            // A server that only some of the backends have cannot be drained in all: it is not a member of them together.
            if seen.len() == everywhere {
                members.extend(merge(&name, seen));
            }
        }
        Ok(members)
    }

    /// How a place is called beside others.
    fn place(&self, socket: &Socket, backend: &str) -> String {
        match (self.sockets.len(), self.backends.len()) {
            (..=1, _) => backend.to_owned(),
            (_, ..=1) => socket.to_string(),
            _ => format!("{backend} at {socket}"),
        }
    }

    /// The line with which a person can put a server back by hand.
    pub(crate) fn ready_by_hand(&self, server: &str) -> String {
        let sets: Vec<String> = self
            .backends
            .iter()
            .map(|backend| format!("set server {backend}/{server} state ready"))
            .collect();
        let lines: Vec<String> = self
            .sockets
            .iter()
            .map(|socket| format!("echo \"{}\" | socat stdio {}", sets.join("; "), socket.socat()))
            .collect();
        lines.join(" && ")
    }
}

fn set_state_command(backend: &str, server: &str, state: AdminState) -> Result<String, BalancerError> {
    for name in [backend, server] {
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
        "set server {backend}/{server} state {}",
        state.of_haproxy()
    ))
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
