//! Clients that use the farm, and an eye on the load balancer, while something else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casim::Farm;
use casim::clients::{Clients, ClientsOptions, Tally};
use casim::load_balancer::{Admin, Member};
use tokio::task::JoinHandle;

/// How often the load balancer is looked at: often enough to see a drain of which nobody waits for the end.
const EVERY: Duration = Duration::from_millis(10);

/// Clients and an eye on the load balancer.
pub(crate) struct Patrol {
    clients: Clients,
    ending: Arc<AtomicBool>,
    watch: JoinHandle<usize>,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The fewest members in rotation at any look.
    pub(crate) least: usize,
    /// What the clients got.
    pub(crate) tally: Tally,
}

impl Patrol {
    pub(crate) fn start(farm: &Arc<Farm>) -> Self {
        let options = ClientsOptions {
            rate: 30,
            ..ClientsOptions::default()
        };
        let ending = Arc::new(AtomicBool::new(false));
        Self {
            clients: Clients::start(farm, options),
            watch: tokio::spawn(watch(Arc::clone(farm), Arc::clone(&ending))),
            ending,
        }
    }

    pub(crate) async fn end(self) -> Seen {
        self.ending.store(true, Ordering::SeqCst);
        Seen {
            least: self.watch.await.expect("the watch"),
            tally: self.clients.stop().await,
        }
    }
}

impl Seen {
    /// Never fewer in rotation than this, and no client noticed anything.
    #[track_caller]
    pub(crate) fn assert_served(&self, floor: usize) {
        assert!(
            self.least >= floor,
            "{} in rotation, {floor} promised",
            self.least
        );
        assert!(self.tally.requests > 0, "there were no clients");
        assert_eq!(self.tally.failed, 0, "{:?}", self.tally.first_failures);
    }
}

async fn watch(farm: Arc<Farm>, ending: Arc<AtomicBool>) -> usize {
    let mut least = usize::MAX;
    while !ending.load(Ordering::SeqCst) {
        let members = farm.load_balancer().members();
        least = least.min(members.iter().filter(|member| is_in_rotation(member)).count());
        tokio::time::sleep(EVERY).await;
    }
    least
}

pub(super) fn is_in_rotation(member: &Member) -> bool {
    member.admin == Admin::Ready && member.status().starts_with("UP")
}
