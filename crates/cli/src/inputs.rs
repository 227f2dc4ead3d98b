//! Input files: the inventory, the playbook, the certificates that the inventory names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth::Krb5Conf;
use driver::{Clock, World, WorldOptions};
use inventory::{
    AllowWhat, Diagnostic, Inventory, LoadBalancer, Playbook, Selector, ServerName, Severity, Source, Step,
    Vantage,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollout::{Plan, RunId};

use crate::args::{Common, Timing};
use crate::error::Error;
use crate::people;
use crate::printer::Printer;
use crate::secrets::{self, Asked, Reach};

/// The playbook that a rehearsal plays when none is named.
pub(crate) const EMBEDDED_PLAYBOOK: &str = include_str!("../../../playbooks/restrict-activesync.toml");

/// A read inventory, with what is needed to find files beside it.
pub(crate) struct Fleet {
    pub(crate) inventory: Inventory,
    pub(crate) source: Source,
    pub(crate) path: PathBuf,
}

impl Fleet {
    /// Reads the inventory that the operator named.
    pub(crate) fn read(common: &Common) -> Result<Self, Error> {
        let path = common.inventory.clone().ok_or(Error::NoInventory)?;
        Self::read_file(&path)
    }

    /// Reads an inventory file.
    pub(crate) fn read_file(path: &Path) -> Result<Self, Error> {
        let source = source(path)?;
        let inventory = inventory::read_inventory(&source).map_err(|diagnostics| Error::Wrong {
            diagnostics: diagnostics.into_iter().map(|d| (d, source.clone())).collect(),
        })?;
        Ok(Self {
            inventory,
            source,
            path: path.to_path_buf(),
        })
    }

    /// Where the inventory lies, for whoever goes on later from another folder.
    pub(crate) fn absolute_path(&self) -> String {
        std::path::absolute(&self.path)
            .unwrap_or_else(|_| self.path.clone())
            .display()
            .to_string()
    }

    /// The folder that relative paths in the inventory start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The servers that a selector names.
    pub(crate) fn select(&self, text: &str) -> Result<Vec<ServerName>, Error> {
        let wrong = |source: inventory::Error| Error::Selector {
            text: text.to_owned(),
            source,
        };
        let selector: Selector = text.parse().map_err(wrong)?;
        selector.resolve(&self.inventory).map_err(wrong)
    }

    /// Everything that the driver needs to reach these servers.
    pub(crate) fn world(
        &self,
        servers: &[ServerName],
        clock: Clock,
        run: RunId,
        printer: &Printer,
    ) -> Result<Arc<World>, Error> {
        let asked = Asked {
            servers: servers.iter().collect(),
            ..Asked::default()
        };
        self.world_for(&asked, people::operator(), clock, run, printer)
    }

    /// Everything that the driver needs for a plan. Leases bear the name of the change.
    pub(crate) fn world_of(
        &self,
        plan: &Plan,
        reach: Reach,
        clock: Clock,
        run: RunId,
        printer: &Printer,
    ) -> Result<Arc<World>, Error> {
        let mut asked = Asked {
            servers: plan.servers.keys().collect(),
            ..Asked::default()
        };
        if matches!(reach, Reach::LoadBalancersToo | Reach::Everybody) {
            asked.balancers_of.clone_from(&asked.servers);
        }
        if matches!(reach, Reach::VantagesToo | Reach::Everybody) {
            asked.servers.extend(self.lookouts(plan));
        }
        let operator = people::acting(&people::operator(), plan.change.as_deref());
        self.world_for(&asked, operator, clock, run, printer)
    }

    /// The servers that look at others for the plan's witnesses.
    fn lookouts<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a ServerName> {
        let witnesses = plan.steps.iter().filter_map(|step| match step {
            Step::Witness(step) => Some(step),
            _ => None,
        });
        let vantages = witnesses.flat_map(|step| step.allowed_from.iter().chain(&step.denied_from));
        vantages.filter_map(|vantage| match self.inventory.vantages.get(vantage)? {
            Vantage::Server(server) => Some(server),
            Vantage::SourceAddress(_) | Vantage::Proxy(_) => None,
        })
    }

    fn world_for(
        &self,
        asked: &Asked<'_>,
        operator: String,
        clock: Clock,
        run: RunId,
        printer: &Printer,
    ) -> Result<Arc<World>, Error> {
        let credentials = secrets::resolve(&self.inventory, asked, self.folder(), printer)?;
        let mut certificate_authorities = BTreeMap::new();
        let of_servers = self
            .inventory
            .servers
            .values()
            .filter_map(|s| s.ca_file.as_deref());
        let of_balancers = self
            .inventory
            .load_balancers
            .values()
            .filter_map(LoadBalancer::ca_file);
        let named: BTreeSet<&str> = of_servers.chain(of_balancers).collect();
        for name in named {
            let path = self.folder().join(name);
            let pem = std::fs::read(&path).map_err(|source| Error::Unreadable { path, source })?;
            certificate_authorities.insert(name.to_owned(), pem);
        }
        let inventory = self.inventory.clone();
        Ok(Arc::new(World::new(WorldOptions {
            inventory,
            credentials,
            certificate_authorities,
            krb5_conf: kerberos_settings(printer),
            name_servers: winrm::read_name_servers(Path::new("/etc/resolv.conf")).into(),
            clock,
            run,
            operator,
        })))
    }
}

/// What this machine knows of Kerberos: the files that `KRB5_CONFIG` names, else the usual one. What cannot be read is told and left out.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
fn kerberos_settings(printer: &Printer) -> Arc<Krb5Conf> {
    let paths: Vec<PathBuf> = std::env::var_os("KRB5_CONFIG")
        .filter(|value| !value.is_empty())
        .map_or_else(
            || vec![PathBuf::from("/etc/krb5.conf")],
            |value| std::env::split_paths(&value).collect(),
        );
    let (settings, complaints) = winrm::read_krb5_conf(&paths);
    for complaint in complaints {
        printer.note(&format!("warning: {complaint}"));
    }
    Arc::new(settings)
}

/// Reads a playbook and checks it against the inventory; warnings are printed, errors returned all at once.
pub(crate) fn playbook(path: &Path, fleet: &Fleet, printer: &Printer) -> Result<Playbook, Error> {
    playbook_from(&source(path)?, fleet, printer)
}

/// The same from a text that is already there.
pub(crate) fn playbook_from(source: &Source, fleet: &Fleet, printer: &Printer) -> Result<Playbook, Error> {
    let playbook = inventory::read_playbook(source).map_err(|found| Error::Wrong {
        diagnostics: found.into_iter().map(|d| (d, source.clone())).collect(),
    })?;
    let (errors, warnings): (Vec<_>, Vec<_>) =
        inventory::lint(&fleet.inventory, &playbook, &fleet.source, source)
            .into_iter()
            .map(|d| {
                let place = if d.file == fleet.source.name {
                    &fleet.source
                } else {
                    source
                };
                (d, place.clone())
            })
            .partition(|(d, _)| d.severity == Severity::Error);
    for (warning, place) in &warnings {
        printer.note(&warning.render(place, printer.color()));
    }
    if errors.is_empty() {
        Ok(playbook)
    } else {
        Err(Error::Wrong { diagnostics: errors })
    }
}

/// The plan: names of allow entries are resolved now, once, and pinned.
pub(crate) fn plan(fleet: &Fleet, playbook: &Playbook) -> Result<Plan, Error> {
    Plan::build(&fleet.inventory, playbook, &resolved(playbook)?).map_err(|source| Error::NoPlan { source })
}

/// The plan of a run that begins at an instant, for its change; where it has to be finished by another, its waves are such that it is.
pub(crate) fn plan_in_time(
    fleet: &Fleet,
    playbook: &Playbook,
    timing: &Timing,
    begins: Timestamp,
    until: Option<Timestamp>,
) -> Result<Plan, Error> {
    let mut plan = match until.filter(|_| timing.finish_by.is_some()) {
        None => plan(fleet, playbook)?,
        Some(until) => {
            let left = until.duration_since(begins);
            let plan = Plan::build_in_time(&fleet.inventory, playbook, &resolved(playbook)?, left);
            plan.map_err(|source| too_late(playbook, begins, source))?
        }
    };
    plan.change.clone_from(&timing.change);
    Ok(plan)
}

/// The same where it may be too late for changes: then the plan is as written, with the refusal that stands if there is something to change.
pub(crate) fn plan_unless_late(
    fleet: &Fleet,
    playbook: &Playbook,
    timing: &Timing,
    begins: Timestamp,
    until: Option<Timestamp>,
) -> Result<(Plan, Option<Error>), Error> {
    match plan_in_time(fleet, playbook, timing, begins, until) {
        Err(late @ Error::TooLate { .. }) => {
            let plan = plan_in_time(fleet, playbook, timing, begins, None)?;
            Ok((plan, Some(late)))
        }
        planned => planned.map(|plan| (plan, None)),
    }
}

/// Says by when it could be finished, to the minute, rounded up.
fn too_late(playbook: &Playbook, begins: Timestamp, source: rollout::Error) -> Error {
    let rollout::Error::TooLate { needed, .. } = source else {
        return Error::NoPlan { source };
    };
    let earliest = begins.checked_add(needed.saturating_add(SignedDuration::from_mins(1)));
    let window = playbook.policy.window.as_ref();
    let zone = window.map_or_else(TimeZone::system, |window| window.time_zone.rules().clone());
    let earliest = earliest.map_or_else(
        |_| "never".to_owned(),
        |at| at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M").to_string(),
    );
    Error::TooLate { source, earliest }
}

fn resolved(playbook: &Playbook) -> Result<BTreeMap<String, Vec<IpAddr>>, Error> {
    let mut resolved: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for step in &playbook.steps {
        let Step::Restrict(restrict) = step else { continue };
        for entry in &restrict.allow {
            if let AllowWhat::Name(name) = &entry.what {
                resolved.insert(name.clone(), addresses(name)?);
            }
        }
    }
    Ok(resolved)
}

fn addresses(name: &str) -> Result<Vec<IpAddr>, Error> {
    let found: BTreeSet<IpAddr> = (name, 443)
        .to_socket_addrs()
        .map_err(|source| Error::NameNotResolved {
            name: name.to_owned(),
            source: Some(source),
        })?
        .map(|address| address.ip())
        .collect();
    if found.is_empty() {
        Err(Error::NameNotResolved {
            name: name.to_owned(),
            source: None,
        })
    } else {
        Ok(found.into_iter().collect())
    }
}

/// Reads a file under the name by which the operator knows it.
pub(crate) fn source(path: &Path) -> Result<Source, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(Source::new(path.display().to_string(), text))
}

/// A finding for programs.
pub(crate) fn diagnostic_json(found: &Diagnostic) -> serde_json::Value {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    serde_json::json!({
        "code": found.code.as_str(), "severity": severity, "file": found.file, "line": found.line, "column": found.column,
        "message": found.message, "hint": found.hint,
    })
}
