//! `casgate apply`: plan, ask, do, prove.

use driver::Clock;
use journal::StateDirectory;

use crate::args::{Apply, Common};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::{approval, run_id, state};

pub(crate) async fn run(common: &Common, args: &Apply, printer: &Printer) -> Result<ExitCode, Error> {
    let fleet = Fleet::read(common)?;
    let playbook = inputs::playbook(&args.playbook, &fleet, printer)?;
    let plan = inputs::plan(&fleet, &playbook)?;
    let clock = Clock::real();
    let run = run_id::new(clock.now());
    let servers: Vec<_> = plan.servers.keys().cloned().collect();
    let world = fleet.world(&servers, clock, run.clone(), printer)?;
    super::plan::show(&plan, &super::plan::look(&world, &plan).await, printer);
    approval::ask(args, &plan, printer)?;
    let journal = state::create(&StateDirectory::new(state::folder(common)?), &run)?;
    printer.note(&format!("run {run}; after an interruption: casgate resume {run}"));
    let inventory = std::path::absolute(&fleet.path)
        .unwrap_or_else(|_| fleet.path.clone())
        .display()
        .to_string();
    let engine = Engine {
        world,
        journal,
        printer,
        stop: engine::signals()?,
    };
    let (verdict, model) = engine.start(plan, run, inventory).await?;
    printer.text(&report::summary(&model));
    Ok(verdict.into())
}
