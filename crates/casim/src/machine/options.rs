//! What a simulated server is made of.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ClientConfig;

use super::former::FormerTraffic;
use super::{ExchangeRelease, WindowsRelease};

/// How to make a [`Machine`](super::Machine).
#[derive(Debug, Clone)]
pub struct MachineOptions {
    /// The computer name, e.g. `CAS01`.
    pub name: String,
    /// The DNS domain, e.g. `contoso.example`.
    pub domain: String,
    /// Which Windows, and with it which IIS.
    pub windows: WindowsRelease,
    /// Which Exchange.
    pub exchange: ExchangeRelease,
    /// The name of the site that clients reach; an administrator may have renamed `Default Web Site`.
    pub front_end_site: String,
    /// More sites that offer applications of the front end.
    pub more_sites: Vec<MoreSite>,
    /// The folder on another server from which IIS takes its configuration, e.g. `\\FILES01\iis$`.
    pub shared_configuration: Option<String>,
    /// Bytes that are free on the system's disk.
    pub free_bytes: u64,
    /// Whether WinRM's shells are 32-bit processes, as those of a 32-bit host would be.
    pub shell_is_32_bit: bool,
    /// The server's own addresses as `netsh` shows them, loopback included.
    pub addresses: Vec<IpAddr>,
    /// The address of this computer from which the server connects to others.
    pub goes_out_from: IpAddr,
    /// Whose certificates the server takes for good; nobody's without it.
    pub trusts: Option<Arc<ClientConfig>>,
    /// Seed of everything that chance decides (process ids, backup stamps).
    pub seed: u64,
    /// How many times faster than real time the server lives.
    pub speed: f64,
    /// Clients that are taken for others: a loopback address that a test can bind, and the real address that it stands for.
    pub known_as: BTreeMap<IpAddr, IpAddr>,
    /// The moment at which the machine is made, by its own clock: what its log's lines tell.
    pub born: Timestamp,
    /// What the log holds of the time before that.
    pub former: Option<FormerTraffic>,
}

/// A site beside the front end's own, as administrators make them for another name or another way of logging in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoreSite {
    /// The site's name.
    pub name: String,
    /// The host name of its binding at port 443.
    pub host: String,
    /// The applications of the front end that it offers as well, e.g. `/Microsoft-Server-ActiveSync`.
    pub applications: Vec<String>,
}

impl MachineOptions {
    /// A Windows Server 2019 with Exchange 2019, with the loopback addresses only, in `contoso.example`, at real speed, seed 0, made on 2026-01-01,
    /// with an empty log.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            domain: "contoso.example".to_owned(),
            windows: WindowsRelease::default(),
            exchange: ExchangeRelease::default(),
            front_end_site: "Default Web Site".to_owned(),
            more_sites: Vec::new(),
            shared_configuration: None,
            free_bytes: 43_270_029_312,
            shell_is_32_bit: false,
            addresses: vec![
                IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
                IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            ],
            goes_out_from: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            trusts: None,
            seed: 0,
            speed: 1.0,
            known_as: BTreeMap::new(),
            born: Timestamp::constant(1_767_225_600, 0),
            former: None,
        }
    }
}
