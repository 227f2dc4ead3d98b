//! Who spreads the clients over a pool, and how casgate steers it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::SignedDuration;
use url::Url;

use crate::template::{Placeholder, Template};

/// Who spreads the clients over a pool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LoadBalancer {
    /// HAProxy, steered through its runtime API.
    Haproxy {
        /// Its runtime APIs, one for each HAProxy or process that serves the pool: `tcp://host:port`, `unix:///path`, or a path.
        sockets: Vec<String>,
        /// The backends whose servers are drained, all of them together.
        backends: Vec<String>,
        /// Where its health probes come from.
        probes_from: Vec<IpAddr>,
    },
    /// One with an HTTP interface, steered by requests that the operator wrote down.
    Http(Box<HttpBalancer>),
    /// One that a local program of the operator steers.
    Command(CommandBalancer),
    /// One that casgate cannot steer: draining is left to its own health checks.
    None {
        /// Where its health probes come from.
        probes_from: Vec<IpAddr>,
    },
}

impl LoadBalancer {
    /// Where its health probes come from: they must stay allowed.
    pub fn probes_from(&self) -> &[IpAddr] {
        match self {
            Self::Haproxy { probes_from, .. } | Self::None { probes_from } => probes_from,
            Self::Http(balancer) => &balancer.probes_from,
            Self::Command(balancer) => &balancer.probes_from,
        }
    }

    /// The credential that it is steered with, a key of [`Inventory::credentials`](crate::Inventory::credentials).
    pub fn credential(&self) -> Option<&str> {
        match self {
            Self::Haproxy { .. } | Self::None { .. } => None,
            Self::Http(balancer) => balancer.credential.as_deref(),
            Self::Command(balancer) => balancer.credential.as_deref(),
        }
    }

    /// PEM file of the authority that signed its certificate, as written: relative to the inventory's folder.
    pub fn ca_file(&self) -> Option<&str> {
        match self {
            Self::Http(balancer) => balancer.ca_file.as_deref(),
            Self::Haproxy { .. } | Self::Command(_) | Self::None { .. } => None,
        }
    }
}

/// A load balancer with an HTTP interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpBalancer {
    /// Scheme, host and port; paths stand in the requests.
    pub url: Url,
    /// What `{backend}` stands for.
    pub backend: String,
    /// Whose user and password `{user}` and `{password}` stand for. Sent with HTTP Basic where no request names `{password}`.
    pub credential: Option<String>,
    /// PEM file of the authority that signed its certificate; the machine's own roots without one.
    pub ca_file: Option<String>,
    /// How long one request may take, connection included.
    pub timeout: SignedDuration,
    /// Sent with each request.
    pub headers: BTreeMap<String, Template>,
    /// Takes a member out: no new connections, the old ones go on.
    pub drain: Request,
    /// Puts a member back.
    pub ready: Request,
    /// Tells how a member stands.
    pub state: StateRequest,
    /// Where its health probes come from.
    pub probes_from: Vec<IpAddr>,
}

impl HttpBalancer {
    /// Whether user and password go into an `Authorization: Basic` header: no template puts the password elsewhere.
    pub fn is_basic(&self) -> bool {
        let requests = [&self.drain, &self.ready, &self.state.request];
        let bodies = requests.into_iter().filter_map(|request| request.body.as_ref());
        self.credential.is_some()
            && !self
                .headers
                .values()
                .chain(bodies)
                .any(|template| template.uses(Placeholder::Password))
    }
}

/// One HTTP request and what a yes looks like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// What is sent along.
    pub body: Option<Template>,
    /// The statuses that mean yes; any of 200 to 299 where it is empty.
    pub status: BTreeSet<u16>,
    /// What the answer has to say besides.
    pub expect: Conditions,
}

/// A request that tells how a member stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateRequest {
    /// The request.
    pub request: Request,
    /// Holds while the member gets new connections.
    pub in_rotation: Conditions,
    /// Holds while somebody keeps it out. A member for which neither holds is down.
    pub drained: Conditions,
    /// Where the number of its connections stands, if the answer tells it.
    pub connections: Option<String>,
}

/// The methods of HTTP that such interfaces use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// Every one, with its word.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("GET", Self::Get),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
    ];

    /// The word on the wire and in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What an answer has to say: for each place in it the words of which one must stand there. A place is a JSON pointer (`/state`), in which `*`
/// stands for any one name or index; the place `text` is the whole body, in which one of the words has to occur.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conditions(pub BTreeMap<String, Vec<String>>);

/// The place that is not a pointer: the body as text.
pub const TEXT: &str = "text";

/// A load balancer that a local program steers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandBalancer {
    /// Program and arguments; no shell.
    pub command: Vec<String>,
    /// What `CASGATE_BACKEND` holds.
    pub backend: String,
    /// Whose user and password the program finds in `CASGATE_USER` and `CASGATE_PASSWORD`.
    pub credential: Option<String>,
    /// How long one call may take; the program is killed then.
    pub timeout: SignedDuration,
    /// Where its health probes come from.
    pub probes_from: Vec<IpAddr>,
}
