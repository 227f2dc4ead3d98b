//! The change window: what does not fit does not begin, and what was begun is finished.

use inventory::{OnFailure, Policy, Strategy};
use jiff::{SignedDuration, Timestamp};
use rollout::{EventKind, Forecast, Next, Pace, Plan, Verdict};

use crate::farm::{RESTART, evidence, policy, resumed, server, small_plan, undo_requested};
use crate::run::Run;

fn entered(until: Timestamp) -> EventKind {
    EventKind::WindowEntered { until }
}

/// A run in a window that is so long from now on.
fn within(plan: Plan, span: SignedDuration) -> (Run, Timestamp) {
    let mut run = Run::new(plan);
    let until = run.now + SignedDuration::from_secs(1) + span;
    run.tell(entered(until));
    run.settle();
    (run, until)
}

fn end(run: &Run) -> Option<Verdict> {
    match run.rollout.next(run.now) {
        Next::Finished(verdict) => Some(verdict),
        _ => None,
    }
}

fn plan() -> Plan {
    small_plan(OnFailure::Undo, 0)
}

#[test]
fn a_wave_begins_only_if_it_and_its_way_back_fit() {
    let pace = Pace::assumed(&plan());
    let needed = pace.change.at_worst + pace.undo.at_worst;
    assert_eq!(Forecast::of(&plan()).first, needed);
    // Each event takes a second here.
    let (run, _) = within(plan(), needed + SignedDuration::from_secs(2));
    assert!(
        run.words().contains(&"server_started eas-1".to_owned()),
        "{:?}",
        run.words()
    );
    let (run, until) = within(plan(), needed - SignedDuration::from_secs(1));
    assert_eq!(end(&run), Some(Verdict::WindowClosed));
    assert_eq!(run.rollout.counts().waiting, 4);
    let closed = run.journal.iter().find_map(|event| match &event.kind {
        EventKind::WindowClosed {
            left,
            next,
            undo,
            measured,
            ..
        } => Some((*left, *next, *undo, *measured)),
        _ => None,
    });
    let left = needed - SignedDuration::from_secs(1);
    assert_eq!(closed, Some((left, pace.change.at_worst, pace.undo.at_worst, 0)));
    assert_eq!(run.rollout.until(), Some(until));
}

#[test]
fn a_sliding_window_begins_one_by_one() {
    let sliding = || {
        crate::farm::plan(
            &[("eas", 4, inventory::Quantity::Count(1))],
            Policy {
                strategy: Strategy::Sliding,
                ..policy()
            },
        )
    };
    let pace = Pace::assumed(&sliding());
    // Room for two and their ways back, and not for three.
    let (mut run, _) = within(
        sliding(),
        pace.change.at_worst + pace.undo.at_worst * 2 + SignedDuration::from_secs(5),
    );
    assert_eq!(run.rollout.running().count(), 2);
    assert!(run.rollout.is_window_closed());
    run.finish("eas-1");
    run.finish("eas-2");
    assert_eq!(end(&run), Some(Verdict::WindowClosed));
}

#[test]
fn the_next_wave_does_not_fit_any_more_and_the_next_opening_goes_on() {
    let (mut run, until) = within(plan(), SignedDuration::from_hours(1));
    run.walk_to("eas-1", RESTART);
    // The wave takes long: what is left then is too little for the second one.
    run.now = until - SignedDuration::from_secs(30);
    for step in RESTART..=crate::farm::RETURN {
        run.pass("eas-1", step);
    }
    run.soaked("eas-1");
    run.settle();
    assert_eq!(end(&run), Some(Verdict::WindowClosed));
    assert!(Verdict::WindowClosed.is_resumable());
    assert_eq!(run.rollout.counts().changed, 1);
    assert_eq!(run.rollout.counts().waiting, 3);
    assert!(run.rollout.debts().iter().all(|open| open.unpaid.is_some()) || run.rollout.debts().is_empty());

    run.now += SignedDuration::from_hours(20);
    run.tell(resumed());
    assert_eq!(run.rollout.until(), None);
    let until = run.now + SignedDuration::from_hours(6);
    run.tell(entered(until));
    for name in ["eas-2", "eas-3", "eas-4"] {
        run.finish(name);
    }
    assert_eq!(end(&run), Some(Verdict::Done));
}

#[test]
fn what_a_failure_needs_is_done_whatever_the_clock_says() {
    let (mut run, until) = within(plan(), SignedDuration::from_hours(1));
    run.walk_to("eas-1", RESTART);
    run.now = until + SignedDuration::from_mins(5);
    run.settle();
    assert!(run.rollout.is_window_closed());
    run.probed(
        "eas-1",
        RESTART,
        rollout::Found::Ready(crate::farm::before(RESTART)),
    );
    run.applied(
        "eas-1",
        RESTART,
        rollout::Outcome::Failed(crate::farm::error(rollout::FailureKind::Failed)),
    );
    run.settle();
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::Undone));
}

#[test]
fn taking_back_is_never_stopped_by_the_window() {
    let (mut run, until) = within(plan(), SignedDuration::from_hours(1));
    run.finish("eas-1");
    run.now = until + SignedDuration::from_hours(2);
    run.tell(undo_requested());
    assert_eq!(run.rollout.until(), None);
    run.settle();
    run.undo("eas-1");
    for name in ["eas-2", "eas-3"] {
        run.tell(EventKind::DebtPaid {
            server: server(name),
            debt: rollout::Debt::Lease,
            evidence: evidence("the lease is gone"),
        });
        run.settle();
    }
    assert_eq!(end(&run), Some(Verdict::TakenBack));
}

#[test]
fn resuming_outside_the_window_finishes_what_was_begun_and_begins_nothing() {
    let (mut run, until) = within(plan(), SignedDuration::from_hours(1));
    run.walk_to("eas-1", RESTART);
    run.now = until + SignedDuration::from_hours(2);
    run.tell(resumed());
    run.tell(entered(until));
    run.settle();
    for step in RESTART..=crate::farm::RETURN {
        run.pass("eas-1", step);
    }
    run.soaked("eas-1");
    run.settle();
    assert_eq!(end(&run), Some(Verdict::WindowClosed));
    assert_eq!(
        (run.rollout.counts().changed, run.rollout.counts().waiting),
        (1, 3)
    );
}

#[test]
fn the_run_learns_how_long_a_changed_server_takes() {
    let (mut run, _) = within(plan(), SignedDuration::from_hours(6));
    let assumed = run.rollout.pace();
    assert_eq!(
        (assumed.measured, assumed),
        (0, Pace::assumed(run.rollout.plan()))
    );
    let before = run.rollout.outlook(run.now).expect("it goes on");
    run.finish("eas-1");
    let learned = run.rollout.pace();
    assert_eq!(learned.measured, 1);
    assert!(learned.change.at_worst < assumed.change.typical, "{learned:?}");
    assert_eq!(learned.undo, assumed.undo, "nothing was undone yet");
    let after = run.rollout.outlook(run.now).expect("it goes on");
    assert_eq!((before.measured, after.measured), (0, 1));
    assert!(after.at_worst < before.typical);
    assert!(after.typical <= after.at_worst);
    // What was looked at only says nothing of what is changed.
    run.surveyed("eas-2", crate::farm::seen(&[]));
    run.settle();
    for step in [crate::farm::WAIT_HEALTHY, crate::farm::WAIT_HEALTHY + 1] {
        if run.rollout.running().any(|name| *name == server("eas-2")) {
            run.probed("eas-2", step, rollout::Found::AlreadyDone(evidence("healthy")));
            run.settle();
        }
    }
    assert_eq!(run.rollout.counts().unchanged, 1);
    assert_eq!(run.rollout.pace().measured, 1);
}

#[test]
fn a_window_that_was_not_entered_cannot_close() {
    let run = Run::new(plan());
    assert!(run.refuses(EventKind::WindowClosed {
        until: run.now,
        left: SignedDuration::ZERO,
        next: SignedDuration::ZERO,
        undo: SignedDuration::ZERO,
        measured: 0,
    }));
}

#[test]
fn to_be_finished_in_time_later_waves_are_put_together_and_the_first_one_stays() {
    let pools = [("eas", 9, inventory::Quantity::Count(6))];
    let policy = Policy {
        waves: [1, 1, 1, 1].map(inventory::Quantity::Count).to_vec(),
        ..policy()
    };
    let farm = crate::farm::inventory(&pools);
    let playbook = crate::farm::playbook(policy.clone());
    let resolved = std::collections::BTreeMap::new();
    let by = |playbook: &inventory::Playbook, left: SignedDuration| {
        Plan::build_in_time(&farm, playbook, &resolved, left)
    };
    let sizes = |plan: &Plan| plan.waves.iter().map(Vec::len).collect::<Vec<_>>();
    let written = Plan::build(&farm, &playbook, &resolved).expect("a plan");
    assert_eq!(sizes(&written), [1, 1, 1, 1, 5]);
    let whole = Forecast::of(&written).whole();
    let same = by(&playbook, whole.at_worst).expect("in time");
    assert_eq!(same, written, "nothing is changed without need");
    let mut left = whole.at_worst;
    let mut seen = vec![];
    let refused = loop {
        left -= SignedDuration::from_secs(10);
        match by(&playbook, left) {
            Ok(plan) => {
                assert_eq!(plan.waves.first().map(Vec::len), Some(1), "the canary stays");
                assert_eq!(
                    plan.pools,
                    written
                        .pools
                        .clone()
                        .into_iter()
                        .map(|(name, mut pool)| {
                            pool.tightest = plan.pools.get(&name).and_then(|pool| pool.tightest);
                            (name, pool)
                        })
                        .collect(),
                    "and so do the floors"
                );
                if seen.last() != Some(&sizes(&plan)) {
                    seen.push(sizes(&plan));
                }
            }
            Err(error) => break error,
        }
    };
    // Three at a time: six turns as written, then five, then four. [1, 1, 7] needs five as well, and so is no answer to anything.
    assert_eq!(seen, [vec![1, 1, 1, 6], vec![1, 8]]);
    let rollout::Error::TooLate { left: told, needed } = refused else {
        panic!("{refused}");
    };
    assert!(told == left && needed > left, "{told:#} {needed:#} {left:#}");

    // A pause stays behind its wave.
    let asking = crate::farm::playbook(Policy {
        pause_after: vec![3],
        ..policy
    });
    let plan = by(&asking, needed + SignedDuration::from_hours(1)).expect("in time");
    assert!(plan.waves.len() >= 4, "{:?}", sizes(&plan));
}
