//! Leaving the rotation and coming back.

use jiff::Timestamp;

use super::Rollout;
use super::state::Stand;
use super::steps::later;
use crate::action::Debt;
use crate::observation::{FailureKind, Rotation, StepError};
use crate::plan::PlannedPool;
use crate::server::Phase;

impl Rollout {
    /// The floor does not let the server go now: ask again after a pause, until the progress deadline.
    pub(super) fn refuse_drain(
        &mut self,
        at: usize,
        step: usize,
        rotation: Option<&Rotation>,
        now: Timestamp,
    ) {
        let deadline = self.plan.policy.progress_deadline;
        let Some(record) = self.records.get_mut(at) else {
            return;
        };
        let since = *record.refused_since.get_or_insert(now);
        let error = || {
            let pool = record.pool.as_ref().map_or("no pool", |pool| pool.as_str());
            let floor = record
                .pool
                .as_ref()
                .and_then(|pool| self.plan.pools.get(pool))
                .map_or_else(|| "0".to_owned(), PlannedPool::needed);
            let found = rotation.map_or_else(
                || "nothing".to_owned(),
                |seen| {
                    let out = match seen.out.is_empty() {
                        true => String::new(),
                        false => format!("; out: {}", seen.who_is_out()),
                    };
                    format!(
                        "{} of {} in rotation{}, {} itself is {}{out}",
                        seen.in_rotation,
                        seen.members,
                        seen.weight_in_words(),
                        record.name,
                        seen.state
                    )
                },
            );
            StepError {
                kind: FailureKind::TimedOut,
                doing: format!("wait for pool {pool} to have a server to spare, for {deadline:#}"),
                expected: format!("{floor} in rotation without {}", record.name),
                found,
                hint: Some("bring the pool's other servers back into rotation, then resume".to_owned()),
                causes: Vec::new(),
            }
        };
        if now.duration_since(since) >= deadline {
            let error = error();
            self.fail(at, Some(step), error);
        } else if let Stand::Step { attempt, phase, .. } = &mut record.stand {
            *attempt = attempt.saturating_add(1);
            *phase = Phase::AwaitingPermit { retry_at: later(now) };
        }
    }

    /// The server is back in rotation, or stays out because somebody else wants it so.
    pub(super) fn settle_rotation(&mut self, at: usize) {
        if let Some(record) = self.records.get_mut(at) {
            let is_other = |debt: &Debt| match debt {
                Debt::Rotation { .. } => false,
                Debt::Confirmation { .. } | Debt::Lease => true,
            };
            record.debts.retain(is_other);
            record.unpaid.retain(|debt, _| is_other(debt));
            record.left_out = None;
        }
    }
}
