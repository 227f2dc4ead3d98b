//! How long things take: assumed from the steps before anything was measured, and from what this run has seen afterwards.
//!
//! An estimate has two numbers. The typical one tells people when a run will be over. The one at worst decides whether something may still begin
//! in a change window.

use std::collections::BTreeMap;

use inventory::{PoolName, RestartMethod, ServerName, Step};
use jiff::SignedDuration;

use crate::plan::Plan;

/// How many servers have to be measured before the longest of them counts as the worst.
const ENOUGH: usize = 3;

/// How long something takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Estimate {
    /// As a rule.
    pub typical: SignedDuration,
    /// At worst, as far as anybody knows.
    pub at_worst: SignedDuration,
}

impl Estimate {
    /// Twice as long at worst, since nobody has measured it.
    fn assumed(typical: SignedDuration) -> Self {
        Self {
            typical,
            at_worst: typical.saturating_mul(2),
        }
    }

    /// The median and the longest of what was measured. Few measurements say little of the worst: then it is half as long again as the longest.
    fn of(measured: &[SignedDuration]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_unstable();
        let longest = *sorted.last()?;
        let at_worst = match sorted.len() < ENOUGH {
            true => longest.saturating_add(longest / 2),
            false => longest,
        };
        Some(Self {
            typical: *sorted.get(sorted.len() / 2)?,
            at_worst,
        })
    }

    /// So many one after the other.
    pub(crate) fn times(self, count: u32) -> Self {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            typical: self.typical.saturating_mul(count),
            at_worst: self.at_worst.saturating_mul(count),
        }
    }

    /// One after the other.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            typical: self.typical.saturating_add(other.typical),
            at_worst: self.at_worst.saturating_add(other.at_worst),
        }
    }

    /// What is left of it after a while.
    pub(crate) fn after(self, passed: SignedDuration) -> Self {
        let left = |whole: SignedDuration| whole.saturating_sub(passed).max(SignedDuration::ZERO);
        Self {
            typical: left(self.typical),
            at_worst: left(self.at_worst),
        }
    }

    /// The longer of both, number by number.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            typical: self.typical.max(other.typical),
            at_worst: self.at_worst.max(other.at_worst),
        }
    }

    /// A span that is known.
    pub(crate) fn exactly(span: SignedDuration) -> Self {
        Self {
            typical: span,
            at_worst: span,
        }
    }
}

/// How long one server takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// From its first look until it is healthy.
    pub change: Estimate,
    /// All its steps that have a way back.
    pub undo: Estimate,
    /// How many changed servers of this run that comes from; 0 where it is assumed.
    pub measured: u32,
}

impl Pace {
    /// What such steps usually take, bounded by what the playbook grants them.
    pub fn assumed(plan: &Plan) -> Self {
        let seconds = SignedDuration::from_secs;
        let policy = &plan.policy;
        let mut steps = seconds(5);
        let mut undo = SignedDuration::ZERO;
        for step in &plan.steps {
            steps = steps.saturating_add(match step {
                // Long polls hardly ever end by themselves.
                Step::Drain(drain) => drain.timeout,
                Step::BackUp(_) | Step::Restrict(_) | Step::Witness(_) => seconds(5),
                Step::InstallFeature(_) => seconds(60),
                Step::RestartIis(restart) => match restart.method {
                    RestartMethod::Iisreset => restart.timeout.min(seconds(30)),
                    RestartMethod::RecycleAppPool => restart.timeout.min(seconds(5)),
                    RestartMethod::None => SignedDuration::ZERO,
                },
                Step::WaitHealthy(_) => policy.healthy_deadline.min(seconds(30)),
                Step::ReturnToRotation(back) => back.timeout.min(seconds(10)),
                Step::Command(command) => command.timeout.min(seconds(30)),
                Step::Powershell(script) => script.timeout.min(seconds(30)),
            });
            if matches!(step, Step::Restrict(_)) {
                undo = undo.saturating_add(seconds(10));
            }
        }
        let change = steps
            .min(policy.progress_deadline)
            .saturating_add(policy.min_healthy_time);
        Self {
            change: Estimate::assumed(change),
            undo: Estimate::assumed(undo),
            measured: 0,
        }
    }

    /// The same with what was measured in its place, as far as something was.
    pub(crate) fn learned(plan: &Plan, changes: &[SignedDuration], undos: &[SignedDuration]) -> Self {
        let assumed = Self::assumed(plan);
        Self {
            change: Estimate::of(changes).unwrap_or(assumed.change),
            undo: Estimate::of(undos).unwrap_or(assumed.undo),
            measured: u32::try_from(changes.len()).unwrap_or(u32::MAX),
        }
    }

    /// How long these servers take together, as many at a time as the plan lets.
    pub(crate) fn change_of<'a>(
        &self,
        plan: &Plan,
        servers: impl Iterator<Item = &'a ServerName>,
    ) -> Estimate {
        self.change.times(rounds(plan, servers))
    }

    /// How long it takes to put these servers back, one of a pool at a time.
    pub(crate) fn undo_of<'a>(&self, plan: &Plan, servers: impl Iterator<Item = &'a ServerName>) -> Estimate {
        let mut turns: BTreeMap<Option<&PoolName>, u32> = BTreeMap::new();
        for server in servers {
            *turns.entry(plan.pool_of(server)).or_default() += 1;
        }
        self.undo.times(turns.into_values().max().unwrap_or(0))
    }
}

/// How many turns these servers need: bounded by each pool, by equal labels of `spread`, and by `max_parallel`.
fn rounds<'a>(plan: &Plan, servers: impl Iterator<Item = &'a ServerName>) -> u32 {
    let mut all = 0;
    let mut of_pool: BTreeMap<&PoolName, u32> = BTreeMap::new();
    let mut alike: BTreeMap<&str, u32> = BTreeMap::new();
    for planned in servers.filter_map(|server| plan.servers.get(server)) {
        all += 1;
        if let Some(pool) = &planned.pool {
            *of_pool.entry(pool).or_default() += 1;
        }
        if let Some(label) = &planned.spread {
            *alike.entry(label).or_default() += 1;
        }
    }
    let in_pools = of_pool.into_iter().map(|(pool, count)| {
        let together = plan.pools.get(pool).map_or(1, |planned| planned.max_in_flight);
        u32::div_ceil(count, together.max(1))
    });
    in_pools
        .chain(alike.into_values())
        .chain([u32::div_ceil(all, plan.max_parallel.max(1))])
        .max()
        .unwrap_or(0)
}

/// How long a whole run takes, before it has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Forecast {
    /// Every wave to its end, when nothing goes wrong.
    pub change: Estimate,
    /// The way back of everything, which a change window has to leave room for.
    pub undo: Estimate,
    /// The first wave and its way back, at worst: less time than that is not worth beginning in.
    pub first: SignedDuration,
}

impl Forecast {
    /// Of a plan by what is assumed.
    pub fn of(plan: &Plan) -> Self {
        let pace = Pace::assumed(plan);
        let mut change = Estimate::default();
        for wave in &plan.waves {
            change = change.plus(pace.change_of(plan, wave.iter()));
        }
        let hold = hold(plan);
        let sliding = plan.policy.strategy == inventory::Strategy::Sliding;
        let first: Vec<&ServerName> = plan
            .waves
            .iter()
            .take(1)
            .flatten()
            .take(if sliding { 1 } else { usize::MAX })
            .collect();
        let first = pace
            .change_of(plan, first.iter().copied())
            .plus(hold)
            .plus(pace.undo_of(plan, first.iter().copied()));
        Self {
            change: change.plus(hold),
            undo: pace.undo_of(plan, plan.servers.keys()),
            first: first.at_worst,
        }
    }

    /// Change and way back.
    pub fn whole(&self) -> Estimate {
        self.change.plus(self.undo)
    }
}

/// How long the first wave is watched on before the second begins.
pub(crate) fn hold(plan: &Plan) -> Estimate {
    match plan.waves.len() > 1 {
        true => Estimate::exactly(plan.policy.canary_hold),
        false => Estimate::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_measurements_leave_room_for_worse() {
        let seconds = |all: &[i64]| {
            all.iter()
                .map(|s| SignedDuration::from_secs(*s))
                .collect::<Vec<_>>()
        };
        for (measured, typical, at_worst) in [
            (&[40][..], 40, 60),
            (&[40, 60], 60, 90),
            (&[60, 40, 50], 50, 60),
            (&[10, 10, 10, 10, 90], 10, 90),
        ] {
            let expected = Estimate {
                typical: SignedDuration::from_secs(typical),
                at_worst: SignedDuration::from_secs(at_worst),
            };
            assert_eq!(Estimate::of(&seconds(measured)), Some(expected), "{measured:?}");
        }
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn what_is_left_is_never_less_than_nothing() {
        let whole = Estimate::assumed(SignedDuration::from_secs(30));
        let left = whole.after(SignedDuration::from_secs(40));
        assert_eq!(left.typical, SignedDuration::ZERO);
        assert_eq!(left.at_worst, SignedDuration::from_secs(20));
    }
}
