//! The lease on a server: taken with the first work, given back when the run ends.

use inventory::OnFailure;
use rollout::{Action, Debt, EventKind, FailureKind, Verdict};

use crate::farm::{error, evidence, lease_taken, resumed, server, small_plan};
use crate::run::Run;

fn paid(name: &str) -> EventKind {
    EventKind::DebtPaid {
        server: server(name),
        debt: Debt::Lease,
        evidence: evidence("gone"),
    }
}

#[test]
fn leases_are_given_back_together_when_nothing_else_is_left_to_do() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        run.settle();
        run.tell(lease_taken(&server(name)));
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), None, "leases are still out");
    let at = run.journal.len() - 4;
    let expected = ["eas-1", "eas-2", "eas-3", "eas-4"].map(|name| format!("debt_payment_started {name}"));
    assert_eq!(run.words_since(at), expected);
    for name in ["eas-3", "eas-1", "eas-4", "eas-2"] {
        run.tell(paid(name));
        run.settle();
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
    assert!(run.rollout.debts().is_empty());
}

/// It ends by itself: a run is not worse for a lease that nobody could take away, but it says so.
#[test]
fn a_lease_that_cannot_be_given_back_is_named_and_masks_nothing() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.settle();
    run.tell(lease_taken(&server("eas-1")));
    run.fail_at("eas-1", crate::farm::BACK_UP);
    let open = run.rollout.debts();
    assert!(open.iter().any(|open| open.debt == Debt::Lease), "{open:?}");
    run.tell(EventKind::DebtPaid {
        server: server("eas-1"),
        debt: Debt::Rotation {
            step: crate::farm::DRAIN,
        },
        evidence: evidence("UP"),
    });
    run.settle();
    run.tell(EventKind::DebtUnpaid {
        server: server("eas-1"),
        debt: Debt::Lease,
        error: error(FailureKind::Unreachable),
        command: "reg delete".to_owned(),
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
    let open = run.rollout.debts();
    assert_eq!(open.len(), 1);
    assert_eq!(
        open[0].unpaid.as_ref().map(|unpaid| unpaid.command.as_str()),
        Some("reg delete")
    );
    // The next sitting tries again.
    run.tell(resumed());
    assert!(run.rollout.debts()[0].unpaid.is_none());
}

#[test]
fn a_lease_that_was_lost_is_owed_no_more() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    run.tell(lease_taken(&server("eas-1")));
    run.tell(EventKind::LeaseLost {
        server: server("eas-1"),
        holder: "run 20261118-0900-beef".to_owned(),
    });
    assert!(run.rollout.debts().is_empty());
}

/// The look was cut off: the lease may stand there although no event tells of it.
#[test]
fn a_survey_that_was_cut_off_may_have_left_a_lease() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    run.tell(resumed());
    let debts = run.rollout.debts();
    assert_eq!((debts.len(), debts[0].debt), (1, Debt::Lease));
    run.tell(EventKind::StopRequested { hard: false });
    let actions = run.settle();
    let owed = Action::PayDebt {
        server: server("eas-1"),
        debt: Debt::Lease,
        restore: None,
    };
    assert_eq!(actions, [owed]);
    run.tell(paid("eas-1"));
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
}
