//! A whole farm: servers with their endpoints and front ends, the load balancer before them, one authority.

mod inventory_file;
mod ports;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth::{Secret, UserName};
use jiff::Timestamp;

use crate::clients::Entrance;
use crate::endpoint::{Endpoint, EndpointOptions, Limits};
use crate::front_end::FrontEnd;
use crate::load_balancer::{Balance, CheckOptions, LoadBalancer, LoadBalancerOptions, Thresholds};
use crate::machine::{ExchangeRelease, FormerTraffic, Machine, MachineOptions, WindowsRelease};
use crate::{Authority, Error};
use ports::Ports;

/// The name that the farm's clients know.
const HOST: &str = "mail.contoso.example";
/// The page that the load balancer asks for.
const HEALTH_PAGE: &str = "/Microsoft-Server-ActiveSync/healthcheck.htm";
/// The one that it asks for where a server has no health pages: the same in all releases, and answered without logging in.
const LOGON_PAGE: &str = "/owa/auth/logon.aspx";
/// The servers of a mixed farm.
const AGES: [(WindowsRelease, ExchangeRelease); 4] = [
    (WindowsRelease::Server2019, ExchangeRelease::Exchange2019),
    (WindowsRelease::Server2008R2, ExchangeRelease::Exchange2010),
    (WindowsRelease::Server2012R2, ExchangeRelease::Exchange2013),
    (WindowsRelease::Server2016, ExchangeRelease::Exchange2016),
];
/// Simulated time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Real time between two checks however fast the farm lives: the processor has other things to do.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// Real time that a phase of a check may take however fast the farm lives.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// A farm made to look like another: its servers' names, the name of its virtual address, the addresses of its clients.
#[derive(Clone, Debug)]
pub struct Likeness {
    /// The servers' names, one for each server.
    pub names: Vec<String>,
    /// The name that the clients know.
    pub host: String,
    /// Loopback addresses that can be bound here, and the real addresses that they stand for.
    pub known_as: BTreeMap<IpAddr, IpAddr>,
}

/// How to start a [`Farm`].
#[derive(Clone)]
pub struct FarmOptions {
    /// How many servers, 1 to 100: cas01, cas02, ...
    pub servers: usize,
    /// How many times faster than real time everything lives that a real server takes time for.
    pub speed: f64,
    /// Seed of everything that chance decides.
    pub seed: u64,
    /// The one account, `DOMAIN\user`.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// A fixed layout of ports: WinRM of the servers from here on, their front ends 100 higher, the virtual address
    /// 200 higher, the runtime API next to it. Without it the system chooses.
    pub first_port: Option<u16>,
    /// How the load balancer spreads connections.
    pub balance: Balance,
    /// Whether the servers see the load balancer's address instead of the clients'.
    pub hide_clients: bool,
    /// Quotas and time limits of WinRM.
    pub limits: Limits,
    /// What is special about single servers: called for each, with its number from 0.
    pub adjust: fn(usize, &mut MachineOptions),
    /// Another farm to look like; its number of names replaces `servers`.
    pub likeness: Option<Likeness>,
    /// What each server's log holds of the time before; every server's is another one.
    pub former: Option<FormerTraffic>,
}

impl Default for FarmOptions {
    /// Eight servers at real speed, seed 1, `CONTOSO\operator` with its usual password, free ports.
    fn default() -> Self {
        Self {
            servers: 8,
            speed: 1.0,
            seed: 1,
            user: r"CONTOSO\operator".to_owned(),
            password: Secret::from("Opera+Pass1!"),
            first_port: None,
            balance: Balance::default(),
            hide_clients: false,
            limits: Limits::default(),
            adjust: |_, _| {},
            likeness: None,
            former: None,
        }
    }
}

impl FarmOptions {
    /// The same with servers of every age, by turns: IIS 7.5 with Exchange 2010, IIS 8.5 with Exchange 2013, IIS 10 with Exchange 2016 and 2019.
    pub fn mixed(self) -> Self {
        Self {
            adjust: |index, machine| (machine.windows, machine.exchange) = AGES[index % AGES.len()],
            ..self
        }
    }
}

/// A running farm. Stopped by [`Farm::stop`] or by dropping it.
pub struct Farm {
    user: String,
    password: Secret,
    speed: f64,
    authority: Authority,
    machines: Vec<Arc<Machine>>,
    endpoints: Vec<Endpoint>,
    front_ends: Vec<FrontEnd>,
    load_balancer: LoadBalancer,
    entrance: Entrance,
}

impl Farm {
    /// Starts everything. Must be called within a tokio runtime with timers.
    ///
    /// # Errors
    /// [`Error::Options`] for a number of servers, a speed or a first port that cannot be, [`Error::Listen`] for a
    /// port that cannot be had.
    pub async fn start(options: FarmOptions) -> Result<Self, Error> {
        if !(options.speed.is_finite() && options.speed > 0.0) {
            return Err(Error::Options {
                expected: "a speed above 0",
                found: options.speed.to_string(),
            });
        }
        let servers = options
            .likeness
            .as_ref()
            .map_or(options.servers, |likeness| likeness.names.len());
        let host = options
            .likeness
            .as_ref()
            .map_or(HOST, |likeness| likeness.host.as_str())
            .to_owned();
        let ports = Ports::new(servers, options.first_port)?;
        let account = UserName::parse(&options.user);
        let authority = Authority::new("Simulated farm")?;
        let tls = authority.client_config()?;
        let mut machines = Vec::new();
        let mut endpoints = Vec::new();
        let mut front_ends = Vec::new();
        for index in 0..servers {
            let machine = Machine::new(MachineOptions {
                trusts: Some(Arc::clone(&tls)),
                ..machine_options(index, &options)
            });
            let endpoint = EndpointOptions {
                address: loopback(ports.winrm(index)),
                domain: account.domain.clone(),
                user: account.user.clone(),
                password: options.password.clone(),
                limits: options.limits,
                ..EndpointOptions::default()
            };
            let name = machine.name().to_lowercase();
            let identity = authority.issue(&[
                host.clone(),
                machine.full_name().to_lowercase(),
                name,
                Ipv4Addr::LOCALHOST.to_string(),
            ])?;
            endpoints.push(Endpoint::start(Arc::clone(&machine), endpoint).await?);
            let address = loopback(ports.https(index));
            front_ends.push(FrontEnd::start(Arc::clone(&machine), address, identity.tls).await?);
            machines.push(machine);
        }
        let health_page = match machines.iter().all(|machine| machine.exchange().has_front_end()) {
            true => HEALTH_PAGE,
            false => LOGON_PAGE,
        };
        let interval = CHECK_INTERVAL.div_f64(options.speed).max(SHORTEST_INTERVAL);
        let load_balancer = LoadBalancer::start(LoadBalancerOptions {
            backend: "eas".to_owned(),
            servers: machines
                .iter()
                .zip(&front_ends)
                .map(|(machine, front_end)| (machine.name().to_lowercase(), front_end.address()))
                .collect(),
            balance: options.balance,
            check: CheckOptions {
                host: host.clone(),
                path: health_page.to_owned(),
                interval,
                timeout: CHECK_TIMEOUT,
                tls: Arc::clone(&tls),
            },
            thresholds: Thresholds::default(),
            hide_clients: options.hide_clients,
            vip: loopback(ports.vip()),
            runtime_api: loopback(ports.runtime_api()),
            speed: options.speed,
        })
        .await?;
        let entrance = Entrance {
            vip: load_balancer.vip(),
            host,
            tls,
        };
        Ok(Self {
            user: options.user,
            password: options.password,
            speed: options.speed,
            authority,
            machines,
            endpoints,
            front_ends,
            load_balancer,
            entrance,
        })
    }

    /// The servers, in the order of their names.
    pub fn machines(&self) -> &[Arc<Machine>] {
        &self.machines
    }

    /// The servers' WinRM endpoints, in the same order.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The servers' front ends, in the same order.
    pub fn front_ends(&self) -> &[FrontEnd] {
        &self.front_ends
    }

    /// The load balancer before them.
    pub fn load_balancer(&self) -> &LoadBalancer {
        &self.load_balancer
    }

    /// Where the clients go.
    pub fn entrance(&self) -> Entrance {
        self.entrance.clone()
    }

    /// The one account: `DOMAIN\\user` and its password.
    pub fn account(&self) -> (String, Secret) {
        (self.user.clone(), self.password.clone())
    }

    /// The certificate of the farm's own authority, PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// An inventory of this farm; the authority's certificate is expected beside it as `farm-ca.pem`.
    pub fn inventory_toml(&self) -> String {
        inventory_file::text(self, "farm-ca.pem")
    }

    /// Writes the inventory to `path`, and the authority's certificate beside it: `lab-ca.pem` for `lab.toml`.
    ///
    /// # Errors
    /// Those of writing the two files.
    pub fn write_inventory(&self, path: &Path) -> io::Result<()> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let ca_file = format!("{stem}-ca.pem");
        std::fs::write(path.with_file_name(&ca_file), self.ca_pem())?;
        std::fs::write(path, inventory_file::text(self, &ca_file))
    }

    /// The farm in a few lines for people: who listens where.
    pub fn describe(&self) -> String {
        let mut lines = vec![format!(
            "{} simulated Exchange servers at {} times real speed, user {}",
            self.machines.len(),
            self.speed,
            self.user
        )];
        for ((machine, endpoint), front_end) in
            self.machines.iter().zip(&self.endpoints).zip(&self.front_ends)
        {
            lines.push(format!(
                "{}  WinRM http://{}/wsman  HTTPS {}  {}, {}",
                machine.name().to_lowercase(),
                endpoint.address(),
                front_end.address(),
                machine.windows().product_name(),
                machine.exchange()
            ));
        }
        lines.push(format!(
            "load balancer  https://{} on {}  runtime API {}",
            self.entrance.host,
            self.load_balancer.vip(),
            self.load_balancer.runtime_api()
        ));
        lines.join("\n")
    }

    /// Closes every port and every connection.
    pub async fn stop(self) {
        self.load_balancer.stop().await;
        for endpoint in self.endpoints {
            endpoint.stop().await;
        }
        for front_end in self.front_ends {
            front_end.stop().await;
        }
    }
}

impl std::fmt::Debug for Farm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Farm")
            .field("servers", &self.machines.len())
            .field("load_balancer", &self.load_balancer)
            .finish_non_exhaustive()
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Server number `index` from 0 is CAS01 with 192.0.2.11.
fn machine_options(index: usize, options: &FarmOptions) -> MachineOptions {
    let number = index + 1;
    let last = u8::try_from(10 + number).unwrap_or(u8::MAX);
    let likeness = options.likeness.as_ref();
    let name = likeness
        .and_then(|likeness| likeness.names.get(index).cloned())
        .unwrap_or_else(|| format!("CAS{number:02}"));
    let seed = options
        .seed
        .wrapping_mul(1_000)
        .wrapping_add(u64::try_from(number).unwrap_or_default());
    let mut machine = MachineOptions {
        born: now(),
        former: options
            .former
            .clone()
            .map(|former| FormerTraffic { seed, ..former }),
        known_as: likeness
            .map(|likeness| likeness.known_as.clone())
            .unwrap_or_default(),
        addresses: vec![
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::new(
                0xfe80,
                0,
                0,
                0,
                0x0de2,
                0x4f45,
                0x21dc,
                0x6c00 + u16::from(last),
            )),
        ],
        seed,
        speed: options.speed,
        ..MachineOptions::named(name.to_uppercase())
    };
    (options.adjust)(index, &mut machine);
    machine
}

/// The servers' clocks begin with the real one, as those of servers do that ask a time server.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated farm has clocks of its own, and has to set them by something"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests;
