//! A run that a test drives by hand: it tells what happened and reads the journal that came of it.

use jiff::{SignedDuration, Timestamp};
use rollout::{
    Action, Event, EventKind, FailureKind, Found, Next, Outcome, Plan, Rollout, SoakReport, Survey,
};

use crate::farm::{
    DRAIN, RESTART, RESTRICT, RETURN, before, done, error, evidence, instant, seen, server, started,
};

/// A run under test, its journal, and a clock that ticks a second an event.
pub(crate) struct Run {
    pub(crate) rollout: Rollout,
    pub(crate) journal: Vec<Event>,
    pub(crate) now: Timestamp,
}

impl Run {
    /// A run that has begun.
    pub(crate) fn new(plan: Plan) -> Self {
        let first = started(&plan);
        let mut run = Self {
            rollout: Rollout::new(plan),
            journal: vec![],
            now: instant(0),
        };
        run.tell(first);
        run
    }

    /// Commits and applies an event that has to be legal.
    pub(crate) fn tell(&mut self, kind: EventKind) -> Option<Action> {
        self.now += SignedDuration::from_secs(1);
        let event = Event {
            seq: self.journal.len() as u64,
            at: self.now,
            kind,
        };
        let action = match self.rollout.apply(&event) {
            Ok(action) => action,
            Err(refused) => panic!("{refused}; journal so far: {:#?}", self.words()),
        };
        self.journal.push(event);
        action
    }

    /// Whether the event is refused now.
    pub(crate) fn refuses(&self, kind: EventKind) -> bool {
        let event = Event {
            seq: self.journal.len() as u64,
            at: self.now,
            kind,
        };
        self.rollout.check(&event).is_err()
    }

    /// Records whatever `next` wants recorded; the actions that come of it.
    pub(crate) fn settle(&mut self) -> Vec<Action> {
        let mut actions = vec![];
        while let Next::Record(kind) = self.rollout.next(self.now) {
            actions.extend(self.tell(kind));
        }
        actions
    }

    /// The journal as words, e.g. `step_probed eas-1 0`.
    pub(crate) fn words(&self) -> Vec<String> {
        self.journal.iter().map(|event| words(&event.kind)).collect()
    }

    /// The words of everything since the event with this position.
    pub(crate) fn words_since(&self, at: usize) -> Vec<String> {
        self.words().split_off(at)
    }

    /// Brings a server that has just been started to the probe of `step`, every earlier step done.
    pub(crate) fn walk_to(&mut self, name: &str, step: usize) {
        self.settle();
        self.surveyed(name, seen(&[RESTRICT, RESTART]));
        self.settle();
        for earlier in 0..step {
            self.pass(name, earlier);
        }
    }

    /// A worker answers what it saw before anything is done on the server.
    pub(crate) fn surveyed(&mut self, name: &str, survey: Survey) -> Option<Action> {
        let server = server(name);
        self.tell(EventKind::Surveyed { server, survey })
    }

    /// A worker answers a probe.
    pub(crate) fn probed(&mut self, name: &str, step: usize, found: Found) -> Option<Action> {
        let server = server(name);
        self.tell(EventKind::StepProbed { server, step, found })
    }

    /// A worker answers an apply.
    pub(crate) fn applied(&mut self, name: &str, step: usize, outcome: Outcome) -> Option<Action> {
        let server = server(name);
        self.tell(EventKind::StepApplied {
            server,
            step,
            outcome,
        })
    }

    /// A worker answers a verification.
    pub(crate) fn verified(&mut self, name: &str, step: usize, outcome: Outcome) -> Option<Action> {
        let server = server(name);
        self.tell(EventKind::StepVerified {
            server,
            step,
            outcome,
        })
    }

    /// A worker answers that the server stayed healthy after its return.
    pub(crate) fn soaked(&mut self, name: &str) -> Option<Action> {
        let (server, report) = (server(name), SoakReport::Healthy(evidence("healthy for 1m")));
        self.tell(EventKind::SoakFinished { server, report })
    }

    /// Lets one step be probed, applied and verified.
    pub(crate) fn pass(&mut self, name: &str, step: usize) {
        self.probed(name, step, Found::Ready(before(step)));
        self.applied(name, step, done());
        self.verified(name, step, done());
        self.settle();
    }

    /// Lets a server that has just been started become healthy.
    pub(crate) fn finish(&mut self, name: &str) {
        self.walk_to(name, RETURN + 1);
        self.soaked(name);
        self.settle();
    }

    /// Lets a server that has just been started fail at the apply of `step`.
    pub(crate) fn fail_at(&mut self, name: &str, step: usize) {
        self.walk_to(name, step);
        self.probed(name, step, Found::Ready(before(step)));
        let outcome = Outcome::Failed(error(FailureKind::Failed));
        self.applied(name, step, outcome);
        self.settle();
    }

    /// Lets a server that has just been started be out of reach.
    pub(crate) fn lose(&mut self, name: &str) {
        self.surveyed(name, Survey::Failed(error(FailureKind::Unreachable)));
        self.settle();
    }

    /// Answers the undo of `restrict` that a worker has.
    pub(crate) fn undo(&mut self, name: &str) {
        let evidence = evidence("the section is as it was");
        self.tell(EventKind::UndoFinished {
            server: server(name),
            step: RESTRICT,
            evidence,
        });
        self.settle();
    }

    /// Answers the payment that a worker has.
    pub(crate) fn pay(&mut self, name: &str) {
        let debt = rollout::Debt::Rotation { step: DRAIN };
        self.tell(EventKind::DebtPaid {
            server: server(name),
            debt,
            evidence: evidence("UP"),
        });
        self.settle();
    }
}

fn words(kind: &EventKind) -> String {
    let detail = match kind {
        EventKind::WaveStarted { wave } | EventKind::WaveFinished { wave } => format!(" {wave}"),
        EventKind::StepStarted {
            server,
            step,
            attempt,
        } => format!(" {server} {step} attempt {attempt}"),
        EventKind::StepProbed { server, step, .. }
        | EventKind::StepApplied { server, step, .. }
        | EventKind::StepVerified { server, step, .. }
        | EventKind::UndoStarted { server, step }
        | EventKind::UndoFinished { server, step, .. }
        | EventKind::UndoFailed { server, step, .. } => format!(" {server} {step}"),
        EventKind::ServerHealthy { server, changed } => format!(" {server} changed={changed}"),
        EventKind::RunFinished { verdict } => format!(" {verdict}"),
        other => other
            .server()
            .map(|server| format!(" {server}"))
            .unwrap_or_default(),
    };
    format!("{}{detail}", kind.name())
}
