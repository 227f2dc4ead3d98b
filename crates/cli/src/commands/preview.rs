//! `casgate preview`: whom the playbook's rules would cut off, by what the web servers have logged. Read only.

use driver::{Clock, PreviewOptions};
use inventory::StepKind;
use rollout::RunId;

use crate::args::{Common, Preview};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, Fleet};
use crate::preview::{self, findings};
use crate::printer::Printer;
use crate::secrets::Reach;

pub(crate) async fn run(common: &Common, args: &Preview, printer: &Printer) -> Result<ExitCode, Error> {
    let fleet = Fleet::read(common)?;
    let playbook = inputs::playbook(&args.playbook, &fleet, printer)?;
    let plan = inputs::plan(&fleet, &playbook)?;
    if !plan.steps.iter().any(|step| step.kind() == StepKind::Restrict) {
        printer.text("the playbook restricts nothing: nobody would be cut off");
        return Ok(ExitCode::Done);
    }
    let servers: Vec<_> = plan.servers.keys().cloned().collect();
    let world = fleet.world(
        &servers,
        Reach::Servers,
        Clock::real(),
        RunId::new("preview"),
        printer,
    )?;
    let options = PreviewOptions {
        hours: args.hours,
        max_bytes: args.max_bytes,
    };
    let farm = preview::gather(&world, &plan, options).await;
    let limit = plan.policy.max_cut_off;
    let found = findings(&farm, limit);
    printer.text(preview::text(&plan.title, &farm, &found, limit.is_some()).trim_end());
    preview::json(&farm, &found)
        .iter()
        .for_each(|value| printer.json(value));
    Ok(match (limit, found.iter().any(|finding| finding.refuses)) {
        (Some(_), true) => ExitCode::Refused,
        _ if !farm.unread.is_empty() => ExitCode::Failure,
        _ => ExitCode::Done,
    })
}
