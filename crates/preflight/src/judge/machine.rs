//! The machine: rights, shell, where its configuration is, whether somebody works on it, room.

use exchange::component_state::is_active;
use iis::redirection::Source;
use inventory::StepKind;

use super::{Here, restrictions};
use crate::rule::Rule;

/// Room that has to be free. A backup copies at most some ten megabytes, IIS's history keeps ten more copies, and installing a feature writes
/// some hundred.
const ROOM: u64 = 256 * 1024 * 1024;

impl Here<'_> {
    /// Whether the answers of this machine's programs mean anything.
    pub(super) fn machine_can_be_asked(&mut self) -> bool {
        const RIGHTS: &str = "log in as a local administrator of the server; for a local account LocalAccountTokenFilterPolicy decides";
        let facts = self.facts;
        let mut can_be_asked = true;
        if let Some(shell) = self.known("the architecture of the shell", &facts.architecture)
            && !shell.is_64_bit()
        {
            self.say(
                Rule::ThirtyTwoBitShell,
                shell.to_string(),
                "reach WinRM's own 64-bit service, and not one of a 32-bit program",
            );
            can_be_asked = false;
        }
        let held_back = match &facts.elevation {
            Ok(level) if !level.is_elevated() => Some(format!("integrity level {level}")),
            Ok(_) => None,
            Err(unread) => Some(format!("the integrity level: {}", unread.found)),
        };
        // appcmd says it in its own way, also where the integrity level looks right.
        let denied = [
            facts.applications.as_ref().err(),
            facts.modules.as_ref().err(),
            facts.sites.as_ref().err(),
        ];
        let denied = denied.into_iter().flatten().find(|unread| unread.access_denied);
        if let Some(found) = held_back.or(denied.map(|unread| unread.found.clone())) {
            self.say(Rule::NotElevated, found, RIGHTS);
            can_be_asked = false;
        }
        can_be_asked
    }

    pub(super) fn machine(&mut self) {
        let facts = self.facts;
        if let Some(Source::Shared(path)) = self.known("redirection.config", &facts.source) {
            let from = match path.as_str() {
                "nothing" => "another place",
                path => path,
            };
            self.say(
                Rule::SharedConfiguration,
                format!("redirection.config is enabled: IIS takes its configuration from {from}"),
                "take the server out of the playbook, or give it a configuration of its own (IIS Manager, Shared Configuration)",
            );
        }
        // Two names for one machine are told apart by this.
        self.known("the machine's identity", &facts.machine_guid);
        if let Some(setup) = self.known("the running processes", &facts.setup)
            && !setup.is_empty()
        {
            self.say(
                Rule::SetupRunning,
                format!("among the running processes: {}", setup.join(", ")),
                "wait until it is through, look at the application again, then plan anew",
            );
        }
        let writes = |kind| {
            matches!(
                kind,
                StepKind::BackUp | StepKind::InstallFeature | StepKind::Restrict
            )
        };
        if self.plan.steps.iter().any(|step| writes(step.kind()))
            && let Some(&free) = self.known("the room on the system's disk", &facts.free_bytes)
            && free < ROOM
        {
            self.say(
                Rule::LowDisk,
                format!("{} MB are free on the system's disk", free / (1024 * 1024)),
                format!(
                    "free {} MB or more: old logs below inetpub\\logs are the usual cause",
                    ROOM / (1024 * 1024)
                ),
            );
        }
        self.exchange();
    }

    fn exchange(&mut self) {
        let facts = self.facts;
        if let Some(None) = self.known("the version of Exchange", &facts.exchange) {
            self.say(
                Rule::ExchangeNotFound,
                "no Exchange 2010 or later, or its setup did not finish",
                "is it the right server? `casgate ping` shows its name and versions",
            );
        }
        // What was not read stands in the table of facts; nothing hangs on it.
        let Ok(taken_out) = &facts.taken_out else { return };
        let mut components: Vec<&str> = vec!["ServerWideOffline"];
        for restrict in restrictions(self.plan) {
            components.extend(component(restrict.application.path()));
        }
        for name in components {
            if is_active(name, taken_out) {
                continue;
            }
            // `ServerWideOffline` speaks for all others.
            let holders = taken_out
                .iter()
                .filter(|entry| entry.component.eq_ignore_ascii_case(name))
                .map(|entry| entry.requester.as_str())
                .collect::<Vec<_>>();
            if holders.is_empty() {
                continue;
            }
            self.say(
                Rule::ComponentTakenOut,
                format!("{name} is held by {}", holders.join(", ")),
                format!(
                    "ask who did it; `Set-ServerComponentState SERVER -Component {name} -Requester {} -State Active` gives it back",
                    holders[0]
                ),
            );
        }
    }
}

/// The component that serves an application.
fn component(path: &str) -> Option<&'static str> {
    const COMPONENTS: [(&str, &str); 8] = [
        ("/Microsoft-Server-ActiveSync", "ActiveSyncProxy"),
        ("/owa", "OwaProxy"),
        ("/ecp", "EcpProxy"),
        ("/EWS", "EwsProxy"),
        ("/Autodiscover", "AutoDiscoverProxy"),
        ("/OAB", "OabProxy"),
        ("/mapi", "MapiProxy"),
        ("/Rpc", "RpcProxy"),
    ];
    let found = COMPONENTS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(path));
    found.map(|(_, component)| *component)
}
