//! What is known before anything is touched: what the preflight found, what each step would change, and what the logs say. `plan` and `apply` ask the
//! same, so that a plan's hash covers all that was accepted.

use std::sync::Arc;

use ::preflight::{Acceptance, Report, Rule, Severity};
use driver::{PreviewOptions, World};
use inventory::{ServerName, Step};
use rollout::{Accepted, Found, Plan, StepError};

use crate::args::{DEFAULT_HOURS, DEFAULT_MAX_BYTES};
use crate::commands::{Looks, plan, preflight};
use crate::error::Error;
use crate::preview::{self, Judgement};
use crate::printer::Printer;

/// What is known before anything is touched.
pub(crate) struct Foresight {
    pub(crate) preflight: Report,
    pub(crate) looks: Looks,
    /// What the logs say; `None` where nobody had a reason to read them.
    logs: Option<Judgement>,
    /// What was accepted of the logs though nobody read them.
    unread: Vec<Rule>,
}

impl Foresight {
    /// Looks at every server: by the preflight, then, unless that refuses, by the steps, and then in the logs, where the playbook sets `max_cut_off`
    /// and rules would change.
    pub(crate) async fn gather(world: &Arc<World>, plan: &Plan, acceptances: &[Acceptance]) -> Self {
        let (of_the_logs, others) = divide(acceptances);
        let (_, preflight) = preflight::look(world, plan, &others).await;
        let looks = plan::look_unless_refused(world, plan, &preflight).await;
        let asks = plan.policy.max_cut_off.is_some() && looks.values().any(|look| may_cut_off(plan, look));
        let logs = match asks {
            true => {
                let options = PreviewOptions {
                    hours: DEFAULT_HOURS,
                    max_bytes: DEFAULT_MAX_BYTES,
                };
                Some(preview::look(world, plan, options, &of_the_logs).await)
            }
            false => None,
        };
        let unread = match logs {
            Some(_) => Vec::new(),
            None => of_the_logs.iter().map(Acceptance::rule).collect(),
        };
        Self {
            preflight,
            looks,
            logs,
            unread,
        }
    }

    /// Whether every server was seen, and every step that changes something finds its work done there. A plan that only looks has no work that
    /// could be found done.
    pub(crate) fn is_all_as_wanted(&self, plan: &Plan) -> bool {
        let is_done = |(_, found): &(usize, Found)| matches!(found, Found::AlreadyDone(_));
        let is_as_wanted = |look: &Result<Vec<(usize, Found)>, StepError>| {
            look.as_ref()
                .is_ok_and(|seen| !seen.is_empty() && seen.iter().all(is_done))
        };
        !self.preflight.refuses()
            && plan
                .servers
                .keys()
                .all(|server| self.looks.get(server).is_some_and(is_as_wanted))
    }

    /// The servers that could be looked at.
    pub(crate) fn seen(&self, plan: &Plan) -> Vec<ServerName> {
        let findings = self.preflight.findings.iter();
        let unseen: Vec<&ServerName> = findings
            .filter(|judged| judged.rule == Rule::ServerNotSeen)
            .flat_map(|judged| &judged.servers)
            .collect();
        let servers = plan.servers.keys();
        servers
            .filter(|server| !unseen.contains(server))
            .cloned()
            .collect()
    }

    /// What was accepted of what was found, in the order of the rules.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        let logs = self.logs.iter().flat_map(|logs| logs.report.accepted());
        self.preflight.accepted().into_iter().chain(logs).collect()
    }

    /// Prints the plan, and what would change on each server.
    pub(crate) fn show(&self, plan: &Plan, printer: &Printer) {
        plan::show(plan, &self.looks, printer);
    }

    /// Prints what was found.
    pub(crate) fn tell(&self, plan: &Plan, printer: &Printer) {
        preflight::tell(&self.preflight, Severity::Warn, printer);
        if let Some(logs) = &self.logs {
            printer.text("");
            logs.tell(&plan.title, printer);
        }
        not_looked_for(&self.unread, printer);
    }

    /// Ends the command where something is refused.
    ///
    /// # Errors
    /// [`Error::Preflight`], or [`Error::CutOff`] where what the logs say stands against the change.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        preflight::refuse(&self.preflight)?;
        self.logs.as_ref().map_or(Ok(()), Judgement::refuse)
    }
}

/// What is accepted of the logs, and what of the preflight.
pub(crate) fn divide(acceptances: &[Acceptance]) -> (Vec<Acceptance>, Vec<Acceptance>) {
    acceptances
        .iter()
        .cloned()
        .partition(|acceptance| acceptance.rule().is_of_the_logs())
}

/// Warns of what was accepted and not looked for.
pub(crate) fn not_looked_for(rules: &[Rule], printer: &Printer) {
    for rule in rules {
        let why = match rule.is_of_the_logs() {
            true => "the logs were not read",
            false => "only `preflight`, `plan` and `apply` look",
        };
        printer.note(&format!(
            "warning: `{rule}` is accepted and was not looked for: {why}"
        ));
    }
}

/// Whether rules have to be changed on a server, for all that is known: what is as wanted already cuts nobody off.
fn may_cut_off(plan: &Plan, look: &Result<Vec<(usize, Found)>, StepError>) -> bool {
    let Ok(seen) = look else { return true };
    seen.iter().any(|(step, found)| {
        matches!(plan.steps.get(*step), Some(Step::Restrict(_))) && !matches!(found, Found::AlreadyDone(_))
    })
}
