//! Against a load balancer that stands in.

use inventory::Step;
use rollout::{FailureKind, Rotation};

use super::*;
use crate::testing::{LoadBalancer, Ports, plan, session, world};

const STEPS: &str = "[[step]]\ndrain = { timeout = \"1s\" }\n[[step]]\nreturn_to_rotation = {}\n";

fn drained_session(balancer: &LoadBalancer) -> (Session, Drain) {
    let world = world(
        &Ports {
            balancer: Some(balancer.socket.clone()),
            ..Ports::default()
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
    let (mut session, step) = drained_session(&balancer);
    let seen = Rotation {
        in_rotation: 2,
        members: 2,
        state: "UP".to_owned(),
        is_in_rotation: true,
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
    assert_eq!(
        receipt.facts,
        ["DRAIN, 7 connections left after 1s: long polls of ActiveSync do not end by themselves"]
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
