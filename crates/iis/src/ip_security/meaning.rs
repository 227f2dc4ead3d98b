//! Whether two lists decide alike for every client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::scope::Scope;
use super::section::Section;

/// A section's rules with their scopes, without those that cover nobody.
struct Judge {
    rules: Vec<(Scope, bool)>,
    allow_unlisted: bool,
}

impl Judge {
    fn new(section: &Section) -> Self {
        let rules = section.rules.iter().map(|rule| (rule.scope(), rule.allowed));
        Self {
            rules: rules.filter(|(scope, _)| *scope != Scope::Nothing).collect(),
            allow_unlisted: section.allow_unlisted,
        }
    }

    fn allows(&self, client: IpAddr) -> bool {
        self.rules
            .iter()
            .find(|(scope, _)| scope.contains(client))
            .map_or(self.allow_unlisted, |(_, allowed)| *allowed)
    }

    /// Whether every rule is a plain network, so that decisions change at the edges of networks only.
    fn is_plain(&self) -> bool {
        self.rules.iter().all(|(scope, _)| scope.network().is_some())
    }

    /// The rules in an order that does not depend on how they were written down, where order has no meaning.
    fn in_canonical_order(&self) -> Vec<&(Scope, bool)> {
        let mut rules: Vec<_> = self.rules.iter().collect();
        if self.rules.iter().all(|(_, allowed)| *allowed) || self.rules.iter().all(|(_, allowed)| !allowed) {
            rules.sort();
            rules.dedup();
        }
        rules
    }
}

/// Whether both sections decide alike for every client's address.
pub(super) fn same_decisions(a: &Section, b: &Section) -> bool {
    let (a, b) = (Judge::new(a), Judge::new(b));
    if a.allow_unlisted == b.allow_unlisted && a.in_canonical_order() == b.in_canonical_order() {
        return true;
    }
    a.is_plain()
        && b.is_plain()
        && edges(&a, &b)
            .into_iter()
            .all(|client| a.allows(client) == b.allows(client))
}

/// The first address of every network, the first behind it, and the first of both families: between two of these neither side changes its mind.
fn edges(a: &Judge, b: &Judge) -> Vec<IpAddr> {
    let mut v4 = vec![0u32];
    let mut v6 = vec![0u128];
    for (scope, _) in a.rules.iter().chain(&b.rules) {
        match *scope {
            Scope::V4 { address, mask } => {
                v4.push(address);
                v4.extend((address | !mask).checked_add(1));
            }
            Scope::V6 { address, mask } => {
                v6.push(address);
                v6.extend((address | !mask).checked_add(1));
            }
            Scope::Domain(_) | Scope::Nothing => {}
        }
    }
    v4.sort_unstable();
    v4.dedup();
    v6.sort_unstable();
    v6.dedup();
    // An IPv4 address mapped into IPv6 is judged as IPv4, so it says nothing about the IPv6 rules around it: the first address behind the mapped
    // range speaks for them.
    const MAPPED: u128 = 0xFFFF_0000_0000;
    v6.push(MAPPED + (1 << 32));
    let v4 = v4.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    let v6 = v6.into_iter().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)));
    v4.chain(v6).collect()
}
