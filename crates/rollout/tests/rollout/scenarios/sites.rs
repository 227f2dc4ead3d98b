//! Floors of sites, as they are seen live: servers of two pools that stand at one place.

use std::collections::BTreeMap;

use inventory::{Policy, PoolName, Quantity, Site};
use jiff::SignedDuration;
use rollout::{
    Action, Before, EventKind, FailureKind, Floor, Found, Next, OutOfRotation, Phase, Plan, Rotation,
    ServerState, Verdict, Wait,
};

use crate::farm::{DRAIN, RESTART, RESTRICT, error, inventory, playbook, policy, rotation, seen, server};
use crate::run::Run;

/// Pools `eas` and `owa` of three each, all at site `east`, of which four have to stay.
fn plan() -> Plan {
    let mut farm = inventory(&[("eas", 3, Quantity::Count(1)), ("owa", 3, Quantity::Count(1))]);
    for server in farm.servers.values_mut() {
        server.labels.insert("site".to_owned(), "east".to_owned());
    }
    let min_in_rotation = Quantity::Count(4);
    farm.sites.insert("east".to_owned(), Site { min_in_rotation });
    let together = Policy {
        waves: vec![Quantity::Percent(100)],
        progress_deadline: SignedDuration::from_secs(20),
        ..policy()
    };
    Plan::build(&farm, &playbook(together), &BTreeMap::new()).expect("a plan")
}

fn probed(name: &str, site: Rotation) -> EventKind {
    EventKind::StepProbed {
        server: server(name),
        step: DRAIN,
        found: Found::Ready(Before::Drain {
            rotation: Some(rotation(3, 3, true)),
            site: Some(site),
        }),
    }
}

/// Two of the other pool are down: the pool could spare its server, the site cannot.
fn two_down() -> Rotation {
    let out = ["owa-2", "owa-3"].map(|name| OutOfRotation {
        server: server(name),
        why: "DOWN".to_owned(),
    });
    Rotation {
        out: out.to_vec(),
        ..rotation(4, 6, true)
    }
}

#[test]
fn a_drain_waits_for_its_site_and_says_so() {
    let mut run = Run::new(plan());
    run.walk_to("eas-1", DRAIN);
    assert_eq!(run.tell(probed("eas-1", two_down())), None, "4 - 1 is below 4");
    let retry_at = run.now + SignedDuration::from_secs(5);
    assert_eq!(
        run.rollout.wait_of(&server("eas-1")),
        Some(Wait::Floor {
            floor: Floor::Site("east".to_owned()),
            min_in_rotation: 4,
            retry_at,
            gives_up_at: run.now + run.rollout.plan().policy.progress_deadline,
        })
    );
    assert!(run.rollout.debts().is_empty(), "nothing was taken yet");
    run.now = retry_at;
    run.settle();
    let action = run.tell(probed("eas-1", rotation(5, 6, true)));
    assert!(matches!(action, Some(Action::Apply { .. })));
}

#[test]
fn a_site_that_nobody_brings_back_is_given_up_by_name() {
    let mut run = Run::new(plan());
    run.walk_to("eas-1", DRAIN);
    for _ in 0..4 {
        run.tell(probed("eas-1", two_down()));
        if let Next::Wait(Some(at)) = run.rollout.next(run.now) {
            run.now = at;
        }
        run.settle();
    }
    let (_, error) = run.rollout.failure_of(&server("eas-1")).expect("it gave up");
    assert_eq!(
        (error.kind, error.doing.as_str(), error.expected.as_str()),
        (
            FailureKind::TimedOut,
            "wait for site east to have a server to spare, for 20s",
            "4 in rotation without eas-1"
        )
    );
    assert_eq!(
        error.found,
        "4 of 6 in rotation, eas-1 itself is UP; out: owa-2 (DOWN), owa-3 (DOWN)"
    );
}

#[test]
fn two_servers_of_one_site_never_look_at_the_same_rotation() {
    let mut run = Run::new(plan());
    run.walk_to("eas-1", DRAIN);
    run.walk_to("owa-1", DRAIN);
    let state = |run: &Run| run.rollout.state_of(&server("owa-1"));
    assert!(
        matches!(
            state(&run),
            Some(ServerState::Running {
                phase: Phase::Due,
                ..
            })
        ),
        "{:?}",
        state(&run)
    );
    assert_eq!(
        run.rollout.wait_of(&server("owa-1")),
        Some(Wait::Drain {
            other: server("eas-1")
        })
    );
}

#[test]
fn a_broken_floor_of_a_site_stops_the_run() {
    let floor = |name: &str| EventKind::FloorBroken {
        floor: Floor::Site(name.to_owned()),
        error: error(FailureKind::Failed),
    };
    let mut run = Run::new(plan());
    run.walk_to("eas-1", DRAIN);
    assert!(run.refuses(floor("west")));
    run.tell(floor("east"));
    assert!(run.rollout.is_stopping());
    assert!(run.rollout.plan().pools.contains_key(&PoolName::from("owa")));
}

#[test]
fn a_spent_wave_goes_back_one_server_of_a_site_at_a_time() {
    let mut run = Run::new(plan());
    for name in ["eas-1", "owa-1", "eas-2", "owa-2"] {
        run.finish(name);
    }
    run.fail_at("eas-3", RESTART);
    run.surveyed("owa-3", seen(&[RESTRICT]));
    run.settle();
    run.undo("eas-3");
    run.pay("eas-3");
    let going_back = |run: &Run| -> Vec<String> {
        let is_going = |name: &&str| {
            let state = run.rollout.state_of(&server(name));
            matches!(state, Some(ServerState::Undoing { .. }))
        };
        let names = ["eas-1", "eas-2", "owa-1", "owa-2"];
        names.into_iter().filter(is_going).map(str::to_owned).collect()
    };
    for expected in ["eas-1", "owa-1", "eas-2", "owa-2"] {
        assert_eq!(going_back(&run), [expected], "of two pools, and of one site");
        run.undo(expected);
    }
    assert_eq!(run.rollout.verdict(), Some(Verdict::Undone));
}
