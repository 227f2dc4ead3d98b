//! The way of a server when all goes well, or nearly.

use inventory::{OnFailure, Policy, Quantity};
use jiff::SignedDuration;
use rollout::{
    Action, Before, Debt, EventKind, FailureKind, Found, Next, OutOfRotation, Outcome, Phase, Rotation,
    ServerState, SoakReport, Verdict,
};

use crate::farm::{
    DRAIN, RESTART, RESTRICT, RETURN, WAIT_HEALTHY, WITNESS, before, done, error, evidence, plan, policy,
    rotation, seen, server, small_plan,
};
use crate::run::Run;

#[test]
fn the_canary_goes_through_every_step() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.finish("eas-1");
    insta::assert_snapshot!(run.words().join("\n"), @"
    run_started
    wave_started 0
    server_started eas-1
    surveyed eas-1
    step_started eas-1 0 attempt 1
    step_probed eas-1 0
    step_applied eas-1 0
    step_verified eas-1 0
    step_started eas-1 1 attempt 1
    step_probed eas-1 1
    step_applied eas-1 1
    step_verified eas-1 1
    step_started eas-1 2 attempt 1
    step_probed eas-1 2
    step_applied eas-1 2
    step_verified eas-1 2
    step_started eas-1 3 attempt 1
    step_probed eas-1 3
    step_applied eas-1 3
    step_verified eas-1 3
    step_started eas-1 4 attempt 1
    step_probed eas-1 4
    step_applied eas-1 4
    step_verified eas-1 4
    step_started eas-1 5 attempt 1
    step_probed eas-1 5
    step_applied eas-1 5
    step_verified eas-1 5
    step_started eas-1 6 attempt 1
    step_probed eas-1 6
    step_applied eas-1 6
    step_verified eas-1 6
    step_started eas-1 7 attempt 1
    step_probed eas-1 7
    step_applied eas-1 7
    step_verified eas-1 7
    server_soaking eas-1
    soak_finished eas-1
    server_healthy eas-1 changed=true
    wave_finished 0
    wave_started 1
    server_started eas-2
    server_started eas-3
    ");
}

#[test]
fn a_server_that_needs_nothing_is_only_looked_at() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        run.settle();
        run.surveyed(name, seen(&[]));
        run.settle();
        for step in [WAIT_HEALTHY, WITNESS] {
            run.pass(name, step);
        }
        assert_eq!(
            run.rollout.state_of(&server(name)),
            Some(ServerState::Healthy { changed: false })
        );
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::NothingToDo));
    let applied = run
        .words()
        .iter()
        .filter(|word| word.starts_with("step_applied"))
        .count();
    assert_eq!(applied, 8, "only the looks");
}

#[test]
fn steps_that_find_nothing_are_skipped_and_the_soak_remains() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", DRAIN + 1);
    for step in DRAIN + 1..=RETURN {
        let found = Found::AlreadyDone(evidence("as wanted"));
        run.probed("eas-1", step, found);
        run.settle();
    }
    assert!(matches!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Soaking { .. })
    ));
    assert!(run.rollout.debts().is_empty(), "it is back already");
}

/// The drain's probe, seeing so many in rotation.
fn probe_drain(run: &mut Run, name: &str, in_rotation: u32) -> Option<Action> {
    let before = Before::Drain {
        rotation: Some(rotation(in_rotation, 4, true)),
        site: None,
    };
    run.probed(name, DRAIN, Found::Ready(before))
}

#[test]
fn a_drain_waits_for_its_permit_and_asks_again() {
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(2))], policy()));
    run.walk_to("eas-1", DRAIN);
    for attempt in 2..9 {
        assert_eq!(
            probe_drain(&mut run, "eas-1", 2),
            None,
            "2 - 1 is below the floor of 2"
        );
        let retry_at = run.now + SignedDuration::from_secs(5);
        let expected = ServerState::Running {
            step: DRAIN,
            attempt,
            phase: Phase::AwaitingPermit { retry_at },
        };
        assert_eq!(run.rollout.state_of(&server("eas-1")), Some(expected));
        assert!(run.rollout.debts().is_empty(), "nothing was taken yet");
        assert_eq!(run.rollout.next(run.now), Next::Wait(Some(retry_at)));
        run.now = retry_at;
        let probes = run.settle();
        assert_eq!(
            probes,
            [Action::Probe {
                server: server("eas-1"),
                step: DRAIN,
                attempt
            }]
        );
    }
    assert!(matches!(
        probe_drain(&mut run, "eas-1", 3),
        Some(Action::Apply { .. })
    ));
    let debts = run.rollout.debts();
    assert_eq!(
        debts.iter().map(|owed| owed.debt).collect::<Vec<_>>(),
        [Debt::Rotation { step: DRAIN }]
    );
}

#[test]
fn a_server_that_is_out_already_takes_nobody_with_it() {
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(2))], policy()));
    run.walk_to("eas-1", DRAIN);
    let before = Before::Drain {
        rotation: Some(rotation(2, 4, false)),
        site: None,
    };
    let action = run.probed("eas-1", DRAIN, Found::Ready(before));
    assert!(matches!(action, Some(Action::Apply { .. })));
}

/// A pool of six of which one was down before the run began, and a budget of one failure: who is down is missing from what is seen, and is not
/// held against the floor a second time as a failure that might still come.
#[test]
fn whoever_was_down_already_is_counted_once() {
    let forgiving = Policy {
        max_failures: 1,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 6, Quantity::Count(4))], forgiving));
    assert_eq!(run.rollout.plan().pools[&"eas".into()].max_in_flight, 1);
    run.walk_to("eas-1", DRAIN);
    let down = |in_rotation: u32, names: &[&str]| Before::Drain {
        rotation: Some(Rotation {
            out: names
                .iter()
                .map(|name| OutOfRotation {
                    server: server(name),
                    why: "DOWN".to_owned(),
                })
                .collect(),
            ..rotation(in_rotation, 6, true)
        }),
        site: None,
    };
    let probed = |before| EventKind::StepProbed {
        server: server("eas-1"),
        step: DRAIN,
        found: Found::Ready(before),
    };
    // Two down: 4 - 1 is below the floor.
    assert_eq!(run.tell(probed(down(4, &["eas-5", "eas-6"]))), None);
    run.now += SignedDuration::from_secs(5);
    run.settle();
    // One down: 5 - 1 is the floor, although one more may fail.
    let action = run.tell(probed(down(5, &["eas-6"])));
    assert!(matches!(action, Some(Action::Apply { .. })), "{action:?}");
}

#[test]
fn a_permit_that_never_comes_fails_the_server_with_what_it_waited_for() {
    let deadline = SignedDuration::from_secs(20);
    let patient = Policy {
        progress_deadline: deadline,
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(2))], patient));
    run.walk_to("eas-1", DRAIN);
    for _ in 0..4 {
        let seen = Rotation {
            out: vec![OutOfRotation {
                server: server("eas-2"),
                why: "UP, but /owa/healthcheck.htm answers 503: out of service".to_owned(),
            }],
            ..rotation(2, 4, true)
        };
        run.probed(
            "eas-1",
            DRAIN,
            Found::Ready(Before::Drain {
                rotation: Some(seen),
                site: None,
            }),
        );
        if let Next::Wait(Some(at)) = run.rollout.next(run.now) {
            run.now = at;
        }
        run.settle();
    }
    let (step, why) = run.rollout.failure_of(&server("eas-1")).expect("it failed");
    assert_eq!((step, why.kind), (Some(DRAIN), FailureKind::TimedOut));
    assert_eq!(why.doing, "wait for pool eas to have a server to spare, for 20s");
    assert_eq!(why.expected, "2 in rotation without eas-1");
    assert_eq!(
        why.found,
        "2 of 4 in rotation, eas-1 itself is UP; out: eas-2 (UP, but /owa/healthcheck.htm answers 503: out of service)"
    );
    assert_eq!(
        run.rollout.verdict(),
        Some(Verdict::BudgetSpent),
        "nothing was changed, so nothing is put back"
    );
}

#[test]
fn drains_of_a_pool_are_probed_one_after_the_other() {
    let together = Policy {
        waves: vec![],
        ..policy()
    };
    let mut run = Run::new(plan(
        &[("a", 4, Quantity::Count(1)), ("b", 4, Quantity::Count(1))],
        together,
    ));
    let surveys = run.settle();
    assert_eq!(surveys.len(), 6, "three of each pool");
    let mut probes = vec![];
    for survey in surveys {
        run.tell(EventKind::Surveyed {
            server: survey.server().clone(),
            survey: seen(&[RESTRICT]),
        });
        probes.extend(run.settle());
    }
    let names: Vec<_> = probes.iter().map(|probe| probe.server().as_str()).collect();
    assert_eq!(names, ["a-1", "b-1"]);
    run.pass("a-1", DRAIN);
    assert!(
        run.words().contains(&"step_started a-2 0 attempt 1".to_owned()),
        "its turn comes with the verification"
    );
    assert!(!run.words().contains(&"step_started b-2 0 attempt 1".to_owned()));
}

#[test]
fn a_lost_drain_keeps_the_others_waiting_until_it_is_known() {
    let together = Policy {
        waves: vec![],
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 4, Quantity::Count(1))], together));
    run.settle();
    for name in ["eas-1", "eas-2"] {
        run.surveyed(name, seen(&[RESTRICT]));
        run.settle();
    }
    probe_drain(&mut run, "eas-1", 4);
    let outcome = Outcome::Unknown(error(FailureKind::Unreachable));
    run.applied("eas-1", DRAIN, outcome);
    assert_eq!(run.settle(), []);
    run.now += SignedDuration::from_secs(5);
    let probes = run.settle();
    assert_eq!(
        probes,
        [Action::Probe {
            server: server("eas-1"),
            step: DRAIN,
            attempt: 2
        }]
    );
    let found = Found::AlreadyDone(evidence("DRAIN"));
    run.probed("eas-1", DRAIN, found);
    assert_eq!(run.rollout.debts().len(), 1, "it was our drain");
    let probes = run.settle();
    assert!(probes.contains(&Action::Probe {
        server: server("eas-2"),
        step: DRAIN,
        attempt: 1
    }));
}

#[test]
fn an_unknown_outcome_is_looked_at_and_never_repeated_blindly() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RESTRICT);
    run.probed("eas-1", RESTRICT, Found::Ready(before(RESTRICT)));
    let outcome = Outcome::Unknown(error(FailureKind::Unreachable));
    assert_eq!(run.applied("eas-1", RESTRICT, outcome), None);
    assert_eq!(run.settle(), []);
    run.now += SignedDuration::from_secs(5);
    assert_eq!(
        run.settle(),
        [Action::Probe {
            server: server("eas-1"),
            step: RESTRICT,
            attempt: 2
        }]
    );
    let found = Found::AlreadyDone(evidence("allowUnlisted=false"));
    run.probed("eas-1", RESTRICT, found);
    assert_eq!(
        run.settle(),
        [Action::Probe {
            server: server("eas-1"),
            step: RESTART,
            attempt: 1
        }]
    );
}

#[test]
fn the_third_lost_look_fails_the_server_as_unknown() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RESTRICT);
    for attempt in 1..=3 {
        let found = Found::Ready(before(RESTRICT));
        run.probed("eas-1", RESTRICT, found);
        let outcome = Outcome::Unknown(error(FailureKind::TimedOut));
        run.applied("eas-1", RESTRICT, outcome);
        run.now += SignedDuration::from_secs(5);
        let actions = run.settle();
        assert_eq!(
            matches!(actions[0], Action::Probe { .. }),
            attempt < 3,
            "{actions:?}"
        );
    }
    let (step, why) = run.rollout.failure_of(&server("eas-1")).expect("it failed");
    assert_eq!((step, why.kind), (Some(RESTRICT), FailureKind::Unknown));
}

#[test]
fn a_server_that_refuses_is_not_asked_again() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 1));
    run.walk_to("eas-1", DRAIN);
    let found = Found::Failed(error(FailureKind::LoginRefused));
    run.probed("eas-1", DRAIN, found);
    run.settle();
    assert_eq!(run.rollout.state_of(&server("eas-1")), Some(ServerState::Failed));
}

#[test]
fn a_server_that_others_took_out_stays_out() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", DRAIN);
    let found = Found::AlreadyDone(evidence("MAINT, by somebody else"));
    run.probed("eas-1", DRAIN, found);
    run.settle();
    for step in DRAIN + 1..RETURN {
        run.pass("eas-1", step);
    }
    assert!(run.rollout.debts().is_empty());
    assert!(matches!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Soaking { .. })
    ));
    // The core answers the probe of the return itself: no worker puts the server back.
    let answer = run.journal.iter().rev().find_map(|event| match &event.kind {
        EventKind::StepProbed {
            step: RETURN, found, ..
        } => Some(found.clone()),
        _ => None,
    });
    assert_eq!(
        answer,
        Some(Found::AlreadyDone(evidence("MAINT, by somebody else")))
    );
}

#[test]
fn a_playbook_that_forgets_the_return_pays_before_the_soak() {
    let mut forgetful = small_plan(OnFailure::Stop, 1);
    forgetful.steps.truncate(RETURN);
    let mut run = Run::new(forgetful);
    run.walk_to("eas-1", RETURN);
    let debt = Debt::Rotation { step: DRAIN };
    assert_eq!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::PayingDebt { debt })
    );
    let early = EventKind::ServerSoaking {
        server: server("eas-1"),
    };
    let early = rollout::Event {
        seq: 0,
        at: run.now,
        kind: early,
    };
    assert!(
        run.rollout.check(&early).is_err(),
        "nobody soaks outside of the rotation"
    );
    let mut unpaid = Run {
        rollout: run.rollout.clone(),
        journal: run.journal.clone(),
        now: run.now,
    };
    run.pay("eas-1");
    assert!(matches!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Soaking { .. })
    ));

    let command = "set server eas/eas-1 state ready".to_owned();
    let error = error(FailureKind::Failed);
    unpaid.tell(EventKind::DebtUnpaid {
        server: server("eas-1"),
        debt,
        error,
        command,
    });
    unpaid.settle();
    assert_eq!(
        unpaid.rollout.state_of(&server("eas-1")),
        Some(ServerState::Failed)
    );
    assert_eq!(unpaid.rollout.failures(), 1);
}

#[test]
fn a_failed_soak_fails_the_server() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RETURN + 1);
    let report = SoakReport::Failed(error(FailureKind::TimedOut));
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report,
    });
    let undo = run.settle();
    assert_eq!(
        undo,
        [Action::Undo {
            server: server("eas-1"),
            step: RESTRICT,
            before: before(RESTRICT)
        }]
    );
    let (step, why) = run.rollout.failure_of(&server("eas-1")).expect("it failed");
    assert_eq!((step, why.kind), (None, FailureKind::TimedOut));
}

#[test]
fn waves_wait_for_each_other_and_limits_hold_inside_them() {
    let two = Policy {
        waves: vec![Quantity::Count(1)],
        max_parallel: Quantity::Count(2),
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 6, Quantity::Count(1))], two));
    assert_eq!(run.settle().len(), 1, "the canary");
    run.finish("eas-1");
    let names: Vec<_> = run.rollout.running().map(ToString::to_string).collect();
    assert_eq!(names, ["eas-2", "eas-3"]);
    assert_eq!(run.rollout.wave(), Some(1));
    let counts = run.rollout.counts();
    assert_eq!((counts.changed, counts.running, counts.waiting), (1, 2, 3));
    run.finish("eas-3");
    let names: Vec<_> = run.rollout.running().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["eas-2", "eas-4"],
        "the window slides: nobody waits for the slow one"
    );
}

#[test]
fn verification_speaks_last() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 1));
    run.walk_to("eas-1", RESTRICT);
    run.probed("eas-1", RESTRICT, Found::Ready(before(RESTRICT)));
    let verify = run.applied("eas-1", RESTRICT, done());
    assert_eq!(
        verify,
        Some(Action::Verify {
            server: server("eas-1"),
            step: RESTRICT,
            before: before(RESTRICT)
        })
    );
    let outcome = Outcome::Failed(error(FailureKind::Failed));
    run.verified("eas-1", RESTRICT, outcome);
    run.settle();
    assert_eq!(run.rollout.failures(), 1);
}
