//! Against a load balancer that stands in: when a pool is below its floor, and whose doing that may be.

use super::*;
use crate::testing::{LoadBalancer, Ports, plan, world};

fn farm(balancer: &LoadBalancer) -> (Arc<World>, Plan) {
    let world = world(
        &Ports {
            balancer: Some(balancer.socket.clone()),
            ..Ports::default()
        },
        1000.0,
    );
    let plan = plan(
        &world,
        "[[step]]\ndrain = {}\n[[step]]\nreturn_to_rotation = {}\n",
    );
    (world, plan)
}

#[tokio::test]
async fn a_floor_is_broken_only_while_the_run_has_somebody_of_the_pool_out() {
    let balancer = LoadBalancer::start().await;
    let (world, plan) = farm(&balancer);
    let eas = PoolName::from("eas");
    let planned = &plan.pools[&eas];
    let look = async || {
        let view = world.balancer(&eas).unwrap().look().await.unwrap();
        broken(&world, &eas, planned, &view)
    };
    balancer.set_admin("cas01", "drain");
    balancer.set_checks("cas02", "DOWN");
    assert_eq!(look().await, None, "somebody else took both");
    world.note_taken_out(["cas01".into()].into());
    let error = look().await.unwrap();
    assert_eq!(
        (
            error.doing.as_str(),
            error.expected.as_str(),
            error.found.as_str()
        ),
        (
            "keep pool eas in rotation",
            "1",
            "0; out: cas01 (DRAIN), cas02 (DOWN)"
        )
    );
    balancer.set_checks("cas02", "UP");
    assert_eq!(look().await, None, "one is enough");
}

#[tokio::test]
async fn a_broken_floor_is_told_once_and_again_when_it_breaks_anew() {
    let balancer = LoadBalancer::start().await;
    let (world, plan) = farm(&balancer);
    let plan = Arc::new(plan);
    world.note_taken_out(["cas01".into()].into());
    balancer.set_admin("cas01", "drain");
    balancer.set_checks("cas02", "DOWN");
    let (facts, mut told) = mpsc::unbounded_channel();
    let (progress, mut shown) = mpsc::channel(1024);
    let monitor = Monitor::start(&world, &plan, &facts, &progress);
    let mut looks = async |wanted: u32| {
        for _ in 0..3 {
            loop {
                if let Some(Progress::Rotation { in_rotation, .. }) = shown.recv().await
                    && in_rotation == wanted
                {
                    break;
                }
            }
        }
    };
    for _ in 0..2 {
        looks(0).await;
        assert!(matches!(told.try_recv(), Ok(EventKind::FloorBroken { .. })));
        looks(0).await;
        assert!(told.try_recv().is_err(), "told twice");
        balancer.set_checks("cas02", "UP");
        looks(1).await;
        balancer.set_checks("cas02", "DOWN");
    }
    monitor.stop();
}
