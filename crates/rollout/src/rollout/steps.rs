//! A server's way through its survey and its steps.

use inventory::{ServerName, Step, StepKind};
use jiff::Timestamp;

use super::apply::Transition;
use super::ending::inconclusive;
use super::limits::only_looks;
use super::rotation::Refusal;
use super::state::{Applied, Record, Stand};
use super::{LOOKS, PAUSE, Rollout};
use crate::action::{Action, Debt};
use crate::error::IllegalTransition;
use crate::event::{Event, EventKind, Survey};
use crate::observation::{Before, FailureKind, Found, Outcome, StepError};
use crate::server::Phase;

impl Rollout {
    pub(super) fn surveyed(&mut self, server: &ServerName, survey: &Survey, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Surveying {
            return self.illegal_for(record, kind);
        }
        match survey {
            Survey::Seen { work, .. } => {
                if work.iter().any(|step| *step >= self.plan.steps.len()) {
                    return self.illegal("the plan has fewer steps", kind);
                }
                // With a debt all steps run even if they find nothing to do: the way that pays it is one of them.
                let only_looks = work.is_empty() && record.debts.is_empty();
                self.enter(at, 0, only_looks);
            }
            Survey::Failed(error) => self.fail(at, None, error.clone()),
        }
        Ok(None)
    }

    pub(super) fn step_started(
        &mut self,
        server: &ServerName,
        step: usize,
        attempt: u32,
        kind: &EventKind,
    ) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let is_due = match &record.stand {
            Stand::Step {
                step: here,
                attempt: next,
                phase,
            } => *here == step && *next == attempt && !phase.is_with_worker(),
            _ => false,
        };
        if !is_due || self.is_let_go(record) || self.is_drain_taken(record, step) {
            return self.illegal_for(record, kind);
        }
        let is_answered = record.left_out.is_some() && self.kind_of(step) == Some(StepKind::ReturnToRotation);
        self.set_phase(at, Phase::Probing);
        Ok((!is_answered).then(|| Action::Probe {
            server: server.clone(),
            step,
            attempt,
        }))
    }

    pub(super) fn step_probed(
        &mut self,
        server: &ServerName,
        step: usize,
        found: &Found,
        event: &Event,
    ) -> Transition {
        let at = self.expect_phase(server, step, &Phase::Probing, &event.kind)?;
        match found {
            Found::Failed(error) if error.kind.is_worth_another_look() => {
                self.look_again(at, step, error, event.at);
                Ok(None)
            }
            Found::Failed(error) => {
                self.fail(at, Some(step), error.clone());
                Ok(None)
            }
            Found::AlreadyDone(evidence) => {
                match self.kind_of(step) {
                    Some(StepKind::Drain) => {
                        let is_ours = |debt: &Debt| matches!(debt, Debt::Rotation { .. });
                        if let Some(record) = self
                            .records
                            .get_mut(at)
                            .filter(|record| !record.debts.iter().any(is_ours))
                        {
                            record.left_out = Some(evidence.clone());
                        }
                    }
                    Some(StepKind::ReturnToRotation) => self.settle_rotation(at),
                    _ => {}
                }
                self.advance(at, step);
                Ok(None)
            }
            Found::Ready(before) => {
                if self.kind_of(step) != Some(before.kind()) {
                    return self.illegal(&format!("step {step} is of another kind"), &event.kind);
                }
                self.ready(server, at, step, before, event)
            }
        }
    }

    /// A probe found work: it is begun, unless the floor forbids it now or the budget was spent meanwhile.
    fn ready(
        &mut self,
        server: &ServerName,
        at: usize,
        step: usize,
        before: &Before,
        event: &Event,
    ) -> Transition {
        let (_, record) = self.expect_server(server, &event.kind)?;
        let kind = before.kind();
        if self.is_let_go(record) || self.is_on_hold(record) {
            self.set_phase(at, Phase::Due);
            return Ok(None);
        }
        if let Some(shortage) = self.plan.shortage(server, before) {
            let refusal = Refusal::new(&shortage, server, self.plan.policy.progress_deadline);
            self.refuse_drain(at, step, refusal, event.at);
            return Ok(None);
        }
        let is_confirmed_later =
            matches!(self.plan.steps.get(step), Some(Step::Restrict(step)) if step.confirm_within.is_some());
        let begun = record.applied.iter().find(|applied| applied.step == step);
        let first = begun.map(|applied| Box::new(applied.before.clone()));
        if let Some(record) = self.records.get_mut(at) {
            if !only_looks(kind) {
                record.changed = true;
                if record.applied.iter().all(|applied| applied.step != step) {
                    record.applied.push(Applied {
                        step,
                        before: before.clone(),
                    });
                }
            }
            if kind == StepKind::Drain {
                let debt = Debt::Rotation { step };
                record.debts.insert(debt);
                record.unpaid.remove(&debt);
            }
            if is_confirmed_later {
                record.debts.insert(Debt::Confirmation { step });
            }
            record.refused = None;
            record.before = Some(before.clone());
        }
        self.set_phase(at, Phase::Applying);
        Ok(Some(Action::Apply {
            server: server.clone(),
            step,
            before: before.clone(),
            first,
        }))
    }

    pub(super) fn step_applied(
        &mut self,
        server: &ServerName,
        step: usize,
        outcome: &Outcome,
        event: &Event,
    ) -> Transition {
        let at = self.expect_phase(server, step, &Phase::Applying, &event.kind)?;
        match outcome {
            Outcome::Done(_) => {
                let before = self.records.get(at).and_then(|record| record.before.clone());
                self.set_phase(at, Phase::Verifying);
                Ok(before.map(|before| Action::Verify {
                    server: server.clone(),
                    step,
                    before,
                }))
            }
            Outcome::Failed(error) => {
                self.fail(at, Some(step), error.clone());
                Ok(None)
            }
            Outcome::Unknown(error) => {
                self.look_again(at, step, &unknown(error), event.at);
                Ok(None)
            }
        }
    }

    pub(super) fn step_verified(
        &mut self,
        server: &ServerName,
        step: usize,
        outcome: &Outcome,
        event: &Event,
    ) -> Transition {
        let at = self.expect_phase(server, step, &Phase::Verifying, &event.kind)?;
        match outcome {
            Outcome::Done(_) => {
                if self.kind_of(step) == Some(StepKind::ReturnToRotation) {
                    self.settle_rotation(at);
                }
                self.advance(at, step);
            }
            Outcome::Failed(error) => self.fail(at, Some(step), error.clone()),
            Outcome::Unknown(error) => self.look_again(at, step, &unknown(error), event.at),
        }
        Ok(None)
    }

    fn set_phase(&mut self, at: usize, to: Phase) {
        if let Some(Record {
            stand: Stand::Step { phase, .. },
            ..
        }) = self.records.get_mut(at)
        {
            *phase = to;
        }
    }

    fn expect_phase(
        &self,
        server: &ServerName,
        step: usize,
        expected: &Phase,
        kind: &EventKind,
    ) -> Result<usize, IllegalTransition> {
        let (at, record) = self.expect_server(server, kind)?;
        match &record.stand {
            Stand::Step {
                step: here, phase, ..
            } if *here == step && phase == expected => Ok(at),
            _ => self.illegal_for(record, kind).map(|_| at),
        }
    }

    /// The step is over: on to the next.
    fn advance(&mut self, at: usize, step: usize) {
        let only_looks = self.records.get(at).is_some_and(|record| record.only_looks);
        self.enter(at, step + 1, only_looks);
    }

    /// On to the first step from `from` on that the server's route has, or to what follows the last one.
    fn enter(&mut self, at: usize, from: usize, looks: bool) {
        let mut ahead = self.plan.steps.iter().enumerate().skip(from);
        let next = ahead
            .find(|(_, step)| !looks || only_looks(step.kind()))
            .map(|(step, _)| step);
        if let Some(record) = self.records.get_mut(at) {
            record.only_looks = looks;
            record.lost = 0;
            record.refused = None;
            record.before = None;
            record.stand = match next {
                Some(step) => Stand::Step {
                    step,
                    attempt: 1,
                    phase: Phase::Due,
                },
                None if record.changed || !record.debts.is_empty() => Stand::Returned,
                None => Stand::Proven,
            };
        }
    }

    /// Another look after a pause, or the end when too many were lost.
    fn look_again(&mut self, at: usize, step: usize, error: &StepError, now: Timestamp) {
        let Some(record) = self.records.get_mut(at) else {
            return;
        };
        record.lost += 1;
        if record.lost >= LOOKS {
            let error = match self.kind_of(step) {
                Some(StepKind::WaitHealthy | StepKind::Witness) => inconclusive(error),
                _ => error.clone(),
            };
            self.fail(at, Some(step), error);
        } else if let Some(record) = self.records.get_mut(at)
            && let Stand::Step { attempt, phase, .. } = &mut record.stand
        {
            *attempt += 1;
            *phase = Phase::AwaitingLook { retry_at: later(now) };
        }
    }
}

/// The instant after the pause; the instant itself at the end of time.
pub(super) fn later(now: Timestamp) -> Timestamp {
    now.checked_add(PAUSE).unwrap_or(now)
}

/// A lost outcome counts as unknown, whatever lost it.
fn unknown(error: &StepError) -> StepError {
    StepError {
        kind: FailureKind::Unknown,
        ..error.clone()
    }
}
