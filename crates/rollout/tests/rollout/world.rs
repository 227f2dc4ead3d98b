//! A farm that answers actions as a driver would, with faults and interleavings chosen by a tape of bytes.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{PoolName, ServerName, StepKind};
use jiff::{SignedDuration, Timestamp};
use rollout::{
    Action, Before, Condition, Debt, Event, EventKind, FailureKind, Found, Next, Outcome, Plan, Rollout,
    ServerState, SoakReport, Survey, Verdict,
};

use crate::farm::{self, done, error, evidence, rotation};

/// Chance that a test can shrink: bytes, and nothing but success once they are used up.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    bytes: Vec<u8>,
    at: usize,
    /// Of 256 actions, how many go wrong.
    faults: u8,
}

impl Tape {
    pub(crate) fn new(bytes: Vec<u8>, faults: u8) -> Self {
        Self { bytes, at: 0, faults }
    }

    pub(crate) fn quiet() -> Self {
        Self::new(vec![], 0)
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte.unwrap_or(u8::MAX)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    fn goes_wrong(&mut self) -> bool {
        self.byte() < self.faults
    }
}

/// What is true of a server, whatever the run believes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Truth {
    pub(crate) out_of_rotation: bool,
    pub(crate) feature: bool,
    pub(crate) restricted: bool,
    /// The last restart is older than the last change.
    pub(crate) stale: bool,
    /// It does not serve.
    pub(crate) broken: bool,
    /// It bears the run's lease.
    pub(crate) leased: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) truth: BTreeMap<ServerName, Truth>,
    plan: Plan,
    /// Servers that somebody else took out before the run.
    pub(crate) foreign: BTreeSet<ServerName>,
    /// No load balancer shows the rotation: the plan's own bound has to keep the floor.
    pub(crate) blind: bool,
    /// Applies that were performed and change something.
    pub(crate) changes: u32,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let truth = plan
            .servers
            .keys()
            .map(|name| (name.clone(), Truth::default()))
            .collect();
        Self {
            truth,
            plan: plan.clone(),
            foreign: BTreeSet::new(),
            blind: false,
            changes: 0,
        }
    }

    /// The same farm without anybody who shows the rotation.
    pub(crate) fn blind(plan: &Plan, blind: bool) -> Self {
        Self {
            blind,
            ..Self::new(plan)
        }
    }

    pub(crate) fn take_out(&mut self, name: &ServerName) {
        self.foreign.insert(name.clone());
        self.of(name).out_of_rotation = true;
    }

    /// A person repaired every server and the load balancer.
    pub(crate) fn repair(&mut self) {
        for truth in self.truth.values_mut() {
            truth.broken = false;
        }
    }

    fn of(&mut self, name: &ServerName) -> &mut Truth {
        self.truth.get_mut(name).expect("a server of the farm")
    }

    /// Servers of the pool that take no clients.
    pub(crate) fn out(&self, pool: &PoolName) -> u32 {
        let members = self
            .plan
            .servers
            .iter()
            .filter(|(_, server)| server.pool.as_ref() == Some(pool));
        members
            .filter(|(name, _)| self.truth[*name].out_of_rotation || self.truth[*name].broken)
            .count() as u32
    }

    fn seen(&self, name: &ServerName) -> rollout::Rotation {
        let pool = self.plan.pool_of(name).expect("a pool");
        let size = self.plan.pools[pool].size;
        let truth = &self.truth[name];
        rotation(
            size - self.out(pool),
            size,
            !truth.out_of_rotation && !truth.broken,
        )
    }

    fn kind(&self, step: usize) -> StepKind {
        self.plan.steps[step].kind()
    }

    /// The answer of a worker, after the tape decided how it goes.
    pub(crate) fn perform(&mut self, action: &Action, tape: &mut Tape) -> EventKind {
        let wrong = tape.goes_wrong();
        let lost = wrong && tape.below(2) == 0;
        let kind = if lost {
            FailureKind::Unreachable
        } else {
            FailureKind::Failed
        };
        let server = action.server().clone();
        match action {
            Action::Survey { .. } if wrong => EventKind::Surveyed {
                server,
                survey: Survey::Failed(error(kind)),
            },
            Action::Survey { .. } => {
                let truth = self.of(&server);
                let is_done = truth.feature && truth.restricted && !truth.stale;
                let work = if is_done {
                    vec![]
                } else {
                    vec![farm::RESTRICT, farm::RESTART]
                };
                EventKind::Surveyed {
                    server,
                    survey: farm::seen(&work),
                }
            }
            Action::Probe { step, .. } => {
                let found = if wrong {
                    Found::Failed(error(kind))
                } else {
                    self.probe(&server, *step)
                };
                EventKind::StepProbed {
                    server,
                    step: *step,
                    found,
                }
            }
            Action::Apply { step, .. } => {
                let outcome = self.apply(&server, *step, wrong, lost, tape);
                EventKind::StepApplied {
                    server,
                    step: *step,
                    outcome,
                }
            }
            Action::Verify { step, .. } => {
                let outcome = match (wrong, lost) {
                    (true, true) => Outcome::Unknown(error(FailureKind::Unreachable)),
                    (true, false) => Outcome::Failed(error(FailureKind::Failed)),
                    _ => done(),
                };
                EventKind::StepVerified {
                    server,
                    step: *step,
                    outcome,
                }
            }
            Action::Soak { .. } => {
                let report = if wrong || self.truth[&server].broken {
                    self.of(&server).broken = true;
                    SoakReport::Failed(error(FailureKind::TimedOut))
                } else {
                    SoakReport::Healthy(evidence("healthy"))
                };
                EventKind::SoakFinished { server, report }
            }
            Action::LookAtControl { others, .. } => {
                let degraded = wrong && lost;
                let condition = |_| {
                    if degraded {
                        Condition::Degraded
                    } else {
                        Condition::Steady
                    }
                };
                let group = others
                    .iter()
                    .map(|name| (name.clone(), condition(name)))
                    .collect();
                EventKind::ControlSeen { server, group }
            }
            Action::Undo { step, .. } => {
                if wrong {
                    return EventKind::UndoFailed {
                        server,
                        step: *step,
                        error: error(kind),
                    };
                }
                self.of(&server).restricted = false;
                self.of(&server).broken = false;
                EventKind::UndoFinished {
                    server,
                    step: *step,
                    evidence: evidence("as before"),
                }
            }
            Action::PayDebt { debt, .. } => {
                if wrong || (*debt != Debt::Lease && self.truth[&server].broken) {
                    let command = format!("set server eas/{server} state ready");
                    return EventKind::DebtUnpaid {
                        server,
                        debt: *debt,
                        error: error(kind),
                        command,
                    };
                }
                match debt {
                    Debt::Lease => self.of(&server).leased = false,
                    _ => self.of(&server).out_of_rotation = false,
                }
                EventKind::DebtPaid {
                    server,
                    debt: *debt,
                    evidence: evidence("UP"),
                }
            }
        }
    }

    /// A survey that finds work takes the lease, and tells so before it answers.
    fn lease(&mut self, answer: &EventKind) -> Option<EventKind> {
        match answer {
            EventKind::Surveyed {
                server,
                survey: Survey::Seen { work, .. },
            } if !work.is_empty() => {
                self.of(server).leased = true;
                Some(farm::lease_taken(server))
            }
            _ => None,
        }
    }

    fn probe(&mut self, server: &ServerName, step: usize) -> Found {
        let truth = self.truth[server].clone();
        let is_done = match self.kind(step) {
            StepKind::Drain => truth.out_of_rotation,
            StepKind::InstallFeature => truth.feature,
            StepKind::Restrict => truth.restricted,
            StepKind::RestartIis => !truth.stale,
            StepKind::ReturnToRotation => !truth.out_of_rotation,
            _ => false,
        };
        match self.kind(step) {
            _ if is_done => Found::AlreadyDone(evidence("as wanted")),
            StepKind::Drain => Found::Ready(Before::Drain {
                rotation: (!self.blind).then(|| self.seen(server)),
            }),
            _ => Found::Ready(farm::before(step)),
        }
    }

    fn apply(
        &mut self,
        server: &ServerName,
        step: usize,
        wrong: bool,
        lost: bool,
        tape: &mut Tape,
    ) -> Outcome {
        let kind = self.kind(step);
        if matches!(kind, StepKind::WaitHealthy | StepKind::Witness) && self.truth[server].broken {
            return Outcome::Failed(error(FailureKind::TimedOut));
        }
        let takes_effect = !wrong || (lost && tape.below(2) == 0);
        if takes_effect {
            self.changes += u32::from(kind.changes() || kind == StepKind::Drain);
            let truth = self.of(server);
            match kind {
                StepKind::Drain => truth.out_of_rotation = true,
                StepKind::InstallFeature => (truth.feature, truth.stale) = (true, true),
                StepKind::Restrict => (truth.restricted, truth.stale) = (true, true),
                StepKind::RestartIis => (truth.broken, truth.stale) = (false, false),
                StepKind::ReturnToRotation => truth.out_of_rotation = false,
                _ => {}
            }
        } else if kind == StepKind::RestartIis {
            // IIS stopped and did not come back.
            self.of(server).broken = true;
        }
        if lost {
            Outcome::Unknown(error(FailureKind::Unreachable))
        } else if wrong {
            Outcome::Failed(error(FailureKind::Failed))
        } else {
            done()
        }
    }
}

/// How a sitting ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Finished(Verdict),
    Crashed,
}

/// What may happen in a sitting besides faults.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sitting {
    /// The process dies when the journal has so many events.
    pub(crate) crash_at: Option<usize>,
    /// The operator asks to stop when the journal has so many events; twice when the flag is set.
    pub(crate) stop_at: Option<(usize, bool)>,
}

/// A run on a simulated farm, across crashes.
#[derive(Clone, Debug)]
pub(crate) struct Game {
    pub(crate) rollout: Rollout,
    pub(crate) journal: Vec<Event>,
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    /// With workers, not answered yet.
    outstanding: Vec<Action>,
    /// Each server's actions, for the rule that an apply follows a probe of its own.
    last_action: BTreeMap<ServerName, Action>,
    /// Everything after each event, when wanted.
    pub(crate) history: Option<Vec<(World, Vec<Action>)>>,
}

impl Game {
    pub(crate) fn new(plan: &Plan, world: World) -> Self {
        let mut game = Self {
            rollout: Rollout::new(plan.clone()),
            journal: vec![],
            world,
            now: farm::instant(0),
            outstanding: vec![],
            last_action: BTreeMap::new(),
            history: None,
        };
        game.commit(farm::started(plan));
        game
    }

    /// A game that goes on from a journal's beginning and the world as it was then.
    pub(crate) fn from_prefix(journal: &[Event], world: World, outstanding: Vec<Action>) -> Self {
        Self {
            rollout: Rollout::replay(journal).expect("a journal's beginning is a journal"),
            journal: journal.to_vec(),
            world,
            now: journal.last().expect("an event").at,
            outstanding,
            last_action: BTreeMap::new(),
            history: None,
        }
    }

    /// The process died: what workers had was done or not, and nobody heard of it. The journal is all that is left.
    pub(crate) fn resume(&mut self, tape: &mut Tape) {
        self.go_on(tape, farm::resumed());
    }

    /// The same, and the operator takes the run back.
    pub(crate) fn take_back(&mut self, tape: &mut Tape) {
        self.go_on(tape, farm::undo_requested());
    }

    fn go_on(&mut self, tape: &mut Tape, how: EventKind) {
        for action in std::mem::take(&mut self.outstanding) {
            if tape.below(2) == 0 {
                let unheard = self.world.perform(&action, tape);
                self.world.lease(&unheard);
            }
        }
        self.last_action.clear();
        self.rollout = Rollout::replay(&self.journal).expect("our own journal");
        self.commit(how);
    }

    /// Drives the run until it ends or the process dies.
    pub(crate) fn drive(&mut self, tape: &mut Tape, sitting: Sitting) -> End {
        let mut stop_at = sitting.stop_at;
        loop {
            assert!(self.journal.len() < 20_000, "does not end");
            let is_over = self.rollout.verdict().is_some();
            if !is_over && sitting.crash_at.is_some_and(|at| self.journal.len() >= at) {
                return End::Crashed;
            }
            if let Some((at, hard)) = stop_at
                && self.journal.len() >= at
                && self.rollout.verdict().is_none()
            {
                stop_at = None;
                self.commit(EventKind::StopRequested { hard: false });
                if hard {
                    self.commit(EventKind::StopRequested { hard: true });
                }
            }
            match self.rollout.next(self.now) {
                Next::Record(kind) => self.commit(kind),
                Next::Finished(verdict) => return End::Finished(verdict),
                Next::Wait(until) => self.wait(until, tape),
            }
        }
    }

    /// Time passes, or a worker answers: whichever the tape says.
    fn wait(&mut self, until: Option<Timestamp>, tape: &mut Tape) {
        let timer_first = self.outstanding.is_empty() || tape.below(4) == 0;
        match until {
            Some(at) if timer_first => self.now = self.now.max(at),
            _ if self.outstanding.is_empty() && self.rollout.pause().is_some() => {
                let answers = self.rollout.pause().expect("asked").answers();
                let answer = answers[tape.below(answers.len())];
                let by = "ops@jump01".to_owned();
                self.commit(EventKind::PersonAnswered { answer, by });
            }
            _ => {
                assert!(
                    !self.outstanding.is_empty(),
                    "nobody has anything to do: {:#?}",
                    self.rollout
                );
                let turn = tape.below(self.outstanding.len());
                let action = self.outstanding.remove(turn);
                let answer = self.world.perform(&action, tape);
                if let Some(fact) = self.world.lease(&answer) {
                    self.commit(fact);
                }
                self.commit(answer);
            }
        }
    }

    fn commit(&mut self, kind: EventKind) {
        self.now += SignedDuration::from_secs(1);
        let event = Event {
            seq: self.journal.len() as u64,
            at: self.now,
            kind,
        };
        self.check_before(&event);
        let action = match self.rollout.apply(&event) {
            Ok(action) => action,
            Err(refused) => panic!("{refused}"),
        };
        self.journal.push(event);
        if let Some(action) = action {
            self.check_action(&action);
            self.last_action.insert(action.server().clone(), action.clone());
            self.outstanding.push(action);
        }
        self.check_floor();
        if let Some(history) = &mut self.history {
            history.push((self.world.clone(), self.outstanding.clone()));
        }
    }

    /// Nothing begins past a limit.
    fn check_before(&self, event: &Event) {
        let rollout = &self.rollout;
        match &event.kind {
            EventKind::ServerStarted { server } => {
                assert!(
                    !rollout.is_budget_spent(),
                    "{server} begins after the budget was spent"
                );
                assert!(!rollout.is_stopping(), "{server} begins after a stop");
                assert!(
                    rollout.running().count() < rollout.plan().max_parallel as usize,
                    "{server} is one too many"
                );
            }
            EventKind::WaveStarted { wave } => {
                let earlier = rollout.plan().waves.iter().take(*wave).flatten();
                for server in earlier {
                    let state = rollout.state_of(server).expect("planned");
                    let is_over = !matches!(state, ServerState::Waiting)
                        && !rollout.running().any(|name| name == server);
                    assert!(is_over, "wave {wave} begins while {server} is {state}");
                }
            }
            _ => {}
        }
    }

    /// A worker has one action at a time, an apply follows a probe of its own, and a drain finds a server to spare.
    fn check_action(&self, action: &Action) {
        let server = action.server();
        assert!(
            self.outstanding.iter().all(|other| other.server() != server),
            "two actions on {server}"
        );
        if let Action::Apply { step, before, .. } = action {
            let fresh = matches!(self.last_action.get(server), Some(Action::Probe { step: probed, .. }) if probed == step);
            assert!(
                fresh,
                "step {step} of {server} is applied without a probe of its own"
            );
            if let Before::Drain { .. } = before {
                let pool = self.world.plan.pool_of(server).expect("a pool");
                let planned = &self.world.plan.pools[pool];
                let truth = &self.world.truth[server];
                let leaves = u32::from(!truth.out_of_rotation && !truth.broken);
                let left = planned.size - self.world.out(pool) - leaves;
                assert!(
                    left >= planned.min_in_rotation,
                    "the drain of {server} leaves {left} of {pool}"
                );
            }
        }
    }

    /// The floor holds in truth, unless people or broken servers that are not ours took the servers that it needs.
    fn check_floor(&self) {
        if !self.world.foreign.is_empty() {
            return;
        }
        for (name, pool) in &self.world.plan.pools {
            let left = pool.size - self.world.out(name);
            assert!(
                left >= pool.min_in_rotation,
                "{left} left in {name}: {:#?}",
                self.world.truth
            );
        }
    }

    /// What has to be true at the end of a sitting.
    pub(crate) fn check_end(&self, verdict: Verdict) {
        let rollout = &self.rollout;
        // A lease ends by itself: nobody is needed for one that could not be given back.
        let needed = rollout
            .debts()
            .into_iter()
            .filter(|open| open.debt != Debt::Lease);
        let owed: BTreeSet<_> = needed.map(|open| open.server).collect();
        for (server, truth) in &self.world.truth {
            if truth.out_of_rotation && !self.world.foreign.contains(server) {
                assert!(owed.contains(server), "{server} was left out and nobody says so");
            }
        }
        if verdict == Verdict::Aborted {
            return;
        }
        let debts = rollout.debts().into_iter();
        let leases = debts.filter(|open| open.debt == Debt::Lease);
        let leases: BTreeSet<_> = leases.map(|open| open.server).collect();
        for (server, truth) in &self.world.truth {
            assert!(
                !truth.leased || leases.contains(server),
                "the lease of {server} was left and nobody says so"
            );
        }
        if verdict == Verdict::TakenBack {
            for (server, truth) in &self.world.truth {
                assert!(!truth.restricted, "{server} is called taken back");
            }
        }
        assert_eq!(rollout.running().count(), 0, "somebody is still under way");
        let names_commands = rollout.debts().iter().all(|debt| debt.unpaid.is_some());
        assert!(names_commands, "a debt was not even tried: {:?}", rollout.debts());
        let states: Vec<_> = rollout
            .plan()
            .servers
            .keys()
            .map(|name| (name, rollout.state_of(name).expect("planned")))
            .collect();
        let any = |wanted: ServerState| states.iter().any(|(_, state)| *state == wanted);
        assert_eq!(
            verdict == Verdict::HumanNeeded,
            any(ServerState::Stuck) || !owed.is_empty(),
            "{states:?}"
        );
        for (server, state) in &states {
            let truth = &self.world.truth[*server];
            if let ServerState::Healthy { .. } = state {
                let is_as_wanted = truth.restricted && truth.feature && !truth.stale && !truth.broken;
                assert!(is_as_wanted, "{server} is called healthy: {truth:?}");
                assert_eq!(
                    truth.out_of_rotation,
                    self.world.foreign.contains(*server),
                    "{server}"
                );
            }
            if *state == ServerState::Undone {
                assert!(!truth.restricted, "{server} is called undone: {truth:?}");
            }
        }
        let all_healthy = states
            .iter()
            .all(|(_, state)| matches!(state, ServerState::Healthy { .. }));
        assert_eq!(
            matches!(verdict, Verdict::Done | Verdict::NothingToDo),
            all_healthy,
            "{verdict}: {states:?}"
        );
        if verdict == Verdict::Stopped {
            assert!(any(ServerState::Waiting) || any(ServerState::Skipped));
        }
    }
}
