//! What `explain` tells: what each server waits for, and what Ctrl-C would do.

use std::collections::BTreeMap;

use inventory::{OnFailure, Policy, PoolName, Quantity, Strategy};
use jiff::SignedDuration;
use rollout::{EventKind, Found, OnStop, Plan, Wait};

use crate::farm::{
    DRAIN, RESTART, RESTRICT, instant, inventory, plan, playbook, policy, resumed, rotation, seen, server,
    small_plan,
};
use crate::run::Run;

fn wait(run: &Run, name: &str) -> Wait {
    run.rollout.wait_of(&server(name)).expect("planned")
}

fn on_stop(run: &Run, name: &str) -> OnStop {
    run.rollout.on_stop(&server(name)).expect("planned")
}

#[test]
fn a_server_of_a_later_wave_waits_for_the_ends_of_the_earlier_ones() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT);
    let expected = Wait::Wave {
        unfinished: vec![server("eas-1")],
    };
    assert_eq!(wait(&run, "eas-3"), expected);
    assert_eq!(on_stop(&run, "eas-3"), OnStop::NotBegun);
    assert_eq!(wait(&run, "eas-1"), Wait::Worker);
    assert_eq!(on_stop(&run, "eas-1"), OnStop::Finished);
    assert_eq!(run.rollout.wait_of(&server("cas99")), None);
    run.tell(EventKind::StopRequested { hard: false });
    assert_eq!(wait(&run, "eas-3"), Wait::Closing);
}

#[test]
fn the_limits_that_keep_a_server_waiting_are_named() {
    let all = Policy {
        waves: vec![],
        max_parallel: Quantity::Count(2),
        ..policy()
    };
    let mut run = Run::new(plan(&[("eas", 6, Quantity::Count(2))], all.clone()));
    run.settle();
    assert_eq!(wait(&run, "eas-3"), Wait::Parallel { limit: 2 });
    let one_out = Policy {
        max_parallel: Quantity::Count(5),
        ..all
    };
    let mut run = Run::new(plan(&[("eas", 6, Quantity::Count(5))], one_out));
    run.settle();
    let pool = PoolName::from("eas");
    assert_eq!(wait(&run, "eas-2"), Wait::Pool { pool, limit: 1 });
}

#[test]
fn a_refused_permit_says_when_it_is_asked_again_and_when_it_gives_up() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.settle();
    run.surveyed("eas-1", seen(&[RESTRICT, RESTART]));
    run.settle();
    let before = rollout::Before::Drain {
        rotation: Some(rotation(1, 4, true)),
        site: None,
    };
    run.probed("eas-1", DRAIN, Found::Ready(before));
    let Wait::Floor {
        floor,
        min_in_rotation,
        retry_at,
        gives_up_at,
    } = wait(&run, "eas-1")
    else {
        panic!("{:?}", wait(&run, "eas-1"));
    };
    assert_eq!((floor.to_string().as_str(), min_in_rotation), ("pool eas", 1));
    assert_eq!(retry_at, run.now + SignedDuration::from_secs(5));
    assert_eq!(gives_up_at, run.now + run.rollout.plan().policy.progress_deadline);
    assert_eq!(on_stop(&run, "eas-1"), OnStop::LetGo);
    assert!(run.now > instant(0));
}

#[test]
fn a_watched_server_waits_for_the_end_of_the_watch_and_a_healthy_one_for_nothing() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", crate::farm::RETURN + 1);
    let until = run.now + run.rollout.plan().policy.min_healthy_time;
    assert_eq!(wait(&run, "eas-1"), Wait::Soak { until });
    run.tell(resumed());
    run.settle();
    let mut run = Run::new(small_plan(OnFailure::Undo, 0));
    run.finish("eas-1");
    assert_eq!(wait(&run, "eas-1"), Wait::Ended);
    assert_eq!(on_stop(&run, "eas-1"), OnStop::Nothing);
}

#[test]
fn a_sliding_window_begins_who_has_the_longest_way_left_and_then_the_next_longest() {
    let mut farm = inventory(&[("eas", 4, Quantity::Percent(50))]);
    for (server, rack) in farm.servers.values_mut().zip(["b", "c", "a", "a"]) {
        server.labels.insert("rack".to_owned(), rack.to_owned());
    }
    let sliding = Policy {
        strategy: Strategy::Sliding,
        spread: Some("rack".to_owned()),
        ..policy()
    };
    let plan = Plan::build(&farm, &playbook(sliding), &BTreeMap::new()).expect("a plan");
    let mut run = Run::new(plan);
    run.settle();
    // The pool has two lanes for four, and so has everybody; the rack of two has one lane, and would make three rounds of two.
    let under_way: Vec<_> = run.rollout.running().map(ToString::to_string).collect();
    assert_eq!(under_way, ["eas-1", "eas-3"]);
}
