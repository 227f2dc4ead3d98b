//! Against a load balancer that stands in.

use inventory::Step;
use rollout::{FailureKind, LiveWeight, Rotation};

use super::*;
use crate::testing::{FrontEnd, LoadBalancer, Ports, plan, session, world};

const STEPS: &str = "[[step]]\ndrain = { timeout = \"1s\" }\n[[step]]\nreturn_to_rotation = {}\n";

fn drained_session(balancer: &LoadBalancer) -> (Session, Drain) {
    session_before(balancer, &Ports::default())
}

/// The same with healthy pages at both servers.
async fn healthy_session(balancer: &LoadBalancer) -> (Session, Drain, FrontEnd) {
    let front_end = FrontEnd::start(|_| (200, "", "200 OK<br/>CAS".to_owned())).await;
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        ..Ports::default()
    };
    let (session, step) = session_before(balancer, &ports);
    (session, step, front_end)
}

fn session_before(balancer: &LoadBalancer, ports: &Ports) -> (Session, Drain) {
    let world = world(
        &Ports {
            winrm: ports.winrm,
            https: ports.https,
            ca: ports.ca.clone(),
            balancer: Some(balancer.socket.clone()),
        },
        10.0,
    );
    let plan = plan(&world, STEPS);
    let Some(Step::Drain(step)) = plan.steps.first().cloned() else {
        panic!("the plan begins with a drain")
    };
    (session(&world, plan), step)
}

#[tokio::test]
async fn a_server_in_rotation_is_drained_and_seen_to_be() {
    let balancer = LoadBalancer::start().await;
    let (mut session, step, _front_end) = healthy_session(&balancer).await;
    let seen = Rotation {
        in_rotation: 2,
        members: 2,
        state: "UP".to_owned(),
        is_in_rotation: true,
        out: Vec::new(),
        weight: Some(LiveWeight {
            in_rotation: 2,
            own: 1,
        }),
    };
    assert_eq!(
        probe(&mut session).await.unwrap(),
        Found::Ready(Before::Drain {
            rotation: Some(seen),
            site: None
        })
    );
    apply(&mut session).await.unwrap();
    assert_eq!(balancer.admin_state("cas01"), "drain");
    assert_eq!(balancer.admin_state("cas02"), "ready");
    let receipt = verify(&mut session, &step).await.unwrap();
    assert_eq!(receipt.facts, ["DRAIN, no connections left"]);
    assert_eq!(
        probe(&mut session).await.unwrap(),
        already_done(["the load balancer says DRAIN".to_owned()])
    );
}

#[tokio::test]
async fn long_polls_do_not_hold_the_drain_up_for_ever() {
    let balancer = LoadBalancer::start().await;
    let (mut session, step) = drained_session(&balancer);
    balancer.set_admin("cas01", "drain");
    balancer.set_connections("cas01", 7);
    let receipt = verify(&mut session, &step).await.unwrap();
    // Nobody listens at this server's WinRM port: what cannot be counted is told, and does not keep the drain.
    let [fact] = &receipt.facts[..] else {
        panic!("{receipt:?}")
    };
    assert!(
        fact.starts_with("DRAIN, 7 connections left, requests not told (")
            && fact.ends_with("after 1s: long polls do not end by themselves"),
        "{fact}"
    );
}

#[tokio::test]
async fn a_server_that_stays_in_rotation_is_a_failure() {
    let balancer = LoadBalancer::start().await;
    let (mut session, step) = drained_session(&balancer);
    let error = verify(&mut session, &step).await.unwrap_err();
    assert_eq!(
        (error.kind, error.expected.as_str(), error.found.as_str()),
        (FailureKind::TimedOut, "DRAIN or MAINT", "UP")
    );
}

#[tokio::test]
async fn without_a_load_balancer_there_is_nothing_to_do() {
    let world = world(&Ports::default(), 10.0);
    let plan = plan(&world, STEPS);
    let mut session = session(&world, plan);
    assert_eq!(
        probe(&mut session).await.unwrap(),
        already_done(["no load balancer that casgate steers".to_owned()])
    );
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_outcome_open() {
    let balancer = LoadBalancer::start().await;
    let (mut session, _) = drained_session(&balancer);
    drop(balancer);
    let setback = apply(&mut session).await.unwrap_err();
    assert!(matches!(setback, Setback::Unknown(_)), "{setback:?}");
}

#[tokio::test]
async fn a_server_that_somebody_put_back_is_noticed_before_it_is_changed() {
    let balancer = LoadBalancer::start().await;
    let (session, _) = drained_session(&balancer);
    // The drain is step 0, the return step 1: in between the server has to be out, before and after it need not be.
    let between = 1;
    let error = still_out(&session, between).await.unwrap_err();
    assert_eq!(
        (error.kind, error.expected.as_str(), error.found.as_str()),
        (
            FailureKind::Failed,
            "cas01 still out of rotation, as it was drained",
            "the load balancer says UP"
        )
    );
    assert!(error.hint.unwrap().contains("a reload of the load balancer"));
    still_out(&session, 0).await.unwrap();
    still_out(&session, 2).await.unwrap();
    for (admin, checks) in [
        ("drain", "UP"),
        ("drain", "DOWN"),
        ("maint", "UP"),
        ("ready", "DOWN"),
    ] {
        balancer.set_admin("cas01", admin);
        balancer.set_checks("cas01", checks);
        still_out(&session, between).await.unwrap();
    }
}

/// A session where casgate steers nothing, and its front end, whose pages answer so.
async fn unsteered_session(status: u16, steps: &str) -> (Session, FrontEnd) {
    let front_end = FrontEnd::start(move |_| (status, "", "200 OK<br/>CAS".to_owned())).await;
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 10.0);
    let plan = plan(&world, steps);
    (session(&world, plan), front_end)
}

const WATCHED: &str =
    "[[step]]\ndrain = {}\n[[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n";

async fn seen_by_pages(session: &mut Session) -> Rotation {
    match probe(session).await.unwrap() {
        Found::Ready(Before::Drain {
            rotation: Some(rotation),
            site: None,
        }) => rotation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_load_balancer_health_pages_say_who_has_clients() {
    let (mut session, _front_end) = unsteered_session(200, WATCHED).await;
    let all = seen_by_pages(&mut session).await;
    assert_eq!(
        (all.in_rotation, all.members, all.is_in_rotation, all.out.len()),
        (2, 2, true, 0)
    );
    assert_eq!(
        all.weight,
        Some(LiveWeight {
            in_rotation: 2,
            own: 1
        })
    );
    // Whoever is under way does not count, however healthy it still looks; the server itself does.
    let both = ["cas01".into(), "cas02".into()];
    session.world().note_taken_out(both.into());
    let fewer = seen_by_pages(&mut session).await;
    assert_eq!((fewer.in_rotation, fewer.is_in_rotation), (1, true));
    assert_eq!(fewer.who_is_out(), "cas02 (under way in this run)");
    let receipt = apply(&mut session).await.unwrap();
    assert_eq!(receipt.facts, [UNSTEERED]);
}

#[tokio::test]
async fn without_a_load_balancer_a_sick_pool_spares_nobody() {
    let (mut session, _front_end) = unsteered_session(503, WATCHED).await;
    let none = seen_by_pages(&mut session).await;
    assert_eq!((none.in_rotation, none.is_in_rotation), (0, false));
    let sick = "/owa/healthcheck.htm answers 503: out of service";
    assert_eq!(none.who_is_out(), format!("cas01 ({sick}), cas02 ({sick})"));
    assert!(!session.plan().pools[&"eas".into()].spares(&none));
}

#[tokio::test]
async fn without_a_load_balancer_and_without_pages_there_is_nothing_to_ask() {
    let (mut session, front_end) = unsteered_session(503, STEPS).await;
    let found = probe(&mut session).await.unwrap();
    assert!(matches!(found, Found::AlreadyDone(_)), "{found:?}");
    assert_eq!(front_end.asked(), []);
}
