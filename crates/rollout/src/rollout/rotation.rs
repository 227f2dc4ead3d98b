//! Leaving the rotation and coming back.

use inventory::ServerName;
use jiff::{SignedDuration, Timestamp};

use super::Rollout;
use super::state::Stand;
use super::steps::later;
use crate::action::Debt;
use crate::observation::{FailureKind, StepError};
use crate::plan::{Floor, Shortage};
use crate::server::Phase;

/// Why a server may not leave the rotation now.
pub(super) struct Refusal {
    floor: Floor,
    /// What it comes to at the deadline.
    error: StepError,
}

impl Refusal {
    pub(super) fn new(shortage: &Shortage<'_>, server: &ServerName, deadline: SignedDuration) -> Self {
        let Shortage { floor, planned, seen } = shortage;
        let out = match seen.out.is_empty() {
            true => String::new(),
            false => format!("; out: {}", seen.who_is_out()),
        };
        let whose = match floor {
            Floor::Pool(_) => "pool",
            Floor::Site(_) => "site",
        };
        let error = StepError {
            kind: FailureKind::TimedOut,
            doing: format!("wait for {floor} to have a server to spare, for {deadline:#}"),
            expected: format!("{} in rotation without {server}", planned.needed()),
            found: format!(
                "{} of {} in rotation{}, {server} itself is {}{out}",
                seen.in_rotation,
                seen.members,
                seen.weight_in_words(),
                seen.state
            ),
            hint: Some(format!(
                "bring the {whose}'s other servers back into rotation, then resume"
            )),
            causes: Vec::new(),
        };
        Self {
            floor: floor.clone(),
            error,
        }
    }
}

impl Rollout {
    /// The floor does not let the server go now: ask again after a pause, until the progress deadline.
    pub(super) fn refuse_drain(&mut self, at: usize, step: usize, refusal: Refusal, now: Timestamp) {
        let deadline = self.plan.policy.progress_deadline;
        let Some(record) = self.records.get_mut(at) else {
            return;
        };
        let since = record.refused.as_ref().map_or(now, |(since, _)| *since);
        record.refused = Some((since, refusal.floor));
        if now.duration_since(since) >= deadline {
            self.fail(at, Some(step), refusal.error);
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
