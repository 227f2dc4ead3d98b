//! What a simulated server is made of.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// How to make a [`Machine`](super::Machine).
#[derive(Debug, Clone)]
pub struct MachineOptions {
    /// The computer name, e.g. `CAS01`.
    pub name: String,
    /// The DNS domain, e.g. `contoso.example`.
    pub domain: String,
    /// The server's own addresses as `netsh` shows them, loopback included.
    pub addresses: Vec<IpAddr>,
    /// Seed of everything that chance decides (process ids, backup stamps).
    pub seed: u64,
    /// How many times faster than real time the server lives.
    pub speed: f64,
    /// Clients that are taken for others: a loopback address that a test can bind, and the real address that it stands for.
    pub known_as: BTreeMap<IpAddr, IpAddr>,
}

impl MachineOptions {
    /// A server with the loopback addresses only, in `contoso.example`, at real speed, seed 0.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            domain: "contoso.example".to_owned(),
            addresses: vec![
                IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
                IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            ],
            seed: 0,
            speed: 1.0,
            known_as: BTreeMap::new(),
        }
    }
}
