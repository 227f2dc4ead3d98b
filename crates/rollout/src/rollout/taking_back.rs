//! Taking a whole run back: every step that has a way back, on every server, the last waves first. And the lease, which the run holds from a
//! server's first change to its own end.

use inventory::ServerName;

use super::Rollout;
use super::apply::Transition;
use super::state::{Control, Stand, Unwind};
use crate::event::EventKind;

impl Rollout {
    /// Whether `undo_requested` can follow: a step that has a way back was begun on some server and not taken back yet, or something is owed.
    pub fn can_be_taken_back(&self) -> bool {
        !self.to_take_back().is_empty()
    }

    /// The servers that taking the run back would change, in the order in which their turn would come.
    pub fn to_take_back(&self) -> Vec<&ServerName> {
        let changed = self.records.iter().rev();
        changed
            .filter(|record| self.last_undoable(record).is_some() || !record.debts.is_empty())
            .map(|record| &record.name)
            .collect()
    }

    /// From here on the run goes backwards. Whatever was in the hands of a worker is lost, as after a kill. The budget is for going forwards;
    /// failures of the way there count no more.
    pub(super) fn take_back(&mut self) {
        self.taking_back = true;
        self.verdict = None;
        self.stop = None;
        self.leave_window();
        self.open_wave = None;
        self.budget_spent = false;
        self.spent_in = None;
        self.pause = None;
        self.ended_at = None;
        self.breached = false;
        self.breached_vips.clear();
        let next: Vec<Option<usize>> = self
            .records
            .iter()
            .map(|record| self.last_undoable(record))
            .collect();
        for (record, next) in self.records.iter_mut().zip(next) {
            if record.stand == Stand::Surveying {
                record.leased = true;
            }
            record.paying = None;
            record.unpaid.clear();
            record.counted = false;
            record.breach = None;
            record.control = Control::None;
            record.answer = None;
            record.stand = match (next, &record.stand) {
                // It had begun already: nobody else's turn comes before it ends.
                (Some(step), Stand::Unwinding { .. }) => Stand::Unwinding {
                    step,
                    progress: Unwind::Due,
                },
                (Some(step), _) => Stand::TakenBack { step },
                (None, Stand::Unwinding { step, .. }) => Stand::Unwinding {
                    step: *step,
                    progress: Unwind::Due,
                },
                (None, Stand::Healthy | Stand::Held { .. }) => Stand::Healthy,
                (None, Stand::Undone) => Stand::Undone,
                (None, _) => Stand::Skipped,
            };
        }
    }

    /// The server whose turn it is to be taken back, and its step: the last waves first, one server of a pool or a site at a time, nobody once the
    /// operator wants an end.
    pub(super) fn next_taken_back(&self) -> Option<(ServerName, usize)> {
        if self.stop.is_some() || self.count_under_way() >= self.plan.max_parallel {
            return None;
        }
        self.records
            .iter()
            .rev()
            .filter(|record| matches!(record.stand, Stand::TakenBack { .. }) && self.is_quiet_around(record))
            .find_map(|record| Some((record.name.clone(), self.last_undoable(record)?)))
    }

    /// A worker tells of the lease, beside its answers.
    pub(super) fn leased(&mut self, server: &ServerName, is_held: bool, kind: &EventKind) -> Transition {
        let (at, _) = self.expect_server(server, kind)?;
        if let Some(record) = self.records.get_mut(at) {
            record.leased = is_held;
        }
        Ok(None)
    }
}
