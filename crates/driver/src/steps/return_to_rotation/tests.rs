//! Against a load balancer that stands in.

use inventory::Step;
use rollout::FailureKind;

use super::*;
use crate::testing::{LoadBalancer, Ports, plan, session, world};

fn returning_session(balancer: &LoadBalancer) -> (Session, ReturnToRotation) {
    let world = world(
        &Ports {
            balancer: Some(balancer.socket.clone()),
            ..Ports::default()
        },
        100.0,
    );
    let plan = plan(
        &world,
        "[[step]]\ndrain = {}\n[[step]]\nreturn_to_rotation = { timeout = \"1s\" }\n",
    );
    let Some(Step::ReturnToRotation(step)) = plan.steps.last().cloned() else {
        panic!("the plan ends with the return")
    };
    (session(&world, plan), step)
}

#[tokio::test]
async fn a_drained_server_goes_back_and_is_seen_up() {
    let balancer = LoadBalancer::start().await;
    balancer.set_admin("cas01", "drain");
    let (mut session, step) = returning_session(&balancer);
    let found = probe(&mut session).await.unwrap();
    let Found::Ready(Before::ReturnToRotation {
        rotation: Some(rotation),
    }) = found
    else {
        panic!("{found:?}")
    };
    assert_eq!((rotation.in_rotation, rotation.state.as_str()), (1, "DRAIN"));
    apply(&mut session).await.unwrap();
    assert_eq!(balancer.admin_state("cas01"), "ready");
    let receipt = verify(&mut session, &step).await.unwrap();
    assert_eq!(receipt.facts, ["the load balancer says UP"]);
    assert_eq!(
        probe(&mut session).await.unwrap(),
        already_done(["the load balancer says UP".to_owned()])
    );
}

#[tokio::test]
async fn a_server_that_the_health_checks_refuse_is_a_failure_that_names_them() {
    let balancer = LoadBalancer::start().await;
    balancer.set_checks("cas01", "DOWN");
    let (mut session, step) = returning_session(&balancer);
    let error = verify(&mut session, &step).await.unwrap_err();
    assert_eq!(
        (error.kind, error.found.as_str()),
        (FailureKind::TimedOut, "the load balancer says DOWN")
    );
    assert!(error.hint.unwrap().contains("load_balancer_probes"));
}
