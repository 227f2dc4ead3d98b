//! The processes that a restart has to end, and the proof that it did.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollout::{ServiceObserved, WorkerProcessObserved};

use crate::steps::services::{WebServer, listed, w3svc_pid};

/// The processes that have to go.
pub(super) struct Former {
    /// With when they started, as far as that is known.
    workers: BTreeMap<u32, Option<Timestamp>>,
    /// The web service's own process: it tells of a restart where no worker ran.
    w3svc: Option<u32>,
    /// Only the workers of these pools matter; all of them when it is empty.
    pools: Vec<String>,
}

impl Former {
    pub(super) fn of(workers: &[WorkerProcessObserved], services: &[ServiceObserved]) -> Self {
        Self {
            workers: workers
                .iter()
                .map(|worker| (worker.pid, worker.started))
                .collect(),
            w3svc: w3svc_pid(services),
            pools: Vec::new(),
        }
    }

    pub(super) fn of_pools(workers: &[WorkerProcessObserved], pools: &[String]) -> Self {
        let pids = pids_of(workers, pools);
        let of_pools = workers.iter().filter(|worker| pids.contains(&worker.pid));
        Self {
            workers: of_pools.map(|worker| (worker.pid, worker.started)).collect(),
            w3svc: None,
            pools: pools.to_vec(),
        }
    }

    /// Whether the processes that run now are others.
    pub(super) fn is_gone(&self, seen: &WebServer) -> bool {
        match self.workers.is_empty() {
            true => self.w3svc.is_none() || self.w3svc != w3svc_pid(&seen.services),
            false => seen.workers.iter().all(|worker| match self.again(worker) {
                None => true,
                Some(again) => again == Again::Another,
            }),
        }
    }

    /// Whether the id of a former process is there again, and only the times tell whose it is.
    pub(super) fn comes_back(&self, seen: &WebServer) -> bool {
        seen.workers
            .iter()
            .any(|worker| self.workers.contains_key(&worker.pid))
    }

    /// Whose the id of a former process is now; `None` for any other id.
    fn again(&self, worker: &WorkerProcessObserved) -> Option<Again> {
        let before = self.workers.get(&worker.pid)?;
        Some(match (before, worker.started) {
            (Some(before), Some(now)) if now > *before => Again::Another,
            (Some(_), Some(_)) => Again::TheSame,
            _ => Again::NotKnown,
        })
    }

    /// `worker processes 4100, 4200 -> 5100, W3SVC 900 -> 1200`.
    pub(super) fn in_words(&self, seen: &WebServer) -> String {
        let workers = format!(
            "worker processes {} -> {}{}",
            listed(self.workers.keys().copied()),
            listed(pids_of(&seen.workers, &self.pools)),
            self.remarks(seen)
        );
        match (self.w3svc, w3svc_pid(&seen.services)) {
            (Some(before), Some(now)) => format!("{workers}, W3SVC {before} -> {now}"),
            _ => workers,
        }
    }

    /// What there is to say of ids that are there again.
    fn remarks(&self, seen: &WebServer) -> String {
        let of = |wanted: Again, words: &str| {
            let again = seen
                .workers
                .iter()
                .filter(|worker| self.again(worker) == Some(wanted));
            let pids: Vec<u32> = again.map(|worker| worker.pid).collect();
            match pids.is_empty() {
                true => String::new(),
                false => format!(" ({}: {words})", listed(pids)),
            }
        };
        of(Again::Another, "an id that came back") + &of(Again::NotKnown, "when it started is not known")
    }
}

/// Whose the id of a former process is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Again {
    /// Windows gave it to a process that started later.
    Another,
    TheSame,
    /// Not both times could be read: then it counts as the same.
    NotKnown,
}

/// The workers of these pools, or all of them when no pool is named.
pub(super) fn pids_of(workers: &[WorkerProcessObserved], pools: &[String]) -> BTreeSet<u32> {
    workers
        .iter()
        .filter(|worker| {
            pools.is_empty()
                || pools
                    .iter()
                    .any(|pool| pool.eq_ignore_ascii_case(&worker.application_pool))
        })
        .map(|worker| worker.pid)
        .collect()
}
