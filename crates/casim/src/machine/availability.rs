//! Managed Availability: Exchange watches its own ActiveSync from the loopback addresses, and acts when it is refused.
//!
//! Documented is the chain: a probe asks the front end's own virtual directory, 400 and above is a failure; monitors turn the
//! health set unhealthy; responders first restart the application pool and at last take the component offline, and with
//! it the health page goes, which load balancers look at. How many rounds and how long that takes differs between
//! releases and is the simulator's choice here. Probes are asked when the machine is next looked at, in order.
//!
//! A server that does not answer at all, or whose pool is still starting, is not counted: what watches over that are other health sets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::answer::{self, Identity};
use super::state::State;
use super::{WebReply, WebRequest};

/// What the probes ask for.
const PAGE: &str = "/Microsoft-Server-ActiveSync/";
/// The pool that is restarted.
pub(super) const POOL: &str = "MSExchangeSyncAppPool";
/// Simulated time between two rounds.
const INTERVAL: Duration = Duration::from_secs(60);
/// Failed rounds in a row that make the health set unhealthy.
const UNHEALTHY_AFTER: u32 = 3;
/// How long it is unhealthy, the pool restarted in vain, until the component is taken offline.
const OFFLINE_AFTER: Duration = Duration::from_secs(300);
/// Rounds that are made up for at most, after nobody looked for long.
const MOST_ROUNDS: u32 = 60;

/// What the health set `ActiveSync.Proxy` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HealthSet {
    /// The probes get through.
    #[default]
    Healthy,
    /// They are refused; the application pool has been restarted.
    Unhealthy,
    /// For so long that the component was taken offline: `healthcheck.htm` is gone.
    Offline,
}

/// The state of the watch.
#[derive(Debug, Default)]
pub(super) struct Availability {
    next: Duration,
    failed_rounds: u32,
    unhealthy_since: Option<Duration>,
    health_set: HealthSet,
}

impl Availability {
    pub(super) fn health_set(&self) -> HealthSet {
        self.health_set
    }
}

/// Lets every round happen that was due by `now`.
pub(super) fn watch(state: &mut State, now: Duration, identity: &Identity<'_>) {
    if !identity.exchange.has_front_end() {
        return;
    }
    if state.availability.next.is_zero() {
        state.availability.next = INTERVAL;
    }
    let backlog = INTERVAL * MOST_ROUNDS;
    if state.availability.next + backlog < now {
        state.availability.next = now.saturating_sub(backlog);
    }
    while state.availability.next <= now {
        let at = state.availability.next;
        state.availability.next += INTERVAL;
        if let Some(refused) = probe(state, at, identity) {
            judge(state, at, refused);
        }
    }
}

/// Asks from both loopback addresses: whether one is refused, or nothing where nobody answers.
fn probe(state: &mut State, at: Duration, identity: &Identity<'_>) -> Option<bool> {
    let sources = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let mut refused = false;
    for source in sources {
        let request = WebRequest {
            authorization: true,
            ..WebRequest::get(PAGE, source)
        };
        match answer::answer(state, &request, at, identity).reply {
            WebReply::Reply { status: 503, .. } | WebReply::Refused => return None,
            WebReply::Reply { status, .. } => refused |= status >= 400,
            WebReply::Aborted => refused = true,
        }
    }
    Some(refused)
}

fn judge(state: &mut State, at: Duration, refused: bool) {
    let watch = &mut state.availability;
    if !refused {
        *watch = Availability {
            next: watch.next,
            ..Availability::default()
        };
        return;
    }
    watch.failed_rounds += 1;
    if watch.failed_rounds < UNHEALTHY_AFTER {
        return;
    }
    match watch.unhealthy_since {
        None => {
            watch.unhealthy_since = Some(at);
            watch.health_set = HealthSet::Unhealthy;
            let State {
                pools,
                configuration,
                chance,
                ..
            } = state;
            pools.recycle(POOL, configuration, at, chance);
        }
        Some(since) if at >= since + OFFLINE_AFTER => watch.health_set = HealthSet::Offline,
        Some(_) => {}
    }
}
