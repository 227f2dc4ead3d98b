//! A plan that is finished in time: the most careful one that is, with the playbook's first wave and every floor as they are.

use std::collections::BTreeMap;
use std::net::IpAddr;

use inventory::{Inventory, Playbook, Strategy};
use jiff::SignedDuration;

use super::Plan;
use crate::error::Error;
use crate::pace::Forecast;

/// The waves as written, where they are finished in time at worst. Otherwise the last ones are put together, one more each time, until they are;
/// where no such plan is finished at worst, the fastest one that is finished as a rule.
pub(super) fn build(
    inventory: &Inventory,
    playbook: &Playbook,
    resolved: &BTreeMap<String, Vec<IpAddr>>,
    left: SignedDuration,
) -> Result<Plan, Error> {
    let mut playbook = playbook.clone();
    let mut plan = Plan::build(inventory, &playbook, resolved)?;
    // A pause stays behind the wave that it was written for.
    let asked = playbook.policy.pause_after.iter().max().copied().unwrap_or(0);
    let fewest = usize::try_from(asked).unwrap_or(usize::MAX).max(1);
    loop {
        let whole = Forecast::of(&plan).whole();
        if whole.at_worst <= left {
            return Ok(plan);
        }
        let policy = &mut playbook.policy;
        if policy.strategy == Strategy::Sliding || policy.waves.len() <= fewest {
            return match whole.typical <= left {
                true => Ok(plan),
                false => Err(Error::TooLate {
                    left,
                    needed: whole.typical,
                }),
            };
        }
        policy.waves.pop();
        plan = Plan::build(inventory, &playbook, resolved)?;
    }
}
