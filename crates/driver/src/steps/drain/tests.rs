//! Against a load balancer that stands in.

use inventory::Step;
use rollout::{FailureKind, Rotation};

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
    };
    assert_eq!(
        probe(&mut session).await.unwrap(),
        Found::Ready(Before::Drain { rotation: Some(seen) })
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
