//! Ctrl-C, once and twice.

use inventory::{OnFailure, Policy, Quantity};
use rollout::{Before, Event, EventKind, Found, Next, Outcome, Phase, ServerState, Verdict};

use crate::farm::{
    BACK_UP, DRAIN, RESTRICT, before, done, evidence, plan, policy, resumed, rotation, seen, server,
    small_plan,
};
use crate::run::Run;

#[test]
fn a_soft_stop_finishes_what_runs_and_the_rest_stays_resumable() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", BACK_UP);
    run.tell(EventKind::StopRequested { hard: false });
    run.settle();
    for step in BACK_UP..=crate::farm::RETURN {
        run.pass("eas-1", step);
    }
    let report = rollout::SoakReport::Healthy(evidence("healthy"));
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report,
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
    assert_eq!(
        run.rollout.state_of(&server("eas-2")),
        Some(ServerState::Waiting),
        "not skipped"
    );
    run.tell(resumed());
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
}

#[test]
fn a_soft_stop_before_the_first_server_stops_at_once() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.tell(EventKind::StopRequested { hard: false });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
}

#[test]
fn a_soft_stop_that_comes_with_the_last_server_changes_nothing() {
    let alone = Policy {
        waves: vec![],
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 1, Quantity::Count(0))], alone));
    run.walk_to("eas-1", crate::farm::RETURN + 1);
    run.tell(EventKind::StopRequested { hard: false });
    let report = rollout::SoakReport::Healthy(evidence("healthy"));
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report,
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
    assert!(run.words().contains(&"wave_finished 0".to_owned()));
}

#[test]
fn a_soft_stop_lets_go_whoever_only_waits_for_the_floor() {
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(2))], policy()));
    run.walk_to("eas-1", DRAIN);
    let before = Before::Drain {
        rotation: Some(rotation(2, 4, true)),
        site: None,
    };
    run.probed("eas-1", DRAIN, Found::Ready(before));
    run.tell(EventKind::StopRequested { hard: false });
    run.settle();
    assert_eq!(run.rollout.state_of(&server("eas-1")), Some(ServerState::Skipped));
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
    run.tell(resumed());
    run.settle();
    assert_eq!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Surveying)
    );
}

#[test]
fn a_hard_stop_ends_the_run_at_once_and_late_answers_are_refused() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT);
    run.probed("eas-1", RESTRICT, Found::Ready(before(RESTRICT)));
    run.tell(EventKind::StopRequested { hard: false });
    run.tell(EventKind::StopRequested { hard: true });
    run.settle();
    assert_eq!(run.rollout.next(run.now), Next::Finished(Verdict::Aborted));
    let kind = EventKind::StepApplied {
        server: server("eas-1"),
        step: RESTRICT,
        outcome: done(),
    };
    let late = Event {
        seq: run.journal.len() as u64,
        at: run.now,
        kind,
    };
    assert!(run.rollout.apply(&late).is_err());
    assert_eq!(run.rollout.debts().len(), 1, "what is owed is named");

    run.tell(resumed());
    let due = ServerState::Running {
        step: RESTRICT,
        attempt: 1,
        phase: Phase::Due,
    };
    assert_eq!(run.rollout.state_of(&server("eas-1")), Some(due));
}

#[test]
fn stops_can_be_repeated_and_never_soften() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    run.tell(EventKind::StopRequested { hard: true });
    run.tell(EventKind::StopRequested { hard: false });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Aborted));
}

#[test]
fn a_stop_does_not_hinder_the_undo_of_what_runs() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RESTRICT);
    run.tell(EventKind::StopRequested { hard: false });
    run.probed("eas-1", RESTRICT, Found::Ready(before(RESTRICT)));
    let outcome = Outcome::Failed(crate::farm::error(rollout::FailureKind::Failed));
    run.applied("eas-1", RESTRICT, outcome);
    run.settle();
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(run.rollout.state_of(&server("eas-1")), Some(ServerState::Undone));
    assert_eq!(run.rollout.verdict(), Some(Verdict::Stopped));
}

#[test]
fn nothing_begins_while_a_survey_is_still_out() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    run.tell(EventKind::StopRequested { hard: false });
    assert_eq!(run.settle(), []);
    assert_eq!(
        run.rollout.next(run.now),
        Next::Wait(None),
        "the survey's answer is awaited"
    );
    run.surveyed("eas-1", seen(&[RESTRICT]));
    assert_eq!(run.settle().len(), 1, "a server that was begun is finished");
}
