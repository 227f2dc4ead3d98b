//! The rules, each with a stable id, how grave it is, and why.

use std::fmt;
use std::str::FromStr;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Nothing is touched.
    Refuse,
    /// Worth a look before going on.
    Warn,
    /// Good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refuse => "refuse",
            Self::Warn => "warn",
            Self::Note => "note",
        })
    }
}

/// Everything that can be found before anything is touched: by a preflight, or in the servers' logs. The order is that of the report.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the table below says what each one means")]
pub enum Rule {
    ServerNotSeen,
    NotElevated,
    ThirtyTwoBitShell,
    SameMachine,
    SharedConfiguration,
    BackEndSite,
    ApplicationNotFound,
    SchemaTooOld,
    OtherDenial,
    NoWayBack,
    LoopbackDenied,
    ProbesDenied,
    PeersDenied,
    SetupRunning,
    WebServiceStopped,
    SiteStopped,
    PoolStopped,
    FeatureMissing,
    FeaturePending,
    ModuleNotLoaded,
    WorkerWithoutModule,
    InheritedDeny,
    LowDisk,
    FactNotRead,
    VantageBlind,
    CutOff,
    ClientsHidden,
    ProbesCutOff,
    LogNotRead,
    NoTrafficSeen,
    OpenHole,
    ProbesUnknown,
    PeerNotRead,
    OwnAddressesDenied,
    InheritedRules,
    FeatureWithoutPayload,
    ComponentTakenOut,
    ClonedMachine,
    ExchangeNotFound,
    FeatureToBeInstalled,
    InheritedUnlisted,
    OneFamily,
    OlderSchema,
    MixedVersions,
}

/// What stands in the table: id, severity, whether a refusal can be accepted, and why it matters.
struct Row(Rule, &'static str, Severity, bool, &'static str);

use Severity::{Note, Refuse, Warn};

/// Refusals that nobody can accept are those after which a run could not do what it says: another copy of appcmd, no rights, no such application,
/// somebody else's servers, attributes that IIS does not know.
const TABLE: [Row; 44] = [
    Row(
        Rule::ServerNotSeen,
        "server-not-seen",
        Refuse,
        true,
        "what cannot be looked at cannot be proven safe, and an unrestricted member of a farm is a way around the others",
    ),
    Row(
        Rule::NotElevated,
        "not-elevated",
        Refuse,
        false,
        "without all of an administrator's rights appcmd reads nothing and iisreset may stop IIS and not start it again",
    ),
    Row(
        Rule::ThirtyTwoBitShell,
        "32-bit-shell",
        Refuse,
        false,
        "a 32-bit process sees another System32: another appcmd, another registry, other files",
    ),
    Row(
        Rule::SameMachine,
        "same-machine",
        Refuse,
        false,
        "two names for one machine break the proof that the farm stays in rotation, and two workers would write over each other",
    ),
    Row(
        Rule::SharedConfiguration,
        "shared-configuration",
        Refuse,
        false,
        "one commit would change every server that shares the files, at once, and a backup would not hold them",
    ),
    Row(
        Rule::BackEndSite,
        "back-end-site",
        Refuse,
        false,
        "only Exchange's own front ends come there: restricting it cuts the servers of the farm off from each other",
    ),
    Row(
        Rule::ApplicationNotFound,
        "application-not-found",
        Refuse,
        false,
        "IIS takes rules for a path that does not exist without a word, and they restrict nobody",
    ),
    Row(
        Rule::SchemaTooOld,
        "schema-too-old",
        Refuse,
        false,
        "IIS 7.x knows neither denyAction nor enableProxyMode: appcmd would refuse the change in the middle of the run",
    ),
    Row(
        Rule::OtherDenial,
        "other-denial",
        Refuse,
        false,
        "a denied client gets something else than 403 there: the witness would not know it, and its server would be put back",
    ),
    Row(
        Rule::NoWayBack,
        "no-way-back",
        Refuse,
        false,
        "with `confirm_within` the server has to bring its former rules back by itself, by a scheduled task, and could not",
    ),
    Row(
        Rule::LoopbackDenied,
        "loopback-denied",
        Refuse,
        true,
        "Managed Availability asks the application from 127.0.0.1 and ::1; denied, it recycles the pool, restarts the server and takes it offline",
    ),
    Row(
        Rule::ProbesDenied,
        "probes-denied",
        Refuse,
        true,
        "the load balancer would see 403 from its health probes and take the server out of rotation, and then the next one",
    ),
    Row(
        Rule::PeersDenied,
        "peers-denied",
        Refuse,
        true,
        "the other servers hand requests of mailboxes on Exchange 2010 to this server through the same application (`/Proxy`)",
    ),
    Row(
        Rule::SetupRunning,
        "setup-running",
        Refuse,
        true,
        "Exchange's setup stops services and writes the same configuration",
    ),
    Row(
        Rule::WebServiceStopped,
        "web-service-stopped",
        Refuse,
        true,
        "a run never begins on a sick server: whether it did harm could not be told",
    ),
    Row(
        Rule::SiteStopped,
        "site-stopped",
        Refuse,
        true,
        "a run never begins on a sick server: whether it did harm could not be told",
    ),
    Row(
        Rule::PoolStopped,
        "pool-stopped",
        Refuse,
        true,
        "a run never begins on a sick server: whether it did harm could not be told",
    ),
    Row(
        Rule::FeatureMissing,
        "feature-missing",
        Refuse,
        true,
        "the section exists without the Windows feature, takes the rules, and enforces none",
    ),
    Row(
        Rule::FeaturePending,
        "feature-pending",
        Refuse,
        true,
        "the feature that enforces the rules comes or goes with the next restart of the server",
    ),
    Row(
        Rule::ModuleNotLoaded,
        "module-not-loaded",
        Refuse,
        true,
        "the feature is there, but IIS does not load its module: the rules would be kept and not enforced",
    ),
    Row(
        Rule::WorkerWithoutModule,
        "worker-without-module",
        Refuse,
        true,
        "a worker process loads its modules when it starts: until it is restarted, rules are kept and not enforced",
    ),
    Row(
        Rule::InheritedDeny,
        "inherited-deny",
        Refuse,
        true,
        "a level above says allowUnlisted=false, which an application cannot take back: it would stay shut",
    ),
    Row(
        Rule::LowDisk,
        "low-disk",
        Refuse,
        true,
        "a backup or a configuration file that does not fit on the disk is worse than none",
    ),
    Row(
        Rule::FactNotRead,
        "fact-not-read",
        Refuse,
        true,
        "what could not be read cannot be judged",
    ),
    Row(
        Rule::VantageBlind,
        "vantage-blind",
        Refuse,
        true,
        "a vantage that sees nothing before the change would prove nothing after it, and the run would end at its first server",
    ),
    Row(
        Rule::CutOff,
        "cut-off",
        Refuse,
        true,
        "more users or devices that are served today would be denied than the playbook's max_cut_off",
    ),
    Row(
        Rule::ClientsHidden,
        "clients-hidden",
        Refuse,
        true,
        "one or two addresses stand for all clients: the rules would deny everybody, or nobody",
    ),
    Row(
        Rule::ProbesCutOff,
        "probes-cut-off",
        Refuse,
        true,
        "Exchange restarts what it takes for ill, and the load balancer takes the server out",
    ),
    Row(
        Rule::LogNotRead,
        "log-not-read",
        Refuse,
        true,
        "nobody knows whom the rules would cut off where the log tells nothing",
    ),
    Row(
        Rule::NoTrafficSeen,
        "no-traffic-seen",
        Refuse,
        true,
        "without a single client nothing is known of whom the rules would cut off",
    ),
    Row(
        Rule::OpenHole,
        "open-hole",
        Warn,
        false,
        "whoever is refused here can go in there",
    ),
    Row(
        Rule::ProbesUnknown,
        "probes-unknown",
        Warn,
        false,
        "where the health probes come from is not known, so nobody can tell whether they stay allowed",
    ),
    Row(
        Rule::PeerNotRead,
        "peer-not-read",
        Warn,
        false,
        "only the addresses are known to which its name resolves, and servers have addresses of both families",
    ),
    Row(
        Rule::OwnAddressesDenied,
        "own-addresses-denied",
        Warn,
        false,
        "monitoring and scripts on the server ask the application by the server's own name",
    ),
    Row(
        Rule::InheritedRules,
        "inherited-rules",
        Warn,
        false,
        "entries of the levels above count here too, and before the application's own",
    ),
    Row(
        Rule::FeatureWithoutPayload,
        "feature-without-payload",
        Warn,
        false,
        "the feature's files are not on the server: installing it needs Windows Update or a source",
    ),
    Row(
        Rule::ComponentTakenOut,
        "component-taken-out",
        Warn,
        false,
        "somebody has taken this out of service: its health page is not there, and only the same requester can give it back",
    ),
    Row(
        Rule::ClonedMachine,
        "cloned-machine",
        Warn,
        false,
        "one identity under two computer names: a clone, or one machine that was renamed",
    ),
    Row(
        Rule::ExchangeNotFound,
        "exchange-not-found",
        Warn,
        false,
        "what Exchange needs cannot be judged on a server that does not seem to have it",
    ),
    Row(
        Rule::FeatureToBeInstalled,
        "feature-to-be-installed",
        Note,
        false,
        "the playbook installs it, and only a restart of the worker processes loads its module",
    ),
    Row(
        Rule::InheritedUnlisted,
        "inherited-unlisted",
        Note,
        false,
        "a level above denies unlisted clients already",
    ),
    Row(
        Rule::OneFamily,
        "one-family",
        Note,
        false,
        "a gateway that finds the server by its IPv6 address comes from an IPv6 address of its own, which the list does not have",
    ),
    Row(
        Rule::OlderSchema,
        "older-schema",
        Note,
        false,
        "this IIS knows neither denyAction nor enableProxyMode: a denied client gets 403, and X-Forwarded-For is not judged",
    ),
    Row(
        Rule::MixedVersions,
        "mixed-versions",
        Note,
        false,
        "servers of several releases answer alike only where the playbook says so",
    ),
];

impl Rule {
    /// Every rule, in the order of the report.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The stable id, e.g. `probes-denied`.
    pub fn id(self) -> &'static str {
        self.row().1
    }

    /// How grave a finding of this rule is.
    pub fn severity(self) -> Severity {
        self.row().2
    }

    /// Whether an operator can accept it, with a reason.
    pub fn is_acceptable(self) -> bool {
        self.row().3
    }

    /// Whether it is found in the servers' logs, which are read only where the playbook sets `max_cut_off`; the preflight finds the others.
    pub fn is_of_the_logs(self) -> bool {
        matches!(
            self,
            Self::CutOff | Self::ClientsHidden | Self::ProbesCutOff | Self::LogNotRead | Self::NoTrafficSeen
        )
    }

    /// Why it matters.
    pub fn reason(self) -> &'static str {
        self.row().4
    }

    /// The table has every rule at its place; a test looks.
    fn row(self) -> &'static Row {
        TABLE.get(self as usize).unwrap_or(&TABLE[0])
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Rule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|rule| rule.id() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_at_its_place_under_an_id_of_its_own() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, place, "{}", row.1);
            assert_eq!(row.1.parse(), Ok(row.0));
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(row.1.chars().all(is_kebab), "{}", row.1);
            assert!(
                row.2 == Refuse || !row.3,
                "{}: only a refusal can be accepted",
                row.1
            );
        }
        assert_eq!("no-such-rule".parse::<Rule>(), Err(()));
    }

    #[test]
    fn the_report_begins_with_what_is_refused() {
        assert!(TABLE.is_sorted_by_key(|row| row.2));
    }

    #[test]
    fn every_rule_is_documented_with_its_severity() {
        let document = include_str!("../../../docs/preflight.md");
        for rule in Rule::all() {
            let accepted = if rule.is_acceptable() { "yes" } else { "no" };
            let row = match rule.severity() {
                Refuse => format!("| `{rule}` | refuse | {accepted} |"),
                severity => format!("| `{rule}` | {severity} | |"),
            };
            assert!(document.contains(&row), "not documented: {row}");
        }
    }
}
