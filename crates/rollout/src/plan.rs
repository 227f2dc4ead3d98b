//! All that a run will do, as values: made before anything is touched, journalled whole, free of secrets.

mod build;
mod floor;
mod waves;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use inventory::{Inventory, Playbook, Policy, PoolName, ServerName, Step};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// All that a run will do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Plan {
    /// The playbook's title.
    pub title: String,
    /// Every selected server.
    pub servers: BTreeMap<ServerName, PlannedServer>,
    /// Every pool that a selected server belongs to.
    pub pools: BTreeMap<PoolName, PlannedPool>,
    /// Who goes when; within a wave `max_in_flight` and `max_parallel` bound how many at a time.
    pub waves: Vec<Vec<ServerName>>,
    /// How many servers may be under way at a time over the whole run.
    pub max_parallel: u32,
    /// The policy as written.
    pub policy: Policy,
    /// The steps, names of allow entries replaced by the addresses that they resolved to.
    pub steps: Vec<Step>,
}

/// A server of the plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PlannedServer {
    /// Its pool.
    pub pool: Option<PoolName>,
}

/// A pool of the plan: percentages as the integers that they became.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PlannedPool {
    /// All servers of the pool in the inventory, selected or not.
    pub size: u32,
    /// The floor: `min_in_rotation` as a number, rounded up.
    pub min_in_rotation: u32,
    /// How many of the pool may be under way at a time, soaking included: size - floor - max_failures, and no more than `max_parallel`.
    pub max_in_flight: u32,
    /// The smallest number in rotation over the whole run and every combination of failures within the budget.
    pub smallest_in_rotation: u32,
}

impl Plan {
    /// Plans a playbook for a farm. `resolved` holds the addresses of every name that the allow lists mention; they are pinned in the plan, so
    /// that every server gets the same rules and the approval covers them.
    ///
    /// Every quantity becomes an integer here, rounded towards safety: floors up, what may be out at a time down.
    ///
    /// # Errors
    /// [`Error::FloorUnreachable`] when some combination of failures within the budget would break a pool's floor; [`Error::UnresolvedName`]
    /// and [`Error::Selection`] when the inputs do not fit each other.
    pub fn build(
        inventory: &Inventory,
        playbook: &Playbook,
        resolved: &BTreeMap<String, Vec<IpAddr>>,
    ) -> Result<Self, Error> {
        build::build(inventory, playbook, resolved)
    }

    /// SHA-256 over the plan's canonical JSON (fields in the order of their declaration, maps sorted by key).
    pub fn hash(&self) -> PlanHash {
        // No map of a plan has keys other than text, so there is always JSON. Were there none, the plan's Debug text still tells plans apart.
        let canonical = serde_json::to_string(self).unwrap_or_else(|_| format!("{self:?}"));
        PlanHash(
            Sha256::digest(canonical.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// The pool of a planned server.
    pub fn pool_of(&self, server: &ServerName) -> Option<&PoolName> {
        self.servers.get(server)?.pool.as_ref()
    }

    /// The wave of a planned server, from 0.
    pub fn wave_of(&self, server: &ServerName) -> Option<usize> {
        self.waves.iter().position(|wave| wave.contains(server))
    }
}

/// SHA-256 over the plan's canonical JSON: what `--approve` compares. Displayed as its first twelve hexadecimal digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanHash(String);

impl PlanHash {
    /// How many hexadecimal digits are shown, and how many an approval needs at least: 48 bits.
    pub const SHOWN: usize = 12;

    /// All 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `approval` names this plan: at least the digits that are shown, in either case.
    pub fn is_approved_by(&self, approval: &str) -> bool {
        approval.len() >= Self::SHOWN && self.0.starts_with(&approval.to_ascii_lowercase())
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.get(..Self::SHOWN).unwrap_or(&self.0))
    }
}
