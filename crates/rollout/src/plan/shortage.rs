//! Whose floor does not let a server leave, by what was seen just before its drain.

use std::fmt;

use inventory::{PoolName, ServerName};
use serde::{Deserialize, Serialize};

use super::{Plan, PlannedPool, PlannedServer};
use crate::observation::{Before, Rotation};

/// Whose floor.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// A pool's.
    Pool(PoolName),
    /// A site's, by the value of the label `site`.
    Site(String),
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(pool) => write!(f, "pool {pool}"),
            Self::Site(site) => write!(f, "site {site}"),
        }
    }
}

/// A floor that would not hold if the server left.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortage<'a> {
    /// Whose.
    pub floor: Floor,
    /// What has to stay.
    pub planned: &'a PlannedPool,
    /// What is there.
    pub seen: &'a Rotation,
}

impl PlannedServer {
    /// Whether the server belongs to the pool, or stands at the site.
    pub fn is_of(&self, floor: &Floor) -> bool {
        match floor {
            Floor::Pool(pool) => self.pool.as_ref() == Some(pool),
            Floor::Site(site) => self.site.as_ref() == Some(site),
        }
    }
}

impl Plan {
    /// What is planned of a pool or site.
    pub fn planned(&self, floor: &Floor) -> Option<&PlannedPool> {
        match floor {
            Floor::Pool(pool) => self.pools.get(pool),
            Floor::Site(site) => self.sites.get(site),
        }
    }

    /// The floors that the server's leaving counts against: its pool's, and its site's where it has one.
    pub fn floors_of(&self, server: &ServerName) -> impl Iterator<Item = (Floor, &PlannedPool)> {
        let planned = self.servers.get(server);
        let pool = planned.and_then(|planned| planned.pool.clone()).map(Floor::Pool);
        let site = planned.and_then(|planned| planned.site.clone()).map(Floor::Site);
        let known = |floor: Floor| {
            let planned = self.planned(&floor)?;
            (matches!(floor, Floor::Pool(_)) || planned.has_floor()).then_some((floor, planned))
        };
        pool.into_iter().chain(site).filter_map(known)
    }

    /// The floor that does not let the server leave; its pool's comes first. What nobody could look at, such as a pool without a load balancer and
    /// without pages that are known to answer, refuses nothing: there the plan's own bound has to do.
    pub fn shortage<'a>(&'a self, server: &ServerName, before: &'a Before) -> Option<Shortage<'a>> {
        let Before::Drain { rotation, site } = before else {
            return None;
        };
        self.floors_of(server).find_map(|(floor, planned)| {
            let seen = match floor {
                Floor::Pool(_) => rotation.as_ref()?,
                Floor::Site(_) => site.as_ref()?,
            };
            (!planned.spares(seen)).then_some(Shortage { floor, planned, seen })
        })
    }

    /// Whether two servers share a floor, so that both leaving together would be counted once by each.
    pub fn share_a_floor(&self, one: &ServerName, other: &ServerName) -> bool {
        self.floors_of(one)
            .any(|(floor, _)| self.floors_of(other).any(|(others, _)| others == floor))
    }
}
