//! A pool behind its load balancer: who is in rotation, and taking a server out and putting it back.

mod error;
mod haproxy;
mod http;
mod member;
mod program;
mod secrecy;
mod shell;

use std::collections::BTreeSet;

pub(crate) use error::BalancerError;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
pub(crate) use haproxy::Haproxy;
pub(crate) use http::Http;
pub(crate) use member::Member;
pub(crate) use program::Program;

/// How many members are asked about at the same time, where each has to be asked about by itself.
const AT_ONCE: usize = 8;

/// What an operator may set a server to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AdminState {
    /// No new connections; those that are there go on.
    Drain,
    /// Serve, as far as the health checks agree.
    Ready,
}

/// The load balancer of one pool.
#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    steering: Steering,
    /// What it calls the pool's servers; other members of the backend are none of the pool's business.
    pool: BTreeSet<String>,
}

/// By what it is steered.
#[derive(Clone, Debug)]
pub(crate) enum Steering {
    /// HAProxy's runtime API.
    Haproxy(Haproxy),
    /// HTTP requests.
    Http(Http),
    /// A local program.
    Program(Program),
}

/// A pool as its load balancer sees it at one instant.
#[derive(Clone, Debug)]
pub(crate) struct PoolView {
    backend: String,
    members: Vec<Member>,
}

impl Balancer {
    /// `pool` are the load balancer's names of the pool's servers.
    pub(crate) fn new(steering: Steering, pool: BTreeSet<String>) -> Self {
        Self { steering, pool }
    }

    /// Looks at the pool now.
    pub(crate) async fn look(&self) -> Result<PoolView, BalancerError> {
        let (backend, members) = match &self.steering {
            Steering::Haproxy(haproxy) => (haproxy.backends(), haproxy.members().await?),
            Steering::Http(http) => {
                let mut asked: Vec<Asked<'_>> = Vec::new();
                for name in &self.pool {
                    asked.push(Box::pin(http.member(name)));
                }
                (http.backend().to_owned(), all(asked).await?)
            }
            Steering::Program(program) => {
                let mut asked: Vec<Asked<'_>> = Vec::new();
                for name in &self.pool {
                    asked.push(Box::pin(program.member(name)));
                }
                (program.backend().to_owned(), all(asked).await?)
            }
        };
        Ok(PoolView {
            backend,
            members: members
                .into_iter()
                .filter(|member| self.pool.contains(&member.name))
                .collect(),
        })
    }

    /// Looks at one server now.
    pub(crate) async fn look_at(&self, name: &str) -> Result<Member, BalancerError> {
        match &self.steering {
            Steering::Haproxy(_) => self.look().await?.member(name).cloned(),
            Steering::Http(http) => http.member(name).await,
            Steering::Program(program) => program.member(name).await,
        }
    }

    /// Takes a server out or puts it back.
    pub(crate) async fn set_state(&self, name: &str, state: AdminState) -> Result<(), BalancerError> {
        match &self.steering {
            Steering::Haproxy(haproxy) => haproxy.set_state(name, state).await,
            Steering::Http(http) => http.set_state(name, state).await,
            Steering::Program(program) => program.set_state(name, state).await,
        }
    }

    /// The line with which a person can put a server back by hand.
    pub(crate) fn ready_by_hand(&self, name: &str) -> String {
        match &self.steering {
            Steering::Haproxy(haproxy) => haproxy.ready_by_hand(name),
            Steering::Http(http) => http.ready_by_hand(name),
            Steering::Program(program) => program.ready_by_hand(name),
        }
    }
}

/// A question about one member.
type Asked<'a> = BoxFuture<'a, Result<Member, BalancerError>>;

/// Every member, a few at a time; the first that cannot be looked at ends the look.
async fn all(asked: Vec<Asked<'_>>) -> Result<Vec<Member>, BalancerError> {
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

impl PoolView {
    /// Members that get new connections, everywhere.
    pub(crate) fn in_rotation(&self) -> u32 {
        count(self.members.iter().filter(|member| member.is_in_rotation()))
    }

    /// How many members of the backend belong to the pool.
    pub(crate) fn members(&self) -> u32 {
        count(self.members.iter())
    }

    /// One server.
    pub(crate) fn member(&self, name: &str) -> Result<&Member, BalancerError> {
        let known = || self.members.iter().map(|member| member.name.as_str());
        self.members
            .iter()
            .find(|member| member.name == name)
            .ok_or_else(|| BalancerError::NoMember {
                backend: self.backend.clone(),
                name: name.to_owned(),
                known: match self.members.len() {
                    0 => "none of the pool".to_owned(),
                    _ => known().collect::<Vec<_>>().join(", "),
                },
            })
    }
}

fn count<'a>(members: impl Iterator<Item = &'a Member>) -> u32 {
    u32::try_from(members.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    use member::Standing::{self, Down, InRotation, TakenOut};

    fn view(states: &[(&str, &str, Standing)]) -> PoolView {
        PoolView {
            backend: "eas".to_owned(),
            members: states
                .iter()
                .map(|(name, status, standing)| Member {
                    name: (*name).to_owned(),
                    status: (*status).to_owned(),
                    standing: *standing,
                    connections: None,
                })
                .collect(),
        }
    }

    #[test]
    fn in_rotation_are_those_that_get_new_connections() {
        let view = view(&[
            ("cas01", "UP", InRotation),
            ("cas02", "DRAIN", TakenOut),
            ("cas03", "UP 1/3", InRotation),
            ("cas04", "DOWN", Down),
        ]);
        assert_eq!((view.in_rotation(), view.members()), (2, 4));
    }

    #[test]
    fn a_server_that_the_backend_lacks_is_an_error_that_names_the_others() {
        let error = view(&[("cas01", "UP", InRotation), ("cas02", "UP", InRotation)])
            .member("cas07")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "backend `eas` has no server `cas07`; it has cas01, cas02"
        );
    }
}
