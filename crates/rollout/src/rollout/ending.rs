//! The end of a server's way: the soak, healthy, failed, let go.

use inventory::ServerName;

use super::Rollout;
use super::apply::Transition;
use super::state::{Control, Failure, Stand};
use crate::action::Action;
use crate::event::{Event, EventKind, SoakReport};
use crate::observation::{FailureKind, StepError};

impl Rollout {
    pub(super) fn soaking(&mut self, server: &ServerName, event: &Event) -> Transition {
        let (at, record) = self.expect_server(server, &event.kind)?;
        if record.stand != Stand::Returned || !record.debts.is_empty() {
            return self.illegal_for(record, &event.kind);
        }
        self.stand(at, Stand::Soaking { since: event.at });
        let span = self.plan.policy.min_healthy_time;
        Ok(Some(Action::Soak {
            server: server.clone(),
            span,
        }))
    }

    pub(super) fn soak_finished(
        &mut self,
        server: &ServerName,
        report: &SoakReport,
        kind: &EventKind,
    ) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let is_held = matches!(record.stand, Stand::Held { .. });
        if !is_held && !matches!(record.stand, Stand::Soaking { .. }) {
            return self.illegal_for(record, kind);
        }
        if is_held && let (SoakReport::Healthy(_), Some(record)) = (report, self.records.get_mut(at)) {
            record.held = true;
            record.stand = Stand::Healthy;
            return Ok(None);
        }
        match report {
            SoakReport::Healthy(_) => self.stand(at, Stand::Proven),
            SoakReport::Failed(error) => self.fail(at, None, error.clone()),
            SoakReport::Inconclusive(error) => self.fail(at, None, inconclusive(error)),
        }
        Ok(None)
    }

    pub(super) fn healthy(&mut self, server: &ServerName, changed: bool, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Proven || record.changed != changed {
            return self.illegal_for(record, kind);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.suspect = false;
            record.failure = None;
            record.is_back = true;
        }
        self.stand(at, Stand::Healthy);
        Ok(None)
    }

    /// A server of the first wave is watched on before the second wave may begin.
    pub(super) fn canary_held(&mut self, server: &ServerName, event: &Event) -> Transition {
        let (at, record) = self.expect_server(server, &event.kind)?;
        if !self.is_hold_due(record) || !self.may_be_held(record) {
            return self.illegal_for(record, &event.kind);
        }
        self.stand(at, Stand::Held { since: event.at });
        let span = self.plan.policy.canary_hold;
        Ok(Some(Action::Soak {
            server: server.clone(),
            span,
        }))
    }

    pub(super) fn failed(&mut self, server: &ServerName, failure: Failure, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Failing && self.breach_due(record).is_none() {
            return self.illegal_for(record, kind);
        }
        let control = if self.wants_control(record, &failure.error) {
            Control::Due
        } else {
            Control::None
        };
        if let Some(record) = self.records.get_mut(at) {
            record.failure = Some(failure);
            record.breach = None;
            record.control = control;
            record.answer = None;
            record.is_back = false;
        }
        self.count(at);
        self.stand(at, Stand::Failed);
        Ok(None)
    }

    /// The server counts against the budget from now on, once.
    pub(super) fn count(&mut self, at: usize) {
        if let Some(record) = self.records.get_mut(at) {
            record.counted = true;
            record.suspect = true;
            let wave = record.wave;
            // What could not be seen is no reason to put a wave back.
            let is_seen = !record.is_inconclusive();
            if is_seen && self.is_budget_spent() && self.spent_in.is_none() {
                self.spent_in = Some(wave);
            }
        }
    }

    /// `server_failed` is due for this reason.
    pub(super) fn fail(&mut self, at: usize, step: Option<usize>, error: StepError) {
        if let Some(record) = self.records.get_mut(at) {
            record.failure = Some(Failure { step, error });
            record.stand = Stand::Failing;
        }
    }

    pub(super) fn stand(&mut self, at: usize, stand: Stand) {
        if let Some(record) = self.records.get_mut(at) {
            record.stand = stand;
        }
    }

    pub(super) fn skipped(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let is_due = match record.stand {
            Stand::Waiting => {
                record.paying.is_none() && (self.is_budget_spent() || self.is_held_back(record))
            }
            Stand::Step { ref phase, .. } => self.is_let_go(record) && !phase.is_with_worker(),
            _ => false,
        };
        if !is_due {
            return self.illegal_for(record, kind);
        }
        self.stand(at, Stand::Skipped);
        Ok(None)
    }
}

/// A gate that could not look has neither passed nor failed, whatever kept it from looking.
pub(super) fn inconclusive(error: &StepError) -> StepError {
    StepError {
        kind: FailureKind::Inconclusive,
        ..error.clone()
    }
}
