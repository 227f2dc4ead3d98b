//! `casgate simulate`: simulated Exchange servers until Ctrl-C.

use casim::machine::FormerTraffic;
use casim::{Farm, FarmOptions};

use crate::args::Simulate;
use crate::engine;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;

pub(crate) async fn run(args: &Simulate, printer: &Printer) -> Result<ExitCode, Error> {
    let options = FarmOptions {
        servers: usize::from(args.servers),
        speed: args.speed,
        seed: args.seed,
        first_port: args.first_port,
        former: args.former_log.map(FormerTraffic::of_a_day),
        ..FarmOptions::default()
    };
    let options = if args.mixed { options.mixed() } else { options };
    let farm = Farm::start(options)
        .await
        .map_err(|source| Error::Farm { source })?;
    printer.text(&farm.describe());
    if let Some(path) = &args.write_inventory {
        farm.write_inventory(path).map_err(|source| Error::Unwritable {
            path: path.clone(),
            source,
        })?;
        printer.text(&format!("inventory: {}", path.display()));
    }
    printer.text("ready; Ctrl-C ends it");
    engine::signals()?.recv().await;
    farm.stop().await;
    Ok(ExitCode::Done)
}
