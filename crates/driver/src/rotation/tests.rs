//! Against a load balancer and front ends that stand in: a server counts where both agree, and once where both disagree.

use super::*;
use crate::testing::{FrontEnd, LoadBalancer, Ports, plan, session, site, world};

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

/// The site of cas01, which is behind the load balancer, and cas02, which is behind none, with a front end that answers so for both.
async fn site_seen(balancer: &LoadBalancer, status: u16, taken_out: &[&str]) -> Option<Rotation> {
    let front_end = FrontEnd::start(move |_| (status, "", "200 OK<br/>CAS".to_owned())).await;
    let (world, plan) = site(balancer, &front_end, 1);
    world.note_taken_out(taken_out.iter().map(|name| (*name).into()).collect());
    look_at_site(&session(&world, plan)).await
}

#[tokio::test]
async fn a_site_is_asked_of_each_pools_own_witnesses() {
    let balancer = LoadBalancer::start().await;
    let all = site_seen(&balancer, 200, &[]).await.unwrap();
    assert_eq!((out(&all), all.members), ((2, true, String::new()), 2));
    let sick = "/owa/healthcheck.htm answers 503: out of service";
    let none = site_seen(&balancer, 503, &[]).await.unwrap();
    assert_eq!(
        out(&none),
        (0, false, format!("cas01 (UP, but {sick}), cas02 ({sick})"))
    );
    // Whoever is down and under way is out once; the server that asks is not held against itself.
    balancer.set_checks("cas01", "DOWN");
    let fewer = site_seen(&balancer, 200, &["cas01", "cas02"]).await.unwrap();
    assert_eq!(
        out(&fewer),
        (0, false, "cas01 (DOWN), cas02 (under way in this run)".to_owned())
    );
}

#[tokio::test]
async fn a_load_balancer_that_gives_no_answer_counts_none_of_a_sites_servers() {
    let balancer = LoadBalancer::start().await;
    let front_end = FrontEnd::start(|_| (200, "", "200 OK<br/>CAS".to_owned())).await;
    let (world, plan) = site(&balancer, &front_end, 1);
    drop(balancer);
    let seen = look_at_site(&session(&world, plan)).await.unwrap();
    assert_eq!((seen.in_rotation, seen.members, seen.out.len()), (1, 2, 1));
    assert_eq!(seen.out[0].server.as_str(), "cas01");
}

#[tokio::test]
async fn a_site_without_a_floor_is_not_asked_for() {
    let balancer = LoadBalancer::start().await;
    let front_end = FrontEnd::start(|_| (200, "", "200 OK<br/>CAS".to_owned())).await;
    let (world, plan) = site(&balancer, &front_end, 0);
    assert_eq!(look_at_site(&session(&world, plan)).await, None);
    assert_eq!(front_end.asked(), []);
}
