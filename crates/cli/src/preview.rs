//! Whom a plan's rules would cut off over the whole farm: what `casgate preview` shows, and what `plan` and `apply` ask where the playbook sets a limit.

mod finding;
mod text;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use driver::{Coverage, PreviewOptions, World};
use exchange::traffic::Traffic;
use futures::stream::{self, StreamExt};
use inventory::{AllowWhat, ServerName, Step};
use ipnet::IpNet;
use preflight::{Acceptance, Report};
use rollout::{Plan, StepError};

use crate::error::Error;
use crate::printer::Printer;

use finding::{Finding, findings};

/// How many servers are read together: each may send what it may, and this machine has to read it.
const SERVERS_AT_A_TIME: usize = 8;

/// What the logs of all servers say.
pub(crate) struct Farm {
    /// How many hours were asked for.
    pub(crate) hours: u32,
    /// The limit for each server, in bytes.
    pub(crate) max_bytes: u64,
    /// What was counted, application by application.
    pub(crate) applications: BTreeMap<String, Application>,
    /// Servers whose log could not be read.
    pub(crate) unread: BTreeMap<ServerName, StepError>,
    /// The load balancers' own addresses.
    pub(crate) probes_from: BTreeSet<IpAddr>,
}

/// What the logs say of one application.
pub(crate) struct Application {
    /// Of all servers together.
    pub(crate) traffic: Traffic,
    /// How much was read of each server, and what it had.
    pub(crate) servers: BTreeMap<ServerName, Server>,
    /// The notes of the allow list's entries.
    pub(crate) notes: BTreeMap<IpNet, String>,
    /// The rules are in proxy mode somewhere.
    pub(crate) proxy_mode: bool,
}

/// One server's part.
pub(crate) struct Server {
    pub(crate) coverage: Coverage,
    pub(crate) requests: u64,
    pub(crate) denied: u64,
}

/// Reads the logs of every server of the plan.
async fn gather(world: &Arc<World>, plan: &Plan, options: PreviewOptions) -> Farm {
    let previews = stream::iter(plan.servers.keys().cloned()).map(|server| async move {
        let seen = driver::preview(world, plan, &server, options).await;
        (server, seen)
    });
    let mut previews = previews.buffer_unordered(SERVERS_AT_A_TIME);
    let balancers = world.inventory().load_balancers.values();
    let mut farm = Farm {
        hours: options.hours,
        max_bytes: options.max_bytes,
        applications: BTreeMap::new(),
        unread: BTreeMap::new(),
        probes_from: balancers
            .flat_map(|balancer| balancer.probes_from().to_vec())
            .collect(),
    };
    // Added up as they come, so that no more than a few servers' counts are held beside the farm's.
    while let Some((server, seen)) = previews.next().await {
        match seen {
            Ok(previews) => previews
                .into_iter()
                .for_each(|preview| farm.add(&server, preview, plan)),
            Err(error) => drop(farm.unread.insert(server, error)),
        }
    }
    winrm::reap(std::time::Duration::from_secs(5)).await;
    farm
}

/// What the logs say against a plan, once it is known what the operator accepts.
pub(crate) struct Judgement {
    pub(crate) farm: Farm,
    findings: Vec<Finding>,
    /// Only of the findings that refuse; none refuses where the playbook sets no `max_cut_off`.
    pub(crate) report: Report,
    /// Whether the playbook sets `max_cut_off`.
    is_gate: bool,
}

/// Reads the logs and judges what they say.
pub(crate) async fn look(
    world: &Arc<World>,
    plan: &Plan,
    options: PreviewOptions,
    acceptances: &[Acceptance],
) -> Judgement {
    let farm = gather(world, plan, options).await;
    let limit = plan.policy.max_cut_off;
    let findings = findings(&farm, limit);
    let refusals = findings
        .iter()
        .filter(|finding| finding.refuses && limit.is_some());
    let refusals = refusals.map(|finding| preflight::Finding {
        rule: finding.rule,
        found: finding.found.clone(),
        remedy: finding.hint.clone(),
        server: finding.server.clone(),
    });
    Judgement {
        report: Report::new(refusals.collect(), acceptances),
        farm,
        findings,
        is_gate: limit.is_some(),
    }
}

impl Judgement {
    /// Prints everything.
    pub(crate) fn tell(&self, title: &str, printer: &Printer) {
        printer.text(text::text(title, self).trim_end());
        view::json(self).iter().for_each(|value| printer.json(value));
        for rule in &self.report.unused {
            printer.note(&match self.is_gate {
                true => format!("warning: `{rule}` is accepted and was not found"),
                false => format!(
                    "warning: `{rule}` is accepted, and without `max_cut_off` the logs refuse nothing"
                ),
            });
        }
    }

    /// Ends the command where what the logs say stands against the change.
    ///
    /// # Errors
    /// [`Error::CutOff`] with the rules that nobody has accepted.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        let refusals = self.report.findings.iter().filter(|judged| judged.refuses());
        let mut rules: Vec<&'static str> = refusals.map(|judged| judged.rule.id()).collect();
        rules.dedup();
        match rules.is_empty() {
            true => Ok(()),
            false => Err(Error::CutOff {
                rules: rules.join(", "),
            }),
        }
    }

    /// Why the operator accepts a finding.
    fn accepted(&self, finding: &Finding) -> Option<&str> {
        let mut judged = self.report.findings.iter();
        let judged = judged.find(|judged| finding.refuses && judged.rule == finding.rule)?;
        judged.accepted.as_deref()
    }
}

impl Farm {
    fn add(&mut self, server: &ServerName, preview: driver::Preview, plan: &Plan) {
        let name = preview.application.to_string();
        let application = self.applications.entry(name).or_insert_with(|| Application {
            traffic: Traffic::watching([]),
            servers: BTreeMap::new(),
            notes: notes(plan, &preview.application),
            proxy_mode: false,
        });
        application.proxy_mode |= preview.proposed.is_in_proxy_mode();
        let part = Server {
            coverage: preview.coverage,
            requests: preview.traffic.requests,
            denied: preview.traffic.denied,
        };
        application.servers.insert(server.clone(), part);
        application.traffic.absorb(preview.traffic);
    }
}

fn notes(plan: &Plan, application: &iis::ApplicationPath) -> BTreeMap<IpNet, String> {
    let entries = plan.steps.iter().filter_map(|step| match step {
        Step::Restrict(restrict) if restrict.application == *application => Some(&restrict.allow),
        _ => None,
    });
    entries
        .flatten()
        .filter_map(|entry| {
            let net = match &entry.what {
                AllowWhat::Address(address) => IpNet::from(*address),
                AllowWhat::Network(network) => *network,
                AllowWhat::Name(_) | AllowWhat::Role(_) => return None,
            };
            Some((net, entry.note.clone()?))
        })
        .collect()
}
