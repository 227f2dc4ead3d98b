//! Against a load balancer and front ends that stand in: a server counts where both agree, and once where both disagree.

use super::*;
use crate::testing::{FrontEnd, LoadBalancer, Ports, plan, session, world};

const STEPS: &str = "[[step]]\ndrain = {}\n[[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n[[step]]\nreturn_to_rotation = {}\n";

/// Both servers have the same front end, which answers like this.
async fn seen(balancer: &LoadBalancer, status: u16, pages: &[&str]) -> Rotation {
    let front_end = FrontEnd::start(move |_| (status, "", "200 OK<br/>CAS".to_owned())).await;
    let world = world(
        &Ports {
            https: front_end.port,
            ca: Some(front_end.ca.clone()),
            balancer: Some(balancer.socket.clone()),
            ..Ports::default()
        },
        10.0,
    );
    let session = session(&world, plan(&world, STEPS));
    let balancer = world.balancer(&"eas".into()).unwrap();
    let pages: Vec<String> = pages.iter().map(|page| (*page).to_owned()).collect();
    look(&session, &balancer, &pages).await.unwrap()
}

fn out(rotation: &Rotation) -> (u32, bool, String) {
    (
        rotation.in_rotation,
        rotation.is_in_rotation,
        rotation.who_is_out(),
    )
}

const PAGE: &[&str] = &["/owa/healthcheck.htm"];

#[tokio::test]
async fn a_server_counts_where_the_load_balancer_and_its_page_agree() {
    let balancer = LoadBalancer::start().await;
    let all = seen(&balancer, 200, PAGE).await;
    assert_eq!(
        (out(&all), all.members, all.state.as_str()),
        ((2, true, String::new()), 2, "UP")
    );
}

#[tokio::test]
async fn a_server_that_is_up_but_whose_page_is_not_200_does_not_count() {
    let balancer = LoadBalancer::start().await;
    let sick = "UP, but /owa/healthcheck.htm answers 503: out of service";
    assert_eq!(
        out(&seen(&balancer, 503, PAGE).await),
        (0, false, format!("cas01 ({sick}), cas02 ({sick})"))
    );
    // Whoever asks for no page hears the load balancer alone.
    assert_eq!(seen(&balancer, 503, &[]).await.in_rotation, 2);
}

#[tokio::test]
async fn a_server_that_is_out_for_two_reasons_is_out_once() {
    let balancer = LoadBalancer::start().await;
    balancer.set_admin("cas02", "drain");
    let sick = "UP, but /owa/healthcheck.htm answers 503: out of service";
    assert_eq!(
        out(&seen(&balancer, 503, PAGE).await),
        (0, false, format!("cas01 ({sick}), cas02 (DRAIN)"))
    );
    balancer.set_checks("cas02", "DOWN");
    assert_eq!(
        out(&seen(&balancer, 200, PAGE).await),
        (1, true, "cas02 (DOWN while drained)".to_owned())
    );
}
