//! Managed Availability: what a denied loopback probe leads to.

use std::time::Duration;

use super::{APP, HEALTH, SECTION, appcmd, status, with_ip_restrictions};
use crate::machine::{HealthSet, Machine};

const ROUND: Duration = Duration::from_secs(61);

fn worker(listed: &str) -> Vec<String> {
    let of_sync = |line: &&str| line.contains("MSExchangeSyncAppPool");
    listed.lines().filter(of_sync).map(str::to_owned).collect()
}

async fn rounds(machine: &Machine, count: u32) {
    for _ in 0..count {
        machine.pause(ROUND).await;
        machine.health_set();
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_loopback_recycles_the_pool_then_takes_the_health_page_away_and_comes_back() {
    let machine = with_ip_restrictions().await;
    let set = |edits: &str| format!("set config \"{APP}\" /section:{SECTION} {edits} /commit:apphost");
    // The load balancer is listed, and so is only one of the two loopback addresses.
    let listed = "/+\"[ipAddress='127.0.0.5',allowed='True']\" /+\"[ipAddress='127.0.0.1',allowed='True']\" /allowUnlisted:false";
    appcmd(&machine, &set(listed)).await;
    let before = worker(&appcmd(&machine, "list wps").await);
    rounds(&machine, 2).await;
    assert_eq!(machine.health_set(), HealthSet::Healthy, "twice is no trend");
    rounds(&machine, 1).await;
    assert_eq!(machine.health_set(), HealthSet::Unhealthy);
    assert_ne!(
        worker(&appcmd(&machine, "list wps").await),
        before,
        "the pool was restarted"
    );
    assert_eq!(status(&machine, HEALTH, "127.0.0.5"), 200);
    rounds(&machine, 5).await;
    assert_eq!(machine.health_set(), HealthSet::Offline);
    assert_eq!(
        status(&machine, HEALTH, "127.0.0.5"),
        503,
        "the load balancer drops the server"
    );
    assert_eq!(status(&machine, "/owa/healthcheck.htm", "127.0.0.5"), 200);
    appcmd(&machine, &set("/+\"[ipAddress='::1',allowed='True']\"")).await;
    rounds(&machine, 1).await;
    assert_eq!(machine.health_set(), HealthSet::Healthy);
    assert_eq!(status(&machine, HEALTH, "127.0.0.5"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_restarting_is_not_held_against_it() {
    let machine = with_ip_restrictions().await;
    super::run(&machine, "iisreset /stop").await;
    rounds(&machine, 20).await;
    assert_eq!(machine.health_set(), HealthSet::Healthy);
}
