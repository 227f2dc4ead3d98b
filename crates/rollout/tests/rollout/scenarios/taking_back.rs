//! `casgate undo`: a whole run taken back.

use inventory::OnFailure;
use rollout::{Action, Debt, EventKind, FailureKind, ServerState, Verdict};

use crate::farm::{DRAIN, RESTRICT, error, evidence, resumed, server, small_plan, undo_requested};
use crate::run::Run;

fn undone(name: &str) -> EventKind {
    EventKind::UndoFinished {
        server: server(name),
        step: RESTRICT,
        evidence: evidence("as before"),
    }
}

fn undoes(actions: &[Action]) -> Vec<String> {
    let undo = |action: &Action| match action {
        Action::Undo { server, step, .. } => format!("{server} {step}"),
        other => panic!("{other:?}"),
    };
    actions.iter().map(undo).collect()
}

/// All four servers healthy.
fn done() -> Run {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
    run
}

#[test]
fn the_last_wave_goes_first_one_of_a_pool_at_a_time_and_nothing_counts_against_the_budget() {
    let mut run = done();
    let order: Vec<_> = run
        .rollout
        .to_take_back()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(order, ["eas-4", "eas-3", "eas-2", "eas-1"]);
    run.tell(undo_requested());
    for name in ["eas-4", "eas-3", "eas-2", "eas-1"] {
        assert_eq!(undoes(&run.settle()), [format!("{name} {RESTRICT}")]);
        run.tell(undone(name));
    }
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::TakenBack));
    assert_eq!(run.rollout.failures(), 0);
    assert!(!run.rollout.can_be_taken_back() && !run.rollout.is_resumable());
}

#[test]
fn a_server_that_cannot_be_taken_back_needs_a_person_and_the_others_are_taken_back() {
    let mut run = done();
    run.tell(undo_requested());
    run.settle();
    run.tell(EventKind::UndoFailed {
        server: server("eas-4"),
        step: RESTRICT,
        error: error(FailureKind::Failed),
    });
    for name in ["eas-3", "eas-2", "eas-1"] {
        run.settle();
        run.tell(undone(name));
    }
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    // Once the person has been there: `undo` again, or `resume`, which is the same by now.
    for again in [undo_requested(), resumed()] {
        let mut run = Run {
            rollout: run.rollout.clone(),
            journal: run.journal.clone(),
            now: run.now,
        };
        run.tell(again);
        assert_eq!(undoes(&run.settle()), [format!("eas-4 {RESTRICT}")]);
        run.tell(undone("eas-4"));
        run.settle();
        assert_eq!(run.rollout.verdict(), Some(Verdict::TakenBack));
    }
}

#[test]
fn a_run_that_was_cut_off_in_its_midst_pays_what_it_owes_and_begins_nobody() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT);
    assert!(run.rollout.can_be_taken_back(), "its drain is owed");
    run.tell(undo_requested());
    let owed = Action::PayDebt {
        server: server("eas-1"),
        debt: Debt::Rotation { step: DRAIN },
        restore: None,
    };
    assert_eq!(run.settle(), [owed]);
    run.tell(EventKind::DebtPaid {
        server: server("eas-1"),
        debt: Debt::Rotation { step: DRAIN },
        evidence: evidence("UP"),
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::TakenBack));
    assert_eq!(run.rollout.state_of(&server("eas-2")), Some(ServerState::Skipped));
}

#[test]
fn a_stop_ends_it_after_the_server_under_way_and_a_kill_anywhere_goes_on() {
    let mut run = done();
    run.tell(undo_requested());
    run.settle();
    run.tell(EventKind::StopRequested { hard: false });
    assert!(run.settle().is_empty());
    run.tell(undone("eas-4"));
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
    run.tell(resumed());
    assert_eq!(undoes(&run.settle()), [format!("eas-3 {RESTRICT}")]);
    // Killed here: looked at again, which the undo does before it writes.
    run.tell(resumed());
    assert_eq!(undoes(&run.settle()), [format!("eas-3 {RESTRICT}")]);
    assert_eq!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Undoing { step: RESTRICT })
    );
}

#[test]
fn a_run_that_changed_nothing_has_nothing_to_take_back() {
    let run = Run::new(small_plan(OnFailure::Undo, 0));
    assert!(!run.rollout.can_be_taken_back());
    let event = rollout::Event {
        seq: 1,
        at: run.now,
        kind: undo_requested(),
    };
    assert!(run.rollout.check(&event).is_err());
}
