//! Every limit in one place: who may be begun, who may leave the rotation, who may be put back. `next` proposes by these and `apply` refuses by
//! them.

use inventory::{OnFailure, ServerName, Step, StepKind};

use super::Rollout;
use super::state::{Record, Stand};
use crate::action::Debt;
use crate::server::Phase;

impl Rollout {
    /// Whether the server is between its first look and its end, or is being paid.
    pub(super) fn is_under_way(&self, record: &Record) -> bool {
        match record.stand {
            Stand::Waiting => record.paying.is_some_and(|debt| debt != Debt::Lease),
            Stand::TakenBack { .. } => false,
            _ => !self.is_settled(record),
        }
    }

    /// Whether the run ends as soon as what was begun is finished: the operator or the window wants it.
    pub(super) fn is_ending(&self) -> bool {
        self.stop.is_some() || self.window_closed
    }

    /// Whether nobody is begun any more.
    pub(super) fn is_closing(&self) -> bool {
        self.is_budget_spent() || self.is_ending() || self.taking_back
    }

    /// Whether the server has come to an end with nothing left to undo or to pay (apart from what its wave's undo may bring).
    pub(super) fn is_settled(&self, record: &Record) -> bool {
        let is_paid = record.paying.is_some_and(|debt| debt != Debt::Lease);
        let owes = is_paid || record.payable().is_some();
        match record.stand {
            Stand::Healthy => true,
            Stand::Failed => !owes && !self.is_under_judgement(record) && self.own_undo(record).is_none(),
            Stand::Undone | Stand::Stuck | Stand::Skipped => !owes,
            _ => false,
        }
    }

    /// The server whose turn it is: first those that failed in an earlier life of the run, whatever their wave, since they may be out; then
    /// those of the open wave.
    pub(super) fn startable(&self) -> Option<&ServerName> {
        if self.open_wave.is_none()
            || self.is_closing()
            || self.is_deliberating()
            || self.count_under_way() >= self.plan.max_parallel
        {
            return None;
        }
        let mut waiting: Vec<&Record> = self
            .records
            .iter()
            .filter(|record| self.is_in_turn(record))
            .collect();
        waiting.sort_by(|a, b| b.suspect.cmp(&a.suspect).then_with(|| self.by_urgency(a, b)));
        waiting
            .into_iter()
            .find(|record| self.has_room(record))
            .map(|record| &record.name)
    }

    /// Whether the server may be begun now. Says nothing of who goes first: journals outlive an order.
    pub(super) fn may_start(&self, record: &Record) -> bool {
        self.is_in_turn(record)
            && !self.is_closing()
            && self.count_under_way() < self.plan.max_parallel
            && self.pause.is_none()
            && self.has_room(record)
    }

    /// Whether the server waits, and the open wave is its own or it does not have to wait for its own again.
    pub(super) fn is_in_turn(&self, record: &Record) -> bool {
        record.stand == Stand::Waiting
            && self
                .open_wave
                .is_some_and(|wave| record.suspect || record.wave == wave)
    }

    pub(super) fn count_under_way(&self) -> u32 {
        u32::try_from(
            self.records
                .iter()
                .filter(|record| self.is_under_way(record))
                .count(),
        )
        .unwrap_or(u32::MAX)
    }

    /// Whether another server of the pool or the site is at a drain whose effect the load balancer may not show yet: then nobody else may be probed
    /// for a drain, because both would see the same rotation.
    pub(super) fn is_drain_taken(&self, record: &Record, step: usize) -> bool {
        if self.kind_of(step) != Some(StepKind::Drain) {
            return false;
        }
        self.records.iter().any(|other| {
            other.name != record.name
                && self.plan.share_a_floor(&other.name, &record.name)
                && match &other.stand {
                    Stand::Step { step, phase, .. } => {
                        self.kind_of(*step) == Some(StepKind::Drain)
                            && match phase {
                                Phase::Probing
                                | Phase::Applying
                                | Phase::Verifying
                                | Phase::AwaitingLook { .. } => true,
                                Phase::Due | Phase::AwaitingPermit { .. } => false,
                            }
                    }
                    _ => false,
                }
        })
    }

    /// Whether the server is let go: nothing was changed on it, and now the budget is spent or the window over, or the run ends and the server only
    /// waits for others anyway.
    pub(super) fn is_let_go(&self, record: &Record) -> bool {
        let awaits_permit = matches!(
            record.stand,
            Stand::Step {
                phase: Phase::AwaitingPermit { .. },
                ..
            }
        );
        record.is_untouched()
            && !self.is_deliberating()
            && (self.is_budget_spent() || self.window_over || (self.is_ending() && awaits_permit))
    }

    /// The last step of the server that can be undone.
    pub(super) fn last_undoable(&self, record: &Record) -> Option<usize> {
        record
            .applied
            .iter()
            .rev()
            .map(|applied| applied.step)
            .find(|step| self.has_undo(*step))
    }

    /// The step that the failed server has to take back next.
    pub(super) fn own_undo(&self, record: &Record) -> Option<usize> {
        match self.reaction(record) {
            OnFailure::Undo | OnFailure::UndoAll => self.last_undoable(record),
            OnFailure::Stop | OnFailure::Ask => None,
        }
    }

    /// The step that a healthy server has to take back because its wave spent the budget. One server of a pool or a site at a time, and only when
    /// nobody of it is under way any more.
    pub(super) fn wave_undo(&self, record: &Record) -> Option<usize> {
        let is_alone = self.is_wave_undo_due(record) && self.is_quiet_around(record);
        if is_alone && !self.is_undo_withheld(record) {
            self.last_undoable(record)
        } else {
            None
        }
    }

    /// Whether nobody is under way who shares a floor with the server.
    pub(super) fn is_quiet_around(&self, record: &Record) -> bool {
        !self
            .records
            .iter()
            .any(|other| self.is_under_way(other) && self.plan.share_a_floor(&other.name, &record.name))
    }

    /// Whether a healthy server will have to take its steps back because its wave spent the budget.
    pub(super) fn is_wave_undo_due(&self, record: &Record) -> bool {
        self.is_budget_spent()
            && !self.is_incident()
            && match self.wave_reaction() {
                OnFailure::UndoAll => self.spent_in.is_some(),
                OnFailure::Undo => self.spent_in == Some(record.wave),
                OnFailure::Stop | OnFailure::Ask => false,
            }
            && record.stand == Stand::Healthy
            && self.last_undoable(record).is_some()
    }

    pub(super) fn kind_of(&self, step: usize) -> Option<StepKind> {
        self.plan.steps.get(step).map(Step::kind)
    }

    /// A drain is a debt, not an undo; a restart cannot be taken back, a feature and a backup do no harm, and of a command nobody knows the
    /// reverse.
    fn has_undo(&self, step: usize) -> bool {
        self.kind_of(step) == Some(StepKind::Restrict)
    }
}

/// Whether a step of this kind only looks: it runs on a server that needs nothing, and its `Apply` changes nothing.
pub(super) fn only_looks(kind: StepKind) -> bool {
    match kind {
        StepKind::WaitHealthy | StepKind::Witness => true,
        StepKind::Drain
        | StepKind::BackUp
        | StepKind::InstallFeature
        | StepKind::Restrict
        | StepKind::RestartIis
        | StepKind::ReturnToRotation
        | StepKind::Command
        | StepKind::Powershell => false,
    }
}
