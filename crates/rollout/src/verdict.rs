//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a run ended, from best to worst; docs/exit-codes.md gives each its code.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every server already was as wanted; nothing was changed. Exit code 0.
    NothingToDo,
    /// Every server is as wanted, and at least one was changed. Exit code 0.
    Done,
    /// The operator took the run back: everything that has a way back is as it was, verified. Exit code 0.
    TakenBack,
    /// Some servers failed within the budget, all others are as wanted. Exit code 21.
    DoneWithFailures,
    /// The operator stopped the run; what was begun is finished; resumable. Exit code 20.
    Stopped,
    /// Nobody said that it may go on at one of the policy's pauses; what was begun is finished; resumable. Exit code 20.
    Paused,
    /// The change window has no room for more; what was begun is finished; resumable in its next opening. Exit code 11.
    WindowClosed,
    /// The budget was spent; what was begun is finished; resumable. Exit code 21.
    BudgetSpent,
    /// Servers that the run had not touched degraded together with one that failed: nothing was undone; resumable. Exit code 21.
    AmbientIncident,
    /// The budget was spent and every server of the failed wave was put back, verified. Exit code 22.
    Undone,
    /// A witness saw what must never be; whatever the policy wants done then is done. Exit code 24.
    Breached,
    /// The operator aborted: outcomes may be unknown; `resume` looks again. Exit code 130.
    Aborted,
    /// A server is stuck or a debt is unpaid: a person is needed. Exit code 23.
    HumanNeeded,
}

impl Verdict {
    /// Whether `resume` can go on from here. A run that was put back or taken back is not resumed but planned anew, and one that is done has nothing left.
    pub fn is_resumable(self) -> bool {
        match self {
            Self::DoneWithFailures
            | Self::Stopped
            | Self::Paused
            | Self::WindowClosed
            | Self::BudgetSpent
            | Self::Breached
            | Self::AmbientIncident
            | Self::Aborted
            | Self::HumanNeeded => true,
            Self::NothingToDo | Self::Done | Self::TakenBack | Self::Undone => false,
        }
    }

    /// The verdict as one word, as it stands in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Done => "done",
            Self::TakenBack => "taken_back",
            Self::DoneWithFailures => "done_with_failures",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::WindowClosed => "window_closed",
            Self::BudgetSpent => "budget_spent",
            Self::AmbientIncident => "ambient_incident",
            Self::Undone => "undone",
            Self::Breached => "breached",
            Self::Aborted => "aborted",
            Self::HumanNeeded => "human_needed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
