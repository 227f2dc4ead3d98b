//! `casgate preflight`: what speaks against a change, on every server, before anything is touched. `plan` and `apply` ask the same first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use driver::{Clock, World};
use inventory::ServerName;
use preflight::{Acceptance, Facts, Judged, Report, Seen, ServerFacts, Severity};
use rollout::{Plan, RunId};

use crate::args::{Common, Preflight};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::foresight;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::secrets::Reach;
use crate::table::{SCREEN, table};

pub(crate) async fn run(common: &Common, args: &Preflight, printer: &Printer) -> Result<ExitCode, Error> {
    let (of_the_logs, acceptances) = foresight::divide(&args.accept.read()?);
    let fleet = Fleet::read(common)?;
    let playbook = inputs::playbook(&args.playbook, &fleet, printer)?;
    let plan = inputs::plan(&fleet, &playbook)?;
    let world = fleet.world_of(
        &plan,
        Reach::VantagesToo,
        Clock::real(),
        RunId::new("preflight"),
        printer,
    )?;
    let (facts, report) = look(&world, &plan, &acceptances).await;
    printer.text(&format!("PREFLIGHT  {}\n", plan.title));
    printer.text(&overview(&facts));
    tell(&report, Severity::Note, printer);
    let unread: Vec<_> = of_the_logs.iter().map(Acceptance::rule).collect();
    foresight::not_looked_for(&unread, printer);
    for (server, row) in rows(&facts) {
        printer.json(&serde_json::json!({ "server": server, "facts": row }));
    }
    refuse(&report)?;
    Ok(ExitCode::Done)
}

/// Looks at every server of the plan, and judges what was seen.
pub(crate) async fn look(world: &Arc<World>, plan: &Plan, acceptances: &[Acceptance]) -> (Facts, Report) {
    let facts = driver::gather(world, plan).await;
    winrm::reap(Duration::from_secs(5)).await;
    let report = Report::new(preflight::judge(plan, world.inventory(), &facts), acceptances);
    (facts, report)
}

/// Ends the command where something is refused.
pub(crate) fn refuse(report: &Report) -> Result<(), Error> {
    match report.refuses() {
        true => Err(Error::Preflight {
            refusals: report.refusals(),
            acceptable: report
                .findings
                .iter()
                .filter(|judged| judged.refuses())
                .all(|judged| judged.rule.is_acceptable()),
        }),
        false => Ok(()),
    }
}

/// Prints what was found, down to `least`; of the rest only how much there is.
pub(crate) fn tell(report: &Report, least: Severity, printer: &Printer) {
    for judged in &report.findings {
        printer.json(&serde_json::json!({
            "rule": judged.rule.id(), "severity": judged.rule.severity().to_string(), "servers": judged.servers,
            "found": judged.found, "reason": judged.rule.reason(), "remedy": judged.remedy,
            "acceptable": judged.rule.is_acceptable(), "accepted": judged.accepted, "refuses": judged.refuses(),
        }));
        if judged.rule.severity() <= least {
            printer.text(&format!("\n{}", in_words(judged)));
        }
    }
    for rule in &report.unused {
        printer.note(&format!("warning: `{rule}` is accepted and was not found"));
    }
    printer.text(&format!("\npreflight: {}", summary(report, least)));
}

/// A heading, then a line each.
fn in_words(judged: &Judged) -> String {
    let rule = judged.rule;
    let word = match (judged.refuses(), &judged.accepted) {
        (true, _) => "REFUSED",
        (false, Some(_)) => "ACCEPTED",
        (false, None) if rule.severity() == Severity::Warn => "WARNING",
        (false, None) => "NOTE",
    };
    let servers: Vec<&str> = judged.servers.iter().map(AsRef::as_ref).collect();
    let mut text = format!("{word:<8} {rule}  {}", servers.join(", "))
        .trim_end()
        .to_owned();
    let mut line = |name: &str, what: &str| text.push_str(&format!("\n    {name:<8} {what}"));
    line("found:", &judged.found);
    line("why:", rule.reason());
    line("remedy:", &judged.remedy);
    match (&judged.accepted, judged.refuses()) {
        (Some(reason), _) => line("accepted:", reason),
        (None, true) if rule.is_acceptable() => {
            line(
                "accept:",
                &format!("--accept {rule} --reason \"…\", if you can answer for it"),
            );
        }
        (None, true) => line("accept:", "cannot be accepted"),
        (None, false) => {}
    }
    text
}

fn summary(report: &Report, least: Severity) -> String {
    let accepted = report
        .findings
        .iter()
        .filter(|judged| judged.accepted.is_some())
        .count();
    let mut parts = vec![match report.refusals() {
        0 => "nothing is refused".to_owned(),
        refusals => format!("{refusals} refused"),
    }];
    if accepted > 0 {
        parts.push(format!("{accepted} accepted"));
    }
    for (severity, word) in [(Severity::Warn, "warning"), (Severity::Note, "note")] {
        match report.count(severity) {
            0 => {}
            1 => parts.push(format!("1 {word}")),
            count => parts.push(format!("{count} {word}s")),
        }
    }
    let hidden = least < Severity::Note && report.count(Severity::Note) > 0;
    let hint = if hidden {
        " (`casgate preflight` shows all)"
    } else {
        ""
    };
    format!("{}{hint}", parts.join(", "))
}

/// What is the same on all servers that were seen, told once; then a row for each server with the rest. One that was not seen has only its name.
fn overview(facts: &Facts) -> String {
    let seen: Vec<_> = facts
        .servers
        .values()
        .filter_map(Seen::facts)
        .map(ServerFacts::row)
        .collect();
    let first = seen.first().map(Vec::as_slice).unwrap_or_default();
    let is_alike = |column: &&(&str, String)| seen.len() > 1 && seen.iter().all(|row| row.contains(column));
    let (alike, other): (Vec<_>, Vec<_>) = first.iter().partition(is_alike);
    let words: Vec<String> = alike
        .iter()
        .map(|(name, text)| format!("{name} {text}"))
        .collect();
    let mut lines = Vec::new();
    if !words.is_empty() {
        let head = format!("the same on {} servers: ", seen.len());
        lines = report::wrapped(&head, &words.join(", "), 4, SCREEN.into());
        lines.push(String::new());
    }
    let columns: Vec<&str> = other.iter().map(|(name, _)| *name).collect();
    if !columns.is_empty() || seen.len() < facts.servers.len() {
        let rows = facts.servers.iter().map(|(server, seen)| {
            let cells = match seen.facts() {
                Some(facts) => facts
                    .row()
                    .into_iter()
                    .filter(|(name, _)| columns.contains(name))
                    .map(|(_, text)| text)
                    .collect(),
                None => vec!["not seen".to_owned()],
            };
            std::iter::once(server.to_string()).chain(cells).collect()
        });
        let header = std::iter::once("server").chain(columns.iter().copied());
        lines.push(table(header, rows, Some(SCREEN)));
    }
    lines.join("\n").trim_end().to_owned()
}

fn rows(facts: &Facts) -> BTreeMap<&ServerName, Option<BTreeMap<&'static str, String>>> {
    let row = |seen: &Seen| seen.facts().map(|facts| facts.row().into_iter().collect());
    facts
        .servers
        .iter()
        .map(|(server, seen)| (server, row(seen)))
        .collect()
}
