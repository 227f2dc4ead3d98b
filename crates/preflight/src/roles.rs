//! Roles of an allow list as rules, once their addresses are known.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iis::ip_security::Rule;
use inventory::{AllowEntry, AllowWhat, Role};

/// 127.0.0.1 and ::1, from where Exchange watches itself.
pub(crate) const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The addresses that roles stand for on one server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Addresses {
    /// The server's own, as rules: link-local ones with their zone.
    pub own: Vec<Rule>,
    /// Where the load balancer's probes come from.
    pub probes: Vec<IpAddr>,
    /// The other servers of the farm.
    pub peers: Vec<IpAddr>,
    /// From where the server is reached.
    pub operator: Option<IpAddr>,
}

/// The rules of an allow list on a server, each once.
///
/// # Errors
/// The first entry by name: a plan has names pinned as addresses.
pub fn rules(allow: &[AllowEntry], addresses: &Addresses) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    let addresses_of = |role: Role| match role {
        Role::Loopback => rules_of(&LOOPBACK),
        Role::OwnAddresses => addresses.own.clone(),
        Role::LoadBalancerProbes => rules_of(&addresses.probes),
        Role::ExchangePeers => rules_of(&addresses.peers),
        Role::Operator => rules_of(addresses.operator.as_slice()),
    };
    for entry in allow {
        match &entry.what {
            AllowWhat::Address(address) => rules.push(Rule::allow_address(*address)),
            AllowWhat::Network(network) => rules.push(Rule::allow_network(*network)),
            AllowWhat::Name(name) => return Err(name.clone()),
            AllowWhat::Role(role) => rules.extend(addresses_of(*role)),
        }
    }
    let mut seen = BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.key()));
    Ok(rules)
}

fn rules_of(addresses: &[IpAddr]) -> Vec<Rule> {
    addresses.iter().copied().map(Rule::allow_address).collect()
}

/// Whether other machines can reach a server by this address: not its loopback, and nothing that holds on one link only.
pub fn is_reachable(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || is_link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(role: Role) -> AllowEntry {
        AllowEntry {
            what: AllowWhat::Role(role),
            note: None,
        }
    }

    #[test]
    fn every_role_becomes_its_addresses_and_nothing_stands_twice() {
        let own = Rule {
            ip_address: "fe80::1%14".to_owned(),
            ..Rule::allow_address(Ipv4Addr::LOCALHOST.into())
        };
        let addresses = Addresses {
            own: vec![own],
            probes: vec!["192.0.2.5".parse().unwrap()],
            peers: vec!["192.0.2.12".parse().unwrap(), "2001:db8::12".parse().unwrap()],
            operator: Some("192.0.2.5".parse().unwrap()),
        };
        let allow = [
            Role::Loopback,
            Role::OwnAddresses,
            Role::LoadBalancerProbes,
            Role::ExchangePeers,
            Role::Operator,
        ]
        .map(role);
        let shown: Vec<String> = rules(&allow, &addresses)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            shown,
            [
                "allow 127.0.0.1",
                "allow ::1",
                "allow fe80::1%14",
                "allow 192.0.2.5",
                "allow 192.0.2.12",
                "allow 2001:db8::12"
            ]
        );
    }

    #[test]
    fn a_name_that_is_not_pinned_is_no_rule() {
        let name = AllowEntry {
            what: AllowWhat::Name("seg.example.net".to_owned()),
            note: None,
        };
        assert_eq!(
            rules(&[name], &Addresses::default()),
            Err("seg.example.net".to_owned())
        );
    }

    #[test]
    fn peers_are_reached_by_addresses_that_leave_the_machine() {
        let is = |text: &str| is_reachable(&text.parse().unwrap());
        assert!(
            ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1"]
                .into_iter()
                .all(is)
        );
        assert!(
            !["127.0.0.1", "::1", "fe80::1", "169.254.1.1", "0.0.0.0"]
                .into_iter()
                .any(is)
        );
    }
}
