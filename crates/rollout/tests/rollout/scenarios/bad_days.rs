//! Failures: what is counted, undone, paid and left.

use inventory::{OnFailure, Policy, Quantity};
use rollout::{Action, Before, Debt, EventKind, FailureKind, Found, Outcome, ServerState, Survey, Verdict};

use crate::farm::{
    BACK_UP, DRAIN, RESTART, RESTRICT, RETURN, before, error, evidence, plan, policy, seen, server,
    small_plan,
};
use crate::run::Run;

fn state(run: &Run, name: &str) -> ServerState {
    run.rollout.state_of(&server(name)).expect("planned")
}

#[test]
fn a_failed_server_is_undone_and_put_back_and_the_run_goes_on_within_the_budget() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    let at = run.journal.len();
    run.fail_at("eas-1", RESTART);
    run.undo("eas-1");
    run.pay("eas-1");
    let words = run.words_since(at);
    let tail = words.split_off_from("server_failed");
    insta::assert_snapshot!(tail.join("\n"), @"
    server_failed eas-1
    undo_started eas-1 3
    undo_finished eas-1 3
    server_undone eas-1
    debt_payment_started eas-1
    debt_paid eas-1
    wave_finished 0
    wave_started 1
    server_started eas-2
    server_started eas-3
    ");
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::DoneWithFailures));
    assert_eq!(run.rollout.failures(), 1, "failed and undone is one failure");
}

trait SplitOffFrom {
    fn split_off_from(&self, word: &str) -> Vec<String>;
}

impl SplitOffFrom for Vec<String> {
    fn split_off_from(&self, word: &str) -> Vec<String> {
        self.iter()
            .skip_while(|entry| !entry.starts_with(word))
            .cloned()
            .collect()
    }
}

#[test]
fn a_failed_server_is_left_as_it_is_when_the_policy_says_stop() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.fail_at("eas-1", RESTART);
    assert_eq!(
        state(&run, "eas-1"),
        ServerState::PayingDebt {
            debt: Debt::Rotation { step: DRAIN }
        }
    );
    run.pay("eas-1");
    assert_eq!(state(&run, "eas-1"), ServerState::Failed);
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
    assert_eq!(state(&run, "eas-4"), ServerState::Skipped);
}

#[test]
fn a_debt_that_cannot_be_paid_is_named_with_its_command() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.fail_at("eas-1", RESTART);
    let debt = Debt::Rotation { step: DRAIN };
    let command = "echo 'set server eas/eas-1 state ready' | nc 192.0.2.5 9999".to_owned();
    let why = error(FailureKind::Failed);
    run.tell(EventKind::DebtUnpaid {
        server: server("eas-1"),
        debt,
        error: why,
        command: command.clone(),
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    let owed = run.rollout.debts();
    assert_eq!(owed.len(), 1);
    assert_eq!(
        owed[0].unpaid.as_ref().map(|unpaid| unpaid.command.clone()),
        Some(command)
    );
}

#[test]
fn an_undo_that_fails_makes_the_server_stuck_and_its_debt_is_offered_still() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.fail_at("eas-1", RESTRICT);
    run.tell(EventKind::UndoFailed {
        server: server("eas-1"),
        step: RESTRICT,
        error: error(FailureKind::Unreachable),
    });
    let actions = run.settle();
    let debt = Debt::Rotation { step: DRAIN };
    assert_eq!(
        actions[0],
        Action::PayDebt {
            server: server("eas-1"),
            debt,
            restore: None
        }
    );
    run.pay("eas-1");
    assert_eq!(state(&run, "eas-1"), ServerState::Stuck);
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(
        run.rollout.verdict(),
        Some(Verdict::HumanNeeded),
        "whatever else went well"
    );
}

#[test]
fn undo_goes_back_to_what_was_there_before_the_first_attempt() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RESTRICT);
    run.probed("eas-1", RESTRICT, Found::Ready(before(RESTRICT)));
    let lost = Outcome::Unknown(error(FailureKind::Unreachable));
    run.applied("eas-1", RESTRICT, lost);
    run.now += jiff::SignedDuration::from_secs(5);
    run.settle();
    // The first of two commits had gone through.
    let mut half = before(RESTRICT);
    if let Before::Restrict { own, .. } = &mut half {
        own.allow_unlisted = false;
    }
    run.probed("eas-1", RESTRICT, Found::Ready(half));
    let outcome = Outcome::Failed(error(FailureKind::Failed));
    run.applied("eas-1", RESTRICT, outcome);
    let undo = run.settle();
    assert_eq!(
        undo,
        [Action::Undo {
            server: server("eas-1"),
            step: RESTRICT,
            before: before(RESTRICT)
        }]
    );
}

/// One wave of four, of which three may be under way; `eas-1` healthy, `eas-2` at its drain, `eas-3` surveyed or not, `eas-4` waiting.
fn in_the_middle() -> Run {
    let together = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(2),
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(1))], together));
    run.finish("eas-1");
    run
}

#[test]
fn a_spent_budget_puts_the_wave_back_one_server_at_a_time() {
    let mut run = in_the_middle();
    let at = run.journal.len();
    run.fail_at("eas-2", RESTART);
    // `eas-3` was surveyed meanwhile, and is let go: nothing was changed on it.
    run.surveyed("eas-3", seen(&[RESTRICT]));
    run.settle();
    run.undo("eas-2");
    run.pay("eas-2");
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT });
    run.undo("eas-1");
    let words = run.words_since(at).split_off_from("server_failed");
    insta::assert_snapshot!(words.join("\n"), @"
    server_failed eas-2
    budget_spent
    undo_started eas-2 3
    surveyed eas-3
    server_skipped eas-3
    undo_finished eas-2 3
    server_undone eas-2
    debt_payment_started eas-2
    debt_paid eas-2
    undo_started eas-1 3
    undo_finished eas-1 3
    server_undone eas-1
    server_skipped eas-4
    wave_finished 0
    run_finished undone
    ");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));
    assert!(!run.rollout.is_resumable(), "it was put back: plan anew");
}

#[test]
fn a_spent_budget_puts_nobody_back_when_the_policy_says_stop() {
    let together = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(1),
        on_failure: OnFailure::Stop,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(1))], together));
    run.finish("eas-1");
    run.fail_at("eas-2", RESTART);
    run.pay("eas-2");
    assert_eq!(state(&run, "eas-1"), ServerState::Healthy { changed: true });
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
}

#[test]
fn earlier_waves_are_not_put_back() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.finish("eas-1");
    run.settle();
    run.lose("eas-2");
    run.lose("eas-3");
    assert_eq!(state(&run, "eas-1"), ServerState::Healthy { changed: true });
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
    assert_eq!(
        run.rollout.failures(),
        2,
        "unreachable servers count like any other"
    );
}

#[test]
fn only_the_wave_that_spent_the_budget_is_put_back() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    // Wave 0: a failure within the budget. Wave 1: one is healthy, the other is one failure too many.
    run.fail_at("eas-1", RESTRICT);
    run.undo("eas-1");
    run.pay("eas-1");
    run.finish("eas-2");
    run.fail_at("eas-3", RESTRICT);
    run.undo("eas-3");
    run.pay("eas-3");
    assert_eq!(state(&run, "eas-2"), ServerState::Undoing { step: RESTRICT });
    run.undo("eas-2");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));

    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.finish("eas-1");
    run.finish("eas-2");
    run.fail_at("eas-3", RESTRICT);
    run.undo("eas-3");
    run.pay("eas-3");
    run.undo("eas-2");
    assert_eq!(
        state(&run, "eas-1"),
        ServerState::Healthy { changed: true },
        "an earlier wave has proven itself"
    );
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));
}

#[test]
fn several_changes_are_taken_back_from_the_last_to_the_first() {
    let mut two = small_plan(OnFailure::Undo, 1);
    let second = two.steps[RESTRICT].clone();
    two.steps.insert(RESTRICT + 1, second);
    let mut run = Run::new(two);
    run.walk_to("eas-1", RESTRICT);
    run.pass("eas-1", RESTRICT);
    let found = Found::Ready(before(RESTRICT));
    run.probed("eas-1", RESTRICT + 1, found);
    let outcome = Outcome::Failed(error(FailureKind::Failed));
    run.applied("eas-1", RESTRICT + 1, outcome);
    let undo_finished = |step| {
        let evidence = evidence("as before");
        EventKind::UndoFinished {
            server: server("eas-1"),
            step,
            evidence,
        }
    };
    run.settle();
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT + 1 });
    run.tell(undo_finished(RESTRICT + 1));
    let too_early = EventKind::ServerUndone {
        server: server("eas-1"),
    };
    let too_early = rollout::Event {
        seq: 0,
        at: run.now,
        kind: too_early,
    };
    assert!(
        run.rollout.check(&too_early).is_err(),
        "one change is still there"
    );
    run.settle();
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT });
    run.tell(undo_finished(RESTRICT));
    run.settle();
    assert_eq!(
        state(&run, "eas-1"),
        ServerState::PayingDebt {
            debt: Debt::Rotation { step: DRAIN }
        }
    );
}

#[test]
fn what_runs_is_finished_when_the_budget_is_spent() {
    let mut run = in_the_middle();
    run.surveyed("eas-3", seen(&[RESTRICT]));
    run.settle();
    // `eas-3` is drained already when `eas-2` fails.
    run.pass("eas-3", DRAIN);
    run.lose("eas-2");
    assert!(run.rollout.is_budget_spent());
    for step in BACK_UP..=RETURN {
        run.pass("eas-3", step);
    }
    assert!(matches!(state(&run, "eas-3"), ServerState::Soaking { .. }));
    assert_eq!(
        state(&run, "eas-1"),
        ServerState::Healthy { changed: true },
        "its undo waits for the pool to be quiet"
    );
    let report = rollout::SoakReport::Healthy(evidence("healthy"));
    run.tell(EventKind::SoakFinished {
        server: server("eas-3"),
        report,
    });
    run.settle();
    run.undo("eas-1");
    run.undo("eas-3");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));
    assert_eq!(state(&run, "eas-4"), ServerState::Skipped);
}

#[test]
fn nobody_is_begun_after_the_last_failure_that_is_allowed() {
    let together = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(1),
        max_failures: 1,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(1))], together));
    for (name, budget) in [("eas-1", false), ("eas-2", true)] {
        run.settle();
        let survey = Survey::Failed(error(FailureKind::LoginRefused));
        run.surveyed(name, survey);
        run.settle();
        assert_eq!(run.rollout.is_budget_spent(), budget, "{name}");
    }
    assert!(!run.words().contains(&"server_started eas-3".to_owned()));
    let spent = run.journal.iter().find_map(|event| match event.kind {
        EventKind::BudgetSpent { failures, limit, .. } => Some((failures, limit)),
        _ => None,
    });
    assert_eq!(spent, Some((2, 1)));
}
