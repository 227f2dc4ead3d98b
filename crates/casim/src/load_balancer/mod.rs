//! A load balancer in front of the farm: TCP proxy, health checks, HAProxy's runtime API.
//!
//! It keeps the client's address: the onward connection is bound to the address that the client came from. That
//! works without privileges because every address of 127.0.0.0/8 belongs to a Linux computer; on macOS each one
//! must be added first (`ifconfig lo0 alias 127.0.0.10`).
//!
//! Neighbours: `front_end` is what it forwards to and checks; `clients` come through it; a real HAProxy client
//! drives it.

mod backend;
mod check;
mod faults;
mod member;
mod proxy;
mod runtime_api;
mod statistics;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub use backend::{Balance, Shift};
pub use check::{CheckOptions, CheckResult};
pub use faults::{Faults, Mishap};
pub use member::{Admin, Member, Sessions, Thresholds};

use crate::Error;
use crate::port::Port;
use backend::Backend;

/// The load balancer's own address: health checks come from it, and hidden clients as well.
pub const OWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5));

/// How to start a [`LoadBalancer`].
#[derive(Debug, Clone)]
pub struct LoadBalancerOptions {
    /// The backend's name in the runtime API.
    pub backend: String,
    /// Names and front ends of the servers.
    pub servers: Vec<(String, SocketAddr)>,
    /// How connections are spread.
    pub balance: Balance,
    /// How the servers are checked.
    pub check: CheckOptions,
    /// When checks bring a server up or down.
    pub thresholds: Thresholds,
    /// Whether servers see the load balancer's address instead of the client's.
    pub hide_clients: bool,
    /// The virtual address; port 0 lets the system choose.
    pub vip: SocketAddr,
    /// Where the runtime API listens; port 0 lets the system choose.
    pub runtime_api: SocketAddr,
    /// How much faster than real time the times in the statistics run.
    pub speed: f64,
}

/// A running load balancer. Stopped by [`LoadBalancer::stop`] or by dropping it.
#[derive(Debug)]
pub struct LoadBalancer {
    shared: Arc<Shared>,
    vip: SocketAddr,
    runtime_api: SocketAddr,
    tasks: JoinSet<()>,
}

/// What the tasks of one load balancer have in common.
#[derive(Debug)]
struct Shared {
    address: IpAddr,
    speed: f64,
    started: Instant,
    backend: Mutex<Backend>,
    faults: Faults,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Backend> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Simulated time since the start.
    fn now(&self) -> Duration {
        self.started.elapsed().mul_f64(self.speed)
    }
}

impl LoadBalancer {
    /// Opens both ports and begins to check.
    pub async fn start(options: LoadBalancerOptions) -> Result<Self, Error> {
        let vip = Port::reserve("the load balancer's virtual address", options.vip)?;
        let api = Port::reserve("the load balancer's runtime API", options.runtime_api)?;
        let servers = options.servers.clone();
        let members = options
            .servers
            .into_iter()
            .map(|(name, address)| Member::new(name, address, options.thresholds))
            .collect();
        let shared = Arc::new(Shared {
            address: OWN_ADDRESS,
            speed: options.speed,
            started: Instant::now(),
            backend: Mutex::new(Backend::new(
                options.backend,
                options.balance,
                members,
                options.hide_clients,
            )),
            faults: Faults::default(),
        });
        let mut tasks = JoinSet::new();
        for (index, (_, address)) in servers.into_iter().enumerate() {
            tasks.spawn(check::watch(
                Arc::clone(&shared),
                index,
                address,
                options.check.clone(),
            ));
        }
        tasks.spawn(proxy::serve(Arc::clone(&shared), vip.listen()?));
        tasks.spawn(runtime_api::serve(Arc::clone(&shared), api.listen()?));
        Ok(Self {
            shared,
            vip: vip.address(),
            runtime_api: api.address(),
            tasks,
        })
    }

    /// The virtual address.
    pub fn vip(&self) -> SocketAddr {
        self.vip
    }

    /// Where the runtime API listens.
    pub fn runtime_api(&self) -> SocketAddr {
        self.runtime_api
    }

    /// From now on servers see the load balancer's address instead of the client's, or the client's again.
    pub fn hide_clients(&self, hide: bool) {
        self.shared.lock().hide_clients = hide;
    }

    /// The servers as they are now.
    pub fn members(&self) -> Vec<Member> {
        self.shared.lock().members.clone()
    }

    /// Who got new connections from when on, since the start: every change.
    pub fn shifts(&self) -> Vec<Shift> {
        self.shared.lock().shifts.clone()
    }

    /// What somebody else does at the runtime API: sets a server. False where there is none of this name.
    pub fn set(&self, server: &str, admin: Admin) -> bool {
        let now = self.shared.now();
        let mut backend = self.shared.lock();
        let found = backend.find(server);
        if let Some(index) = found {
            backend.set_admin(index, admin, now);
        }
        found.is_some()
    }

    /// Somebody reloads it, without a state file: all servers are as the configuration has them, whatever operators had set.
    pub fn reload(&self) {
        self.shared.lock().reload();
    }

    /// What goes wrong at the runtime API.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Closes the ports and every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
pub(crate) mod tests;
