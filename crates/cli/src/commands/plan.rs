//! `casgate plan`: the waves, the proof of availability, and what would change on each server.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::preflight::Report;
use driver::{Clock, World};
use futures::stream::{self, StreamExt};
use inventory::{ServerName, Step, StepKind};
use rollout::{Before, Found, Plan, RunId, StepError};

use crate::args::{Common, Plan as PlanArgs};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::foresight::Foresight;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::saved_plan::{self, SavedPlan};
use crate::secrets::Reach;
use crate::window;

/// How many servers are looked at together: looking changes nothing, so only our own sockets limit it.
const LOOKS_AT_A_TIME: usize = 16;

/// What a look at a server saw, step by step.
pub(crate) type Looks = BTreeMap<ServerName, Result<Vec<(usize, Found)>, StepError>>;

pub(crate) async fn run(common: &Common, args: &PlanArgs, printer: &Printer) -> Result<ExitCode, Error> {
    let acceptances = args.accept.read()?;
    let fleet = Fleet::read(common)?;
    let playbook = inputs::playbook(&args.playbook, &fleet, printer)?;
    let (now, timing) = (Clock::real().now(), &args.timing);
    let (begins, until) = window::ahead(playbook.policy.window.as_ref(), timing.finish_by, now);
    let (mut plan, late) = inputs::plan_unless_late(&fleet, &playbook, timing, begins, until)?;
    if args.offline {
        late.map_or(Ok(()), Err)?;
        show(&plan, &Looks::new(), printer);
        window::tell(&plan, timing.finish_by, now, printer);
        return Ok(ExitCode::Done);
    }
    let world = fleet.world_of(
        &plan,
        Reach::Everybody,
        Clock::real(),
        RunId::new("plan"),
        printer,
    )?;
    let seen = Foresight::gather(&world, &plan, &acceptances).await;
    let has_nothing_to_do = seen.is_all_as_wanted(&plan);
    if let Some(late) = late.filter(|_| !has_nothing_to_do) {
        return Err(late);
    }
    plan.accepted = seen.accepted();
    seen.show(&plan, printer);
    match has_nothing_to_do && window::may_cut_short(&plan, until, begins) {
        true => printer.text(window::NOTHING_TO_FIT),
        false => window::tell(&plan, timing.finish_by, now, printer),
    }
    seen.tell(&plan, printer);
    seen.refuse()?;
    let looks = seen.looks;
    if let Some(path) = &args.output {
        let observed = saved_plan::observe(&world, &fleet, &looks).await;
        SavedPlan::new(&plan, &fleet, &looks, observed)?.write(path)?;
        printer.note(&format!(
            "saved to {}: casgate apply {} --approve {}",
            path.display(),
            path.display(),
            plan.hash()
        ));
    }
    if looks.values().any(|look| look.is_err() || failed(look).is_some()) {
        return Ok(ExitCode::Refused);
    }
    let pending = looks.values().any(|look| !changes(look).is_empty());
    Ok(if pending && args.detailed_exitcode {
        ExitCode::Pending
    } else {
        ExitCode::Done
    })
}

/// Looks at every server of the plan, unless nothing may be touched anyway: a second login after a refused one could lock an account.
pub(crate) async fn look_unless_refused(world: &Arc<World>, plan: &Plan, report: &Report) -> Looks {
    match report.refuses() {
        true => Looks::new(),
        false => look(world, plan).await,
    }
}

/// Looks at every server of the plan, changing nothing.
pub(crate) async fn look(world: &Arc<World>, plan: &Plan) -> Looks {
    let looks = stream::iter(plan.servers.keys().cloned())
        .map(|server| async move {
            let look = driver::look(world, plan, &server).await;
            (server, look)
        })
        .buffer_unordered(LOOKS_AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    winrm::reap(std::time::Duration::from_secs(5)).await;
    looks.into_iter().collect()
}

/// The steps that have work to do.
pub(crate) fn changes(look: &Result<Vec<(usize, Found)>, StepError>) -> Vec<(usize, &Before)> {
    let steps = look.iter().flatten();
    steps
        .filter_map(|(step, found)| {
            if let Found::Ready(before) = found {
                Some((*step, before))
            } else {
                None
            }
        })
        .collect()
}

/// The first step that could not be looked at.
pub(crate) fn failed(look: &Result<Vec<(usize, Found)>, StepError>) -> Option<(usize, &StepError)> {
    look.iter().flatten().find_map(|(step, found)| {
        if let Found::Failed(error) = found {
            Some((*step, error))
        } else {
            None
        }
    })
}

/// Prints the plan, and what was seen where servers were asked.
pub(crate) fn show(plan: &Plan, looks: &Looks, printer: &Printer) {
    printer.json(&serde_json::json!({ "plan": plan, "hash": plan.hash().to_string() }));
    let steps: Vec<String> = plan.steps.iter().map(|step| step.kind().to_string()).collect();
    let mut text = format!("PLAN {}  {}\n", plan.hash(), plan.title);
    text.push_str(&format!("steps: {}\n", steps.join(", ")));
    for line in report::proof(plan) {
        text.push_str(&format!("{line}\n"));
    }
    for (number, wave) in plan.waves.iter().enumerate() {
        let names: Vec<String> = wave.iter().map(ToString::to_string).collect();
        text.push_str(&format!("wave {}: {}\n", number + 1, names.join(", ")));
    }
    for accepted in &plan.accepted {
        text.push_str(&format!("{}\n", report::wording::accepted(accepted)));
    }
    for (servers, seen) in alike(plan, looks) {
        let names: Vec<&str> = servers.iter().map(|server| server.as_str()).collect();
        text.push_str(&format!("\n{}  {seen}", names.join(", ")));
    }
    if !looks.is_empty() {
        let pending = looks.values().filter(|look| !changes(look).is_empty()).count();
        let wrong = looks
            .values()
            .filter(|look| look.is_err() || failed(look).is_some())
            .count();
        let same = looks.len() - pending.min(looks.len()) - wrong.min(looks.len() - pending);
        text.push_str(&format!(
            "\n{pending} servers to change, {same} as wanted, {wrong} could not be looked at\n"
        ));
    }
    printer.text(text.trim_end());
}

/// What was seen, and on which servers, in their order: those of which the same is to be said are together.
fn alike<'a>(plan: &Plan, looks: &'a Looks) -> Vec<(Vec<&'a ServerName>, String)> {
    let mut groups: Vec<(Vec<&ServerName>, String)> = Vec::new();
    for (server, look) in looks {
        let seen = seen(plan, look);
        match groups.iter_mut().find(|(_, other)| *other == seen) {
            Some((servers, _)) => servers.push(server),
            None => groups.push((vec![server], seen)),
        }
    }
    groups
}

/// What would change, or what is wrong, in lines.
fn seen(plan: &Plan, look: &Result<Vec<(usize, Found)>, StepError>) -> String {
    let mut lines = Vec::new();
    for (step, before) in changes(look) {
        match (&plan.steps[step], before) {
            (
                Step::Restrict(step),
                Before::Restrict {
                    effective, wanted, ..
                },
            ) => lines.extend(report::restriction(&step.application, effective, wanted)),
            (step, before) => lines.extend(report::describe(step, before)),
        }
    }
    let wrong = look
        .as_ref()
        .err()
        .or_else(|| failed(look).map(|(_, error)| error));
    lines.extend(wrong.map(report::wording::failure).unwrap_or_default());
    let mut text = format!("{}\n", headline(plan, look));
    lines
        .iter()
        .for_each(|line| text.push_str(&format!("    {line}\n")));
    text
}

/// What would change; a restart is decided on the server after the change, but it will follow one.
fn headline(plan: &Plan, look: &Result<Vec<(usize, Found)>, StepError>) -> String {
    if look.is_err() {
        return "could not be looked at".to_owned();
    }
    let changing: Vec<StepKind> = changes(look)
        .iter()
        .filter_map(|(step, _)| plan.steps.get(*step))
        .map(Step::kind)
        .collect();
    if changing.is_empty() {
        return "as wanted".to_owned();
    }
    let restarts = plan.steps.iter().any(|step| step.kind() == StepKind::RestartIis)
        && !changing.contains(&StepKind::RestartIis);
    let words: Vec<String> = changing.iter().map(ToString::to_string).collect();
    format!(
        "would change: {}{}",
        words.join(", "),
        if restarts { ", then restart_iis" } else { "" }
    )
}
