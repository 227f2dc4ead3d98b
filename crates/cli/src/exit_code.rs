//! The stable exit codes of docs/exit-codes.md.

use std::process;

use rollout::Verdict;

/// How the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExitCode {
    /// Done, or nothing to do.
    Done,
    /// A defect, or a journal that cannot be written; a failed server in `exec` and `ping`.
    Failure,
    /// Usage, inventory or playbook.
    Usage,
    /// Changes are pending.
    Pending,
    /// Refused before anything was touched.
    Refused,
    /// Outside the change window, or no room in it for more.
    WindowClosed,
    /// Another casgate holds the run or a server.
    Locked,
    /// The approved plan is not this plan, or the farm is not as it was when the plan was saved.
    StalePlan,
    /// Stopped by the operator, or at a pause.
    Stopped,
    /// Stopped by the budget or by an incident around the farm, or failures within the budget.
    Budget,
    /// Put back.
    Undone,
    /// A person is needed.
    HumanNeeded,
    /// A witness's assertion was violated.
    Breached,
    /// Aborted.
    Aborted,
    /// A remote command's own code.
    Remote(u8),
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NothingToDo | Verdict::Done | Verdict::TakenBack => Self::Done,
            Verdict::DoneWithFailures | Verdict::BudgetSpent | Verdict::AmbientIncident => Self::Budget,
            Verdict::Stopped | Verdict::Paused => Self::Stopped,
            Verdict::WindowClosed => Self::WindowClosed,
            Verdict::Undone => Self::Undone,
            Verdict::Aborted => Self::Aborted,
            Verdict::HumanNeeded => Self::HumanNeeded,
            Verdict::Breached => Self::Breached,
        }
    }
}

impl ExitCode {
    /// The number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Refused => 10,
            Self::WindowClosed => 11,
            Self::Locked => 12,
            Self::StalePlan => 13,
            Self::Stopped => 20,
            Self::Budget => 21,
            Self::Undone => 22,
            Self::HumanNeeded => 23,
            Self::Breached => 24,
            Self::Aborted => 130,
            Self::Remote(code) => code,
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_documentation() {
        let document = include_str!("../../../docs/exit-codes.md");
        let codes = [
            ExitCode::Done,
            ExitCode::Failure,
            ExitCode::Usage,
            ExitCode::Pending,
            ExitCode::Refused,
            ExitCode::WindowClosed,
            ExitCode::Locked,
            ExitCode::StalePlan,
            ExitCode::Stopped,
            ExitCode::Budget,
            ExitCode::Undone,
            ExitCode::HumanNeeded,
            ExitCode::Breached,
            ExitCode::Aborted,
        ];
        for code in codes {
            assert!(
                document.contains(&format!("| {} |", code.number())),
                "{code:?} is not documented"
            );
        }
    }
}
