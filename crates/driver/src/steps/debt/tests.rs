//! Against a load balancer and a front end that stand in.

use super::*;
use crate::testing::{FrontEnd, LoadBalancer, Ports, plan, session, world};

const STEPS: &str = "[[step]]\ndrain = {}\n\
    [[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n\
    [[step]]\nreturn_to_rotation = {}\n";
const DEBT: Debt = Debt::Rotation { step: 0 };

fn owing_session(balancer: &LoadBalancer, front_end: &FrontEnd) -> Session {
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        balancer: Some(balancer.socket.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 1000.0);
    let plan = plan(&world, STEPS);
    session(&world, plan)
}

#[tokio::test]
async fn a_healthy_server_goes_back() {
    let balancer = LoadBalancer::start().await;
    balancer.set_admin("cas01", "drain");
    let front_end = FrontEnd::start(|_| (200, "", "200 OK<br/>CAS01".to_owned())).await;
    let mut session = owing_session(&balancer, &front_end);
    let evidence = pay(&mut session, DEBT, None).await.unwrap();
    assert_eq!(evidence.facts, ["the load balancer says UP"]);
    assert_eq!(balancer.admin_state("cas01"), "ready");
}

#[tokio::test]
async fn a_server_that_is_not_fit_stays_out_and_a_person_is_told_how_to_put_it_back() {
    let balancer = LoadBalancer::start().await;
    balancer.set_admin("cas01", "drain");
    let front_end = FrontEnd::start(|_| (503, "", String::new())).await;
    let mut session = owing_session(&balancer, &front_end);
    let error = pay(&mut session, DEBT, None).await.unwrap_err();
    assert_eq!(error.found, "/owa/healthcheck.htm answers 503: out of service");
    assert_eq!(balancer.admin_state("cas01"), "drain");
    let address = balancer.socket.trim_start_matches("tcp://");
    assert_eq!(
        by_hand(session.world(), &session.server().name, DEBT, false),
        format!("echo \"set server eas/cas01 state ready\" | socat stdio tcp:{address}")
    );
}

#[tokio::test]
async fn a_server_that_is_back_already_owes_nothing_even_if_it_is_sick() {
    let balancer = LoadBalancer::start().await;
    let front_end = FrontEnd::start(|_| (503, "", String::new())).await;
    let mut session = owing_session(&balancer, &front_end);
    pay(&mut session, DEBT, None).await.unwrap();
}
