//! The availability proof: how many servers of a pool may be out at a time so that its floor holds whatever fails within the budget.
//!
//! A server counts as out from the moment it is begun until it is proven healthy, soak included, and a failed one for the rest of the run.
//! A new server is begun only while no more than `max_failures` have failed and fewer than `max_in_flight` of its pool are under way, so at
//! most `max_in_flight + max_failures` are out, and a failure merely moves a server from one sum to the other. With
//! `max_in_flight <= size - floor - max_failures` the floor holds at every instant, for every order of events.

use inventory::{PoolName, Quantity, RestartMethod, Step};

use super::PlannedPool;
use crate::error::Error;

/// What is known of a pool before the proof.
pub(super) struct Ground<'a> {
    pub(super) pool: &'a PoolName,
    /// All its servers, selected or not.
    pub(super) size: u32,
    /// Its servers in this run.
    pub(super) selected: u32,
    /// `min_in_rotation`, if the inventory says one.
    pub(super) floor: Option<Quantity>,
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
    let Ground {
        size,
        selected,
        max_failures,
        max_parallel,
        takes_out,
        ..
    } = *ground;
    let floor = ground.floor.map_or(0, |floor| floor.at_least_of(size));
    let spare = size.saturating_sub(floor).saturating_sub(max_failures);
    if takes_out && spare == 0 {
        return Err(Error::FloorUnreachable {
            pool: ground.pool.clone(),
            size,
            failures: max_failures,
            left: size.saturating_sub(max_failures).saturating_sub(1),
            floor,
            remedy: remedy(size, floor, max_failures),
        });
    }
    let max_in_flight = if takes_out {
        spare.min(max_parallel)
    } else {
        max_parallel
    };
    let out = if takes_out {
        max_in_flight.saturating_add(max_failures)
    } else {
        max_failures
    };
    Ok(PlannedPool {
        size,
        min_in_rotation: floor,
        max_in_flight,
        smallest_in_rotation: size.saturating_sub(out.min(selected)),
    })
}

/// The smallest change of one number that makes the plan possible, each of those that can do it alone.
fn remedy(size: u32, floor: u32, max_failures: u32) -> String {
    let mut ways = Vec::new();
    if max_failures > 0 && floor < size {
        ways.push(format!("set max_failures to {}", size - floor - 1));
    }
    if let Some(left) = size
        .checked_sub(max_failures)
        .and_then(|left| left.checked_sub(1))
    {
        ways.push(match left {
            0 => "set min_in_rotation to 0, which is an outage while the server is changed".to_owned(),
            left => format!("set min_in_rotation to {left}"),
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
