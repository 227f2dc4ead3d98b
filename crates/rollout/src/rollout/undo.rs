//! The way back: undoing what was changed, paying what is owed.

use inventory::ServerName;

use super::Rollout;
use super::apply::Transition;
use super::state::{Failure, Stand, Unpaid, Unwind};
use crate::action::{Action, Debt};
use crate::error::IllegalTransition;
use crate::event::EventKind;
use crate::observation::StepError;

impl Rollout {
    pub(super) fn undo_started(&mut self, server: &ServerName, step: usize, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let due = match record.stand {
            Stand::Failed => self.own_undo(record),
            Stand::Healthy => self.wave_undo(record),
            Stand::TakenBack { .. } => self
                .next_taken_back()
                .and_then(|(next, step)| (next == *server).then_some(step)),
            Stand::Unwinding {
                progress: Unwind::Due,
                ..
            } => self.last_undoable(record),
            _ => None,
        };
        if due != Some(step) || record.paying.is_some() {
            return self.illegal_for(record, kind);
        }
        let action = Self::undo_action(record, step);
        self.stand(
            at,
            Stand::Unwinding {
                step,
                progress: Unwind::Running,
            },
        );
        Ok(action)
    }

    pub(super) fn undo_finished(&mut self, server: &ServerName, step: usize, kind: &EventKind) -> Transition {
        let at = self.expect_undo(server, step, kind)?;
        if let Some(record) = self.records.get_mut(at) {
            record.applied.retain(|applied| applied.step != step);
        }
        self.stand(
            at,
            Stand::Unwinding {
                step,
                progress: Unwind::Due,
            },
        );
        Ok(None)
    }

    pub(super) fn undo_failed(
        &mut self,
        server: &ServerName,
        step: usize,
        error: &StepError,
        kind: &EventKind,
    ) -> Transition {
        let at = match self
            .index
            .get(server)
            .and_then(|at| Some((*at, self.records.get(*at)?)))
        {
            // The floor does not let it be put back: nothing was begun, and a person has to know.
            Some((at, record))
                if self.is_undo_withheld(record) && self.last_undoable(record) == Some(step) =>
            {
                at
            }
            _ => self.expect_undo(server, step, kind)?,
        };
        if let Some(record) = self.records.get_mut(at) {
            record.failure = Some(Failure {
                step: Some(step),
                error: error.clone(),
            });
        }
        self.stand(
            at,
            Stand::Unwinding {
                step,
                progress: Unwind::Failed,
            },
        );
        Ok(None)
    }

    pub(super) fn undone(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let is_due = matches!(
            record.stand,
            Stand::Unwinding {
                progress: Unwind::Due,
                ..
            }
        );
        if !is_due || self.last_undoable(record).is_some() {
            return self.illegal_for(record, kind);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.applied.clear();
            record.changed = false;
        }
        if !self.taking_back {
            self.count(at);
        }
        self.stand(at, Stand::Undone);
        Ok(None)
    }

    pub(super) fn stuck(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if !matches!(
            record.stand,
            Stand::Unwinding {
                progress: Unwind::Failed,
                ..
            }
        ) {
            return self.illegal_for(record, kind);
        }
        if !self.taking_back {
            self.count(at);
        }
        self.stand(at, Stand::Stuck);
        Ok(None)
    }

    pub(super) fn payment_started(
        &mut self,
        server: &ServerName,
        debt: Debt,
        kind: &EventKind,
    ) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        let may_pay = match record.stand {
            _ if debt == Debt::Lease => self.decide_run().as_ref() == Some(kind),
            Stand::Failed => self.own_undo(record).is_none(),
            Stand::Returned | Stand::Undone | Stand::Stuck | Stand::Skipped => true,
            Stand::Waiting => self.is_closing(),
            _ => false,
        };
        let is_owed = match debt {
            Debt::Lease => record.owes_lease(),
            _ => record.payable() == Some(debt),
        };
        if !may_pay || record.paying.is_some() || !is_owed {
            return self.illegal_for(record, kind);
        }
        let restore = match debt {
            // Who has all steps behind it has confirmed: every witness among them was heard.
            Debt::Confirmation { step } if record.stand != Stand::Returned => record
                .applied
                .iter()
                .find(|applied| applied.step == step)
                .map(|applied| applied.before.clone()),
            Debt::Confirmation { .. } | Debt::Rotation { .. } | Debt::Lease => None,
        };
        if let Some(record) = self.records.get_mut(at) {
            record.paying = Some(debt);
        }
        Ok(Some(Action::PayDebt {
            server: server.clone(),
            debt,
            restore,
        }))
    }

    pub(super) fn debt_paid(&mut self, server: &ServerName, debt: Debt, kind: &EventKind) -> Transition {
        let at = self.expect_payment(server, debt, kind)?;
        if let Some(record) = self.records.get_mut(at) {
            record.paying = None;
            record.debts.remove(&debt);
            match debt {
                Debt::Lease => record.leased = false,
                Debt::Rotation { .. } => record.is_back = true,
                Debt::Confirmation { .. } => {}
            }
        }
        Ok(None)
    }

    pub(super) fn debt_unpaid(
        &mut self,
        server: &ServerName,
        debt: Debt,
        unpaid: Unpaid,
        kind: &EventKind,
    ) -> Transition {
        let at = self.expect_payment(server, debt, kind)?;
        let Some(record) = self.records.get_mut(at) else {
            return Ok(None);
        };
        record.paying = None;
        let error = unpaid.error.clone();
        record.unpaid.insert(debt, unpaid);
        if record.stand == Stand::Returned {
            // Nobody is done while the run still owes him something.
            self.fail(at, None, error);
        }
        Ok(None)
    }

    fn expect_undo(
        &self,
        server: &ServerName,
        step: usize,
        kind: &EventKind,
    ) -> Result<usize, IllegalTransition> {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand
            == (Stand::Unwinding {
                step,
                progress: Unwind::Running,
            })
        {
            Ok(at)
        } else {
            self.illegal_for(record, kind).map(|_| at)
        }
    }

    fn expect_payment(
        &self,
        server: &ServerName,
        debt: Debt,
        kind: &EventKind,
    ) -> Result<usize, IllegalTransition> {
        let (at, record) = self.expect_server(server, kind)?;
        if record.paying == Some(debt) {
            Ok(at)
        } else {
            self.illegal_for(record, kind).map(|_| at)
        }
    }
}
