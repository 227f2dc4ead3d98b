//! A pool behind its load balancer: who is in rotation, and taking a server out and putting it back.

mod error;
mod haproxy;
mod stat;

use std::collections::BTreeSet;

use rollout::Rotation;

pub(crate) use error::BalancerError;
pub(crate) use haproxy::{AdminState, Haproxy};
pub(crate) use stat::Member;

/// The load balancer of one pool.
#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    haproxy: Haproxy,
    /// What it calls the pool's servers; other members of the backend are none of the pool's business.
    pool: BTreeSet<String>,
}

/// A pool as its load balancer sees it at one instant.
#[derive(Clone, Debug)]
pub(crate) struct PoolView {
    backend: String,
    members: Vec<Member>,
}

impl Balancer {
    /// `pool` are the load balancer's names of the pool's servers.
    pub(crate) fn new(haproxy: Haproxy, pool: BTreeSet<String>) -> Self {
        Self { haproxy, pool }
    }

    /// Looks at the pool now.
    pub(crate) async fn look(&self) -> Result<PoolView, BalancerError> {
        let members = self.haproxy.members().await?;
        Ok(PoolView {
            backend: self.haproxy.backend().to_owned(),
            members: members
                .into_iter()
                .filter(|member| self.pool.contains(&member.name))
                .collect(),
        })
    }

    /// Looks at one server now.
    pub(crate) async fn look_at(&self, name: &str) -> Result<Member, BalancerError> {
        self.look().await?.member(name).cloned()
    }

    /// Takes a server out or puts it back.
    pub(crate) async fn set_state(&self, name: &str, state: AdminState) -> Result<(), BalancerError> {
        self.haproxy.set_state(name, state).await
    }

    /// The line with which a person can put a server back by hand.
    pub(crate) fn ready_by_hand(&self, name: &str) -> String {
        self.haproxy.ready_by_hand(name)
    }
}

impl PoolView {
    /// Members that take new connections.
    pub(crate) fn in_rotation(&self) -> u32 {
        count(self.members.iter().filter(|member| member.is_in_rotation()))
    }

    /// Members of the backend that belong to the pool.
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

    /// The pool, seen from one server.
    pub(crate) fn rotation(&self, name: &str) -> Result<Rotation, BalancerError> {
        let member = self.member(name)?;
        Ok(Rotation {
            in_rotation: self.in_rotation(),
            members: self.members(),
            state: member.status.clone(),
            is_in_rotation: member.is_in_rotation(),
        })
    }
}

fn count<'a>(members: impl Iterator<Item = &'a Member>) -> u32 {
    u32::try_from(members.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(states: &[(&str, &str)]) -> PoolView {
        PoolView {
            backend: "eas".to_owned(),
            members: states
                .iter()
                .map(|(name, status)| Member {
                    name: (*name).to_owned(),
                    status: (*status).to_owned(),
                    connections: 0,
                })
                .collect(),
        }
    }

    #[test]
    fn rotation_counts_those_that_take_new_connections() {
        let view = view(&[
            ("cas01", "UP"),
            ("cas02", "DRAIN"),
            ("cas03", "UP 1/3"),
            ("cas04", "DOWN"),
        ]);
        assert_eq!(
            view.rotation("cas02").unwrap(),
            Rotation {
                in_rotation: 2,
                members: 4,
                state: "DRAIN".to_owned(),
                is_in_rotation: false,
            }
        );
        assert!(view.rotation("cas03").unwrap().is_in_rotation);
    }

    #[test]
    fn a_server_that_the_backend_lacks_is_an_error_that_names_the_others() {
        let error = view(&[("cas01", "UP"), ("cas02", "UP")])
            .rotation("cas07")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "backend `eas` has no server `cas07`; it has cas01, cas02"
        );
    }
}
