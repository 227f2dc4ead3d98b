//! The processes that a restart has to end, and the proof that it did.

use std::collections::BTreeSet;

use rollout::{ServiceObserved, WorkerProcessObserved};

use crate::steps::services::{WebServer, listed, w3svc_pid};

/// The processes that have to go.
pub(super) struct Former {
    workers: BTreeSet<u32>,
    /// The web service's own process: it tells of a restart where no worker ran.
    w3svc: Option<u32>,
    /// Only the workers of these pools matter; all of them when it is empty.
    pools: Vec<String>,
}

impl Former {
    pub(super) fn of(workers: &[WorkerProcessObserved], services: &[ServiceObserved]) -> Self {
        Self {
            workers: workers.iter().map(|worker| worker.pid).collect(),
            w3svc: w3svc_pid(services),
            pools: Vec::new(),
        }
    }

    pub(super) fn of_pools(workers: &[WorkerProcessObserved], pools: &[String]) -> Self {
        Self {
            workers: pids_of(workers, pools),
            w3svc: None,
            pools: pools.to_vec(),
        }
    }

    /// Whether the processes that run now are others.
    pub(super) fn is_gone(&self, seen: &WebServer) -> bool {
        match self.workers.is_empty() {
            true => self.w3svc.is_none() || self.w3svc != w3svc_pid(&seen.services),
            false => seen
                .workers
                .iter()
                .all(|worker| !self.workers.contains(&worker.pid)),
        }
    }

    /// `worker processes 4100, 4200 -> 5100, W3SVC 900 -> 1200`.
    pub(super) fn in_words(&self, seen: &WebServer) -> String {
        let workers = format!(
            "worker processes {} -> {}",
            listed(self.workers.iter().copied()),
            listed(pids_of(&seen.workers, &self.pools))
        );
        match (self.w3svc, w3svc_pid(&seen.services)) {
            (Some(before), Some(now)) => format!("{workers}, W3SVC {before} -> {now}"),
            _ => workers,
        }
    }
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
