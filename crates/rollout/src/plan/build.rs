//! From inventory and playbook to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use inventory::{
    AllowEntry, AllowWhat, Inventory, Playbook, Policy, PoolName, Quantity, Server, ServerName, Site, Step,
    Strategy,
};

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
    let policy = &playbook.policy;
    let mut servers: BTreeMap<ServerName, PlannedServer> = BTreeMap::new();
    for name in names {
        let planned = match inventory.servers.get(&name) {
            Some(server) => planned(server, policy)?,
            None => PlannedServer::default(),
        };
        servers.insert(name, planned);
    }
    let selected = count(servers.len());
    let max_parallel = policy.max_parallel.at_most_of(selected).clamp(1, selected.max(1));
    let waves = match policy.strategy {
        Strategy::Waves => waves::cut(&servers, &policy.waves),
        Strategy::Sliding => waves::cut(&servers, &[]),
    };
    let proof = Proof {
        inventory,
        servers: &servers,
        waves: &waves,
        policy,
        max_parallel,
        takes_out: floor::takes_out(&steps),
    };
    let pools = proof.pools()?;
    let sites = proof.sites()?;
    let mut control_pages = Vec::new();
    for step in &steps {
        if let Step::WaitHealthy(wait) = step {
            control_pages.extend(wait.paths.iter().cloned());
        }
    }
    Ok(Plan {
        title: playbook.title.clone(),
        waves,
        servers,
        pools,
        sites,
        max_parallel,
        policy: policy.clone(),
        steps,
        hooks: playbook.hooks.clone(),
        control_pages,
        accepted: Vec::new(),
        change: None,
    })
}

fn planned(server: &Server, policy: &Policy) -> Result<PlannedServer, Error> {
    let spread = match &policy.spread {
        None => None,
        Some(label) => Some(
            server
                .labels
                .get(label)
                .cloned()
                .ok_or_else(|| Error::Unlabelled {
                    server: server.name.clone(),
                    label: label.clone(),
                })?,
        ),
    };
    Ok(PlannedServer {
        pool: server.pool.clone(),
        site: server.labels.get(Site::LABEL).cloned(),
        spread,
        weight: server.weight,
    })
}

/// What the floors are proven from.
struct Proof<'a> {
    inventory: &'a Inventory,
    servers: &'a BTreeMap<ServerName, PlannedServer>,
    waves: &'a [Vec<ServerName>],
    policy: &'a Policy,
    max_parallel: u32,
    takes_out: bool,
}

impl Proof<'_> {
    fn pools(&self) -> Result<BTreeMap<PoolName, PlannedPool>, Error> {
        let names: BTreeSet<&PoolName> = self
            .servers
            .values()
            .filter_map(|server| server.pool.as_ref())
            .collect();
        let mut pools = BTreeMap::new();
        for name in names {
            // A pool that the inventory does not describe has no floor to keep; inventory's own checks refuse it long before.
            let described = self.inventory.pools.get(name);
            let own = described.and_then(|pool| pool.max_failures);
            let planned = floor::prove(&floor::Ground {
                max_failures: own.map_or(self.policy.max_failures, |own| own.min(self.policy.max_failures)),
                ..self.ground(
                    format!("pool {name}"),
                    described.map(|pool| pool.min_in_rotation),
                    |server| server.pool.as_ref() == Some(name),
                    |planned| planned.pool.as_ref() == Some(name),
                )
            })?;
            pools.insert(
                name.clone(),
                PlannedPool {
                    max_failures: own,
                    ..planned
                },
            );
        }
        Ok(pools)
    }

    fn sites(&self) -> Result<BTreeMap<String, PlannedPool>, Error> {
        let names: BTreeSet<&String> = self
            .servers
            .values()
            .filter_map(|server| server.site.as_ref())
            .collect();
        let mut sites = BTreeMap::new();
        for name in names {
            let planned = floor::prove(&self.ground(
                format!("site {name}"),
                self.inventory.sites.get(name).map(|site| site.min_in_rotation),
                |server| server.labels.get(Site::LABEL) == Some(name),
                |planned| planned.site.as_ref() == Some(name),
            ))?;
            sites.insert(name.clone(), planned);
        }
        Ok(sites)
    }

    fn ground(
        &self,
        whose: String,
        floor: Option<Quantity>,
        is_member: impl Fn(&Server) -> bool,
        is_selected: impl Fn(&PlannedServer) -> bool,
    ) -> floor::Ground<'_> {
        let members = || self.inventory.servers.values().filter(|server| is_member(server));
        let wave_of = |name: &ServerName| {
            self.waves
                .iter()
                .position(|wave| wave.contains(name))
                .unwrap_or(0)
        };
        floor::Ground {
            whose,
            size: count(members().count()),
            weight: members().map(|server| server.weight).sum(),
            selected: self
                .servers
                .iter()
                .filter(|(_, planned)| is_selected(planned))
                .map(|(name, planned)| floor::Member {
                    name,
                    weight: planned.weight,
                    spread: planned.spread.as_deref(),
                    wave: wave_of(name),
                })
                .collect(),
            floor,
            max_failures: self.policy.max_failures,
            max_parallel: self.max_parallel,
            takes_out: self.takes_out,
        }
    }
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
