//! What was seen on a server before, during and after a step, as it stands in the journal. Never a secret, never prose where a value will do.

use std::collections::BTreeMap;
use std::fmt;

use iis::ip_security::Section;
use inventory::{PoolName, ServerName, StepKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a probe saw, before anything was changed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The server is already as the step wants it.
    AlreadyDone(Evidence),
    /// There is work to do.
    Ready(Before),
    /// The look failed; nothing was changed.
    Failed(StepError),
}

/// What showed that a step needs nothing, or that its work is proven: short lines for people.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Evidence {
    /// One fact a line, e.g. `allowUnlisted=false, 4 rules as wanted`.
    pub facts: Vec<String>,
}

/// The state that a probe found and that undo goes back to, one variant for each kind of step.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Before {
    /// `drain`: the pool's rotation as the load balancer sees it now.
    Drain {
        /// Seen at the load balancer at this instant; `None` without a load balancer.
        rotation: Option<Rotation>,
        /// The same of the server's site, where it has a floor: of whichever pools its servers are. Journals of before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<Rotation>,
    },
    /// `back_up`: nothing of this name exists yet.
    BackUp {
        /// The name that the backup gets.
        name: String,
    },
    /// `install_feature`.
    InstallFeature {
        /// dism's state is Enabled.
        enabled: bool,
        /// The module stands in IIS's list of modules.
        module_listed: bool,
    },
    /// `restrict`.
    Restrict {
        /// The application's own section (empty and open when it has none).
        own: Section,
        /// The effective section, inheritance included.
        effective: Section,
        /// The section that is wanted on this server, roles resolved.
        wanted: Section,
        /// Worker processes (process ids) at this time, so that a later look can tell whether they were restarted since.
        workers: Vec<WorkerProcessObserved>,
    },
    /// `restart_iis`.
    RestartIis {
        /// Worker processes before the restart.
        workers: Vec<WorkerProcessObserved>,
        /// Services before the restart.
        services: Vec<ServiceObserved>,
        /// Why a restart is needed, e.g. `the section changed after process 4711 started`.
        reason: String,
    },
    /// `wait_healthy`: the pages' answers before the wait, by path.
    WaitHealthy {
        /// Path to `status` and first line of the body.
        pages: BTreeMap<String, String>,
    },
    /// `witness`.
    Witness,
    /// `return_to_rotation`.
    ReturnToRotation {
        /// Seen at the load balancer at this instant; `None` without a load balancer.
        rotation: Option<Rotation>,
    },
    /// `command`.
    Command,
    /// `powershell`.
    Powershell,
}

impl Before {
    /// The kind of step that this was seen for.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Drain { .. } => StepKind::Drain,
            Self::BackUp { .. } => StepKind::BackUp,
            Self::InstallFeature { .. } => StepKind::InstallFeature,
            Self::Restrict { .. } => StepKind::Restrict,
            Self::RestartIis { .. } => StepKind::RestartIis,
            Self::WaitHealthy { .. } => StepKind::WaitHealthy,
            Self::Witness => StepKind::Witness,
            Self::ReturnToRotation { .. } => StepKind::ReturnToRotation,
            Self::Command => StepKind::Command,
            Self::Powershell => StepKind::Powershell,
        }
    }
}

/// A pool (or a site) at one instant: what its load balancer says, and what the health pages of those say that it sends clients to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rotation {
    /// Members that take new connections now, and whose health pages say that they can.
    pub in_rotation: u32,
    /// All members of the load balancer's backend that belong to the pool.
    pub members: u32,
    /// This server's own state in the load balancer's words (`UP`, `DRAIN`, `MAINT`, `DOWN`, …).
    pub state: String,
    /// Whether this server itself is among `in_rotation`.
    pub is_in_rotation: bool,
    /// The pool's servers that are not among `in_rotation`, each once, by name. Journals of before have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<OutOfRotation>,
    /// What the pool's servers weigh. Journals of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<LiveWeight>,
}

/// How much of the clients' load is in rotation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LiveWeight {
    /// What those in rotation weigh together.
    pub in_rotation: u32,
    /// What this server itself weighs.
    pub own: u32,
}

impl Rotation {
    /// How many are in rotation without this server, and what they weigh: it takes nobody out who was not in.
    pub fn without_it(&self) -> (u32, Option<u32>) {
        let number = self.in_rotation.saturating_sub(u32::from(self.is_in_rotation));
        let weight = self.weight.map(|weight| {
            let own = if self.is_in_rotation { weight.own } else { 0 };
            weight.in_rotation.saturating_sub(own)
        });
        (number, weight)
    }

    /// What is in rotation by weight, to follow a number: ` (weight 6, its own 2)`; nothing where all weigh the same.
    pub fn weight_in_words(&self) -> String {
        match self.weight {
            Some(weight) if weight.in_rotation != self.in_rotation || weight.own != 1 => {
                format!(" (weight {}, its own {})", weight.in_rotation, weight.own)
            }
            _ => String::new(),
        }
    }

    /// Who is out and why, in one line: `cas02 (DRAIN), cas05 (UP, but /owa/healthcheck.htm answers 503: out of service)`.
    pub fn who_is_out(&self) -> String {
        let out = self.out.iter().map(|out| format!("{} ({})", out.server, out.why));
        out.collect::<Vec<_>>().join(", ")
    }
}

/// A server of a pool that takes no clients.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OutOfRotation {
    /// The server.
    pub server: ServerName,
    /// Why, in the load balancer's words or in those of its health page.
    pub why: String,
}

/// Where a witness asks all run long.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// A server's own front end.
    Server(ServerName),
    /// A pool's virtual address.
    Vip(PoolName),
}

impl Watched {
    /// The server, where it is one.
    pub fn server(&self) -> Option<&ServerName> {
        match self {
            Self::Server(server) => Some(server),
            Self::Vip(_) => None,
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write!(f, "{server}"),
            Self::Vip(pool) => write!(f, "vip {pool}"),
        }
    }
}

/// What becomes of a client, as a witness sees it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// It gets in.
    Served,
    /// Its address is refused.
    Refused,
    /// It gets no service, for a reason that is not its address: no connection, no answer, a server error.
    Unserved,
    /// Nobody looked: the vantage itself could not be reached. Never a pass, and never a failure of whom it looks at.
    Unknown,
}

impl Sight {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::Unserved => "unserved",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A worker process (w3wp) as seen by appcmd.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct WorkerProcessObserved {
    /// Process id.
    pub pid: u32,
    /// Application pool.
    pub application_pool: String,
    /// When it started, by the server's clock; `None` where that was not read. An id alone may belong to another process later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
}

/// A Windows service as seen by sc.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ServiceObserved {
    /// Service name.
    pub name: String,
    /// Running?
    pub running: bool,
    /// Process id of its host process, 0 when stopped.
    pub pid: u32,
}

/// How an attempt to change something ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done, as far as the server said so.
    Done(Receipt),
    /// It failed, and is known to have failed.
    Failed(StepError),
    /// The reply was lost: it may have happened or not. Settled by looking again, never by repeating.
    Unknown(StepError),
}

/// Proof of a change.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Receipt {
    /// One fact a line, e.g. `+ allow 198.51.100.10`, `worker processes 4100, 4200 -> 5100, 5200`.
    pub facts: Vec<String>,
    /// WinRM HTTP requests that the server's connection has made so far in this run.
    pub http_requests: u64,
}

/// Which column of the failure budget (all count alike) and which hint.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection could be made, or it was lost and not found again.
    Unreachable,
    /// The login was refused.
    LoginRefused,
    /// A deadline passed.
    TimedOut,
    /// The server refused or did something else than expected.
    Failed,
    /// The outcome could not be learned.
    Unknown,
    /// A gate (`wait_healthy`, `witness`, the soak) could not look: neither a pass nor a reason to undo.
    Inconclusive,
}

impl FailureKind {
    /// Whether looking again a little later may well succeed.
    pub fn is_worth_another_look(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::TimedOut | Self::Unknown | Self::Inconclusive
        )
    }
}

/// A failure as data: what was expected, what was found, what to do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StepError {
    /// Kind, for the budget's columns.
    pub kind: FailureKind,
    /// What was being done, e.g. `read the section of Default Web Site/Microsoft-Server-ActiveSync`.
    pub doing: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What the operator can do.
    pub hint: Option<String>,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
}
