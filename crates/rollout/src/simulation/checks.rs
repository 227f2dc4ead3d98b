//! What must hold at every event and at the end, whatever went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use inventory::{PoolName, ServerName, Strategy};
use jiff::SignedDuration;

use super::game::Game;
use crate::action::{Action, Debt};
use crate::error::IllegalTransition;
use crate::event::EventKind;
use crate::observation::Before;
use crate::plan::{Floor, Plan};
use crate::rollout::Rollout;
use crate::server::ServerState;
use crate::verdict::Verdict;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Breach {
    /// Fewer in rotation than the floor, or than the plan said at worst.
    #[error(
        "{whose}: {left} in rotation (weight {weight}), but the plan promises {promised} (weight {promised_weight})"
    )]
    Floor {
        /// The pool or site.
        whose: String,
        /// In rotation.
        left: u32,
        /// What they weigh.
        weight: u32,
        /// What the plan promises.
        promised: u32,
        /// What the plan promises of the weight.
        promised_weight: u32,
    },
    /// Two servers with the same label are out.
    #[error("{first} and {second} are out together, and both have the label {label}")]
    Together {
        /// One.
        first: ServerName,
        /// The other.
        second: ServerName,
        /// Their label's value.
        label: String,
    },
    /// A client that the rules of before and after let in is turned away.
    #[error("{server} turns {client} away, whom the rules of before and after let in")]
    TurnedAway {
        /// The server.
        server: ServerName,
        /// The client.
        client: IpAddr,
    },
    /// Something was begun past a limit.
    #[error("{what}")]
    Limit {
        /// What and why not.
        what: String,
    },
    /// The core refuses what it or a worker said.
    #[error("{0}")]
    Refused(IllegalTransition),
    /// The run does not end, or nobody has anything to do.
    #[error("the run does not end: {what}")]
    Endless {
        /// Where it hangs.
        what: String,
    },
    /// Something was taken away, and nobody says so.
    #[error("{what}")]
    Debt {
        /// What.
        what: String,
    },
    /// A server is called what it is not.
    #[error("{what}")]
    Untrue {
        /// What is said and what is.
        what: String,
    },
    /// The same farm came to another end after a crash.
    #[error("after a crash another end: {what}")]
    Diverged {
        /// How the ends differ.
        what: String,
    },
}

/// Nothing begins past a limit: what `rollout` says next has to keep the budget, the pauses and the waves.
///
/// # Errors
/// A [`Breach`] that says what begins and why it must not.
pub fn check_limits(rollout: &Rollout, kind: &EventKind) -> Result<(), Breach> {
    let limit = |what: String| Err(Breach::Limit { what });
    match kind {
        EventKind::ServerStarted { server } => {
            if rollout.is_budget_spent() {
                return limit(format!("{server} begins after the budget was spent"));
            }
            if rollout.is_stopping() || rollout.pause().is_some() {
                return limit(format!("{server} begins after a stop or at a pause"));
            }
            let running = u32::try_from(rollout.running().count()).unwrap_or(u32::MAX);
            if running >= rollout.plan().max_parallel {
                return limit(format!("{server} is one too many"));
            }
        }
        EventKind::WaveStarted { wave } => {
            for server in rollout.plan().waves.iter().take(*wave).flatten() {
                let is_waiting = rollout.state_of(server) == Some(ServerState::Waiting);
                if is_waiting || rollout.running().any(|name| name == server) {
                    return limit(format!("wave {wave} begins before {server} has come to its end"));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The floors of pools and sites hold while these servers are out, and no two of them share a label; with `promises_smallest` no less is in rotation
/// than the plan said at worst.
///
/// # Errors
/// The [`Breach`].
pub fn check_floors(
    plan: &Plan,
    is_out: impl Fn(&ServerName) -> bool,
    promises_smallest: bool,
) -> Result<(), Breach> {
    let pools = plan.pools.keys().cloned().map(Floor::Pool);
    let sites = plan.sites.keys().cloned().map(Floor::Site);
    for floor in pools.chain(sites) {
        check_floor(plan, &floor, &is_out, promises_smallest)?;
    }
    let mut labelled: BTreeMap<&str, &ServerName> = BTreeMap::new();
    for (name, server) in plan.servers.iter().filter(|(name, _)| is_out(name)) {
        let Some(label) = server.spread.as_deref() else {
            continue;
        };
        if let Some(first) = labelled.insert(label, name) {
            return Err(Breach::Together {
                first: first.clone(),
                second: name.clone(),
                label: label.to_owned(),
            });
        }
    }
    Ok(())
}

fn check_floor(
    plan: &Plan,
    floor: &Floor,
    is_out: impl Fn(&ServerName) -> bool,
    promises_smallest: bool,
) -> Result<(), Breach> {
    let Some(planned) = plan.planned(floor) else {
        return Ok(());
    };
    let out: Vec<u32> = plan
        .servers
        .iter()
        .filter(|(name, server)| server.is_of(floor) && is_out(name))
        .map(|(_, server)| server.weight)
        .collect();
    let left = planned
        .size
        .saturating_sub(u32::try_from(out.len()).unwrap_or(u32::MAX));
    let weight = planned.weight.saturating_sub(out.iter().sum());
    let (mut promised, mut promised_weight) = (planned.min_in_rotation, planned.min_weight_in_rotation);
    if promises_smallest {
        promised = promised.max(planned.smallest_in_rotation);
        promised_weight = promised_weight.max(planned.smallest_weight_in_rotation);
    }
    if left < promised || weight < promised_weight {
        return Err(Breach::Floor {
            whose: floor.to_string(),
            left,
            weight,
            promised,
            promised_weight,
        });
    }
    Ok(())
}

impl Game {
    pub(super) fn check_before(&self, kind: &EventKind) -> Result<(), Breach> {
        self.check_window(kind)?;
        check_limits(&self.rollout, kind)
    }

    /// Nothing begins that may not end in the change window by the estimates, the way back of everything that is changed in truth included. A second
    /// passes between the decision and its commit.
    fn check_window(&self, kind: &EventKind) -> Result<(), Breach> {
        let rollout = &self.rollout;
        let next: Vec<&ServerName> = match kind {
            EventKind::ServerStarted { server } => vec![server],
            EventKind::WaveStarted { wave } if rollout.plan().policy.strategy == Strategy::Waves => {
                let wave = rollout.plan().waves.get(*wave).into_iter().flatten();
                wave.filter(|server| rollout.state_of(server) == Some(ServerState::Waiting))
                    .collect()
            }
            _ => return Ok(()),
        };
        let Some(until) = rollout.until() else {
            return Ok(());
        };
        let late = |what: String| Err(Breach::Limit { what });
        if rollout.is_window_closed() {
            return late(format!("{} after the window closed", kind.name()));
        }
        let pace = rollout.pace();
        let mut turns: BTreeMap<Option<&PoolName>, u32> = BTreeMap::new();
        for server in rollout.plan().servers.keys() {
            let is_running = rollout.running().any(|running| running == server);
            if is_running || next.contains(&server) || !self.world.is_as_before(server) {
                *turns.entry(rollout.plan().pool_of(server)).or_default() += 1;
            }
        }
        let turns = i32::try_from(turns.into_values().max().unwrap_or(0)).unwrap_or(i32::MAX);
        let whole = pace.change.at_worst + pace.undo.at_worst * turns;
        let left = until.duration_since(self.now) + SignedDuration::from_secs(1);
        match left < whole && !next.is_empty() {
            true => late(format!(
                "{} with {left:#} left, and {whole:#} needed",
                kind.name()
            )),
            false => Ok(()),
        }
    }

    /// A worker has one action at a time, an apply follows a probe of its own, and a drain finds a server to spare.
    pub(super) fn check_action(&self, action: &Action) -> Result<(), Breach> {
        let server = action.server();
        let limit = |what: String| Err(Breach::Limit { what });
        if self.outstanding.iter().any(|other| other.server() == server) {
            return limit(format!("two actions on {server}"));
        }
        let Action::Apply { step, before, .. } = action else {
            return Ok(());
        };
        let last = self.last_action.get(server);
        if !matches!(last, Some(Action::Probe { step: probed, .. }) if probed == step) {
            return limit(format!(
                "step {step} of {server} is applied without a probe of its own"
            ));
        }
        // Where nobody shows the rotation, nobody can know whom somebody else took out.
        let is_unknowable = self.world.blind && !self.world.foreign.is_empty();
        if !matches!(before, Before::Drain { .. }) || is_unknowable {
            return Ok(());
        }
        for (floor, planned) in self.world.plan.floors_of(server) {
            let gone = || {
                let members = self.world.members(&floor);
                members.filter(|(name, _)| *name == server || self.world.is_out(name))
            };
            let number = u32::try_from(gone().count()).unwrap_or(u32::MAX);
            let left = planned.size.saturating_sub(number);
            if left < planned.min_in_rotation {
                return limit(format!("the drain of {server} leaves {left} of {floor}"));
            }
            let weight: u32 = gone().map(|(_, other)| other.weight).sum();
            if planned.weight.saturating_sub(weight) < planned.min_weight_in_rotation {
                return limit(format!(
                    "the drain of {server} leaves too little weight in {floor}"
                ));
            }
        }
        Ok(())
    }

    /// The floors hold in truth, and no less is in rotation than the plan promised; unless people took the servers that it needs.
    pub(super) fn check_floors(&self) -> Result<(), Breach> {
        if !self.world.foreign.is_empty() {
            return Ok(());
        }
        // The smallest number of the plan is that of one run with its budget. A run that ended and goes on has a budget anew, and begins those
        // that failed together with others: then the floors hold, and nothing more was promised.
        check_floors(
            &self.world.plan,
            |name| self.world.is_out(name),
            !self.has_ended(),
        )
    }

    /// Whether the run has come to an end at least once.
    fn has_ended(&self) -> bool {
        self.journal
            .iter()
            .any(|event| matches!(event.kind, EventKind::RunFinished { .. }))
    }

    /// What has to be true at the end of a sitting.
    ///
    /// # Errors
    /// A [`Breach`] that says what is not.
    pub fn check_end(&self, verdict: Verdict) -> Result<(), Breach> {
        let rollout = &self.rollout;
        // A lease ends by itself: nobody is needed for one that could not be given back.
        let (leases, needed): (Vec<_>, Vec<_>) = rollout
            .debts()
            .into_iter()
            .partition(|open| open.debt == Debt::Lease);
        let owed: BTreeSet<ServerName> = needed.into_iter().map(|open| open.server).collect();
        for (server, truth) in &self.world.truth {
            if truth.out_of_rotation && !self.world.foreign.contains(server) && !owed.contains(server) {
                let what = format!("{server} was left out of rotation, and nobody says so");
                return Err(Breach::Debt { what });
            }
        }
        if verdict == Verdict::Aborted {
            return Ok(());
        }
        for (server, truth) in &self.world.truth {
            if truth.leased && !leases.iter().any(|open| open.server == *server) {
                let what = format!("the lease of {server} was left, and nobody says so");
                return Err(Breach::Debt { what });
            }
            if verdict == Verdict::TakenBack && !self.world.is_as_before(server) {
                let what = format!("the run is called taken back, but {server} has other rules than before");
                return Err(Breach::Untrue { what });
            }
        }
        if rollout.running().next().is_some() {
            let what = "the run ended, and somebody is still under way".to_owned();
            return Err(Breach::Limit { what });
        }
        if let Some(debt) = rollout.debts().into_iter().find(|debt| debt.unpaid.is_none()) {
            let what = format!("the debt to {} was not even tried", debt.server);
            return Err(Breach::Debt { what });
        }
        let mut all_healthy = true;
        let mut any_stuck = false;
        for server in rollout.plan().servers.keys() {
            let state = rollout.state_of(server);
            self.check_state(server, state.as_ref())?;
            all_healthy &= matches!(state, Some(ServerState::Healthy { .. }));
            any_stuck |= state == Some(ServerState::Stuck);
        }
        let untrue = |what: &str| {
            Err(Breach::Untrue {
                what: format!("the verdict is {verdict}, but {what}"),
            })
        };
        if (verdict == Verdict::HumanNeeded) != (any_stuck || !owed.is_empty()) {
            return untrue("that is not what stuck servers and debts say");
        }
        if matches!(verdict, Verdict::Done | Verdict::NothingToDo) != all_healthy
            && !matches!(
                verdict,
                Verdict::HumanNeeded | Verdict::Breached | Verdict::TakenBack
            )
        {
            return untrue("that is not what the servers' states say");
        }
        Ok(())
    }

    fn check_state(&self, server: &ServerName, state: Option<&ServerState>) -> Result<(), Breach> {
        let untrue = |what: &str| {
            let what = format!(
                "{server} is called {}, but {what}",
                state.map_or("nothing", ServerState::as_str)
            );
            Err(Breach::Untrue { what })
        };
        match state {
            Some(ServerState::Healthy { .. }) => {
                if !self.world.is_as_wanted(server) {
                    return untrue("it is not as wanted");
                }
                if self.world.truth.get(server).is_some_and(|truth| truth.broken) {
                    return untrue("it does not serve");
                }
                let is_out = self
                    .world
                    .truth
                    .get(server)
                    .is_some_and(|truth| truth.out_of_rotation);
                if is_out != self.world.foreign.contains(server) {
                    return untrue("its rotation is not what it was");
                }
            }
            Some(ServerState::Undone) if !self.world.is_as_before(server) => {
                return untrue("its rules are not those of before");
            }
            _ => {}
        }
        Ok(())
    }
}
