//! The end of a server's way: the soak, healthy, failed, let go.

use inventory::ServerName;

use super::Rollout;
use super::apply::Transition;
use super::state::{Failure, Stand};
use crate::action::Action;
use crate::event::{Event, EventKind, SoakReport};
use crate::observation::StepError;

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
        if !matches!(record.stand, Stand::Soaking { .. }) {
            return self.illegal_for(record, kind);
        }
        match report {
            SoakReport::Healthy(_) => self.stand(at, Stand::Proven),
            SoakReport::Failed(error) => self.fail(at, None, error.clone()),
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
        }
        self.stand(at, Stand::Healthy);
        Ok(None)
    }

    pub(super) fn failed(&mut self, server: &ServerName, failure: Failure, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Failing && self.breach_due(record).is_none() {
            return self.illegal_for(record, kind);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.failure = Some(failure);
            record.breach = None;
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
            if self.is_budget_spent() && self.spent_in.is_none() {
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
            Stand::Waiting => self.is_budget_spent() && record.paying.is_none(),
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
