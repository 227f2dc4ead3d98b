//! What is remembered of untouched servers, and what a look after a failure makes of it. cas01 is the one that failed, cas02 its witness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::*;
use crate::testing::{FrontEnd, Ports, plan, session, world};

const STEPS: &str =
    "[[step]]\nrestart_iis = {}\n[[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n";

fn names() -> [ServerName; 2] {
    [ServerName::from("cas01"), ServerName::from("cas02")]
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

/// A front end whose health page answers what is set, and a world of it.
async fn farm() -> (FrontEnd, Arc<AtomicU16>, Arc<World>) {
    let status = Arc::new(AtomicU16::new(200));
    let says = Arc::clone(&status);
    let front_end =
        FrontEnd::start(move |_| (says.load(Ordering::SeqCst), "", "200 OK<br/>CAS".to_owned())).await;
    let world = world(
        &Ports {
            https: front_end.port,
            ca: Some(front_end.ca.clone()),
            ..Ports::default()
        },
        1000.0,
    );
    (front_end, status, world)
}

#[test]
fn the_last_look_before_an_instant_counts_or_the_first_of_all() {
    let group = ControlGroup::default();
    let [_, other] = names();
    assert_eq!(group.before(&other, instant(0)), None);
    for (second, is_healthy) in [(20, false), (40, true), (60, false)] {
        group.note(&other, instant(second), is_healthy);
    }
    // (the server was begun at, whether the other one was healthy then)
    for (second, healthy) in [
        (0, false),
        (20, false),
        (39, false),
        (40, true),
        (59, true),
        (99, false),
    ] {
        assert_eq!(
            group.before(&other, instant(second)),
            Some(healthy),
            "second {second}"
        );
    }
}

#[test]
fn an_hour_is_remembered_and_the_first_look_for_ever() {
    let group = ControlGroup::default();
    let [_, other] = names();
    group.note(&other, instant(0), true);
    for second in 1..=2 * i64::try_from(REMEMBERED).unwrap() {
        group.note(&other, instant(second), false);
    }
    assert_eq!(group.with(|seen| seen.looks[&other].len()), REMEMBERED);
    assert_eq!(group.before(&other, instant(0)), Some(true));
    assert_eq!(group.before(&other, instant(9999)), Some(false));
}

#[tokio::test]
async fn a_look_tells_who_degraded_who_was_ill_before_and_who_was_never_seen() {
    let (_front_end, status, world) = farm().await;
    let session = session(&world, plan(&world, STEPS));
    let [_, other] = names();
    let compare = async || compare(&session, vec![other.clone()]).await[&other];
    assert_eq!(compare().await, Condition::Unseen);
    world.control_group().note(&other, session.began(), true);
    assert_eq!(compare().await, Condition::Steady);
    status.store(503, Ordering::SeqCst);
    assert_eq!(compare().await, Condition::Degraded);
    world.control_group().note(&other, session.began(), false);
    assert_eq!(compare().await, Condition::Unwell);
    status.store(200, Ordering::SeqCst);
    assert_eq!(
        compare().await,
        Condition::Unwell,
        "it was ill before, whatever it is now"
    );
}

#[tokio::test]
async fn a_server_that_the_plan_knows_and_the_inventory_does_not_is_not_healthy() {
    let (_front_end, _, world) = farm().await;
    let stranger = ServerName::from("cas09");
    let pages = ["/owa/healthcheck.htm".to_owned()];
    let seen = look_at_all(&world, vec![stranger.clone()], &pages).await;
    assert_eq!(seen, [(stranger, false)]);
}

#[tokio::test]
async fn only_untouched_servers_are_watched_and_without_pages_nobody_is() {
    let (front_end, _, world) = farm().await;
    let [first, other] = names();
    let watched = plan(&world, STEPS);
    world.control_group().touch(&first);
    tokio::select! {
        () = watch(&world, &watched) => unreachable!("it watches for ever"),
        () = async {
            while world.control_group().before(&other, world.clock().now()).is_none() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(
        world.control_group().before(&other, world.clock().now()),
        Some(true)
    );
    assert_eq!(world.control_group().before(&first, world.clock().now()), None);
    let asked = front_end.asked().len();
    // Without `wait_healthy` there is no page to ask for, and nothing to wait for.
    watch(&world, &plan(&world, "[[step]]\nrestart_iis = {}\n")).await;
    assert_eq!(front_end.asked().len(), asked);
}
