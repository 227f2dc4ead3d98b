//! `casgate resume`: go on with a run by looking again at every server that is not proven done.

use std::path::Path;

use driver::Clock;
use journal::StateDirectory;
use rollout::{EventKind, Rollout};

use crate::args::{Common, Resume};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;
use crate::state;

pub(crate) async fn run(common: &Common, args: &Resume, printer: &Printer) -> Result<ExitCode, Error> {
    let runs = StateDirectory::new(state::folder(common)?);
    let name = runs.find(&args.run).map_err(|source| Error::Journal { source })?;
    let (events, journal) = state::open(&runs, &name)?;
    let Some(EventKind::RunStarted { plan, inventory, .. }) = events.first().map(|event| event.kind.clone())
    else {
        return Err(Error::NothingBegun {
            run: name.to_string(),
        });
    };
    // Asked before anything is written: a journal with an event that cannot follow could never be replayed again.
    let past = Rollout::replay(&events).map_err(|source| Error::Past { source })?;
    if let Some(verdict) = past.verdict().filter(|verdict| !verdict.is_resumable()) {
        return Err(Error::NothingToResume {
            run: name.to_string(),
            verdict,
        });
    }
    let fleet = match &common.inventory {
        Some(_) => Fleet::read(common)?,
        None => Fleet::read_file(Path::new(&inventory))?,
    };
    let servers: Vec<_> = plan.servers.keys().cloned().collect();
    let world = fleet.world(&servers, Clock::real(), name, printer)?;
    let engine = Engine {
        world,
        journal,
        printer,
        stop: engine::signals()?,
    };
    let (verdict, model) = engine.resume(*plan, events).await?;
    printer.text(&report::summary(&model));
    Ok(verdict.into())
}
