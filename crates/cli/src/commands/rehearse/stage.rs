//! What a rehearsal is played on: the simulated farm of its own, or a simulated copy of the operator's farm.

mod eyes;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use auth::Credentials;
use casim::clients::{Clients, ClientsOptions, Tally};
use casim::load_balancer::OWN_ADDRESS;
use casim::{Farm, FarmOptions, Likeness};
use driver::{Clock, World, WorldOptions};
use inventory::{
    AllowWhat, Auth, Inventory, LoadBalancer, Server, ServerName, Source, Step, Transport, Vantage,
    VantageName,
};
use rollout::{Plan, RunId};

use crate::error::Error;
use crate::inputs::Fleet;
use crate::people;

/// The one credential of simulated servers.
const CREDENTIAL: &str = "simulated";

/// A stranger whom no list of ours names.
pub(super) const OUTSIDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// The simulated farms, one for each pool, and an inventory that reaches them.
pub(super) struct Stage {
    farms: Vec<Farm>,
    /// The servers' names in the inventory, farm by farm; none of a farm of our own.
    names: Vec<Vec<ServerName>>,
    inventory: Inventory,
    certificate_authorities: BTreeMap<String, Vec<u8>>,
    gateways: Vec<IpAddr>,
}

/// A simulated farm of its own, and the inventory by which a playbook is read and checked.
pub(super) async fn own(options: FarmOptions) -> Result<(Stage, Fleet), Error> {
    let farm = Farm::start(options)
        .await
        .map_err(|source| Error::Farm { source })?;
    let source = Source::new("simulated farm", farm.inventory_toml());
    let inventory = inventory::read_inventory(&source).map_err(|found| Error::Wrong {
        diagnostics: found.into_iter().map(|d| (d, source.clone())).collect(),
    })?;
    let named = inventory
        .servers
        .values()
        .find_map(|server| server.ca_file.clone())
        .unwrap_or_default();
    let stage = Stage {
        certificate_authorities: BTreeMap::from([(named, farm.ca_pem().as_bytes().to_vec())]),
        farms: vec![farm],
        names: Vec::new(),
        inventory: inventory.clone(),
        gateways: ClientsOptions::default().gateways,
    };
    Ok((
        stage,
        Fleet {
            inventory,
            source,
            path: PathBuf::from("simulated farm"),
        },
    ))
}

/// A simulated copy of the operator's farm: its names, its pools, its addresses; loopback addresses stand for the gateways that the plan allows.
pub(super) async fn copy(fleet: &Fleet, plan: &Plan, options: &FarmOptions) -> Result<Stage, Error> {
    let known_as = stand_ins(plan);
    let gateways: Vec<IpAddr> = known_as.keys().copied().collect();
    let mut stage = Stage {
        farms: Vec::new(),
        names: Vec::new(),
        inventory: fleet.inventory.clone(),
        certificate_authorities: BTreeMap::new(),
        gateways,
    };
    stage.recast_vantages(plan);
    let pools: Vec<_> = plan.pools.keys().cloned().map(Some).chain([None]).collect();
    for pool in pools {
        let members: Vec<Server> = fleet
            .inventory
            .servers
            .values()
            .filter(|server| {
                server.pool == pool && (pool.is_some() || plan.servers.contains_key(&server.name))
            })
            .cloned()
            .collect();
        if members.is_empty() {
            continue;
        }
        let written = pool.as_ref().and_then(|name| fleet.inventory.pools.get(name));
        let balancer =
            written.and_then(|pool| fleet.inventory.load_balancers.get(pool.load_balancer.as_ref()?));
        let host = written.and_then(|pool| pool.vip.as_ref()?.host_str().map(str::to_owned));
        let mut known_as = known_as.clone();
        if let Some(probe) = balancer.and_then(|balancer| balancer.probes_from().first()) {
            known_as.insert(OWN_ADDRESS, *probe);
        }
        let likeness = Likeness {
            names: members.iter().map(|server| server.name.to_string()).collect(),
            host: host.unwrap_or_else(|| "mail.contoso.example".to_owned()),
            known_as,
        };
        let options = FarmOptions {
            likeness: Some(likeness),
            ..options.clone()
        };
        let farm = Farm::start(options)
            .await
            .map_err(|source| Error::Farm { source })?;
        stage.take_in(farm, &members, balancer);
    }
    Ok(stage)
}

/// Loopback addresses that can be bound here, each for one address that the plan's restriction allows.
fn stand_ins(plan: &Plan) -> BTreeMap<IpAddr, IpAddr> {
    let entries = plan.steps.iter().filter_map(|step| {
        if let Step::Restrict(restrict) = step {
            Some(&restrict.allow)
        } else {
            None
        }
    });
    let allowed = entries.flatten().filter_map(|entry| match &entry.what {
        AllowWhat::Address(address) => Some(*address),
        AllowWhat::Network(network) => network.hosts().next(),
        AllowWhat::Name(_) | AllowWhat::Role(_) => None,
    });
    (10..20)
        .map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
        .zip(allowed)
        .collect()
}

impl Stage {
    /// Vantages of real places become loopback addresses that stand for an allowed gateway, or for nobody on the list.
    fn recast_vantages(&mut self, plan: &Plan) {
        let witnesses = plan.steps.iter().filter_map(|step| {
            if let Step::Witness(witness) = step {
                Some(witness)
            } else {
                None
            }
        });
        let allowed: Vec<&VantageName> = witnesses.flat_map(|witness| &witness.allowed_from).collect();
        let mut next = 0;
        for (name, vantage) in &mut self.inventory.vantages {
            let address = if allowed.contains(&name) && !self.gateways.is_empty() {
                next += 1;
                self.gateways[(next - 1) % self.gateways.len()]
            } else {
                OUTSIDER
            };
            *vantage = Vantage::SourceAddress(address);
        }
    }

    fn take_in(&mut self, farm: Farm, members: &[Server], balancer: Option<&LoadBalancer>) {
        let group = format!("simulated-{}", self.farms.len());
        let (user, _) = farm.account();
        let credential = inventory::Credential {
            user,
            password: inventory::PasswordSource::Env(String::new()),
        };
        self.inventory
            .credentials
            .insert(CREDENTIAL.to_owned(), credential);
        for ((server, endpoint), front_end) in members.iter().zip(farm.endpoints()).zip(farm.front_ends()) {
            let copy = Server {
                address: endpoint.address().ip().to_string(),
                port: endpoint.address().port(),
                https_port: front_end.address().port(),
                transport: Transport::Http,
                auth: Auth::Negotiate,
                credential: CREDENTIAL.to_owned(),
                ca_file: Some(group.clone()),
                load_balancer_name: server.name.to_string().to_lowercase(),
                ..server.clone()
            };
            self.inventory.servers.insert(server.name.clone(), copy);
        }
        if let Some(pool) = members
            .first()
            .and_then(|server| self.inventory.pools.get_mut(server.pool.as_ref()?))
        {
            pool.vip_address = Some(farm.entrance().vip);
            let steered = balancer.filter(|balancer| !matches!(balancer, LoadBalancer::None { .. }));
            if let Some(balancer) = steered {
                let simulated = LoadBalancer::Haproxy {
                    sockets: vec![format!("tcp://{}", farm.load_balancer().runtime_api())],
                    backends: vec!["eas".to_owned()],
                    probes_from: balancer.probes_from().to_vec(),
                };
                self.inventory.load_balancers.insert(group.clone(), simulated);
                pool.load_balancer = Some(group.clone());
            }
        }
        self.certificate_authorities
            .insert(group, farm.ca_pem().as_bytes().to_vec());
        self.names
            .push(members.iter().map(|server| server.name.clone()).collect());
        self.farms.push(farm);
    }

    /// The world of this stage, on a clock as fast as its servers.
    pub(super) fn world(&self, clock: Clock, run: RunId, change: Option<&str>) -> Arc<World> {
        let account = self.farms.first().map(Farm::account);
        let credentials = self
            .inventory
            .credentials
            .keys()
            .filter_map(|name| {
                account
                    .clone()
                    .map(|(user, password)| (name.clone(), Credentials::new(user, password)))
            })
            .collect();
        Arc::new(World::new(WorldOptions {
            inventory: self.inventory.clone(),
            credentials,
            certificate_authorities: self.certificate_authorities.clone(),
            krb5_conf: Arc::default(),
            name_servers: Arc::default(),
            clock,
            run,
            operator: people::acting("rehearsal", change),
        }))
    }

    /// How many servers there are.
    pub(super) fn servers(&self) -> usize {
        self.farms.iter().map(|farm| farm.machines().len()).sum()
    }

    /// A steady stream of clients at every farm; `rate` requests a second in all.
    pub(super) fn clients(&self, rate: u32) -> Vec<Clients> {
        let farms = u32::try_from(self.farms.len().max(1)).unwrap_or(u32::MAX);
        let options = ClientsOptions {
            rate: (rate / farms).max(1),
            ..ClientsOptions::default()
        };
        let options = match self.gateways.is_empty() {
            true => options,
            false => ClientsOptions {
                gateways: self.gateways.clone(),
                ..options
            },
        };
        self.farms
            .iter()
            .map(|farm| Clients::start(farm, options.clone()))
            .collect()
    }

    /// Ends everything.
    pub(super) async fn stop(self) {
        for farm in self.farms {
            farm.stop().await;
        }
    }
}

/// Ends the clients and adds up what they saw.
pub(super) async fn total(clients: Vec<Clients>) -> Tally {
    let mut total = Tally::default();
    for clients in clients {
        let tally = clients.stop().await;
        total.requests += tally.requests;
        total.failed += tally.failed;
        total.first_failures.extend(tally.first_failures);
    }
    total
}
