//! Against a load balancer that stands in: when a pool is below its floor, and whose doing that may be.

use super::*;
use crate::testing::{FrontEnd, LoadBalancer, Ports, plan, site, world};

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
async fn a_floor_is_broken_where_the_load_balancer_sees_too_few() {
    let balancer = LoadBalancer::start().await;
    let (world, plan) = farm(&balancer);
    let eas = PoolName::from("eas");
    let post = Post::new(&world, &plan, Floor::Pool(eas)).unwrap();
    let look = async || {
        let views = Views::look(&world, &post.servers).await;
        post.broken(&post.look(&views).await.unwrap())
    };
    balancer.set_admin("cas01", "drain");
    balancer.set_checks("cas02", "DOWN");
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
    looks(0).await;
    assert!(told.try_recv().is_err(), "somebody else took both");
    world.note_taken_out(["cas01".into()].into());
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

#[tokio::test]
async fn a_site_is_seen_by_its_load_balancers_and_by_pages_where_there_is_none() {
    let balancer = LoadBalancer::start().await;
    let front_end = FrontEnd::start(|_| (200, "", "200 OK<br/>CAS".to_owned())).await;
    let (world, plan) = site(&balancer, &front_end, 1);
    let post = Post::new(&world, &plan, Floor::Site("east".to_owned())).unwrap();
    let look = async || {
        let views = Views::look(&world, &post.servers).await;
        let seen = post.look(&views).await.unwrap();
        (seen.in_rotation, seen.out)
    };
    assert_eq!(look().await, (2, vec![]));
    balancer.set_checks("cas01", "DOWN");
    assert_eq!(look().await, (1, vec!["cas01 (DOWN)".to_owned()]));
    world.note_taken_out(["cas02".into()].into());
    let (in_rotation, out) = look().await;
    assert_eq!((in_rotation, out.len()), (0, 2));
    assert_eq!(out[1], "cas02 (under way in this run)");
}

#[tokio::test]
async fn a_broken_floor_of_a_site_and_of_a_pool_without_a_load_balancer_is_told() {
    let balancer = LoadBalancer::start().await;
    let front_end = FrontEnd::start(|_| (503, "", "out of service".to_owned())).await;
    let (world, plan) = site(&balancer, &front_end, 1);
    balancer.set_admin("cas01", "drain");
    world.note_taken_out(["cas01".into()].into());
    let (facts, mut told) = mpsc::unbounded_channel();
    let (progress, _shown) = mpsc::channel(1024);
    let monitor = Monitor::start(&world, &Arc::new(plan), &facts, &progress);
    let broken = told.recv().await.unwrap();
    monitor.stop();
    let EventKind::FloorBroken { floor, error } = broken else {
        panic!("{broken:?}")
    };
    assert_eq!(floor, Floor::Site("east".to_owned()));
    assert_eq!(error.doing, "keep site east in rotation");
    assert_eq!(
        error.found,
        "0; out: cas01 (DRAIN), cas02 (/owa/healthcheck.htm answers 503: out of service)"
    );
}
