//! Where a playbook and an inventory do not fit each other.

mod vantages;

use std::collections::BTreeSet;
use std::ops::Range;

use iis::ip_security::Unlisted;

use super::locator::{Locator, Segment, in_step};
use super::rules::{has_role, names_address};
use crate::diagnostic::{Code, Diagnostic};
use crate::error::Error;
use crate::fleet::{Inventory, Pool, Server};
use crate::load_balancer::LoadBalancer;
use crate::name::{PoolName, ServerName};
use crate::playbook::Playbook;
use crate::reader::{Findings, suggest};
use crate::source::Source;
use crate::step::{Role, Step, StepKind};

/// Findings in either file.
pub(crate) struct Together {
    pub(crate) inventory: Vec<Diagnostic>,
    pub(crate) playbook: Vec<Diagnostic>,
}

/// Looks at what the playbook says about the farm.
pub(crate) fn together(
    inventory: &Inventory,
    playbook: &Playbook,
    inventory_source: &Source,
    playbook_source: &Source,
) -> Together {
    let view = View {
        inventory,
        playbook,
        locator: Locator::new(playbook_source),
    };
    let mut found = Findings::new(playbook_source);
    let servers = view.selected(&mut found);
    let pools: BTreeSet<&PoolName> = servers.iter().filter_map(|server| server.pool.as_ref()).collect();
    let pools: Vec<&Pool> = pools
        .into_iter()
        .filter_map(|pool| inventory.pools.get(pool))
        .collect();
    view.budget(&servers, &mut found);
    view.spread(&servers, &mut found);
    view.vantages(&servers, &mut found);
    view.drain(&servers, &pools, &mut found);
    view.probes(&pools, &mut found);
    let mut in_inventory = Findings::new(inventory_source);
    view.floors(&pools, inventory_source, &mut in_inventory);
    Together {
        inventory: in_inventory.into_list(),
        playbook: found.into_list(),
    }
}

struct View<'a> {
    inventory: &'a Inventory,
    playbook: &'a Playbook,
    locator: Locator<'a>,
}

impl<'a> View<'a> {
    fn step(&self, index: usize) -> Range<usize> {
        self.locator
            .key(&in_step(index, self.playbook.steps[index].kind().as_str(), &[]))
    }

    /// The selected servers; nobody where the selector is wrong, which is then reported.
    fn selected(&self, found: &mut Findings<'_>) -> Vec<&'a Server> {
        match self.playbook.servers.resolve(self.inventory) {
            Ok(names) => names
                .iter()
                .filter_map(|name| self.inventory.servers.get(name))
                .collect(),
            Err(error) => {
                let place = self
                    .locator
                    .value(&[Segment::Key("playbook"), Segment::Key("servers")]);
                let pools = || self.inventory.pools.keys().map(PoolName::as_str);
                let servers = || self.inventory.servers.keys().map(ServerName::as_str);
                let hint = match &error {
                    Error::UnknownPool { name }
                        if self
                            .inventory
                            .servers
                            .contains_key(&ServerName::from(name.as_str())) =>
                    {
                        format!("`{name}` is a server: write it without `@`")
                    }
                    Error::UnknownServer { name }
                        if self.inventory.pools.contains_key(&PoolName::from(name.as_str())) =>
                    {
                        format!("`{name}` is a pool: write `@{name}`")
                    }
                    Error::UnknownPool { name } => suggest::hint(name.as_str(), pools(), "pool"),
                    Error::UnknownServer { name } => suggest::hint(name.as_str(), servers(), "server"),
                    _ => "servers are selected from the inventory; `all` selects every one".to_owned(),
                };
                found.error(Code::NothingSelected, place, error.to_string(), hint);
                Vec::new()
            }
        }
    }

    fn budget(&self, servers: &[&Server], found: &mut Findings<'_>) {
        let size = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        let limit = self.playbook.policy.max_failures;
        if size > 0 && limit >= size {
            let place = self
                .locator
                .value(&[Segment::Key("policy"), Segment::Key("max_failures")]);
            let message = format!(
                "max_failures is {limit}, but only {size} servers are selected: the run would never stop"
            );
            found.warning(
                Code::BoundlessBudget,
                place,
                message,
                "0 stops at the first failure",
            );
        }
    }

    fn spread(&self, servers: &[&Server], found: &mut Findings<'_>) {
        let Some(label) = &self.playbook.policy.spread else {
            return;
        };
        let without: Vec<&str> = servers
            .iter()
            .filter(|server| !server.labels.contains_key(label))
            .map(|server| server.name.as_str())
            .collect();
        if !without.is_empty() {
            let place = self
                .locator
                .value(&[Segment::Key("policy"), Segment::Key("spread")]);
            let message = format!(
                "spread goes by the label `{label}`, which these servers do not have: {}",
                without.join(", ")
            );
            let hint = format!("write labels = {{ {label} = \"...\" }} at each of them");
            found.error(Code::UnlabelledServer, place, message, hint);
        }
    }

    fn drain(&self, servers: &[&Server], pools: &[&Pool], found: &mut Findings<'_>) {
        let Some(drain) = self
            .playbook
            .steps
            .iter()
            .position(|step| step.kind() == StepKind::Drain)
        else {
            return;
        };
        if let Some(server) = servers.iter().find(|server| server.pool.is_none()) {
            let message = format!("`{}` belongs to no pool: nothing can drain it", server.name);
            found.error(
                Code::NoLoadBalancer,
                self.step(drain),
                message,
                "give it a pool in the inventory, or select others",
            );
        }
        for pool in pools {
            let balancer = pool
                .load_balancer
                .as_ref()
                .and_then(|name| self.inventory.load_balancers.get(name));
            match (&pool.load_balancer, balancer) {
                (None, _) => {
                    let message = format!(
                        "pool `{}` has no load balancer: nothing can drain its servers",
                        pool.name
                    );
                    let hint = "name a load_balancer at the pool; one of kind = \"none\" says that it is done elsewhere";
                    found.error(Code::NoLoadBalancer, self.step(drain), message, hint);
                }
                (Some(name), Some(LoadBalancer::None { .. })) => {
                    let message = format!(
                        "load balancer `{name}` of pool `{}` is of kind \"none\": drain only waits",
                        pool.name
                    );
                    let hint =
                        "its own health checks must notice each server's restart; leave drain out if they do";
                    found.warning(Code::NoLoadBalancer, self.step(drain), message, hint);
                }
                _ => {}
            }
        }
    }

    fn probes(&self, pools: &[&Pool], found: &mut Findings<'_>) {
        for (index, step) in self.playbook.steps.iter().enumerate() {
            let Step::Restrict(restrict) = step else { continue };
            if restrict.unlisted != Unlisted::Deny {
                continue;
            }
            let by_role = has_role(&restrict.allow, Role::LoadBalancerProbes);
            for pool in pools {
                let Some(name) = &pool.load_balancer else { continue };
                let Some(balancer) = self.inventory.load_balancers.get(name) else {
                    continue;
                };
                let probes = balancer.probes_from();
                let refused = probes
                    .iter()
                    .find(|probe| !names_address(&restrict.allow, **probe));
                let place = self
                    .locator
                    .value(&in_step(index, "restrict", &[Segment::Key("allow")]));
                if let (Some(refused), false) = (refused, by_role) {
                    let message =
                        format!("load balancer `{name}` probes from {refused}, which is not allowed");
                    let hint = "add { role = \"load_balancer_probes\" }, or its probes take every server out of rotation";
                    found.warning(Code::ProbesDenied, place, message, hint);
                } else if by_role && probes.is_empty() {
                    let message =
                        format!("role load_balancer_probes stands for nobody: `{name}` has no probes_from");
                    let hint =
                        "write its probes' addresses into the inventory: probes_from = [\"192.0.2.5\"]";
                    found.warning(Code::ProbesDenied, place, message, hint);
                }
            }
        }
    }

    fn floors(&self, pools: &[&Pool], source: &Source, found: &mut Findings<'_>) {
        if !self
            .playbook
            .steps
            .iter()
            .any(|step| step.kind() == StepKind::Drain)
        {
            return;
        }
        let locator = Locator::new(source);
        for pool in pools {
            let size = u32::try_from(self.inventory.members(&pool.name).count()).unwrap_or(u32::MAX);
            let floor = pool.min_in_rotation.at_least_of(size);
            let failures = self
                .playbook
                .policy
                .max_failures
                .min(pool.max_failures.unwrap_or(u32::MAX));
            // A floor above the pool's size is an error of the inventory itself.
            if size > 0 && floor <= size && size - floor <= failures {
                let path = [
                    Segment::Key("pool"),
                    Segment::Key(pool.name.as_str()),
                    Segment::Key("min_in_rotation"),
                ];
                let message = match failures {
                    0 => format!(
                        "pool `{}` keeps {floor} of {size} servers in rotation: none can be drained",
                        pool.name
                    ),
                    _ => format!(
                        "pool `{}` keeps {floor} of {size} servers in rotation, and max_failures lets {failures} be lost: none can be drained",
                        pool.name
                    ),
                };
                let hint = "lower min_in_rotation or max_failures, or add servers";
                found.warning(Code::NothingToSpare, locator.value(&path), message, hint);
            }
        }
    }
}
