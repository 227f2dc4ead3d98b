//! `casgate status`: what each server enforces now, and its drift from the playbook.

use driver::Clock;
use inventory::Step;
use rollout::{Before, Found, RunId};

use super::plan::{changes, failed, look};
use crate::args::{Common, Status};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::secrets::Reach;

pub(crate) async fn run(common: &Common, args: &Status, printer: &Printer) -> Result<ExitCode, Error> {
    let fleet = Fleet::read(common)?;
    let playbook = inputs::playbook(&args.playbook, &fleet, printer)?;
    let plan = inputs::plan(&fleet, &playbook)?;
    let world = fleet.world_of(
        &plan,
        Reach::LoadBalancersToo,
        Clock::real(),
        RunId::new("status"),
        printer,
    )?;
    let looks = look(&world, &plan).await;
    let mut drifted = 0;
    let mut unseen = 0;
    for (server, look) in &looks {
        let mut lines = Vec::new();
        let mut word = "as wanted";
        for (step, found) in look.iter().flatten() {
            match found {
                Found::AlreadyDone(evidence) => lines.extend(evidence.facts.clone()),
                Found::Ready(before) => {
                    if let (Some(Step::Restrict(_)), Before::Restrict { effective, .. }) =
                        (plan.steps.get(*step), before)
                    {
                        let unlisted = if effective.allow_unlisted {
                            "allowed"
                        } else {
                            "denied"
                        };
                        lines.push(format!(
                            "now: {} rules, unlisted clients {unlisted}",
                            effective.rules.len()
                        ));
                    }
                    lines.extend(
                        plan.steps
                            .get(*step)
                            .iter()
                            .flat_map(|step| report::describe(step, before)),
                    );
                }
                Found::Failed(_) => {}
            }
        }
        if let Some(error) = look
            .as_ref()
            .err()
            .or_else(|| failed(look).map(|(_, error)| error))
        {
            word = "NOT SEEN";
            unseen += 1;
            lines = report::wording::failure(error);
        } else if !changes(look).is_empty() {
            word = "DRIFTED";
            drifted += 1;
        }
        printer.text(&format!("{server}  {word}"));
        lines.iter().for_each(|line| printer.text(&format!("    {line}")));
        printer.json(&serde_json::json!({ "server": server, "state": word, "facts": lines }));
    }
    printer.text(&format!(
        "\n{} as wanted, {drifted} drifted, {unseen} not seen",
        looks.len() - drifted - unseen
    ));
    Ok(match (unseen, drifted) {
        (0, 0) => ExitCode::Done,
        (0, _) => ExitCode::Pending,
        _ => ExitCode::Failure,
    })
}
