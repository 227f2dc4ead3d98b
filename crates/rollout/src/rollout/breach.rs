//! What must never be seen all run long. By a witness: then the server counts as failed at once, and fails for it as soon as no worker is with it.
//! By the look at the rotation: then the pool is below its floor, and nobody new begins.

use super::apply::Transition;
use super::state::{Record, Stand};
use super::{Rollout, Stop};
use crate::error::IllegalTransition;
use crate::event::EventKind;
use crate::observation::{StepError, Watched};
use crate::pause::Answer;
use crate::plan::Floor;

impl Rollout {
    pub(super) fn breached(&mut self, watched: &Watched, error: &StepError, kind: &EventKind) -> Transition {
        self.expect_watched(watched, kind)?;
        self.breached = true;
        match watched {
            Watched::Server(server) => {
                let (at, _) = self.expect_server(server, kind)?;
                if let Some(record) = self.records.get_mut(at) {
                    record.breach.get_or_insert_with(|| error.clone());
                }
                self.count(at);
            }
            Watched::Vip(pool) => {
                self.breached_vips.insert(pool.clone());
                if self.is_budget_spent() && self.spent_in.is_none() {
                    // Whoever refused it, it is the open wave that changes something.
                    self.spent_in = self.open_wave;
                }
            }
        }
        Ok(None)
    }

    /// The pool or site has fewer in rotation than it needs. Whoever is out is brought back by finishing it, and nobody may follow.
    pub(super) fn floor_broken(&mut self, floor: &Floor, kind: &EventKind) -> Transition {
        if self.plan.planned(floor).is_none() {
            return self.illegal(&format!("the plan has no {floor}"), kind);
        }
        self.breached = true;
        self.stop = self.stop.max(Some(Stop::Soft));
        if let Some(pause) = self.pause.take() {
            self.answer(&pause, Answer::Stop);
        }
        Ok(None)
    }

    /// What the witness saw belongs to the plan.
    pub(super) fn expect_watched(
        &self,
        watched: &Watched,
        kind: &EventKind,
    ) -> Result<(), IllegalTransition> {
        match watched {
            Watched::Server(server) => self.expect_server(server, kind).map(|_| ()),
            Watched::Vip(pool) if self.plan.pools.contains_key(pool) => Ok(()),
            Watched::Vip(pool) => self
                .illegal(&format!("the plan has no pool {pool}"), kind)
                .map(|_| ()),
        }
    }

    /// Why `server_failed` is due although no step failed. What a worker does on the server is not cut short; the way back of a server that
    /// failed for another reason goes on.
    pub(super) fn breach_due<'a>(&self, record: &'a Record) -> Option<&'a StepError> {
        let may_fail = match &record.stand {
            Stand::Waiting => record.paying.is_none(),
            Stand::Step { phase, .. } => !phase.is_with_worker(),
            Stand::Returned => record.paying.is_none(),
            Stand::Proven | Stand::Healthy => true,
            Stand::Surveying
            | Stand::TakenBack { .. }
            | Stand::Soaking { .. }
            | Stand::Held { .. }
            | Stand::Failing
            | Stand::Failed
            | Stand::Unwinding { .. }
            | Stand::Undone
            | Stand::Stuck
            | Stand::Skipped => false,
        };
        record.breach.as_ref().filter(|_| may_fail)
    }
}
