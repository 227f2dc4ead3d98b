//! Against a load balancer and a front end that stand in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::testing::{Asked, FrontEnd, LoadBalancer, Ports, Reply, plan, session, world};

const STEPS: &str = "[policy]\nhealthy_deadline = \"1s\"\n\
    [[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n";

/// Health pages of which those with these numbers (from 0) are bad.
async fn front_end(bad: &'static [u32]) -> (FrontEnd, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let answer = move |_: &Asked| -> Reply {
        match bad.contains(&counted.fetch_add(1, Ordering::SeqCst)) {
            true => (503, "", String::new()),
            false => (200, "", "200 OK<br/>CAS01".to_owned()),
        }
    };
    (FrontEnd::start(answer).await, count)
}

async fn soaked(
    front_end: &FrontEnd,
    balancer: &LoadBalancer,
    span: SignedDuration,
) -> Result<Evidence, StepError> {
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        balancer: Some(balancer.socket.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 100.0);
    let plan = plan(&world, STEPS);
    soak(&mut session(&world, plan), span).await
}

#[tokio::test]
async fn a_healthy_server_is_watched_for_the_whole_span() {
    let balancer = LoadBalancer::start().await;
    let (front_end, count) = front_end(&[]).await;
    let evidence = soaked(&front_end, &balancer, SignedDuration::from_secs(20))
        .await
        .unwrap();
    let looks = count.load(Ordering::SeqCst);
    // Every 5 s of 20 s, the beginning and the end included; a slow machine may miss some.
    assert!((2..=6).contains(&looks), "{looks}");
    assert_eq!(evidence.facts, [format!("healthy for 20s, {looks} looks")]);
}

#[tokio::test]
async fn one_bad_look_is_looked_at_again_and_two_begin_the_watch_anew() {
    let balancer = LoadBalancer::start().await;
    let (once, count) = front_end(&[0]).await;
    soaked(&once, &balancer, SignedDuration::from_millis(1))
        .await
        .unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
    let (twice, count) = front_end(&[0, 1]).await;
    soaked(&twice, &balancer, SignedDuration::from_millis(1))
        .await
        .unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_server_that_stays_sick_fails_at_the_healthy_deadline() {
    let balancer = LoadBalancer::start().await;
    balancer.set_checks("cas01", "DOWN");
    let (front_end, _) = front_end(&[]).await;
    let error = soaked(&front_end, &balancer, SignedDuration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.expected.as_str(), error.found.as_str()),
        (FailureKind::TimedOut, "the load balancer says UP", "DOWN")
    );
}

#[tokio::test]
async fn a_server_that_somebody_took_out_is_not_sick() {
    let balancer = LoadBalancer::start().await;
    balancer.set_admin("cas01", "maint");
    let (front_end, _) = front_end(&[]).await;
    soaked(&front_end, &balancer, SignedDuration::from_millis(1))
        .await
        .unwrap();
}
