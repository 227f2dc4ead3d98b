//! Which leases this process holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use inventory::ServerName;
use jiff::Timestamp;
use rollout::RunId;

/// What this process knows of one server's lease.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Hold {
    /// We hold it.
    Ours {
        /// Since when, by the server's clock.
        since: Timestamp,
    },
    /// We held it, and then another run's stood there: nothing more is changed on the server.
    Lost {
        /// Whose.
        holder: String,
    },
}

/// Which leases this process holds, and whose it may take.
#[derive(Debug)]
pub(crate) struct Leases {
    operator: String,
    steal: OnceLock<RunId>,
    held: Mutex<BTreeMap<ServerName, Hold>>,
    gates: Mutex<BTreeMap<ServerName, Arc<tokio::sync::Mutex<()>>>>,
}

impl Leases {
    pub(crate) fn new(operator: String) -> Self {
        Self {
            operator,
            steal: OnceLock::new(),
            held: Mutex::default(),
            gates: Mutex::default(),
        }
    }

    pub(crate) fn operator(&self) -> &str {
        &self.operator
    }

    /// From now on leases of this run may be taken although they count. Only one run's, and only once.
    pub(crate) fn allow_steal(&self, run: RunId) {
        let _ = self.steal.set(run);
    }

    pub(crate) fn may_steal(&self, run: &RunId) -> bool {
        self.steal.get() == Some(run)
    }

    pub(crate) fn hold(&self, server: &ServerName) -> Option<Hold> {
        lock(&self.held).get(server).cloned()
    }

    pub(crate) fn put(&self, server: &ServerName, hold: Hold) {
        lock(&self.held).insert(server.clone(), hold);
    }

    pub(crate) fn forget(&self, server: &ServerName) {
        lock(&self.held).remove(server);
    }

    /// The servers whose leases are ours.
    pub(crate) fn ours(&self) -> Vec<ServerName> {
        let is_ours =
            |(server, hold): (&ServerName, &Hold)| matches!(hold, Hold::Ours { .. }).then(|| server.clone());
        lock(&self.held).iter().filter_map(is_ours).collect()
    }

    /// Whoever writes or takes away a server's lease passes here, one at a time.
    pub(crate) fn gate(&self, server: &ServerName) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.gates).entry(server.clone()).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics while holding one of these, and the values are whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
