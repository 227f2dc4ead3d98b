//! Going on after the process died, or after a person looked at what had failed.

use inventory::{OnFailure, Policy, Quantity};
use rollout::{
    Action, Debt, Event, EventKind, FailureKind, Found, Next, Outcome, Rollout, ServerState, Verdict,
};

use crate::farm::{
    BACK_UP, DRAIN, RESTART, RESTRICT, RETURN, before, error, evidence, plan, policy, resumed, seen, server,
    small_plan,
};
use crate::run::Run;

/// The process dies and comes back: all that is left is the journal.
fn kill(run: Run) -> Run {
    let rollout = Rollout::replay(&run.journal).expect("our own journal");
    assert_eq!(rollout, run.rollout);
    let mut run = Run {
        rollout,
        journal: run.journal,
        now: run.now,
    };
    run.tell(resumed());
    run
}

fn state(run: &Run, name: &str) -> ServerState {
    run.rollout.state_of(&server(name)).expect("planned")
}

#[test]
fn a_survey_is_made_again() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    let mut run = kill(run);
    assert_eq!(
        run.settle(),
        [Action::Survey {
            server: server("eas-1")
        }]
    );
}

#[test]
fn a_step_is_looked_at_again_wherever_it_was() {
    let step = |run: &mut Run, upto: usize| {
        run.walk_to("eas-1", RESTRICT);
        let found = Found::Ready(before(RESTRICT));
        let events = [
            EventKind::StepProbed {
                server: server("eas-1"),
                step: RESTRICT,
                found,
            },
            EventKind::StepApplied {
                server: server("eas-1"),
                step: RESTRICT,
                outcome: crate::farm::done(),
            },
        ];
        for event in events.into_iter().take(upto) {
            run.tell(event);
        }
    };
    for upto in 0..=2 {
        let mut run = Run::new(small_plan(OnFailure::Undo, 0));
        step(&mut run, upto);
        let mut run = kill(run);
        let probe = Action::Probe {
            server: server("eas-1"),
            step: RESTRICT,
            attempt: 1,
        };
        assert_eq!(run.settle(), [probe], "after {upto} answers");
        assert_eq!(run.rollout.debts().len(), 1, "what was taken is still owed");
    }
}

#[test]
fn lost_looks_still_count_after_a_kill() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 1));
    run.walk_to("eas-1", BACK_UP);
    for attempt in 2..=3 {
        let found = Found::Failed(error(FailureKind::Unreachable));
        run.probed("eas-1", BACK_UP, found);
        run = kill(run);
        let probe = Action::Probe {
            server: server("eas-1"),
            step: BACK_UP,
            attempt,
        };
        assert_eq!(run.settle(), [probe], "no pause: a person asked");
    }
    let found = Found::Failed(error(FailureKind::Unreachable));
    run.probed("eas-1", BACK_UP, found);
    run.settle();
    assert_eq!(run.rollout.failures(), 1);
}

#[test]
fn a_soak_begins_anew() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RETURN + 1);
    let mut run = kill(run);
    let span = run.rollout.plan().policy.min_healthy_time;
    assert_eq!(
        run.settle(),
        [Action::Soak {
            server: server("eas-1"),
            span
        }]
    );
}

#[test]
fn an_undo_and_a_payment_are_begun_again() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.fail_at("eas-1", RESTRICT);
    let mut run = kill(run);
    assert_eq!(
        run.settle(),
        [Action::Undo {
            server: server("eas-1"),
            step: RESTRICT,
            before: before(RESTRICT)
        }]
    );
    run.undo("eas-1");
    let mut run = kill(run);
    assert_eq!(
        run.settle(),
        [Action::PayDebt {
            server: server("eas-1"),
            debt: Debt::Rotation { step: DRAIN },
            restore: None
        }]
    );
    run.pay("eas-1");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));
}

#[test]
fn a_kill_does_not_refill_the_budget() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 1));
    run.settle();
    run.lose("eas-1");
    let mut run = kill(run);
    assert_eq!(run.rollout.failures(), 1);
    assert_eq!(
        state(&run, "eas-1"),
        ServerState::Failed,
        "nobody has looked at it yet"
    );
    run.settle();
    run.lose("eas-2");
    assert!(run.rollout.is_budget_spent());
}

#[test]
fn a_spent_budget_stays_spent_across_an_abort() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.fail_at("eas-1", RESTART);
    run.tell(EventKind::StopRequested { hard: true });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::Aborted));
    run.tell(resumed());
    assert!(run.rollout.is_budget_spent());
    run.settle();
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(
        run.rollout.verdict(),
        Some(Verdict::Undone),
        "the way back is finished, and nobody new is begun"
    );
}

#[test]
fn resuming_a_run_that_ended_begins_everything_that_is_not_proven() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.finish("eas-1");
    run.fail_at("eas-2", RESTART);
    // `eas-3` had been surveyed at the same time and is let go.
    run.surveyed("eas-3", seen(&[RESTRICT]));
    run.settle();
    run.pay("eas-2");
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));

    run.tell(resumed());
    assert_eq!(run.rollout.failures(), 0);
    assert_eq!(state(&run, "eas-1"), ServerState::Healthy { changed: true });
    for name in ["eas-2", "eas-3", "eas-4"] {
        assert_eq!(state(&run, name), ServerState::Waiting, "{name}");
    }
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
}

#[test]
fn a_debt_of_an_earlier_sitting_is_paid_by_the_steps_even_when_nothing_else_is_to_do() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.fail_at("eas-1", RESTART);
    let debt = Debt::Rotation { step: DRAIN };
    let why = error(FailureKind::Failed);
    run.tell(EventKind::DebtUnpaid {
        server: server("eas-1"),
        debt,
        error: why,
        command: "set server".to_owned(),
    });
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    run.tell(resumed());
    run.settle();
    // A person repaired the server, and forgot the load balancer.
    run.surveyed("eas-1", seen(&[]));
    run.settle();
    for step in DRAIN..RETURN {
        let found = Found::AlreadyDone(evidence("as wanted"));
        run.probed("eas-1", step, found);
        run.settle();
    }
    run.pass("eas-1", RETURN);
    assert!(run.rollout.debts().is_empty());
    assert!(matches!(state(&run, "eas-1"), ServerState::Soaking { .. }));
}

#[test]
fn a_debt_of_an_earlier_sitting_is_offered_again_when_its_server_is_not_begun() {
    let one_by_one = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(1),
        on_failure: OnFailure::Stop,
        max_failures: 1,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(1))], one_by_one));
    for name in ["eas-1", "eas-2"] {
        run.fail_at(name, RESTART);
        let why = error(FailureKind::Failed);
        let debt = Debt::Rotation { step: DRAIN };
        run.tell(EventKind::DebtUnpaid {
            server: server(name),
            debt,
            error: why,
            command: "set server".to_owned(),
        });
        run.settle();
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    run.tell(resumed());
    run.settle();
    run.tell(EventKind::StopRequested { hard: false });
    // `eas-1` is being surveyed; `eas-2` will not have its turn, so its place is offered back now.
    assert_eq!(
        run.settle(),
        [Action::PayDebt {
            server: server("eas-2"),
            debt: Debt::Rotation { step: DRAIN },
            restore: None
        }]
    );
}

#[test]
fn a_skipped_server_is_offered_its_place_again_in_each_sitting() {
    let careful = Policy {
        waves: vec![],
        on_failure: OnFailure::Stop,
        max_failures: 1,
        ..policy()
    };
    let pools = [("a", 4, Quantity::Count(2)), ("b", 3, Quantity::Count(1))];
    let mut run = Run::new(plan(&pools, careful));
    let refuse = |run: &mut Run, name: &str| {
        let debt = Debt::Rotation { step: DRAIN };
        let command = "set server".to_owned();
        run.tell(EventKind::DebtUnpaid {
            server: server(name),
            debt,
            error: error(FailureKind::Failed),
            command,
        });
    };
    for name in ["a-1", "a-2"] {
        run.fail_at(name, RESTART);
        refuse(&mut run, name);
        run.settle();
    }
    run.surveyed("b-1", seen(&[RESTRICT]));
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));

    // The budget is spent again before the turn of a-2 comes.
    run.tell(resumed());
    run.settle();
    run.lose("b-1");
    run.lose("a-1");
    run.surveyed("b-2", seen(&[RESTRICT]));
    refuse(&mut run, "a-1");
    refuse(&mut run, "a-2");
    while state(&run, "a-2") != ServerState::Skipped {
        let Next::Record(kind) = run.rollout.next(run.now) else {
            panic!("nothing to record")
        };
        run.tell(kind);
    }
    let mut run = kill(run);
    let offers: Vec<_> = run
        .settle()
        .iter()
        .map(|offer| offer.server().to_string())
        .collect();
    assert_eq!(offers, ["a-1", "a-2"]);
    refuse(&mut run, "a-1");
    refuse(&mut run, "a-2");
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    assert!(run.rollout.debts().iter().all(|owed| owed.unpaid.is_some()));
}

/// One pool of six, three under way at a time: `eas-2` and `eas-3` failed and are out, `eas-1` and `eas-4` were let go, the others never begun.
fn two_are_out() -> Run {
    let careful = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(3),
        on_failure: OnFailure::Stop,
        max_failures: 1,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 6, Quantity::Count(2))], careful));
    run.settle();
    let fail = |run: &mut Run, name: &str| {
        run.fail_at(name, RESTART);
        let debt = Debt::Rotation { step: DRAIN };
        let why = error(FailureKind::Failed);
        run.tell(EventKind::DebtUnpaid {
            server: server(name),
            debt,
            error: why,
            command: "set server".to_owned(),
        });
        run.settle();
    };
    fail(&mut run, "eas-2");
    fail(&mut run, "eas-3");
    for name in ["eas-1", "eas-4"] {
        run.surveyed(name, seen(&[RESTRICT]));
        run.settle();
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    run.tell(resumed());
    run
}

#[test]
fn those_who_may_be_out_are_begun_before_anybody_else() {
    let mut run = two_are_out();
    run.tell(EventKind::WaveStarted { wave: 0 });
    let running: Vec<_> = run
        .settle()
        .iter()
        .map(|survey| survey.server().to_string())
        .collect();
    assert_eq!(running, ["eas-2", "eas-3", "eas-1"]);
    run.finish("eas-3");
    let running: Vec<_> = run.rollout.running().map(ToString::to_string).collect();
    assert_eq!(running, ["eas-1", "eas-2", "eas-4"]);
}

#[test]
fn nobody_is_begun_while_too_many_may_be_out() {
    let mut run = two_are_out();
    run.tell(EventKind::WaveStarted { wave: 0 });
    let refused = |run: &Run, name: &str| {
        let kind = EventKind::ServerStarted { server: server(name) };
        run.rollout
            .check(&Event {
                seq: 0,
                at: run.now,
                kind,
            })
            .is_err()
    };
    // Three may be under way, and two may be out: one more, whoever it is.
    assert!(!refused(&run, "eas-1"));
    run.tell(EventKind::ServerStarted {
        server: server("eas-1"),
    });
    assert!(
        refused(&run, "eas-4"),
        "eas-2 and eas-3 may be out, and eas-1 is under way"
    );
    assert!(!refused(&run, "eas-3"), "beginning it takes nobody out");
}

#[test]
fn those_who_may_be_out_do_not_wait_for_their_wave() {
    let careful = Policy {
        waves: vec![Quantity::Count(1)],
        on_failure: OnFailure::Stop,
        max_failures: 1,
        ..policy()
    };
    let mut run = Run::new(plan(
        &[("a", 3, Quantity::Count(1)), ("b", 3, Quantity::Count(1))],
        careful,
    ));
    run.settle();
    run.lose("a-1");
    run.lose("b-1");
    run.surveyed("a-2", seen(&[RESTRICT]));
    run.settle();
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
    run.tell(resumed());
    let begun: Vec<_> = run
        .settle()
        .iter()
        .map(|survey| survey.server().to_string())
        .collect();
    assert_eq!(begun, ["a-1", "b-1"], "wave 0 is open, and b-1 is of wave 1");
}

#[test]
fn stuck_servers_are_looked_at_again_after_a_person_was_there() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.fail_at("eas-1", RESTRICT);
    run.tell(EventKind::UndoFailed {
        server: server("eas-1"),
        step: RESTRICT,
        error: error(FailureKind::Unreachable),
    });
    run.settle();
    run.pay("eas-1");
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    run.tell(resumed());
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
}

#[test]
fn runs_that_have_nothing_left_are_not_resumed() {
    let mut finished = Run::new(small_plan(OnFailure::Undo, 0));
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        finished.finish(name);
    }
    assert_eq!(finished.rollout.verdict(), Some(Verdict::Done));
    assert!(!finished.rollout.is_resumable());
    let event = Event {
        seq: finished.journal.len() as u64,
        at: finished.now,
        kind: resumed(),
    };
    let refused = finished.rollout.apply(&event).expect_err("refused").to_string();
    assert_eq!(
        refused,
        "event `run_resumed` is not possible while run 20261124-0214-7f3a is finished: done"
    );
}

#[test]
fn an_unknown_drain_is_a_debt_from_the_moment_it_may_have_happened() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", DRAIN);
    run.probed("eas-1", DRAIN, Found::Ready(before(DRAIN)));
    let mut run = kill(run);
    run.settle();
    // It had happened: the drain that the probe sees is ours, and the return is ours to do.
    let found = Found::AlreadyDone(evidence("DRAIN"));
    run.probed("eas-1", DRAIN, found);
    run.settle();
    for step in BACK_UP..RETURN {
        run.pass("eas-1", step);
    }
    let found = Found::Ready(before(RETURN));
    let action = run.probed("eas-1", RETURN, found);
    assert!(matches!(action, Some(Action::Apply { step: RETURN, .. })));
    let outcome = Outcome::Done(rollout::Receipt::default());
    run.applied("eas-1", RETURN, outcome);
}

#[test]
fn journals_that_are_not_runs_are_refused() {
    let run = Run::new(small_plan(OnFailure::Undo, 0));
    let message = |events: &[Event]| Rollout::replay(events).expect_err("refused").to_string();
    assert_eq!(message(&[]), "the journal holds no event: nothing was begun");
    let wave = Event {
        seq: 0,
        at: run.now,
        kind: EventKind::WaveStarted { wave: 0 },
    };
    assert_eq!(
        message(std::slice::from_ref(&wave)),
        "expected `run_started` as the first event, found `wave_started`"
    );
    let twice = [
        run.journal[0].clone(),
        Event {
            seq: 1,
            ..run.journal[0].clone()
        },
    ];
    assert_eq!(message(&twice), "event 1 does not follow from those before it");
}
