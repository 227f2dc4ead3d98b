//! A WinRM endpoint in front of a [`Machine`]: real HTTP, real NTLM, sealed messages, shells and commands.
//!
//! It is as strict as Windows where a client could get it wrong: a login belongs to one TCP connection, bodies in
//! clear are refused over plain HTTP, requests that break the schema are answered with faults, quotas are kept.
//!
//! # As a test double
//!
//! For any WinRM client that speaks NTLM, SPNEGO or (over TLS) Basic. It keeps shells and commands with their quotas and
//! idle times, lists shells (`Enumerate`, `Pull`), tells its configuration, takes standard input, and runs the programs
//! of [`crate::machine`]. It needs nothing but a machine and says what it has seen:
//!
//! ```
//! # tokio::runtime::Runtime::new().map_err(|_| "no runtime")?.block_on(async {
//! use casim::endpoint::{Endpoint, EndpointOptions};
//! use casim::machine::{Machine, MachineOptions};
//!
//! let machine = Machine::new(MachineOptions::named("CAS01"));
//! let endpoint = Endpoint::start(machine.clone(), EndpointOptions::default()).await?;
//! println!("http://{}/wsman, CONTOSO\\operator, Opera+Pass1!", endpoint.address());
//! // ... a client does its work; `machine.faults()` makes its day a bad one ...
//! assert_eq!(endpoint.record().logins, 0);
//! assert_eq!(endpoint.open_shells(), 0);
//! endpoint.stop().await;
//! # Ok::<(), casim::Error>(())
//! # }).map_err(|_| "the port")?;
//! # Ok::<(), &str>(())
//! ```
//!
//! Neighbours: `auth` logs clients in, `wsman` reads and writes the messages, `machine` runs the commands.

mod command;
mod conformance;
mod connection;
mod faults;
mod listing;
mod login;
mod refusals;
mod service;
mod shell;

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth::Secret;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::machine::Machine;
use crate::port::{Port, accept};
use crate::{Error, ServerIdentity};
use connection::Conversation;
use service::Service;

/// How often it is looked whether a fault is on; real time.
const LOOK: Duration = Duration::from_millis(20);
/// Real time that a client may take for a TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to start an [`Endpoint`].
#[derive(Clone)]
pub struct EndpointOptions {
    /// Where to listen; port 0 lets the system choose.
    pub address: SocketAddr,
    /// The domain of the one account.
    pub domain: String,
    /// The user of the one account, without the domain.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// With an identity the endpoint speaks HTTPS, where bodies in clear and Basic are allowed.
    pub tls: Option<ServerIdentity>,
    /// `CbtHardeningLevel` Strict instead of Relaxed: a login over TLS must be bound to the certificate.
    pub strict_binding: bool,
    /// Quotas and time limits.
    pub limits: Limits,
}

impl Default for EndpointOptions {
    /// `CONTOSO\operator` with the password of the simulated farm, on a free port of 127.0.0.1.
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            domain: "CONTOSO".to_owned(),
            user: "operator".to_owned(),
            password: Secret::from("Opera+Pass1!"),
            tls: None,
            strict_binding: false,
            limits: Limits::default(),
        }
    }
}

/// Quotas and time limits of the WinRM service; the defaults are those of Windows Server 2012 and later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `MaxShellsPerUser`
    pub shells_per_user: usize,
    /// `MaxProcessesPerShell`
    pub processes_per_shell: usize,
    /// `MaxEnvelopeSizekb`, in bytes: the largest request and the largest reply.
    pub envelope: usize,
    /// `MaxTimeoutms`: the longest `OperationTimeout`, and the one of a request without; real time.
    pub operation: Duration,
    /// `IdleTimeoutms`: how long a shell may be unused that does not say so itself; real time.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shells_per_user: 30,
            processes_per_shell: 25,
            envelope: 512_000,
            operation: Duration::from_secs(60),
            idle: Duration::from_secs(7200),
        }
    }
}

/// What an endpoint has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// TCP connections.
    pub connections: u64,
    /// HTTP requests.
    pub requests: u64,
    /// Logins that went well.
    pub logins: u64,
    /// Logins that were refused.
    pub refused_logins: u64,
    /// Bodies in clear that were refused.
    pub refused_bodies: u64,
    /// Commands begun.
    pub commands: u64,
}

/// A running endpoint. Stopped by [`Endpoint::stop`] or by dropping it.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// What the connections of one endpoint have in common.
struct Shared {
    options: EndpointOptions,
    machine: Arc<Machine>,
    service: Service,
    record: Mutex<Record>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("machine", &self.machine.name())
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn count(&self, add: impl FnOnce(&mut Record)) {
        add(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Endpoint {
    /// Listens and answers for `machine`.
    ///
    /// # Errors
    /// [`Error::Listen`] when the port cannot be had.
    pub async fn start(machine: Arc<Machine>, options: EndpointOptions) -> Result<Self, Error> {
        let port = Port::reserve(format!("WinRM of {}", machine.name()), options.address)?;
        let address = port.address();
        let listener = match machine.faults().winrm_down.is_on() {
            true => None,
            false => Some(port.listen()?),
        };
        let shared = Arc::new(Shared {
            service: Service::new(Arc::clone(&machine), options.limits),
            options,
            machine,
            record: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(run(Arc::clone(&shared), port, listener));
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn record(&self) -> Record {
        *self.shared.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many shells are open: 0 after a client that cleans up behind itself.
    pub fn open_shells(&self) -> usize {
        self.shared.service.open_shells()
    }

    /// How many shells have been made so far: one for each run of a client that uses its shell again.
    pub fn shells_made(&self) -> u64 {
        self.shared.service.shells_made()
    }

    /// Closes the port and every connection, and ends the commands.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.shared.service.end_all();
    }
}

/// Opens and closes the port as the fault `winrm_down` says, for ever.
async fn run(shared: Arc<Shared>, port: Port, mut listener: Option<TcpListener>) {
    let mut connections = JoinSet::new();
    loop {
        if let Some(listener) = listener.take() {
            serve(&shared, &listener, &mut connections).await;
            connections.shutdown().await;
        }
        sleep(LOOK).await;
        shared.service.end_idle_shells();
        if !shared.machine.faults().winrm_down.is_on() {
            listener = port.listen().ok();
        }
    }
}

/// Accepts connections until WinRM goes down.
async fn serve(shared: &Arc<Shared>, listener: &TcpListener, connections: &mut JoinSet<()>) {
    // Dropped when this function returns: then the connections break off.
    let (_up, down) = watch::channel(());
    while !shared.machine.faults().winrm_down.is_on() {
        tokio::select! {
            (stream, peer) = accept(listener) => {
                shared.count(|record| record.connections += 1);
                connections.spawn(converse(Arc::clone(shared), stream, peer, down.clone()));
            },
            () = sleep(LOOK) => shared.service.end_idle_shells(),
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, mut down: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let talk = async {
        faults::while_silent(&shared.machine).await;
        match shared.options.tls.clone() {
            None => talk(shared, stream, peer).await,
            Some(identity) => {
                let handshake = TlsAcceptor::from(identity.tls).accept(stream);
                // The client sees its own side of a failed handshake.
                if let Ok(Ok(stream)) = timeout(PATIENCE, handshake).await {
                    talk(shared, stream, peer).await;
                }
            }
        }
    };
    tokio::select! {
        () = talk => {}
        _ = down.changed() => {}
    }
}

/// HTTP on one connection, to its end.
async fn talk(shared: Arc<Shared>, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
    let conversation = Arc::new(Conversation::new(shared, peer));
    let service = service_fn(move |request| {
        let conversation = Arc::clone(&conversation);
        async move { conversation.answer(request).await }
    });
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).header_read_timeout(None);
    // A connection that ends otherwise than in good order was ended by the client, or by a fault that is on.
    let _ = pin!(builder.serve_connection(TokioIo::new(stream), service)).await;
}

#[cfg(test)]
mod tests;
