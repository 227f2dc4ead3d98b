//! What was seen of the servers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use exchange::Version;
use exchange::component_state::TakenOut;
use iis::appcmd::{ApplicationPool, Site, SiteApplication};
use iis::feature::FeatureState;
use iis::ip_security::{Rule as IpRule, Section};
use iis::redirection::Source;
use iis::schema::Attributes;
use iis::service::ServiceState;
use iis::shell::{Architecture, Elevation};
use iis::system::{IisVersion, Windows};
use iis::{AppcmdError, AppcmdErrorKind, ApplicationPath};
use inventory::{ServerName, VantageName};
use rollout::StepError;

/// Why something could not be read, although the server was reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unread {
    /// What the program said.
    pub found: String,
    /// Whether it was for want of rights.
    pub access_denied: bool,
}

impl From<iis::Error> for Unread {
    fn from(error: iis::Error) -> Self {
        /// ERROR_ACCESS_DENIED and ERROR_ELEVATION_REQUIRED.
        const DENIED: [u32; 2] = [5, 740];
        Self {
            access_denied: error.exit_code().is_some_and(|code| DENIED.contains(&code)),
            found: error.to_string(),
        }
    }
}

impl From<AppcmdError> for Unread {
    fn from(error: AppcmdError) -> Self {
        Self {
            access_denied: error.kind == AppcmdErrorKind::AccessDenied,
            found: error.to_string(),
        }
    }
}

/// A fact, or why it could not be read.
pub type Reading<T> = Result<T, Unread>;

/// What was seen of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerFacts {
    /// The computer's own name.
    pub computer_name: Reading<Option<String>>,
    /// The identity of its installation of Windows.
    pub machine_guid: Reading<Option<String>>,
    /// Whether the shell is a 64-bit process.
    pub architecture: Reading<Architecture>,
    /// Whether the shell has an administrator's rights.
    pub elevation: Reading<Elevation>,
    /// Its Windows.
    pub windows: Reading<Option<Windows>>,
    /// Its IIS.
    pub iis: Reading<Option<IisVersion>>,
    /// Its Exchange.
    pub exchange: Reading<Option<Version>>,
    /// Where IIS takes its configuration from.
    pub source: Reading<Source>,
    /// The feature that enforces `ipSecurity`.
    pub feature: Reading<FeatureState>,
    /// The modules that IIS loads.
    pub modules: Reading<Vec<String>>,
    /// The worker processes, where they could be listed.
    pub workers: Reading<Vec<Worker>>,
    /// What the schema knows.
    pub schema: Reading<Attributes>,
    /// W3SVC and WAS, by name.
    pub services: Vec<(&'static str, Reading<ServiceState>)>,
    /// All sites.
    pub sites: Reading<Vec<Site>>,
    /// All applications.
    pub applications: Reading<Vec<SiteApplication>>,
    /// All application pools.
    pub pools: Reading<Vec<ApplicationPool>>,
    /// Images of Exchange's setup among the running processes.
    pub setup: Reading<Vec<String>>,
    /// Bytes that are free on the system's disk.
    pub free_bytes: Reading<u64>,
    /// Components that somebody has taken out of service.
    pub taken_out: Reading<Vec<TakenOut>>,
    /// Its own addresses as rules: link-local ones with their zone.
    pub own: Reading<Vec<IpRule>>,
    /// What is written for each application that the plan restricts.
    pub restricted: BTreeMap<ApplicationPath, Reading<ApplicationFacts>>,
}

/// A worker process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Worker {
    /// Its id.
    pub pid: u32,
    /// The name of its application pool.
    pub application_pool: String,
    /// Whether it has loaded the module that enforces `ipSecurity`; `None` where that could not be read.
    pub has_module: Option<bool>,
}

/// What is written for one application now.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationFacts {
    /// The sections of the levels above, by the level's name (`the server`, `Default Web Site`), the outermost first.
    pub above: Vec<(String, Section)>,
    /// The section in effect.
    pub effective: Section,
}

/// One server, if it could be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It was looked at.
    Facts(Box<ServerFacts>),
    /// It could not be.
    NotSeen(StepError),
}

impl Seen {
    /// The facts.
    pub fn facts(&self) -> Option<&ServerFacts> {
        match self {
            Self::Facts(facts) => Some(facts),
            Self::NotSeen(_) => None,
        }
    }
}

/// What was seen of the farm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Every server of the plan.
    pub servers: BTreeMap<ServerName, Seen>,
    /// The address from which each server is reached, where the plan asks for it.
    pub operator: BTreeMap<ServerName, IpAddr>,
    /// The addresses of every server of the farm that may be somebody's peer: read from it, or else (second) what its name resolves to.
    pub peers: BTreeMap<ServerName, (Vec<IpAddr>, Reading<()>)>,
    /// Vantages of the plan's witnesses to which a server gave no answer at all, and why.
    pub blind: BTreeMap<(VantageName, ServerName), String>,
}
