//! The farm's clients: a steady stream of HTTPS requests through the virtual address, counted.
//!
//! Two kinds: gateways that ask for ActiveSync (401 with `WWW-Authenticate` is what the service answers to a request
//! without credentials) and people who open OWA (302 to the logon page). Each connects from its own loopback address,
//! makes a few requests and closes. Whatever else happens is a failure: it is what the farm's users would have felt.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::WWW_AUTHENTICATE;
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::Farm;
use crate::web_client::{Answer, WebConnection};

/// How many failures are described; all are counted.
const DESCRIBED: usize = 10;
/// More connections than this at once are not begun: the farm is slow, and the stream slows down with it.
const AT_ONCE: usize = 64;
/// How long a pause lasts before the rate is looked at again; a new rate ends it at once.
const IDLE: Duration = Duration::from_secs(1);

/// What the clients need to know to find the farm.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// Where they connect to.
    pub vip: SocketAddr,
    /// The name that they ask for.
    pub host: String,
    /// Whom they trust.
    pub tls: Arc<ClientConfig>,
}

/// What the clients do.
#[derive(Debug, Clone)]
pub struct ClientsOptions {
    /// Requests per real second, of all clients together; 0 is a pause.
    pub rate: u32,
    /// Requests on one connection.
    pub requests_per_connection: u32,
    /// Real time between two requests on one connection.
    pub gap: Duration,
    /// Real time that each phase of a request may take.
    pub timeout: Duration,
    /// Addresses of the gateways that ask for ActiveSync.
    pub gateways: Vec<IpAddr>,
    /// Addresses of the people who open OWA.
    pub people: Vec<IpAddr>,
}

impl Default for ClientsOptions {
    /// 40 requests per second, four on a connection, from the addresses that the farm's playbook knows:
    /// the gateway 127.0.0.10 and ten people, 127.0.0.20 to 127.0.0.29.
    fn default() -> Self {
        let address = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        Self {
            rate: 40,
            requests_per_connection: 4,
            gap: Duration::from_millis(10),
            timeout: Duration::from_secs(10),
            gateways: vec![address(10)],
            people: (20..30).map(address).collect(),
        }
    }
}

/// What the clients have seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests made, failed ones included.
    pub requests: u64,
    /// Requests that were not answered as they should.
    pub failed: u64,
    /// The first failures in words: when, who, what was expected and what came.
    pub first_failures: Vec<String>,
}

/// A running stream of clients. Stopped by [`Clients::stop`] or by dropping it.
#[derive(Debug)]
pub struct Clients {
    tally: Arc<Mutex<Tally>>,
    rate: watch::Sender<u32>,
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Clients {
    /// Begins to make requests to a farm. Must be called within a tokio runtime.
    pub fn start(farm: &Farm, options: ClientsOptions) -> Self {
        Self::through(farm.entrance(), options)
    }

    /// Begins to make requests through any entrance. Must be called within a tokio runtime.
    pub fn through(entrance: Entrance, options: ClientsOptions) -> Self {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (rate, rates) = watch::channel(options.rate);
        let (stopping, stops) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let stream = Stream {
            entrance: Arc::new(entrance),
            options: Arc::new(options),
            tally: Arc::clone(&tally),
            started: Instant::now(),
        };
        tasks.spawn(stream.run(rates, stops));
        Self {
            tally,
            rate,
            stopping,
            tasks,
        }
    }

    /// What they have seen so far.
    pub fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }

    /// Requests per real second from now on; 0 is a pause.
    pub fn set_rate(&self, rate: u32) {
        self.rate.send_replace(rate);
    }

    /// Begins no new connection, lets the open ones finish, and says what they have seen.
    pub async fn stop(mut self) -> Tally {
        self.stopping.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.tally()
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
enum Visitor {
    Gateway(IpAddr),
    Person(IpAddr),
}

impl Visitor {
    fn address(self) -> IpAddr {
        match self {
            Self::Gateway(address) | Self::Person(address) => address,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Gateway(_) => "/Microsoft-Server-ActiveSync/",
            Self::Person(_) => "/owa/",
        }
    }

    /// `None` when the service answered; else what was expected.
    fn expected(self, answer: &Answer) -> Option<&'static str> {
        let challenged = answer.headers.contains_key(WWW_AUTHENTICATE);
        match (self, answer.status) {
            (Self::Gateway(_), StatusCode::UNAUTHORIZED) if challenged => None,
            (Self::Person(_), StatusCode::FOUND) => None,
            (Self::Gateway(_), _) => Some("401 with WWW-Authenticate"),
            (Self::Person(_), _) => Some("302"),
        }
    }
}

/// What every connection needs to know.
#[derive(Clone)]
struct Stream {
    entrance: Arc<Entrance>,
    options: Arc<ClientsOptions>,
    tally: Arc<Mutex<Tally>>,
    started: Instant,
}

impl Stream {
    async fn run(self, mut rates: watch::Receiver<u32>, mut stops: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut turn = 0;
        let per_connection = self.options.requests_per_connection.max(1);
        loop {
            let rate = *rates.borrow_and_update();
            let begins = rate > 0 && connections.len() < AT_ONCE;
            if let (true, Some(visitor)) = (begins, self.visitor(turn)) {
                turn += 1;
                connections.spawn(self.clone().visit(visitor));
            }
            let wait = match rate {
                0 => IDLE,
                rate => Duration::from_secs(per_connection.into()) / rate,
            };
            tokio::select! {
                () = sleep(wait) => {}
                _ = stops.changed() => break,
                _ = rates.changed() => {}
            }
            while connections.try_join_next().is_some() {}
        }
        while connections.join_next().await.is_some() {}
    }

    /// Half of the visitors are gateways, half are people.
    ///
    /// They do not simply take turns: a load balancer that goes around an even number of servers would send every
    /// gateway to the same half of the farm, and what happens to ActiveSync on the other half would go unseen. The
    /// Thue-Morse sequence is as even and never repeats itself.
    fn visitor(&self, turn: usize) -> Option<Visitor> {
        let among = |addresses: &[IpAddr]| {
            let index = (turn / 2).checked_rem(addresses.len())?;
            addresses.get(index).copied()
        };
        let gateway = among(&self.options.gateways).map(Visitor::Gateway);
        let person = among(&self.options.people).map(Visitor::Person);
        if turn.count_ones().is_multiple_of(2) {
            gateway.or(person)
        } else {
            person.or(gateway)
        }
    }

    /// One connection: a few requests, each booked.
    async fn visit(self, visitor: Visitor) {
        let (entrance, options) = (&self.entrance, &self.options);
        let opened = WebConnection::open(
            visitor.address(),
            entrance.vip,
            &entrance.host,
            &entrance.tls,
            options.timeout,
        )
        .await;
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(failure) => return self.book(visitor, Err(chain(&failure))),
        };
        for number in 0..options.requests_per_connection.max(1) {
            if number > 0 {
                sleep(options.gap).await;
            }
            match connection.get(visitor.path()).await {
                Ok(answer) => {
                    let result = visitor.expected(&answer).map_or(Ok(()), |expected| {
                        Err(format!("expected {expected}, found {}", answer.status.as_u16()))
                    });
                    self.book(visitor, result);
                }
                Err(failure) => return self.book(visitor, Err(chain(&failure))),
            }
        }
        // Closed in good order, or the load balancer would count the connection as open a little longer.
        let _ = timeout(options.timeout, connection.close()).await;
    }

    fn book(&self, visitor: Visitor, result: Result<(), String>) {
        let mut tally = lock(&self.tally);
        tally.requests += 1;
        if let Err(found) = result {
            tally.failed += 1;
            if tally.first_failures.len() < DESCRIBED {
                let at = self.started.elapsed().as_secs_f64();
                tally.first_failures.push(format!(
                    "after {at:.3} s: {} GET {}: {found}",
                    visitor.address(),
                    visitor.path()
                ));
            }
        }
    }
}

/// An error with its causes, for a line of text.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
