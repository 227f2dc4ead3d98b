//! The control group: servers that the run has not touched. Their health pages are looked at all run long, so that when a server fails it can be
//! told whether the others degraded with it. The core decides what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use inventory::ServerName;
use jiff::{SignedDuration, Timestamp};
use rollout::{Condition, Plan};

use crate::health;
use crate::session::Session;
use crate::world::World;

/// How often untouched servers are looked at, in virtual time. A look is a request or two; a run takes minutes.
const EVERY: SignedDuration = SignedDuration::from_secs(20);

/// How many servers are looked at together.
const AT_A_TIME: usize = 8;

/// How many looks at a server are remembered: more than an hour of them.
const REMEMBERED: usize = 256;

/// What was seen of the servers that nobody has touched yet.
#[derive(Debug, Default)]
pub(crate) struct ControlGroup {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    touched: BTreeSet<ServerName>,
    /// When each was looked at, oldest first, and whether it was healthy.
    looks: BTreeMap<ServerName, Vec<(Timestamp, bool)>>,
}

impl ControlGroup {
    /// The run begins with the server: it is no witness any more.
    pub(crate) fn touch(&self, server: &ServerName) {
        self.with(|seen| seen.touched.insert(server.clone()));
    }

    fn is_touched(&self, server: &ServerName) -> bool {
        self.with(|seen| seen.touched.contains(server))
    }

    fn note(&self, server: &ServerName, at: Timestamp, is_healthy: bool) {
        self.with(|seen| {
            let looks = seen.looks.entry(server.clone()).or_default();
            if looks.len() >= REMEMBERED {
                looks.remove(1);
            }
            looks.push((at, is_healthy));
        });
    }

    /// Whether the server was healthy at the last look before the instant, or at the first look of all.
    fn before(&self, server: &ServerName, instant: Timestamp) -> Option<bool> {
        self.with(|seen| {
            let looks = seen.looks.get(server)?;
            let last = looks.iter().rev().find(|(at, _)| *at <= instant);
            last.or_else(|| looks.first()).map(|(_, is_healthy)| *is_healthy)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        // Nobody panics while holding it, and the value is whole between any two statements.
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Looks at every untouched server of a pool again and again, for as long as the task lives.
pub(crate) async fn watch(world: &World, plan: &Plan) {
    if plan.control_pages.is_empty() {
        return;
    }
    loop {
        let untouched: Vec<ServerName> = plan
            .servers
            .iter()
            .filter(|(name, planned)| planned.pool.is_some() && !world.control_group().is_touched(name))
            .map(|(name, _)| name.clone())
            .collect();
        for (server, is_healthy) in look_at_all(world, untouched, &plan.control_pages).await {
            world
                .control_group()
                .note(&server, world.clock().now(), is_healthy);
        }
        world.clock().pause(EVERY).await;
    }
}

/// How the others look now, and how they looked before the session's server was begun.
pub(crate) async fn compare(session: &Session, others: Vec<ServerName>) -> BTreeMap<ServerName, Condition> {
    let world = session.world();
    let began = session.began();
    let now = look_at_all(world, others, &session.plan().control_pages).await;
    now.into_iter()
        .map(|(server, is_healthy)| {
            let condition = match (world.control_group().before(&server, began), is_healthy) {
                (None, _) => Condition::Unseen,
                (Some(false), _) => Condition::Unwell,
                (Some(true), true) => Condition::Steady,
                (Some(true), false) => Condition::Degraded,
            };
            (server, condition)
        })
        .collect()
}

async fn look_at_all(world: &World, servers: Vec<ServerName>, pages: &[String]) -> Vec<(ServerName, bool)> {
    let looks: Vec<_> = servers
        .into_iter()
        .map(|name| look_at(world, name, pages))
        .collect();
    stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await
}

async fn look_at(world: &World, name: ServerName, pages: &[String]) -> (ServerName, bool) {
    let is_healthy = match world.server(&name) {
        Ok(server) => health::look_at(world, server, pages).await.is_ok(),
        // The plan is older than the inventory: nothing is known of it.
        Err(_) => false,
    };
    (name, is_healthy)
}

#[cfg(test)]
mod tests;
