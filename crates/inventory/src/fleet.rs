//! The farm as the operator wrote it down.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use jiff::SignedDuration;
use url::Url;

use crate::credential::Credential;
use crate::load_balancer::LoadBalancer;
use crate::name::{PoolName, ServerName, VantageName};
use crate::quantity::Quantity;
use crate::tls::{Fingerprint, Tls};

/// The whole farm: what `read_inventory` makes of a file without errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// `[server.NAME]`.
    pub servers: BTreeMap<ServerName, Server>,
    /// `[pool.NAME]`.
    pub pools: BTreeMap<PoolName, Pool>,
    /// `[load_balancer.NAME]`.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// `[credential.NAME]`.
    pub credentials: BTreeMap<String, Credential>,
    /// `[site.NAME]`, by the value of the servers' label `site`.
    pub sites: BTreeMap<String, Site>,
    /// `[vantage.NAME]`.
    pub vantages: BTreeMap<VantageName, Vantage>,
}

impl Inventory {
    /// The servers of a pool, by name.
    pub fn members<'a>(&'a self, pool: &'a PoolName) -> impl Iterator<Item = &'a Server> {
        self.servers
            .values()
            .filter(move |server| server.pool.as_ref() == Some(pool))
    }
}

/// One server, every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name in the inventory.
    pub name: ServerName,
    /// Host name or IP address to connect to.
    pub address: String,
    /// TCP port of WinRM; 5985 for http and 5986 for https unless written otherwise.
    pub port: u16,
    /// What WinRM runs over.
    pub transport: Transport,
    /// How to log in.
    pub auth: Auth,
    /// Where Kerberos finds its tickets.
    pub kerberos: Kerberos,
    /// Name of the credential, a key of [`Inventory::credentials`].
    pub credential: String,
    /// The pool that it serves in.
    pub pool: Option<PoolName>,
    /// TCP port of its web front end.
    pub https_port: u16,
    /// How much of the clients' load it carries, beside the other servers of its pool; 1 unless written otherwise.
    pub weight: u32,
    /// What the load balancer calls it; the server's name unless written otherwise.
    pub load_balancer_name: String,
    /// PEM file of the authority that signed its certificates, as written: relative to the inventory's folder.
    pub ca_file: Option<String>,
    /// The one certificate of its WinRM service that is trusted, in the place of every other check.
    pub fingerprint: Option<Fingerprint>,
    /// The name that its WinRM certificate must have, where that is not `address`.
    pub tls_server_name: Option<String>,
    /// With what TLS is spoken.
    pub tls: Tls,
    /// A proxy (`http`, `socks5` or `socks5h`) on the way to its WinRM service.
    pub proxy: Option<Url>,
    /// Whether the password may cross the network in clear (Basic over http).
    pub allow_unencrypted: bool,
    /// How long to wait for the TCP (and TLS) connection.
    pub connect_timeout: SignedDuration,
    /// How long to wait for the login.
    pub login_timeout: SignedDuration,
    /// WS-Management's OperationTimeout: how long the server may hold back one answer.
    pub operation_timeout: SignedDuration,
    /// Words for people, and where the server stands: `site`, `rack`, or whatever the playbook's `spread` names.
    pub labels: BTreeMap<String, String>,
}

/// Where Kerberos finds its tickets, as far as the inventory says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Kerberos {
    /// The user's realm, where the user's name does not tell it.
    pub realm: Option<String>,
    /// The KDCs of that realm, `host` or `host:port`, the best first.
    pub kdcs: Vec<String>,
    /// The service in the server's SPN, where it is not `HTTP`.
    pub spn_service: Option<String>,
    /// The host in the server's SPN, where it is not `address`.
    pub spn_host: Option<String>,
}

/// What WinRM runs over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Transport {
    /// HTTP, the messages sealed by the login's session key.
    #[default]
    Http,
    /// HTTPS.
    Https,
}

impl Transport {
    /// The word in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// WinRM's own port for it.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 5985,
            Self::Https => 5986,
        }
    }
}

/// How to log in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Auth {
    /// SPNEGO: Kerberos where a realm is known and gives a ticket, NTLM otherwise.
    #[default]
    Negotiate,
    /// Kerberos and nothing else.
    Kerberos,
    /// NTLM without SPNEGO around it.
    Ntlm,
    /// User and password; over https, or with `allow_unencrypted`.
    Basic,
}

impl Auth {
    /// The word in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negotiate => "negotiate",
            Self::Kerberos => "kerberos",
            Self::Ntlm => "ntlm",
            Self::Basic => "basic",
        }
    }
}

/// Servers that serve the same clients behind one load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name in the inventory.
    pub name: PoolName,
    /// Name of its load balancer, a key of [`Inventory::load_balancers`].
    pub load_balancer: Option<String>,
    /// What the clients type, e.g. `https://mail.contoso.example`: Host and TLS server name of every probe.
    pub vip: Option<Url>,
    /// Where the `vip` is reached, when its name is not to be resolved.
    pub vip_address: Option<SocketAddr>,
    /// How many of its servers take clients at every instant; a share is meant of the servers' number and of their weight.
    pub min_in_rotation: Quantity,
    /// How many of its servers may fail before the whole run begins nothing new; the playbook's `max_failures` holds beside it.
    pub max_failures: Option<u32>,
}

/// A place with servers of one or more pools: those whose label `site` has its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// How many of its servers take clients at every instant; a share is meant of the servers' number and of their weight.
    pub min_in_rotation: Quantity,
}

impl Site {
    /// The label that says at which site a server stands.
    pub const LABEL: &'static str = "site";
}

/// A place from which to look at the farm as a client does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Vantage {
    /// An address of this machine to connect from.
    SourceAddress(IpAddr),
    /// A proxy (`http`, `socks5` or `socks5h`) to connect through.
    Proxy(Url),
    /// Another Windows server, which asks for the page itself and is told to over WinRM.
    Server(ServerName),
}
