//! All that a run will do, as values: made before anything is touched, journalled whole, free of secrets.

mod build;
mod floor;
mod in_time;
mod shortage;
mod waves;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use inventory::{Hook, Inventory, Playbook, Policy, PoolName, Quantity, ServerName, Step};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::observation::Rotation;

pub use shortage::{Floor, Shortage};

/// All that a run will do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Plan {
    /// The playbook's title.
    pub title: String,
    /// Every selected server.
    pub servers: BTreeMap<ServerName, PlannedServer>,
    /// Every pool that a selected server belongs to.
    pub pools: BTreeMap<PoolName, PlannedPool>,
    /// Every site that a selected server stands at (its label `site`), counted as a pool is.
    #[serde(default)]
    pub sites: BTreeMap<String, PlannedPool>,
    /// Who goes when; within a wave `max_in_flight` and `max_parallel` bound how many at a time.
    pub waves: Vec<Vec<ServerName>>,
    /// How many servers may be under way at a time over the whole run.
    pub max_parallel: u32,
    /// The policy as written.
    pub policy: Policy,
    /// The steps, names of allow entries replaced by the addresses that they resolved to.
    pub steps: Vec<Step>,
    /// Who is told of what happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// The health pages by which untouched servers are looked at when one fails: those of `wait_healthy`.
    #[serde(default)]
    pub control_pages: Vec<String>,
    /// What a preflight refused and the operator accepts: part of what is approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
    /// The number of the change that the run belongs to, e.g. `CHG0042137`: part of what is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// A refusal of the preflight that the operator accepts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Accepted {
    /// The rule's id, e.g. `low-disk`.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The servers on which it was found; none where it is about the farm as a whole. It holds for no others.
    pub servers: Vec<ServerName>,
}

/// A server of the plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PlannedServer {
    /// Its pool.
    pub pool: Option<PoolName>,
    /// Where it stands: its label `site`.
    #[serde(default)]
    pub site: Option<String>,
    /// Its value of the label that the policy's `spread` names.
    #[serde(default)]
    pub spread: Option<String>,
    /// How much of the clients' load it carries.
    #[serde(default = "one")]
    pub weight: u32,
}

impl Default for PlannedServer {
    fn default() -> Self {
        Self {
            pool: None,
            site: None,
            spread: None,
            weight: 1,
        }
    }
}

fn one() -> u32 {
    1
}

/// A pool (or a site) of the plan: percentages as the integers that they became.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PlannedPool {
    /// All servers of the pool in the inventory, selected or not.
    pub size: u32,
    /// The floor: `min_in_rotation` as a number, rounded up.
    pub min_in_rotation: u32,
    /// How many of the pool may be under way at a time, soaking included: size - floor - max_failures, and no more than `max_parallel`.
    pub max_in_flight: u32,
    /// The smallest number in rotation over the whole run and every combination of failures within the budget.
    pub smallest_in_rotation: u32,
    /// What its servers weigh together.
    #[serde(default)]
    pub weight: u32,
    /// The floor of the weight: a share of it, rounded up; 0 where the floor is a count.
    #[serde(default)]
    pub min_weight_in_rotation: u32,
    /// The smallest weight in rotation over the whole run and every combination of failures within the budget.
    #[serde(default)]
    pub smallest_weight_in_rotation: u32,
    /// `min_in_rotation` as written; `None` where nobody wrote one.
    #[serde(default)]
    pub written: Option<Quantity>,
    /// The pool's own budget.
    #[serde(default)]
    pub max_failures: Option<u32>,
    /// When the smallest number is reached first; `None` where nobody is taken out.
    #[serde(default)]
    pub tightest: Option<Instant>,
}

impl PlannedPool {
    /// How many of its servers may fail before nothing new begins, the run's own budget being `of_the_run`.
    pub fn failures_within(&self, of_the_run: u32) -> u32 {
        self.max_failures.map_or(of_the_run, |own| own.min(of_the_run))
    }

    /// The floor in words: `3`, or `3 of weight 6` where its servers weigh differently.
    pub fn needed(&self) -> String {
        match self.is_weighted() {
            true => format!(
                "{} of weight {}",
                self.min_in_rotation, self.min_weight_in_rotation
            ),
            false => self.min_in_rotation.to_string(),
        }
    }

    /// Whether somebody has to stay.
    pub fn has_floor(&self) -> bool {
        self.min_in_rotation > 0 || self.min_weight_in_rotation > 0
    }

    /// Whether its servers weigh differently and its floor goes by that.
    pub fn is_weighted(&self) -> bool {
        self.min_weight_in_rotation > 0 && self.weight != self.size
    }
}

/// A stretch of the run and what may be out in it at worst.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Instant {
    /// The wave, from 0.
    pub wave: usize,
    /// Servers under way together.
    pub under_way: u32,
    /// Servers that failed within the budget and stay out.
    pub failed: u32,
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wave,
            under_way,
            failed,
        } = self;
        write!(f, "wave {}: {under_way} under way", wave + 1)?;
        if *failed > 0 {
            write!(f, " and {failed} failed")?;
        }
        Ok(())
    }
}

impl PlannedPool {
    /// Whether the floor holds when the server that was seen leaves. Whoever is out already, whatever the reason, is missing from the count
    /// once, and leaving takes nobody out who was not in. Number and weight have to be kept, as in the plan's own proof.
    pub fn spares(&self, seen: &Rotation) -> bool {
        let (left, weight) = seen.without_it();
        self.is_kept_by(left, weight)
    }

    /// Whether so many in rotation are enough, and what they weigh, where that is known and counts.
    pub fn is_kept_by(&self, number: u32, weight: Option<u32>) -> bool {
        number >= self.min_in_rotation
            && (!self.is_weighted() || weight.is_none_or(|weight| weight >= self.min_weight_in_rotation))
    }
}

impl Plan {
    /// Plans a playbook for a farm. `resolved` holds the addresses of every name that the allow lists mention; they are pinned in the plan, so
    /// that every server gets the same rules and the approval covers them.
    ///
    /// Every quantity becomes an integer here, rounded towards safety: floors up, what may be out at a time down.
    ///
    /// # Errors
    /// [`Error::FloorUnreachable`] and [`Error::WeightUnreachable`] when some combination of failures within the budget would break a pool's floor; [`Error::UnresolvedName`],
    /// [`Error::Unlabelled`] and [`Error::Selection`] when the inputs do not fit each other.
    pub fn build(
        inventory: &Inventory,
        playbook: &Playbook,
        resolved: &BTreeMap<String, Vec<IpAddr>>,
    ) -> Result<Self, Error> {
        build::build(inventory, playbook, resolved)
    }

    /// The same, finished within `left`: where the waves as written are not, the later ones are put together as far as that is needed. The first one,
    /// the pauses and every floor stay as they are.
    ///
    /// # Errors
    /// As [`Plan::build`]; [`Error::TooLate`] when even the fastest such plan, with the way back of everything, takes longer as a rule.
    pub fn build_in_time(
        inventory: &Inventory,
        playbook: &Playbook,
        resolved: &BTreeMap<String, Vec<IpAddr>>,
        left: SignedDuration,
    ) -> Result<Self, Error> {
        in_time::build(inventory, playbook, resolved, left)
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

    /// Whether the steps take a server out of service.
    pub fn takes_out(&self) -> bool {
        floor::takes_out(&self.steps)
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
