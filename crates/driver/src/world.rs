//! The farm as something that can be reached: endpoints, front ends, load balancers, addresses, all by the names of the inventory.

mod fronts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth::{Credentials, Krb5Conf};
use inventory::{
    Auth, HttpBalancer, Inventory, LoadBalancer, PasswordSource, Pool, PoolName, Server, ServerName, Site,
    Tls, Transport, VantageName,
};
use jiff::SignedDuration;
use rollout::{Floor, RunId};
use url::Url;
use winrm::{AuthMethod, Endpoint, Fingerprint, KerberosPolicy, Timeouts, TlsBackend, TlsPolicy};

use crate::clock::Clock;
use crate::control_group::ControlGroup;
use crate::error::Error;
use crate::lease::Leases;
use crate::load_balancer::{Balancer, Haproxy, Http, Program, Steering};
use crate::peers::{Known, Peers};
use crate::web::{Front, Lookout, bracketed};

/// How long one exchange with a load balancer may take: its runtime API answers from memory.
const BALANCER_LIMIT: SignedDuration = SignedDuration::from_secs(10);

/// What a [`World`] is made of.
pub struct WorldOptions {
    /// The farm.
    pub inventory: Inventory,
    /// Passwords read, by the credentials' names in the inventory.
    pub credentials: BTreeMap<String, Credentials>,
    /// Certificate authorities read (PEM), by `ca_file` as the inventory writes it.
    pub certificate_authorities: BTreeMap<String, Vec<u8>>,
    /// The machine's Kerberos settings.
    pub krb5_conf: Arc<Krb5Conf>,
    /// The machine's name servers, for KDCs that nobody named.
    pub name_servers: Arc<[SocketAddr]>,
    /// The clock that all waits follow.
    pub clock: Clock,
    /// The run, whose name backups and leases bear.
    pub run: RunId,
    /// Who stands behind the run, for its leases: `user@host`.
    pub operator: String,
}

/// The farm as something that can be reached.
pub struct World {
    inventory: Inventory,
    credentials: BTreeMap<String, Credentials>,
    certificate_authorities: BTreeMap<String, Vec<u8>>,
    krb5_conf: Arc<Krb5Conf>,
    name_servers: Arc<[SocketAddr]>,
    clock: Clock,
    run: RunId,
    leases: Leases,
    fronts: Mutex<BTreeMap<(ServerName, Option<VantageName>), Front>>,
    entrances: Mutex<BTreeMap<(PoolName, VantageName), Front>>,
    lookouts: Mutex<BTreeMap<ServerName, Arc<Lookout>>>,
    balancers: Mutex<BTreeMap<PoolName, Balancer>>,
    rotation: Mutex<BTreeMap<PoolName, RotationSeen>>,
    taken_out: Mutex<BTreeSet<ServerName>>,
    control_group: ControlGroup,
    peers: Peers,
}

/// What the rotation monitor saw of a pool over the whole run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationSeen {
    /// The fewest members in rotation at any look.
    pub least: u32,
    /// Members in rotation at the last look.
    pub last: u32,
    /// Members of the load balancer's backend that belong to the pool, at the last look.
    pub members: u32,
    /// How many looks there were.
    pub looks: u64,
}

impl World {
    /// Nothing is connected to yet.
    pub fn new(options: WorldOptions) -> Self {
        Self {
            inventory: options.inventory,
            credentials: options.credentials,
            certificate_authorities: options.certificate_authorities,
            krb5_conf: options.krb5_conf,
            name_servers: options.name_servers,
            clock: options.clock,
            run: options.run,
            leases: Leases::new(options.operator),
            fronts: Mutex::default(),
            entrances: Mutex::default(),
            lookouts: Mutex::default(),
            balancers: Mutex::default(),
            rotation: Mutex::default(),
            taken_out: Mutex::default(),
            control_group: ControlGroup::default(),
            peers: Peers::default(),
        }
    }

    /// The clock that all waits follow.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The farm.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Lets this run take over the leases of another one, although they count.
    pub fn allow_steal(&self, run: RunId) {
        self.leases.allow_steal(run);
    }

    /// The leases that this process holds.
    pub(crate) fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The WinRM endpoint of a server.
    ///
    /// # Errors
    /// When the server is unknown, or its password or its authority's file was not read.
    pub fn endpoint(&self, server: &ServerName) -> Result<Arc<Endpoint>, Error> {
        let written = self.server(server)?;
        let credentials = self
            .credentials
            .get(&written.credential)
            .ok_or_else(|| Error::NoCredential {
                server: server.clone(),
                credential: written.credential.clone(),
            })?;
        let url = format!(
            "{}://{}:{}/wsman",
            written.transport.as_str(),
            bracketed(&written.address),
            written.port
        );
        let url = Url::parse(&url).map_err(|source| Error::Address {
            server: server.clone(),
            address: written.address.clone(),
            source,
        })?;
        let ca = match written.transport {
            Transport::Http => None,
            Transport::Https => self.authority(written)?.map(<[u8]>::to_vec),
        };
        Ok(Arc::new(Endpoint {
            url,
            auth: match written.auth {
                Auth::Negotiate => AuthMethod::Negotiate,
                Auth::Kerberos => AuthMethod::Kerberos,
                Auth::Ntlm => AuthMethod::Ntlm,
                Auth::Basic => AuthMethod::Basic,
            },
            credentials: credentials.clone(),
            tls: TlsPolicy {
                ca,
                server_name: written.tls_server_name.clone(),
                fingerprint: written.fingerprint.map(|pin| Fingerprint::new(pin.bytes())),
                backend: match written.tls {
                    Tls::Automatic => TlsBackend::Automatic,
                    Tls::Rustls => TlsBackend::Rustls,
                    Tls::Native => TlsBackend::Native,
                },
            },
            kerberos: KerberosPolicy {
                realm: written.kerberos.realm.clone(),
                kdcs: written.kerberos.kdcs.clone(),
                service: written.kerberos.spn_service.clone(),
                host: written.kerberos.spn_host.clone(),
                settings: Arc::clone(&self.krb5_conf),
                name_servers: Arc::clone(&self.name_servers),
            },
            allow_unencrypted: written.allow_unencrypted,
            proxy: written.proxy.clone(),
            timeouts: Timeouts {
                connect: self.clock.limit(written.connect_timeout),
                login: self.clock.limit(written.login_timeout),
                operation: self.clock.limit(written.operation_timeout),
            },
            locale: "en-US".to_owned(),
        }))
    }

    /// What the rotation monitor saw of each pool with a load balancer since this value was made.
    pub fn rotation_seen(&self) -> BTreeMap<PoolName, RotationSeen> {
        lock(&self.rotation).clone()
    }

    /// Notes one look at a pool.
    pub(crate) fn note_rotation(&self, pool: &PoolName, in_rotation: u32, members: u32) {
        let mut seen = lock(&self.rotation);
        let seen = seen.entry(pool.clone()).or_insert(RotationSeen {
            least: in_rotation,
            last: in_rotation,
            members,
            looks: 0,
        });
        seen.least = seen.least.min(in_rotation);
        seen.last = in_rotation;
        seen.members = members;
        seen.looks = seen.looks.saturating_add(1);
    }

    /// Notes whom the run has out of rotation now.
    pub(crate) fn note_taken_out(&self, servers: BTreeSet<ServerName>) {
        *lock(&self.taken_out) = servers;
    }

    /// Whether the run has the server out of rotation.
    pub(crate) fn is_taken_out(&self, server: &ServerName) -> bool {
        lock(&self.taken_out).contains(server)
    }

    /// What is known of servers that the run has not touched.
    pub(crate) fn control_group(&self) -> &ControlGroup {
        &self.control_group
    }

    /// The server as the inventory has it.
    pub(crate) fn server(&self, server: &ServerName) -> Result<&Server, Error> {
        self.inventory
            .servers
            .get(server)
            .ok_or_else(|| Error::UnknownServer {
                server: server.clone(),
            })
    }

    /// The server's pool, if it is in one.
    pub(crate) fn pool_of(&self, server: &Server) -> Option<&Pool> {
        self.inventory.pools.get(server.pool.as_ref()?)
    }

    /// The servers of a pool, or those that stand at a site, by name.
    pub(crate) fn members(&self, floor: &Floor) -> Vec<&Server> {
        let belongs = |server: &&Server| match floor {
            Floor::Pool(pool) => server.pool.as_ref() == Some(pool),
            Floor::Site(site) => server.labels.get(Site::LABEL) == Some(site),
        };
        self.inventory.servers.values().filter(belongs).collect()
    }

    /// The load balancer of a pool; none when the pool has none that casgate can steer.
    pub(crate) fn balancer(&self, pool: &PoolName) -> Option<Balancer> {
        if let Some(balancer) = lock(&self.balancers).get(pool) {
            return Some(balancer.clone());
        }
        let name = self.inventory.pools.get(pool)?.load_balancer.as_ref()?;
        let written = self.inventory.load_balancers.get(name)?;
        let credentials = written
            .credential()
            .and_then(|credential| self.credentials.get(credential).cloned());
        let steering = match written {
            LoadBalancer::Haproxy {
                sockets, backends, ..
            } => Steering::Haproxy(Haproxy::new(sockets, backends, self.clock.limit(BALANCER_LIMIT))),
            LoadBalancer::Http(http) => {
                let authority = http
                    .ca_file
                    .as_ref()
                    .and_then(|file| self.certificate_authorities.get(file).cloned());
                let limit = self.clock.limit(http.timeout);
                Steering::Http(Http::new(
                    HttpBalancer::clone(http),
                    credentials,
                    authority,
                    limit,
                ))
            }
            LoadBalancer::Command(command) => {
                let limit = self.clock.limit(command.timeout);
                Steering::Program(Program::new(
                    command.clone(),
                    credentials,
                    self.variables(),
                    limit,
                ))
            }
            LoadBalancer::None { .. } => return None,
        };
        let members: BTreeSet<String> = self
            .inventory
            .members(pool)
            .map(|server| server.load_balancer_name.clone())
            .collect();
        let balancer = Balancer::new(steering, members);
        lock(&self.balancers).insert(pool.clone(), balancer.clone());
        Some(balancer)
    }

    /// The environment variables in which the inventory's passwords stand.
    fn variables(&self) -> Vec<String> {
        let sources = self.inventory.credentials.values().map(|known| &known.password);
        let variables = sources.filter_map(|source| match source {
            PasswordSource::Env(variable) => Some(variable.clone()),
            PasswordSource::File(_) | PasswordSource::Command(_) | PasswordSource::Prompt(_) => None,
        });
        variables.filter(|variable| !variable.is_empty()).collect()
    }

    /// Where the health probes of the server's load balancer come from.
    pub(crate) fn probe_sources(&self, server: &Server) -> &[IpAddr] {
        self.pool_of(server)
            .and_then(|pool| pool.load_balancer.as_ref())
            .and_then(|name| self.inventory.load_balancers.get(name))
            .map_or(&[], LoadBalancer::probes_from)
    }

    /// The addresses of a server that other machines can reach, as it tells them itself or else as its name resolves. It is asked once.
    pub(crate) async fn addresses_of(self: &Arc<Self>, server: &ServerName) -> Known {
        self.peers.of(self, server).await
    }

    /// Notes the addresses that a server told of itself.
    pub(crate) async fn note_addresses(&self, server: &ServerName, addresses: Vec<IpAddr>) {
        self.peers.note(server, addresses).await;
    }

    /// The address that this machine has towards the server's WinRM port, as the routing table says. Nothing is sent.
    pub(crate) async fn operator_address(&self, server: &Server) -> std::io::Result<IpAddr> {
        let mut last = None;
        for to in tokio::net::lookup_host((server.address.as_str(), server.port)).await? {
            let any: SocketAddr = match to {
                SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            // A UDP socket's connect only asks the routing table.
            let socket = tokio::net::UdpSocket::bind(any).await?;
            match socket.connect(to).await {
                Ok(()) => return Ok(socket.local_addr()?.ip()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
    }

    fn authority(&self, server: &Server) -> Result<Option<&[u8]>, Error> {
        match &server.ca_file {
            None => Ok(None),
            Some(ca_file) => match self.certificate_authorities.get(ca_file) {
                Some(pem) => Ok(Some(pem)),
                None => Err(Error::NoCertificateAuthority {
                    server: server.name.clone(),
                    ca_file: ca_file.clone(),
                }),
            },
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics while holding one of these, and the values are whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
