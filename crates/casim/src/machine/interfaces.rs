//! Network interfaces, as `netsh` numbers them.

use std::net::IpAddr;

/// An interface with the addresses of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) index: u32,
    pub(super) name: &'static str,
    pub(super) addresses: Vec<IpAddr>,
}

/// The index of the only network card; also the zone of its link-local addresses.
pub(super) const ETHERNET: u32 = 14;

/// The interfaces that have addresses of this family, the loopback first.
pub(super) fn of_family(addresses: &[IpAddr], v6: bool) -> Vec<Interface> {
    let pick = |loopback: bool| -> Vec<IpAddr> {
        addresses
            .iter()
            .copied()
            .filter(|a| a.is_ipv6() == v6 && a.is_loopback() == loopback)
            .collect()
    };
    [
        (1, "Loopback Pseudo-Interface 1", pick(true)),
        (ETHERNET, "Ethernet", pick(false)),
    ]
    .into_iter()
    .map(|(index, name, addresses)| Interface {
        index,
        name,
        addresses,
    })
    .filter(|interface| !interface.addresses.is_empty())
    .collect()
}

/// Whether the address is link-local: `netsh` prints its zone.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80)
}
