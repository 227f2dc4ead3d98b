//! What a witness saw and must never see.

use inventory::{OnFailure, PoolName};
use rollout::{EventKind, FailureKind, Floor, ServerState, Sight, Verdict, Watched};

use crate::farm::{RESTRICT, RETURN, error, server, small_plan};
use crate::run::Run;

fn breach(watched: Watched) -> EventKind {
    EventKind::WitnessBreached {
        watched,
        vantage: "sentry1".into(),
        error: error(FailureKind::Failed),
    }
}

fn at(name: &str) -> Watched {
    Watched::Server(server(name))
}

fn state(run: &Run, name: &str) -> ServerState {
    run.rollout.state_of(&server(name)).expect("planned")
}

#[test]
fn a_server_under_way_fails_for_it_as_soon_as_no_worker_is_with_it() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT + 1);
    // The next step is being probed.
    run.tell(breach(at("eas-1")));
    assert_eq!(run.rollout.failures(), 1, "it counts at once");
    assert!(run.rollout.is_budget_spent());
    run.settle();
    assert!(matches!(state(&run, "eas-1"), ServerState::Running { .. }));
    run.pass("eas-1", RESTRICT + 1);
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT });
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(run.rollout.failures(), 1, "one breach is one failure");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Breached));
}

#[test]
fn a_server_that_was_done_is_put_back() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.finish("eas-1");
    run.tell(breach(at("eas-1")));
    run.settle();
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT });
    assert!(!run.rollout.is_budget_spent(), "one may fail");
    run.undo("eas-1");
    assert_eq!(state(&run, "eas-1"), ServerState::Undone);
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(
        run.rollout.verdict(),
        Some(Verdict::Breached),
        "worse than failures within the budget"
    );
}

#[test]
fn a_server_that_was_not_begun_never_is() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.settle();
    run.tell(breach(at("eas-4")));
    run.tell(breach(at("eas-4")));
    run.settle();
    assert_eq!(state(&run, "eas-4"), ServerState::Failed);
    for name in ["eas-1", "eas-2", "eas-3"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Breached));
    assert!(!run.words().contains(&"server_started eas-4".to_owned()));
}

#[test]
fn at_a_virtual_address_it_counts_as_one_more_failure_and_the_open_wave_is_put_back() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT + 1);
    run.tell(breach(Watched::Vip(PoolName::from("eas"))));
    assert_eq!(run.rollout.failures(), 1);
    for step in RESTRICT + 1..=RETURN {
        run.pass("eas-1", step);
    }
    run.soaked("eas-1");
    run.settle();
    assert_eq!(state(&run, "eas-1"), ServerState::Undoing { step: RESTRICT });
    run.undo("eas-1");
    assert_eq!(state(&run, "eas-4"), ServerState::Skipped);
    assert_eq!(run.rollout.verdict(), Some(Verdict::Breached));
}

#[test]
fn who_resumes_a_run_that_ended_so_has_seen_it() {
    let mut run = Run::new(small_plan(OnFailure::Stop, 0));
    run.walk_to("eas-1", RESTRICT + 1);
    run.tell(breach(at("eas-1")));
    run.pass("eas-1", RESTRICT + 1);
    run.pay("eas-1");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Breached));
    run.tell(EventKind::RunResumed {
        operator: "ops@jump01".to_owned(),
        version: "0.1.0".to_owned(),
    });
    for name in ["eas-1", "eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Done));
}

#[test]
fn what_changes_decides_nothing_and_strangers_are_refused() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    let before = run.rollout.clone();
    let sees = |watched| EventKind::WitnessChanged {
        watched,
        vantage: "sentry1".into(),
        path: "/owa/".to_owned(),
        was: Some(Sight::Served),
        sees: Sight::Unserved,
        unserved_ms: None,
    };
    run.tell(sees(at("eas-1")));
    assert_eq!(run.rollout, before);
    for stranger in [at("cas99"), Watched::Vip(PoolName::from("elsewhere"))] {
        for kind in [sees(stranger.clone()), breach(stranger)] {
            let event = rollout::Event {
                seq: 0,
                at: run.now,
                kind,
            };
            assert!(run.rollout.check(&event).is_err());
        }
    }
}

fn floor_broken(pool: &str) -> EventKind {
    EventKind::FloorBroken {
        floor: Floor::Pool(PoolName::from(pool)),
        error: error(FailureKind::Failed),
    }
}

#[test]
fn a_broken_floor_finishes_what_was_begun_and_begins_nobody() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", RESTRICT);
    run.tell(floor_broken("eas"));
    run.settle();
    assert!(run.rollout.is_stopping());
    for step in RESTRICT..=RETURN {
        run.pass("eas-1", step);
    }
    run.soaked("eas-1");
    run.settle();
    assert_eq!(state(&run, "eas-1"), ServerState::Healthy { changed: true });
    assert_eq!(state(&run, "eas-2"), ServerState::Waiting);
    assert_eq!(run.rollout.failures(), 0, "nobody failed");
    assert_eq!(run.rollout.verdict(), Some(Verdict::Breached));
    assert!(run.rollout.is_resumable());
}

#[test]
fn a_floor_of_a_pool_that_the_plan_does_not_have_is_refused() {
    let run = Run::new(small_plan(OnFailure::Undo, 0));
    assert!(run.refuses(floor_broken("owa")));
    assert!(!run.refuses(floor_broken("eas")));
}
