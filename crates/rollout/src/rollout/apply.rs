//! The only mutation: one event in, at most one action out. Everything is checked before anything is changed, so a refused event leaves the
//! state as it was.

use inventory::ServerName;

use super::state::{Control, Failure, Record, Stand, Unpaid};
use super::{Rollout, Stop};
use crate::action::Action;
use crate::error::IllegalTransition;
use crate::event::{Event, EventKind};
use crate::pause::Answer;
use crate::verdict::Verdict;

/// What the handlers of this folder return.
pub(super) type Transition = Result<Option<Action>, IllegalTransition>;

impl Rollout {
    /// Takes note of a committed event. Live, the action goes to a worker; on replay it is dropped.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the event does not follow from the state; the state is unchanged then. An answer that a worker gives after a
    /// hard stop ended the run is such an event: the caller drops it before it is committed.
    pub fn apply(&mut self, event: &Event) -> Transition {
        let action = self.transition(event)?;
        self.measure(event);
        Ok(action)
    }

    fn transition(&mut self, event: &Event) -> Transition {
        let kind = &event.kind;
        self.check_order(kind)?;
        match kind {
            EventKind::RunStarted { run, plan, .. } => {
                if **plan != self.plan {
                    return self.illegal("another plan was expected", kind);
                }
                self.run = Some(run.clone());
                Ok(None)
            }
            EventKind::RunResumed { .. } => {
                self.resume();
                Ok(None)
            }
            EventKind::UndoRequested { .. } => {
                self.take_back();
                Ok(None)
            }
            EventKind::StealApproved { .. } => Ok(None),
            EventKind::WindowEntered { until } => self.window_entered(*until),
            EventKind::WindowClosed { left, .. } => self.window_closed(*left, kind),
            EventKind::LeaseTaken { server, .. } => self.leased(server, true, kind),
            EventKind::LeaseLost { server, .. } => self.leased(server, false, kind),
            EventKind::WaveStarted { wave } => {
                let is_due = self.open_wave.is_none() && self.unfinished_wave() == Some(*wave);
                if !is_due || self.is_closing() || self.pause.is_some() || self.pause_before(*wave).is_some()
                {
                    return self.illegal(&self.describe(), kind);
                }
                self.open_wave = Some(*wave);
                Ok(None)
            }
            EventKind::WaveFinished { wave } => {
                if self.open_wave != Some(*wave) || !self.is_wave_over(*wave) {
                    return self.illegal(&self.describe(), kind);
                }
                self.open_wave = None;
                Ok(None)
            }
            EventKind::BudgetSpent { .. } => {
                if !self.is_budget_spent() || self.budget_spent {
                    return self.illegal(&self.describe(), kind);
                }
                self.budget_spent = true;
                Ok(None)
            }
            EventKind::WitnessChanged { watched, .. } => {
                self.expect_watched(watched, kind)?;
                Ok(None)
            }
            EventKind::WitnessBreached { watched, error, .. } => self.breached(watched, error, kind),
            EventKind::FloorBroken { floor, .. } => self.floor_broken(floor, kind),
            EventKind::StopRequested { hard } => {
                self.stop_at(if *hard { Stop::Hard } else { Stop::Soft });
                Ok(None)
            }
            EventKind::HookFailed { .. } => {
                if !self.taking_back {
                    self.stop_at(Stop::Soft);
                }
                Ok(None)
            }
            EventKind::RunFinished { verdict } => {
                let is_due = match verdict {
                    Verdict::Aborted => self.stop == Some(Stop::Hard),
                    _ => self.decide_run().as_ref() == Some(kind),
                };
                if !is_due {
                    return self.illegal(&self.describe(), kind);
                }
                self.verdict = Some(*verdict);
                Ok(None)
            }
            EventKind::ServerStarted { server } => self.start(server, kind),
            EventKind::Surveyed { server, survey } => self.surveyed(server, survey, kind),
            EventKind::StepStarted {
                server,
                step,
                attempt,
            } => self.step_started(server, *step, *attempt, kind),
            EventKind::StepProbed { server, step, found } => self.step_probed(server, *step, found, event),
            EventKind::StepApplied {
                server,
                step,
                outcome,
            } => self.step_applied(server, *step, outcome, event),
            EventKind::StepVerified {
                server,
                step,
                outcome,
            } => self.step_verified(server, *step, outcome, event),
            EventKind::ServerSoaking { server } => self.soaking(server, event),
            EventKind::SoakFinished { server, report } => self.soak_finished(server, report, kind),
            EventKind::ServerHealthy { server, changed } => self.healthy(server, *changed, kind),
            EventKind::CanaryHeld { server } => self.canary_held(server, event),
            EventKind::ControlLookStarted { server } => self.control_look_started(server, kind),
            EventKind::ControlSeen { server, group } => self.control_seen(server, group, kind),
            EventKind::AmbientIncident { server, .. } => self.ambient_incident(server, kind),
            EventKind::RunPaused { pause } => self.paused(pause, kind),
            EventKind::PersonAnswered { answer, .. } => self.answered(*answer, kind),
            EventKind::ServerFailed { server, step, error } => {
                let failure = Failure {
                    step: *step,
                    error: error.clone(),
                };
                self.failed(server, failure, kind)
            }
            EventKind::UndoStarted { server, step } => self.undo_started(server, *step, kind),
            EventKind::UndoFinished { server, step, .. } => self.undo_finished(server, *step, kind),
            EventKind::UndoFailed { server, step, error } => self.undo_failed(server, *step, error, kind),
            EventKind::ServerUndone { server } => self.undone(server, kind),
            EventKind::ServerStuck { server } => self.stuck(server, kind),
            EventKind::ServerSkipped { server } => self.skipped(server, kind),
            EventKind::DebtPaymentStarted { server, debt } => self.payment_started(server, *debt, kind),
            EventKind::DebtPaid { server, debt, .. } => self.debt_paid(server, *debt, kind),
            EventKind::DebtUnpaid {
                server,
                debt,
                error,
                command,
            } => {
                let unpaid = Unpaid {
                    error: error.clone(),
                    command: command.clone(),
                };
                self.debt_unpaid(server, *debt, unpaid, kind)
            }
        }
    }

    /// Whether [`Rollout::apply`] would accept the event. For whoever commits before he applies: an event that was refused after it was committed
    /// would stand in the journal, and the journal could not be replayed any more.
    ///
    /// # Errors
    /// As [`Rollout::apply`].
    pub fn check(&self, event: &Event) -> Result<(), IllegalTransition> {
        // A copy of a few hundred records costs less than the sync that follows.
        self.clone().apply(event).map(|_| ())
    }

    /// `run_started` comes first and once; after the end only `run_resumed` and `undo_requested` may come, and only where there is something to
    /// resume or to undo.
    fn check_order(&self, kind: &EventKind) -> Result<(), IllegalTransition> {
        let fits = match kind {
            EventKind::RunStarted { .. } => self.run.is_none(),
            EventKind::RunResumed { .. } => {
                self.run.is_some() && self.verdict.is_none_or(Verdict::is_resumable)
            }
            EventKind::UndoRequested { .. } => self.run.is_some() && self.can_be_taken_back(),
            _ => self.run.is_some() && self.verdict.is_none(),
        };
        if fits {
            Ok(())
        } else {
            self.illegal(&self.describe(), kind).map(|_| ())
        }
    }

    /// The server's position and record, or an error that says that the plan does not have it.
    pub(super) fn expect_server(
        &self,
        server: &ServerName,
        kind: &EventKind,
    ) -> Result<(usize, &Record), IllegalTransition> {
        let found = self
            .index
            .get(server)
            .and_then(|at| Some((*at, self.records.get(*at)?)));
        found.ok_or_else(|| IllegalTransition {
            state: format!("the plan has no server {server}"),
            event: describe_event(kind),
        })
    }

    /// The event does not fit where the server stands.
    pub(super) fn illegal_for(&self, record: &Record, kind: &EventKind) -> Transition {
        self.illegal(&record.describe(), kind)
    }

    pub(super) fn illegal(&self, state: &str, kind: &EventKind) -> Transition {
        Err(IllegalTransition {
            state: state.to_owned(),
            event: describe_event(kind),
        })
    }

    /// Nothing new from here on; a question that is out is answered by it.
    fn stop_at(&mut self, stop: Stop) {
        self.stop = self.stop.max(Some(stop));
        if let Some(pause) = self.pause.take() {
            self.answer(&pause, Answer::Stop);
        }
    }

    fn start(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Waiting {
            return self.illegal_for(record, kind);
        }
        // The limits are checked here and not only proposed by `next`: nobody is begun past them, whoever asks.
        if !self.may_start(record) {
            return self.illegal(&format!("it is not the turn of {server}"), kind);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.left_out = None;
            record.failure = None;
            record.control = Control::None;
            record.answer = None;
            record.is_back = false;
        }
        self.stand(at, Stand::Surveying);
        Ok(Some(Action::Survey {
            server: server.clone(),
        }))
    }

    /// The run's state in words, for errors.
    fn describe(&self) -> String {
        match (&self.run, self.verdict, self.open_wave) {
            (None, _, _) => "the run has not started".to_owned(),
            (Some(run), Some(verdict), _) => format!("run {run} is finished: {verdict}"),
            (Some(run), None, Some(wave)) => format!("run {run} is in wave {wave}"),
            (Some(run), None, None) => format!("run {run} is between waves"),
        }
    }
}

fn describe_event(kind: &EventKind) -> String {
    match kind.server() {
        Some(server) => format!("{} of {server}", kind.name()),
        None => kind.name().to_owned(),
    }
}
