//! Room for one more: whether a server may leave its pool, its site and those who share its label without breaking a floor, whatever fails
//! within the budget.

use std::cmp::Ordering;

use inventory::{OnFailure, PoolName, Strategy};

use super::Rollout;
use super::state::{Record, Stand};
use crate::observation::{FailureKind, StepError};
use crate::plan::{Floor, PlannedPool};

impl Rollout {
    /// The pool whose own budget is spent.
    pub(super) fn spent_pool(&self) -> Option<(&PoolName, u32, u32)> {
        self.plan.pools.iter().find_map(|(name, pool)| {
            let limit = pool.max_failures?;
            let failed = self
                .records
                .iter()
                .filter(|record| record.counted && record.pool.as_ref() == Some(name))
                .count();
            let failed = u32::try_from(failed).unwrap_or(u32::MAX);
            (failed > limit).then_some((name, failed, limit))
        })
    }

    /// Whether the server's pool and site have room for one more under way, and nobody is out who shares its label.
    pub(super) fn has_room(&self, record: &Record) -> bool {
        self.keeps_floors(record) && self.is_spread(record)
    }

    /// Whether the floors of its pool and its site let the server be under way.
    pub(super) fn keeps_floors(&self, record: &Record) -> bool {
        let in_pool = self.pool_of(record).is_none_or(|planned| {
            let failures = planned.failures_within(self.plan.policy.max_failures);
            self.fits(record, planned, failures, |other| other.pool == record.pool)
        });
        let at_site = self.site_of(record).is_none_or(|planned| {
            let failures = self.plan.policy.max_failures;
            self.fits(record, planned, failures, |other| other.site == record.site)
        });
        in_pool && at_site
    }

    pub(super) fn pool_of(&self, record: &Record) -> Option<&PlannedPool> {
        self.plan.pools.get(record.pool.as_ref()?)
    }

    fn site_of(&self, record: &Record) -> Option<&PlannedPool> {
        self.plan.sites.get(record.site.as_ref()?)
    }

    /// Whether one more may be under way of those who share a floor. A suspect that was not seen back may be out already, so that beginning it
    /// takes nobody out; anybody else has to leave room for such suspects.
    fn fits(
        &self,
        record: &Record,
        planned: &PlannedPool,
        failures: u32,
        shares: impl Fn(&Record) -> bool,
    ) -> bool {
        let may_be_out = |record: &Record| record.suspect && !record.is_back;
        let is_taken = |other: &Record| {
            self.is_under_way(other)
                || (!may_be_out(record) && may_be_out(other) && other.stand == Stand::Waiting)
        };
        let others = || {
            self.records
                .iter()
                .filter(|other| other.name != record.name && shares(other))
        };
        let taken = others().filter(|other| is_taken(other)).count();
        if u32::try_from(taken).unwrap_or(u32::MAX) >= planned.max_in_flight {
            return false;
        }
        if !planned.is_weighted() {
            return true;
        }
        // The worst that can be out beside those under way: the heaviest that the budget may lose.
        let mut rest: Vec<u32> = others()
            .filter(|other| !is_taken(other))
            .map(|other| other.weight)
            .collect();
        rest.sort_unstable_by(|a, b| b.cmp(a));
        let lost: u32 = rest
            .iter()
            .take(usize::try_from(failures).unwrap_or(usize::MAX))
            .sum();
        let under_way: u32 = others()
            .filter(|other| is_taken(other))
            .map(|other| other.weight)
            .sum();
        let out = lost.saturating_add(under_way).saturating_add(record.weight);
        planned.weight.saturating_sub(out) >= planned.min_weight_in_rotation
    }

    /// Whether nobody is out, or may be, who shares the server's value of the label that the policy spreads by.
    fn is_spread(&self, record: &Record) -> bool {
        let Some(value) = &record.spread else { return true };
        let may_be_out = record.suspect && !record.is_back;
        !self.records.iter().any(|other| {
            other.spread.as_ref() == Some(value)
                && other.name != record.name
                && (self.is_under_way(other) || (!may_be_out && other.suspect && !other.is_back))
        })
    }

    /// Whether the server waits for room that nobody will make any more: those who share its label failed, and may be out for the rest of the
    /// run.
    pub(super) fn is_held_back(&self, record: &Record) -> bool {
        self.is_in_turn(record)
            && !self.is_deliberating()
            && !self.is_closing()
            && self.count_under_way() == 0
            && !self.has_room(record)
    }

    /// Whether a changed server of the first wave still has to be watched on.
    pub(super) fn is_hold_due(&self, record: &Record) -> bool {
        !self.plan.policy.canary_hold.is_zero()
            && self.plan.waves.len() > 1
            && self.open_wave == Some(0)
            && record.wave == 0
            && record.stand == Stand::Healthy
            && record.changed
            && !record.held
            && !self.is_closing()
    }

    /// Whether it may be watched on now: everybody of its wave has come to an end but those that are watched as well.
    pub(super) fn may_be_held(&self, record: &Record) -> bool {
        let is_last = |other: &Record| {
            other.wave != record.wave || matches!(other.stand, Stand::Held { .. }) || self.is_settled(other)
        };
        self.records.iter().all(is_last) && self.keeps_floors(record)
    }

    /// Whether a floor, as far as the run itself knows, forbids to put the healthy server back: too many may be out already. It has no one to
    /// wait for, since nobody around it is under way.
    pub(super) fn is_undo_withheld(&self, record: &Record) -> bool {
        self.is_wave_undo_due(record) && self.plan.takes_out() && self.withholding(record).is_some()
    }

    /// The floor that would be broken if the server were out beside those that may be out already.
    fn withholding(&self, record: &Record) -> Option<(Floor, &PlannedPool)> {
        self.plan.floors_of(&record.name).find(|(floor, planned)| {
            let out = || {
                self.records.iter().filter(|other| {
                    other.name != record.name
                        && other.suspect
                        && !other.is_back
                        && self
                            .plan
                            .servers
                            .get(&other.name)
                            .is_some_and(|server| server.is_of(floor))
                })
            };
            let number = u32::try_from(out().count()).unwrap_or(u32::MAX);
            let weight: u32 = out().map(|other| other.weight).sum();
            let left = planned.size.saturating_sub(number.saturating_add(1));
            let weight_left = planned
                .weight
                .saturating_sub(weight.saturating_add(record.weight));
            !planned.is_kept_by(left, Some(weight_left))
        })
    }

    /// Why the healthy server is not put back.
    pub(super) fn withheld(&self, record: &Record) -> StepError {
        let expected = self.withholding(record).map_or_else(
            || format!("room to take {} out", record.name),
            |(floor, planned)| format!("{floor} keeps {} in rotation without it", planned.min_in_rotation),
        );
        StepError {
            kind: FailureKind::Failed,
            doing: format!("put {} back with its wave", record.name),
            expected,
            found: "too many failed there and may be out of rotation".to_owned(),
            hint: Some(format!(
                "{} is healthy and changed; bring the failed servers back first",
                record.name
            )),
            causes: Vec::new(),
        }
    }

    /// What a wave's undo goes by: the policy, or what a person said about one of the failures.
    pub(super) fn wave_reaction(&self) -> OnFailure {
        match self.plan.policy.on_failure {
            OnFailure::Ask => self
                .records
                .iter()
                .filter(|record| record.counted)
                .map(|record| self.reaction(record))
                .find(|reaction| *reaction == OnFailure::Undo)
                .unwrap_or(OnFailure::Stop),
            policy => policy,
        }
    }

    /// Of two servers that could begin, the one that a sliding window begins first: whose pool, site or label has the longest way left; where those
    /// are as long, whose next one is.
    pub(super) fn by_urgency(&self, a: &Record, b: &Record) -> Ordering {
        if self.plan.policy.strategy == Strategy::Waves {
            return Ordering::Equal;
        }
        let (ways_a, ways_b) = (self.ways_left(a), self.ways_left(b));
        let differ = ways_a.iter().zip(&ways_b).map(|(a, b)| Way::cmp(b, a));
        differ.fold(Ordering::Equal, Ordering::then)
    }

    /// The ways that the server's limits have left, the longest first.
    fn ways_left(&self, record: &Record) -> Vec<Way> {
        let way = |lanes: u32, shares: &dyn Fn(&Record) -> bool| {
            let waits = |other: &&Record| other.stand == Stand::Waiting && shares(other);
            Way {
                waiting: u64::try_from(self.records.iter().filter(waits).count()).unwrap_or(u64::MAX),
                lanes: u64::from(lanes.max(1)),
            }
        };
        let mut ways = vec![way(self.plan.max_parallel, &|_| true)];
        if let Some(planned) = self.pool_of(record) {
            ways.push(way(planned.max_in_flight, &|other| other.pool == record.pool));
        }
        if let Some(planned) = self.site_of(record) {
            ways.push(way(planned.max_in_flight, &|other| other.site == record.site));
        }
        if record.spread.is_some() {
            ways.push(way(1, &|other| other.spread == record.spread));
        }
        ways.sort_by(|a, b| b.cmp(a));
        ways
    }
}

/// What one limit has left: how many servers wait, and in how many lanes they can go.
struct Way {
    waiting: u64,
    lanes: u64,
}

impl Way {
    /// The longer way is the greater one.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.waiting.saturating_mul(other.lanes)).cmp(&other.waiting.saturating_mul(self.lanes))
    }
}
