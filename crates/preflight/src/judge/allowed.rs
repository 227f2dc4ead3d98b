//! Who has to stay allowed: Managed Availability, the load balancer's probes, the servers that hand requests on, the server itself.
//!
//! It is judged by the section that the step would come to, so that networks, entries that are there already and their order count.

use std::net::IpAddr;

use exchange::Product;
use iis::ip_security::{Section, way_back};
use inventory::{AllowWhat, LoadBalancer, Restrict, Role};

use super::Here;
use crate::facts::ApplicationFacts;
use crate::roles::{Addresses, LOOPBACK, is_reachable, rules};
use crate::rule::Rule;

impl Here<'_> {
    pub(super) fn allowed(&mut self, restrict: &Restrict, written: &ApplicationFacts) {
        let facts = self.facts;
        let uses_own = restrict
            .allow
            .iter()
            .any(|entry| entry.what == AllowWhat::Role(Role::OwnAddresses));
        if uses_own && self.known("the server's own addresses", &facts.own).is_none() {
            return;
        }
        let addresses = self.addresses();
        let Ok(wanted) = rules(&restrict.allow, &addresses) else {
            // Plans have names pinned; one that has not is refused by the step itself.
            return;
        };
        let desired = restrict.desired(wanted);
        let target = desired.target(&written.effective);
        if restrict.confirm_within.is_some() && !desired.satisfied_by(&written.effective) {
            self.comes_back(restrict, &written.effective, &target);
        }
        self.stays(Rule::LoopbackDenied, restrict, &target, &LOOPBACK, Role::Loopback);
        self.stays(
            Rule::ProbesDenied,
            restrict,
            &target,
            &addresses.probes,
            Role::LoadBalancerProbes,
        );
        let product = self.facts.exchange.as_ref().ok().copied().flatten();
        if product.and_then(|version| version.product()) == Some(Product::Exchange2010) {
            self.stays(
                Rule::PeersDenied,
                restrict,
                &target,
                &addresses.peers,
                Role::ExchangePeers,
            );
        }
        let own: Vec<IpAddr> = self
            .facts
            .own
            .iter()
            .flatten()
            .filter_map(|rule| rule.ip_address.parse().ok())
            .filter(is_reachable)
            .collect();
        self.stays(
            Rule::OwnAddressesDenied,
            restrict,
            &target,
            &own,
            Role::OwnAddresses,
        );
        self.one_family(restrict, &target, &own);
        self.probes_are_known(restrict, &target);
    }

    /// The dead man's switch is set before the first commit, and only where its task has room for the way back.
    fn comes_back(&mut self, restrict: &Restrict, effective: &Section, target: &Section) {
        let Err(error) = way_back(&restrict.application, effective, target) else {
            return;
        };
        let (rules, wanted) = (effective.rules.len(), target.rules.len());
        self.say(
            Rule::NoWayBack,
            format!("the way back from {wanted} rules to {rules} at `{}`: {error}", restrict.application),
            "change fewer entries at once, in several runs, or leave `confirm_within` out of the `restrict` step",
        );
    }

    /// Which address of the other family a gateway has cannot be known; that the server can be reached by one, and that the list has none, can.
    fn one_family(&mut self, restrict: &Restrict, target: &Section, own: &[IpAddr]) {
        if !own.iter().any(IpAddr::is_ipv6) {
            return;
        }
        let is_ipv6: Vec<bool> = restrict
            .allow
            .iter()
            .filter_map(|entry| match entry.what {
                AllowWhat::Address(address) => Some(address.is_ipv6()),
                AllowWhat::Network(network) => Some(network.addr().is_ipv6()),
                AllowWhat::Name(_) | AllowWhat::Role(_) => None,
            })
            .collect();
        if target.allow_unlisted || is_ipv6.is_empty() || is_ipv6.contains(&true) {
            return;
        }
        self.say(
            Rule::OneFamily,
            format!(
                "`{}` lists gateways by IPv4 addresses only, and IPv6 reaches the server",
                restrict.application
            ),
            "add the gateways' IPv6 addresses to the `allow` list, or see to it that they find the servers by IPv4 only",
        );
    }

    /// The addresses that roles stand for on this server.
    fn addresses(&self) -> Addresses {
        let others = self
            .farm
            .peers
            .iter()
            .filter(|(server, _)| *server != self.server);
        let own: Vec<String> = self
            .facts
            .own
            .iter()
            .flatten()
            .map(|rule| rule.ip_address.clone())
            .collect();
        Addresses {
            own: self.facts.own.clone().unwrap_or_default(),
            probes: self.balancer().map_or(Vec::new(), |b| b.probes_from().to_vec()),
            peers: others
                .flat_map(|(_, (addresses, _))| addresses.iter().copied())
                .filter(|address| is_reachable(address) && !own.contains(&address.to_string()))
                .collect(),
            operator: self.farm.operator.get(self.server).copied(),
        }
    }

    fn balancer(&self) -> Option<&LoadBalancer> {
        let pool = self.inventory.servers.get(self.server)?.pool.as_ref()?;
        let name = self.inventory.pools.get(pool)?.load_balancer.as_ref()?;
        self.inventory.load_balancers.get(name)
    }

    /// Each of these addresses comes in after the step as well.
    fn stays(&mut self, rule: Rule, restrict: &Restrict, target: &Section, needed: &[IpAddr], role: Role) {
        let denied: Vec<String> = needed
            .iter()
            .filter(|address| !target.allows(**address))
            .map(ToString::to_string)
            .collect();
        if denied.is_empty() {
            return;
        }
        let remedy = format!(
            "add to the `allow` list of `{}`: {{ role = \"{role}\" }}",
            restrict.application
        );
        self.say(
            rule,
            // Each server's own are others; in these words they are one finding.
            match role {
                Role::OwnAddresses => {
                    format!("`{}` would deny the server's own addresses", restrict.application)
                }
                _ => format!("`{}` would deny {}", restrict.application, denied.join(", ")),
            },
            remedy,
        );
    }

    fn probes_are_known(&mut self, restrict: &Restrict, target: &Section) {
        let Some(balancer) = self.balancer() else { return };
        if balancer.probes_from().is_empty() && !target.allow_unlisted {
            self.say(
                Rule::ProbesUnknown,
                format!("the inventory's load balancer has no `probes_from`, and `{}` would deny whoever is not listed", restrict.application),
                "write where its health probes come from, every node and floating address: probes_from = [\"192.0.2.5\"]",
            );
        }
    }
}
