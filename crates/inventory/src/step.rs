//! What happens on a server: a closed set of steps, whose names are the same word in TOML, in the journal and on the screen.

use std::fmt;
use std::net::IpAddr;

use iis::ApplicationPath;
use iis::ip_security::{DenyAction, Desired, Existing, Rule, Unlisted};
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::name::VantageName;

/// One `[[step]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Take the server out of the load balancer's rotation.
    Drain(Drain),
    /// Save IIS's configuration on the server.
    BackUp(BackUp),
    /// See to it that a Windows feature is there.
    InstallFeature(InstallFeature),
    /// Say who may reach an application.
    Restrict(Restrict),
    /// Let the worker processes start anew.
    RestartIis(RestartIis),
    /// Wait until pages answer as they should.
    WaitHealthy(WaitHealthy),
    /// Look from outside whether the change does what it should.
    Witness(Witness),
    /// Put the server back into rotation.
    ReturnToRotation(ReturnToRotation),
    /// Run a line in cmd.exe.
    Command(CommandStep),
    /// Run a script in Windows PowerShell.
    Powershell(PowershellStep),
}

impl Step {
    /// Which kind of step it is.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Drain(_) => StepKind::Drain,
            Self::BackUp(_) => StepKind::BackUp,
            Self::InstallFeature(_) => StepKind::InstallFeature,
            Self::Restrict(_) => StepKind::Restrict,
            Self::RestartIis(_) => StepKind::RestartIis,
            Self::WaitHealthy(_) => StepKind::WaitHealthy,
            Self::Witness(_) => StepKind::Witness,
            Self::ReturnToRotation(_) => StepKind::ReturnToRotation,
            Self::Command(_) => StepKind::Command,
            Self::Powershell(_) => StepKind::Powershell,
        }
    }
}

/// A step's kind: the key inside `[[step]]`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each variant is described at the variant of `Step` that has its name"
)]
pub enum StepKind {
    Drain,
    BackUp,
    InstallFeature,
    Restrict,
    RestartIis,
    WaitHealthy,
    Witness,
    ReturnToRotation,
    Command,
    Powershell,
}

impl StepKind {
    /// Every kind, in the order in which a playbook usually has them.
    pub const ALL: [Self; 10] = [
        Self::Drain,
        Self::BackUp,
        Self::InstallFeature,
        Self::Restrict,
        Self::RestartIis,
        Self::WaitHealthy,
        Self::Witness,
        Self::ReturnToRotation,
        Self::Command,
        Self::Powershell,
    ];

    /// The TOML key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::BackUp => "back_up",
            Self::InstallFeature => "install_feature",
            Self::Restrict => "restrict",
            Self::RestartIis => "restart_iis",
            Self::WaitHealthy => "wait_healthy",
            Self::Witness => "witness",
            Self::ReturnToRotation => "return_to_rotation",
            Self::Command => "command",
            Self::Powershell => "powershell",
        }
    }

    /// Whether the step may change what the server is or runs. Taking it out of rotation and back, saving its configuration and looking at it
    /// do not count.
    pub fn changes(self) -> bool {
        match self {
            Self::InstallFeature | Self::Restrict | Self::RestartIis | Self::Command | Self::Powershell => {
                true
            }
            Self::Drain | Self::BackUp | Self::WaitHealthy | Self::Witness | Self::ReturnToRotation => false,
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `drain = {}`: no new connections for the server, and a while for the old ones to end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Drain {
    /// How long to wait for connections to end; the step goes on afterwards, since ActiveSync's long polls hardly ever end by themselves.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
}

/// `back_up = {}`: `appcmd add backup` under the run's name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct BackUp {}

/// `install_feature = { name = "IIS-IPSecurity" }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct InstallFeature {
    /// The feature's name as `dism /online /get-features` shows it.
    pub name: String,
}

/// `restrict = { application = "…", unlisted = "deny", existing = "replace", allow = [ … ] }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Restrict {
    /// The application, e.g. `Default Web Site/Microsoft-Server-ActiveSync`.
    pub application: ApplicationPath,
    /// What becomes of clients that no entry names.
    pub unlisted: Unlisted,
    /// What becomes of the entries that are there already.
    pub existing: Existing,
    /// Who may reach the application.
    pub allow: Vec<AllowEntry>,
    /// What a denied client gets (`denyAction`); as it is without one. IIS 8 and later.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "deny_action")]
    pub deny_action: Option<DenyAction>,
    /// Whether addresses in `X-Forwarded-For` are judged too (`enableProxyMode`); as it is without one. IIS 8 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_mode: Option<bool>,
    /// How long the server waits for the change to be confirmed before it puts the former rules back by itself; for ever without it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub confirm_within: Option<SignedDuration>,
}

impl Restrict {
    /// Whether a page belongs to the application, by its path in any case.
    pub fn covers(&self, page: &str) -> bool {
        let application = self.application.path().trim_end_matches('/');
        let page = page.split('?').next().unwrap_or_default();
        match page.split_at_checked(application.len()) {
            Some((start, rest)) => {
                start.eq_ignore_ascii_case(application) && (rest.is_empty() || rest.starts_with('/'))
            }
            None => false,
        }
    }

    /// What is wanted of the section, once it is known which rules the list stands for on a server.
    pub fn desired(&self, rules: Vec<Rule>) -> Desired {
        Desired {
            unlisted: self.unlisted,
            existing: self.existing,
            deny_action: self.deny_action,
            proxy_mode: self.proxy_mode,
            rules,
        }
    }
}

/// The playbook's words, where a section has IIS's.
mod deny_action {
    use iis::ip_security::DenyAction;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        action: &Option<DenyAction>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        action.map(DenyAction::word).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DenyAction>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let mut all = DenyAction::ALL.into_iter();
        let found = all.find(|action| action.word() == text);
        found.map(Some).ok_or_else(|| {
            D::Error::custom(format!(
                "expected abort_request, unauthorized, forbidden or not_found, found `{text}`"
            ))
        })
    }
}

/// `restart_iis = { method = "iisreset" }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RestartIis {
    /// By which means.
    pub method: RestartMethod,
    /// `iisreset /noforce`: do not kill worker processes that do not end by themselves.
    pub no_force: bool,
    /// How long the services may take.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
}

/// By which means worker processes start anew.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartMethod {
    /// `iisreset`: all of IIS.
    #[default]
    Iisreset,
    /// `appcmd recycle apppool`: only the application's pool, which goes on serving meanwhile.
    RecycleAppPool,
    /// Not at all: IIS takes up changed rules by itself, a freshly installed module it does not.
    None,
}

impl RestartMethod {
    /// The word in the playbook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iisreset => "iisreset",
            Self::RecycleAppPool => "recycle_app_pool",
            Self::None => "none",
        }
    }
}

/// `wait_healthy = { paths = ["/owa/healthcheck.htm"] }`, for at most the policy's `healthy_deadline`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WaitHealthy {
    /// Health pages on the server's own front end.
    pub paths: Vec<String>,
}

/// `witness = { allowed_from = ["sentry1"], denied_from = ["outside"], unchanged = ["/owa/"] }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Witness {
    /// Vantages from which `path` must answer.
    pub allowed_from: Vec<VantageName>,
    /// Vantages from which `path` must be refused.
    pub denied_from: Vec<VantageName>,
    /// Paths that must answer as before from every vantage.
    pub unchanged: Vec<String>,
    /// The path that is asked for.
    pub path: String,
    /// How often every server and every pool's virtual address is asked all run long; without it only this step asks.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub every: Option<SignedDuration>,
}

/// `return_to_rotation = {}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ReturnToRotation {
    /// How long the load balancer may take to see the server up.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
}

/// `command = { command = "…" }`: a line for cmd.exe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CommandStep {
    /// The line.
    pub command: String,
    /// A line that exits with 0 when there is nothing to do.
    pub unless: Option<String>,
    /// Exit codes that mean success.
    pub exit_codes: Vec<u32>,
    /// How long it may run.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
}

/// `powershell = { script = "…" }`: a script for Windows PowerShell.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PowershellStep {
    /// The script.
    pub script: String,
    /// A script that exits with 0 when there is nothing to do.
    pub unless: Option<String>,
    /// Exit codes that mean success.
    pub exit_codes: Vec<u32>,
    /// How long it may run.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
}

/// One entry of a `restrict` step's allow list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AllowEntry {
    /// Who.
    #[serde(flatten)]
    pub what: AllowWhat,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Who an allow entry is for: exactly one of these keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowWhat {
    /// One address.
    Address(IpAddr),
    /// All addresses of a network.
    Network(IpNet),
    /// A host name, resolved when planned and pinned in the plan.
    Name(String),
    /// Addresses that casgate knows or finds out, server by server.
    Role(Role),
}

impl fmt::Display for AllowWhat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Network(network) => write!(f, "{network}"),
            Self::Name(name) => f.write_str(name),
            Self::Role(role) => write!(f, "role {role}"),
        }
    }
}

/// Addresses that casgate knows or finds out, server by server.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 127.0.0.1 and ::1: Exchange's own monitoring asks from there.
    Loopback,
    /// The addresses that the server itself has: servers of the farm also talk to each other's applications.
    OwnAddresses,
    /// `probes_from` of the load balancer of the server's pool.
    LoadBalancerProbes,
    /// The addresses of the other servers of the inventory: on Exchange 2010 they hand requests on through the same application.
    ExchangePeers,
    /// The address from which this run itself reaches the server.
    Operator,
}

impl Role {
    /// The word in the playbook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::OwnAddresses => "own_addresses",
            Self::LoadBalancerProbes => "load_balancer_probes",
            Self::ExchangePeers => "exchange_peers",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
