//! Application pools at run time: worker processes, what they have loaded, and when they are warm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::chance::Chance;
use super::configuration::schema::{GLOBAL_MODULES, known};
use super::configuration::{ConfigPath, Configuration};

/// How long Exchange's pools take until they answer after the web service came up.
const COLD_START: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(9));
/// How long a recycled pool's new worker takes.
const RECYCLED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));

/// One `w3wp.exe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) pid: u32,
    /// When it started, in the machine's time.
    pub(super) started: Duration,
    /// From when on it answers.
    warm_at: Duration,
    /// Native modules that it loaded when it started; what is installed later it does not have.
    modules: BTreeSet<String>,
}

impl Worker {
    /// Whether it has this native module.
    pub(super) fn has(&self, module: &str) -> bool {
        self.modules.contains(module)
    }
}

#[derive(Debug)]
struct Pool {
    started: bool,
    exclusive: bool,
    worker: Option<Worker>,
    /// Answers until its successor is warm.
    retiring: Option<Worker>,
    /// The id of the worker that ended last.
    ended: Option<u32>,
}

/// All pools of the server, by name.
#[derive(Debug, Default)]
pub(super) struct Pools(BTreeMap<String, Pool>);

/// Who answers for a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serving<'a> {
    /// The pool is stopped or has no worker.
    Nobody,
    /// The worker is starting.
    Warming,
    Worker(&'a Worker),
}

impl Pools {
    /// Starts every pool that an application uses. `warm` workers answer at once: the server has been up for long.
    pub(super) fn start_all(
        &mut self,
        configuration: &Configuration,
        now: Duration,
        warm: bool,
        chance: &mut Chance,
    ) {
        let used: BTreeSet<&str> = configuration
            .sites
            .iter()
            .flat_map(|s| &s.applications)
            .map(|a| a.pool.as_str())
            .collect();
        for pool in &configuration.pools {
            let entry = self.0.entry(pool.name.clone()).or_insert(Pool {
                started: true,
                exclusive: pool.disallow_overlapping_rotation,
                worker: None,
                retiring: None,
                ended: None,
            });
            if entry.started && used.contains(pool.name.as_str()) {
                let warm_at = if warm {
                    now
                } else {
                    now + chance.between(COLD_START.0, COLD_START.1)
                };
                entry.worker = Some(worker(configuration, now, warm_at, chance));
            }
        }
    }

    /// Workers that are still starting need so much more.
    pub(super) fn warm_later(&mut self, more: Duration) {
        for worker in self.0.values_mut().filter_map(|pool| pool.worker.as_mut()) {
            worker.warm_at += more;
        }
    }

    /// Ends every worker: the web service stops.
    pub(super) fn stop_all(&mut self) {
        for pool in self.0.values_mut() {
            pool.ended = pool.worker.take().map(|worker| worker.pid);
            pool.retiring = None;
        }
    }

    /// Windows gives the ids of ended processes to new ones: those of the workers that ended last, here.
    pub(super) fn give_ids_again(&mut self) {
        for pool in self.0.values_mut() {
            if let (Some(worker), Some(pid)) = (&mut pool.worker, pool.ended.take()) {
                worker.pid = pid;
            }
        }
    }

    /// Drops workers whose successors have taken over.
    pub(super) fn settle(&mut self, now: Duration) {
        for pool in self.0.values_mut() {
            if pool.worker.as_ref().is_none_or(|w| w.warm_at <= now) {
                pool.retiring = None;
            }
        }
    }

    /// Who answers for this pool now.
    pub(super) fn serving(&self, name: &str, now: Duration) -> Serving<'_> {
        match self.find(name) {
            Some(Pool {
                started: true,
                worker: Some(worker),
                retiring,
                ..
            }) => match retiring {
                _ if worker.warm_at <= now => Serving::Worker(worker),
                Some(old) => Serving::Worker(old),
                None => Serving::Warming,
            },
            _ => Serving::Nobody,
        }
    }

    /// Whether the pool is started, `None` for a pool that does not exist.
    pub(super) fn started(&self, name: &str) -> Option<bool> {
        self.find(name).map(|pool| pool.started)
    }

    /// All worker processes: pid and pool, old ones that still answer included.
    pub(super) fn workers(&self) -> Vec<(u32, &str)> {
        let mut all: Vec<(u32, &str)> = Vec::new();
        for (name, pool) in &self.0 {
            let workers = [&pool.worker, &pool.retiring].into_iter().flatten();
            all.extend(workers.map(|worker| (worker.pid, name.as_str())));
        }
        all.sort_unstable();
        all
    }

    /// When each worker process started, by its id.
    pub(super) fn start_times(&self) -> BTreeMap<u32, Duration> {
        self.0
            .values()
            .flat_map(|pool| [&pool.worker, &pool.retiring].into_iter().flatten())
            .map(|worker| (worker.pid, worker.started))
            .collect()
    }

    /// The worker processes that have this native module.
    pub(super) fn with_module(&self, module: &str) -> BTreeSet<u32> {
        self.0
            .values()
            .flat_map(|pool| [&pool.worker, &pool.retiring].into_iter().flatten())
            .filter(|worker| worker.has(module))
            .map(|worker| worker.pid)
            .collect()
    }

    /// Recycles: the new worker loads everything anew, the old one answers until the new one is warm, unless the
    /// pool forbids the overlap. `false` when the pool is stopped.
    pub(super) fn recycle(
        &mut self,
        name: &str,
        configuration: &Configuration,
        now: Duration,
        chance: &mut Chance,
    ) -> bool {
        let warm_at = now + chance.between(RECYCLED.0, RECYCLED.1);
        let fresh = worker(configuration, now, warm_at, chance);
        match self.find_mut(name) {
            Some(pool) if pool.started => {
                let old = pool.worker.replace(fresh);
                let answering = pool.retiring.take().or(old);
                pool.retiring = answering.filter(|_| !pool.exclusive);
                true
            }
            _ => false,
        }
    }

    /// Starts a stopped pool; `false` when it was started.
    pub(super) fn start(
        &mut self,
        name: &str,
        configuration: &Configuration,
        now: Duration,
        chance: &mut Chance,
    ) -> bool {
        let fresh = worker(
            configuration,
            now,
            now + chance.between(RECYCLED.0, RECYCLED.1),
            chance,
        );
        match self.find_mut(name) {
            Some(pool) if !pool.started => {
                pool.started = true;
                pool.worker = Some(fresh);
                true
            }
            _ => false,
        }
    }

    /// Stops a pool and its workers; `false` when it was stopped.
    pub(super) fn stop(&mut self, name: &str) -> bool {
        match self.find_mut(name) {
            Some(pool) if pool.started => {
                (pool.started, pool.worker, pool.retiring) = (false, None, None);
                true
            }
            _ => false,
        }
    }

    fn find(&self, name: &str) -> Option<&Pool> {
        self.0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, pool)| pool)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Pool> {
        self.0
            .iter_mut()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, pool)| pool)
    }
}

fn worker(configuration: &Configuration, now: Duration, warm_at: Duration, chance: &mut Chance) -> Worker {
    Worker {
        pid: chance.pid(),
        started: now,
        warm_at,
        modules: global_modules(configuration),
    }
}

/// The native modules that a worker loads when it starts now.
fn global_modules(configuration: &Configuration) -> BTreeSet<String> {
    let server = ConfigPath::apphost();
    let effective = known(GLOBAL_MODULES).and_then(|schema| configuration.effective(schema, &server).ok());
    let entries = effective.map(|e| e.entries).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| entry.get("name").map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pools, Serving};
    use crate::machine::chance::Chance;
    use crate::machine::configuration::Configuration;

    const SYNC: &str = "MSExchangeSyncAppPool";
    const EXCLUSIVE: &str = "MSExchangeMapiFrontEndAppPool";

    fn fresh() -> (Pools, Configuration, Chance) {
        let (configuration, mut chance) = (Configuration::exchange_2019(), Chance::new(1, "CAS01"));
        let mut pools = Pools::default();
        pools.start_all(&configuration, Duration::ZERO, true, &mut chance);
        (pools, configuration, chance)
    }

    fn pid(pools: &Pools, name: &str, now: u64) -> Option<u32> {
        match pools.serving(name, Duration::from_secs(now)) {
            Serving::Worker(worker) => Some(worker.pid),
            Serving::Nobody | Serving::Warming => None,
        }
    }

    #[test]
    fn a_recycled_pool_is_served_by_the_old_worker_until_the_new_one_is_warm() {
        let (mut pools, configuration, mut chance) = fresh();
        let old = pid(&pools, SYNC, 0);
        assert!(pools.recycle(&SYNC.to_lowercase(), &configuration, Duration::ZERO, &mut chance));
        assert_eq!(pid(&pools, SYNC, 1), old);
        assert_eq!(
            pools.workers().iter().filter(|(_, pool)| *pool == SYNC).count(),
            2
        );
        assert!(pid(&pools, SYNC, 5).is_some_and(|new| Some(new) != old));
        pools.settle(Duration::from_secs(5));
        assert_eq!(
            pools.workers().iter().filter(|(_, pool)| *pool == SYNC).count(),
            1
        );
    }

    #[test]
    fn a_pool_without_overlap_is_away_meanwhile() {
        let (mut pools, configuration, mut chance) = fresh();
        assert!(pools.recycle(EXCLUSIVE, &configuration, Duration::ZERO, &mut chance));
        assert_eq!(pools.serving(EXCLUSIVE, Duration::from_secs(1)), Serving::Warming);
        assert!(pid(&pools, EXCLUSIVE, 5).is_some());
    }

    #[test]
    fn a_stopped_pool_is_nobody_and_cannot_be_recycled() {
        let (mut pools, configuration, mut chance) = fresh();
        assert!(pools.stop(SYNC) && !pools.stop(SYNC));
        assert_eq!(pools.serving(SYNC, Duration::ZERO), Serving::Nobody);
        assert!(!pools.recycle(SYNC, &configuration, Duration::ZERO, &mut chance));
        pools.stop_all();
        pools.start_all(&configuration, Duration::from_secs(9), false, &mut chance);
        assert_eq!(
            pid(&pools, SYNC, 60),
            None,
            "a stopped pool stays stopped over a restart of the service"
        );
        assert!(pools.start(SYNC, &configuration, Duration::from_secs(60), &mut chance));
        assert!(pid(&pools, SYNC, 70).is_some());
    }

    #[test]
    fn pools_that_no_application_uses_have_no_worker() {
        let (pools, ..) = fresh();
        assert_eq!(pid(&pools, ".NET v4.5", 9), None);
        assert_eq!(pools.started(".NET v4.5"), Some(true));
        assert_eq!(pools.started("NoSuchPool"), None);
    }
}
