//! How far each server is with its change, as the run's own facts tell: what a witness may see depends on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use inventory::{PoolName, ServerName, Step};
use rollout::{Event, EventKind, Found, Outcome, Plan, Rollout, ServerState, Watched};

/// How far a server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// This run has changed nothing on it, or has taken everything back.
    Untouched,
    /// Between the first change and the proof; and after a failure, when nobody knows.
    Changing,
    /// The last witness of the playbook has proven the change.
    Proven,
}

/// A stage, and how many there were before: a request that began in one and ended in another met rules that nobody knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stand {
    pub(super) stage: Stage,
    turn: u64,
}

/// Where every server of the plan stands.
#[derive(Debug)]
pub(super) struct Stages {
    servers: Mutex<BTreeMap<ServerName, Stand>>,
    /// The last step that looks as clients do.
    proof: Option<usize>,
    /// The servers of each pool in the plan, and whether those are all that it has.
    pools: BTreeMap<PoolName, (Vec<ServerName>, bool)>,
}

impl Stages {
    /// As the run stands when it begins, or goes on.
    pub(super) fn new(rollout: &Rollout) -> Self {
        let plan = rollout.plan();
        let stage = |server| match rollout.state_of(server) {
            Some(ServerState::Healthy { .. }) => Stage::Proven,
            Some(
                ServerState::Waiting | ServerState::Surveying | ServerState::Skipped | ServerState::Undone,
            ) => Stage::Untouched,
            _ => Stage::Changing,
        };
        let servers = plan
            .servers
            .keys()
            .map(|server| {
                let stage = stage(server);
                (server.clone(), Stand { stage, turn: 0 })
            })
            .collect();
        Self {
            servers: Mutex::new(servers),
            proof: plan
                .steps
                .iter()
                .rposition(|step| matches!(step, Step::Witness(_))),
            pools: plan
                .pools
                .keys()
                .map(|pool| (pool.clone(), members(plan, pool)))
                .collect(),
        }
    }

    /// Takes note of a fact. Called before any action that comes of it is handed out.
    pub(super) fn note(&self, event: &Event) {
        match &event.kind {
            EventKind::StepProbed {
                server,
                found: Found::Ready(before),
                ..
            } if before.kind().changes() => self.turn(server, Stage::Changing),
            EventKind::StepVerified {
                server,
                step,
                outcome: Outcome::Done(_),
            } if Some(*step) == self.proof => self.turn(server, Stage::Proven),
            EventKind::UndoStarted { server, .. } => self.turn(server, Stage::Changing),
            EventKind::ServerUndone { server } => self.turn(server, Stage::Untouched),
            _ => {}
        }
    }

    /// Where somebody who asks there stands; a pool is untouched while all its servers are, and proven when all of them are.
    pub(super) fn of(&self, watched: &Watched) -> Stand {
        let servers = self.lock();
        let unknown = Stand {
            stage: Stage::Changing,
            turn: 0,
        };
        match watched {
            Watched::Server(server) => servers.get(server).copied().unwrap_or(unknown),
            Watched::Vip(pool) => {
                let Some((members, are_all)) = self.pools.get(pool) else {
                    return unknown;
                };
                let stands = || members.iter().filter_map(|server| servers.get(server));
                let stage = if stands().all(|stand| stand.stage == Stage::Untouched) {
                    Stage::Untouched
                } else if *are_all && stands().all(|stand| stand.stage == Stage::Proven) {
                    Stage::Proven
                } else {
                    Stage::Changing
                };
                Stand {
                    stage,
                    turn: stands().map(|stand| stand.turn).sum(),
                }
            }
        }
    }

    fn turn(&self, server: &ServerName, stage: Stage) {
        if let Some(stand) = self.lock().get_mut(server) {
            stand.turn += 1;
            stand.stage = stage;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ServerName, Stand>> {
        // Nobody panics while holding it.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn members(plan: &Plan, pool: &PoolName) -> (Vec<ServerName>, bool) {
    let servers: Vec<ServerName> = plan
        .servers
        .iter()
        .filter(|(_, server)| server.pool.as_ref() == Some(pool))
        .map(|(name, _)| name.clone())
        .collect();
    let size = plan.pools.get(pool).map_or(0, |pool| pool.size);
    let are_all = u32::try_from(servers.len()).is_ok_and(|selected| selected == size);
    (servers, are_all)
}

#[cfg(test)]
mod tests;
