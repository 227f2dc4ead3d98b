//! From inventory and playbook to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use inventory::{AllowEntry, AllowWhat, Inventory, Playbook, ServerName, Step};

use super::{Plan, PlannedPool, PlannedServer, floor, waves};
use crate::error::Error;

pub(super) fn build(
    inventory: &Inventory,
    playbook: &Playbook,
    resolved: &BTreeMap<String, Vec<IpAddr>>,
) -> Result<Plan, Error> {
    let names = playbook
        .servers
        .resolve(inventory)
        .map_err(|source| Error::Selection { source })?;
    let steps = playbook
        .steps
        .iter()
        .map(|step| pin(step, resolved))
        .collect::<Result<Vec<_>, _>>()?;
    let servers: BTreeMap<ServerName, PlannedServer> = names
        .into_iter()
        .map(|name| {
            let pool = inventory
                .servers
                .get(&name)
                .and_then(|server| server.pool.clone());
            (name, PlannedServer { pool })
        })
        .collect();
    let policy = &playbook.policy;
    let selected = count(servers.len());
    let max_parallel = policy.max_parallel.at_most_of(selected).clamp(1, selected.max(1));

    let takes_out = floor::takes_out(&steps);
    let mut pools = BTreeMap::new();
    for pool in servers
        .values()
        .filter_map(|server| server.pool.as_ref())
        .collect::<BTreeSet<_>>()
    {
        let planned: PlannedPool = floor::prove(&floor::Ground {
            pool,
            size: count(inventory.members(pool).count()),
            selected: count(
                servers
                    .values()
                    .filter(|server| server.pool.as_ref() == Some(pool))
                    .count(),
            ),
            // A pool that the inventory does not describe has no floor to keep; inventory's own checks refuse it long before.
            floor: inventory.pools.get(pool).map(|pool| pool.min_in_rotation),
            max_failures: policy.max_failures,
            max_parallel,
            takes_out,
        })?;
        pools.insert(pool.clone(), planned);
    }

    Ok(Plan {
        title: playbook.title.clone(),
        waves: waves::cut(&servers, &policy.waves),
        servers,
        pools,
        max_parallel,
        policy: policy.clone(),
        steps,
    })
}

/// Replaces allow entries by name with the addresses that the name has now, sorted, so that a resolver's round robin does not change the plan.
fn pin(step: &Step, resolved: &BTreeMap<String, Vec<IpAddr>>) -> Result<Step, Error> {
    let Step::Restrict(restrict) = step else {
        return Ok(step.clone());
    };
    let mut pinned = restrict.clone();
    pinned.allow.clear();
    for entry in &restrict.allow {
        let AllowWhat::Name(name) = &entry.what else {
            pinned.allow.push(entry.clone());
            continue;
        };
        let addresses: BTreeSet<IpAddr> = resolved.get(name).into_iter().flatten().copied().collect();
        if addresses.is_empty() {
            return Err(Error::UnresolvedName { name: name.clone() });
        }
        let note = match &entry.note {
            Some(note) => format!("{name}: {note}"),
            None => name.clone(),
        };
        pinned
            .allow
            .extend(addresses.into_iter().map(|address| AllowEntry {
                what: AllowWhat::Address(address),
                note: Some(note.clone()),
            }));
    }
    Ok(Step::Restrict(pinned))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
