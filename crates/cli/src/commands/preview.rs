//! `casgate preview`: whom the playbook's rules would cut off, by what the web servers have logged. Read only.

use driver::{Clock, PreviewOptions};
use inventory::StepKind;
use preflight::Acceptance;
use rollout::RunId;

use crate::args::{Common, Preview};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::foresight;
use crate::inputs::{self, Fleet};
use crate::preview;
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
    let world = fleet.world_of(
        &plan,
        Reach::Servers,
        Clock::real(),
        RunId::new("preview"),
        printer,
    )?;
    let options = PreviewOptions {
        hours: args.hours,
        max_bytes: args.max_bytes,
    };
    let (acceptances, others) = foresight::divide(&args.accept.read()?);
    let others: Vec<_> = others.iter().map(Acceptance::rule).collect();
    foresight::not_looked_for(&others, printer);
    let judgement = preview::look(&world, &plan, options, &acceptances).await;
    judgement.tell(&plan.title, printer);
    Ok(match judgement.report.refuses() {
        true => ExitCode::Refused,
        false if !judgement.farm.unread.is_empty() && plan.policy.max_cut_off.is_none() => ExitCode::Failure,
        false => ExitCode::Done,
    })
}
