//! Everything on one server that changes, behind one lock.

use std::collections::BTreeMap;
use std::time::Duration;

use super::availability::{self, Availability};
use super::chance::Chance;
use super::configuration::Configuration;
use super::features::Features;
use super::pools::Pools;
use super::registry::Registry;
use super::services::{Services, W3SVC, WebServiceEvent};
use super::tasks::Tasks;
use super::{Faults, MachineOptions};

/// What worker processes need on top where the fault of that name is on.
const SLOW: Duration = Duration::from_secs(180);

/// The state of the machine at a moment.
#[derive(Debug)]
pub(super) struct State {
    pub(super) configuration: Configuration,
    /// Copies of the configuration, by name.
    pub(super) backups: BTreeMap<String, Configuration>,
    pub(super) features: Features,
    pub(super) services: Services,
    pub(super) pools: Pools,
    pub(super) registry: Registry,
    pub(super) chance: Chance,
    pub(super) availability: Availability,
    /// Files that were put there, by their full paths in lower case: the path as it was written, and the bytes.
    pub(super) files: BTreeMap<String, (String, Vec<u8>)>,
    /// Scheduled tasks.
    pub(super) tasks: Tasks,
    /// When HTTP.SYS was last told to write its log out, if ever.
    pub(super) log_flushed: Option<Duration>,
    /// Whether `iisreset` may be used (`/enable`, `/disable`).
    pub(super) reset_enabled: bool,
}

impl State {
    /// A server that has been up for long.
    pub(super) fn fresh(options: &MachineOptions) -> Self {
        let mut chance = Chance::new(options.seed, &options.name);
        let configuration = Configuration::fresh(options);
        let mut pools = Pools::default();
        pools.start_all(&configuration, Duration::ZERO, true, &mut chance);
        let history = ("CFGHISTORY_0000000001".to_owned(), configuration.clone());
        Self {
            services: Services::running(options.exchange, &mut chance),
            features: Features::fresh(options.windows),
            registry: Registry::fresh(options),
            backups: BTreeMap::from([history]),
            tasks: Tasks::default(),
            log_flushed: None,
            availability: Availability::default(),
            reset_enabled: true,
            files: BTreeMap::new(),
            configuration,
            pools,
            chance,
        }
    }

    /// Another configuration, as if the server had had it from the first; its workers run, and the features are there whose modules it names.
    pub(super) fn take_over(&mut self, configuration: Configuration) {
        self.features.follow(&configuration);
        self.pools = Pools::default();
        self.pools
            .start_all(&configuration, Duration::ZERO, true, &mut self.chance);
        self.backups = BTreeMap::new();
        self.configuration = configuration;
    }

    /// Lets everything happen that was due by `now`.
    pub(super) fn settle(&mut self, now: Duration, faults: &Faults) {
        if faults.w3svc_start_hangs.is_on() {
            self.services.put_start_off(W3SVC, now + Duration::from_secs(1));
        }
        for event in self.services.settle(now, &mut self.chance) {
            match event {
                WebServiceEvent::Stopped => self.pools.stop_all(),
                WebServiceEvent::Started(at) => {
                    self.pools
                        .start_all(&self.configuration, at, false, &mut self.chance);
                    if faults.process_ids_come_back.is_on() {
                        self.pools.give_ids_again();
                    }
                    if faults.slow_warm_up.is_on() {
                        self.pools.warm_later(SLOW);
                    }
                    if faults.activesync_pool_stops.is_on() {
                        self.pools.stop(availability::POOL);
                    }
                }
            }
        }
        self.pools.settle(now);
    }

    /// Replaces the configuration as a commit does.
    pub(super) fn commit(&mut self, configuration: Configuration) {
        let stamp = self.configuration.stamp();
        self.configuration = configuration;
        self.configuration.supersede(stamp);
    }
}
