//! The availability proof: how many servers of a pool may be out at a time so that its floor holds whatever fails within the budget, and how
//! few are left at worst. Sites are proven as pools are.
//!
//! A server counts as out from the moment it is begun until it is proven healthy, soak included, and a failed one for the rest of the run.
//! A new server is begun only while no more than `max_failures` have failed and fewer than `max_in_flight` of its pool are under way, so at
//! most `max_in_flight + max_failures` are out, and a failure merely moves a server from one sum to the other. With
//! `max_in_flight <= size - floor - max_failures` the floor holds at every instant, for every order of events. Where fewer servers are selected
//! than the floor leaves to spare, nothing can break it.
//!
//! Weights: a server is begun only if it, all others under way, and the heaviest of the rest that the budget may lose leave the floor's weight.
//! The plan is possible if that holds for each server when nobody else is under way.
//!
//! `spread`: nobody is begun while another one with the same value of the label may be out, so no two of those out share one.

use std::collections::BTreeSet;

use inventory::{Quantity, RestartMethod, ServerName, Step};

use super::{Instant, PlannedPool};
use crate::error::Error;

/// A server that is selected, as far as the proof needs it.
pub(super) struct Member<'a> {
    pub(super) name: &'a ServerName,
    pub(super) weight: u32,
    /// Its value of the label of `spread`; none where nothing is spread.
    pub(super) spread: Option<&'a str>,
    /// From 0.
    pub(super) wave: usize,
}

/// What is known of a pool or a site before the proof.
pub(super) struct Ground<'a> {
    /// `pool eas` or `site dc1`.
    pub(super) whose: String,
    /// All its servers, selected or not.
    pub(super) size: u32,
    /// What they weigh together.
    pub(super) weight: u32,
    /// Its servers in this run.
    pub(super) selected: Vec<Member<'a>>,
    /// `min_in_rotation`, if the inventory says one.
    pub(super) floor: Option<Quantity>,
    /// The run's budget, or the pool's own where that is smaller.
    pub(super) max_failures: u32,
    pub(super) max_parallel: u32,
    /// Whether the steps take a server out of service.
    pub(super) takes_out: bool,
}

/// Whether the steps take a server out of service: by draining it, or by stopping its web server. Recycling a pool does not, since IIS starts
/// the new worker process before it ends the old one.
pub(super) fn takes_out(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Drain(_) => true,
        Step::RestartIis(restart) => restart.method == RestartMethod::Iisreset,
        _ => false,
    })
}

/// Bounds what may be out at a time, or says which numbers contradict each other.
pub(super) fn prove(ground: &Ground<'_>) -> Result<PlannedPool, Error> {
    let floor = ground.floor.map_or(0, |floor| floor.at_least_of(ground.size));
    let floor_weight = match ground.floor {
        Some(share @ Quantity::Percent(_)) => share.at_least_of(ground.weight),
        Some(Quantity::Count(_)) | None => 0,
    };
    let spare = ground
        .size
        .saturating_sub(floor)
        .saturating_sub(ground.max_failures);
    if ground.takes_out && spare == 0 {
        refuse_number(ground, floor)?;
    }
    if ground.takes_out && floor_weight > 0 && ground.weight != ground.size {
        refuse_weight(ground, floor_weight)?;
    }
    let max_in_flight = if ground.takes_out && ground.floor.is_some() {
        spare.max(1).min(ground.max_parallel)
    } else {
        ground.max_parallel
    };
    let tightest = tightest(ground, max_in_flight);
    let out = tightest.map_or(0, |instant| instant.under_way + instant.failed);
    Ok(PlannedPool {
        size: ground.size,
        min_in_rotation: floor,
        max_in_flight,
        smallest_in_rotation: ground.size.saturating_sub(out),
        weight: ground.weight,
        min_weight_in_rotation: floor_weight,
        smallest_weight_in_rotation: smallest_weight(ground, max_in_flight, floor_weight),
        written: ground.floor,
        max_failures: None,
        tightest,
    })
}

/// The waves of the ground, each with how many servers can be out in it at worst.
fn instants<'a>(ground: &'a Ground<'_>, max_in_flight: u32) -> impl Iterator<Item = Instant> + 'a {
    let waves: BTreeSet<usize> = ground.selected.iter().map(|member| member.wave).collect();
    waves.into_iter().map(move |wave| {
        // Without drain and restart nobody is out but those that fail.
        let own = if ground.takes_out {
            most_apart(ground.selected.iter().filter(|member| member.wave == wave))
        } else {
            0
        };
        let begun = most_apart(ground.selected.iter().filter(|member| member.wave <= wave));
        let under_way = own.min(max_in_flight);
        Instant {
            wave,
            under_way,
            failed: begun.saturating_sub(under_way).min(ground.max_failures),
        }
    })
}

/// The first instant at which the fewest are in rotation.
fn tightest(ground: &Ground<'_>, max_in_flight: u32) -> Option<Instant> {
    let out = |instant: &Instant| instant.under_way + instant.failed;
    let worst = instants(ground, max_in_flight)
        .map(|instant| out(&instant))
        .max()?;
    instants(ground, max_in_flight).find(|instant| worst > 0 && out(instant) == worst)
}

/// How many of these may be out together: with `spread`, one for each value of its label.
fn most_apart<'a>(members: impl Iterator<Item = &'a Member<'a>>) -> u32 {
    let (mut free, mut values) = (0_u32, BTreeSet::new());
    for member in members {
        match member.spread {
            Some(value) => {
                values.insert(value);
            }
            None => free += 1,
        }
    }
    free.saturating_add(u32::try_from(values.len()).unwrap_or(u32::MAX))
}

/// The least weight in rotation: in each wave the heaviest that may be under way, and the heaviest of all begun that the budget may lose; the
/// floor of the weight holds in any case, since nobody is begun against it.
fn smallest_weight(ground: &Ground<'_>, max_in_flight: u32, floor: u32) -> u32 {
    let heaviest = |mut weights: Vec<u32>, most: u32| -> (u32, Vec<u32>) {
        weights.sort_unstable_by(|a, b| b.cmp(a));
        let taken = weights.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        let rest = weights.split_off(taken);
        (weights.iter().sum(), rest)
    };
    let most_out = instants(ground, max_in_flight)
        .map(|instant| {
            let own = ground
                .selected
                .iter()
                .filter(|member| member.wave == instant.wave);
            let (under_way, mut rest) =
                heaviest(own.map(|member| member.weight).collect(), instant.under_way);
            let earlier = ground.selected.iter().filter(|member| member.wave < instant.wave);
            rest.extend(earlier.map(|member| member.weight));
            under_way.saturating_add(heaviest(rest, instant.failed).0)
        })
        .max()
        .unwrap_or(0);
    let left = ground.weight.saturating_sub(most_out);
    if ground.takes_out { left.max(floor) } else { left }
}

/// The floor of the number has nothing to spare: refused, unless too few servers are selected to break it.
fn refuse_number(ground: &Ground<'_>, floor: u32) -> Result<(), Error> {
    let to_spare = ground.size.saturating_sub(floor);
    let breaks = |instant: &Instant| instant.under_way + instant.failed > to_spare;
    let Some(instant) = instants(ground, 1).find(breaks) else {
        return Ok(());
    };
    Err(Error::FloorUnreachable {
        whose: ground.whose.clone(),
        size: ground.size,
        left: ground.size.saturating_sub(instant.under_way + instant.failed),
        instant,
        written: ground.floor.unwrap_or(Quantity::Count(0)),
        floor,
        remedy: remedy(ground, floor),
    })
}

/// The smallest change of one number that makes the plan possible, each of those that can do it alone.
fn remedy(ground: &Ground<'_>, floor: u32) -> String {
    let (size, max_failures) = (ground.size, ground.max_failures);
    let mut ways = Vec::new();
    if max_failures > 0 && floor < size {
        ways.push(format!("set max_failures to {}", size - floor - 1));
    }
    if let Some(left) = size
        .checked_sub(max_failures)
        .and_then(|left| left.checked_sub(1))
    {
        ways.push(match (left, ground.floor) {
            (0, _) => "set min_in_rotation to 0, which is an outage while the server is changed".to_owned(),
            (left, Some(Quantity::Percent(_))) => {
                format!("set min_in_rotation to \"{}%\"", largest_share(left, size))
            }
            (left, _) => format!("set min_in_rotation to {left}"),
        });
    }
    if ways.is_empty() {
        // Even without any floor the failures alone could take every server: only both numbers together, or more servers, can help.
        ways.push(format!(
            "set max_failures to {} and min_in_rotation to 0",
            size.saturating_sub(1)
        ));
    }
    ways.join(", or ")
}

/// The largest share of `total` that `left` still satisfies, in hundredths.
fn largest_share(left: u32, total: u32) -> u32 {
    u32::try_from(u64::from(left) * 100 / u64::from(total.max(1))).unwrap_or(100)
}

/// Refused when some server cannot be taken out alone, the heaviest of the others having failed within the budget.
fn refuse_weight(ground: &Ground<'_>, floor: u32) -> Result<(), Error> {
    let lost_beside = |server: &Member<'_>| {
        let mut others: Vec<u32> = ground
            .selected
            .iter()
            .filter(|other| other.name != server.name)
            .map(|other| other.weight)
            .collect();
        others.sort_unstable_by(|a, b| b.cmp(a));
        let most = usize::try_from(ground.max_failures).unwrap_or(usize::MAX);
        others.into_iter().take(most).sum::<u32>()
    };
    let left = |server: &Member<'_>| {
        ground
            .weight
            .saturating_sub(server.weight)
            .saturating_sub(lost_beside(server))
    };
    let Some(server) = ground
        .selected
        .iter()
        .min_by_key(|server| (left(server), server.wave))
    else {
        return Ok(());
    };
    if left(server) >= floor {
        return Ok(());
    }
    let mut ways = Vec::new();
    if let Some(fewer) = (0..ground.max_failures).rev().find(|fewer| {
        let smaller = Ground {
            whose: String::new(),
            selected: ground.selected.iter().map(Member::copied).collect(),
            max_failures: *fewer,
            ..*ground
        };
        refuse_weight(&smaller, floor).is_ok()
    }) {
        ways.push(format!("set max_failures to {fewer}"));
    }
    ways.push(match largest_share(left(server), ground.weight) {
        0 => "set min_in_rotation to 0".to_owned(),
        share => format!("set min_in_rotation to \"{share}%\""),
    });
    let beside = match lost_beside(server) {
        0 => String::new(),
        lost => format!(" while weight {lost} has failed"),
    };
    Err(Error::WeightUnreachable {
        whose: ground.whose.as_str().into(),
        instant: Instant {
            wave: server.wave,
            under_way: 1,
            failed: ground
                .max_failures
                .min(u32::try_from(ground.selected.len()).unwrap_or(u32::MAX) - 1),
        },
        who: format!("{} (weight {}) under way{beside}", server.name, server.weight).into(),
        left: left(server),
        weight: ground.weight,
        written: ground.floor.unwrap_or(Quantity::Count(0)),
        floor,
        remedy: ways.join(", or ").into(),
    })
}

impl Member<'_> {
    fn copied(&self) -> Self {
        Self { ..*self }
    }
}
