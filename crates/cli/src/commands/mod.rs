//! One file for each command.

mod apply;
mod check;
mod exec;
mod explain;
mod ping;
pub(crate) mod plan;
pub(crate) mod preflight;
mod preview;
mod rehearse;
mod restore_backup;
mod resume;
mod runs;
mod shells;
mod simulate;
mod status;
mod undo;
mod upload;
mod verify;

pub(crate) use plan::Looks;

use crate::args::{Args, Command};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;

/// Runs the command that was asked for.
pub(crate) async fn run(args: Args, printer: &Printer) -> Result<ExitCode, Error> {
    let common = args.common;
    match args.command {
        Command::Rehearse(args) => rehearse::run(&common, &args, printer).await,
        Command::Check(args) => check::run(&common, &args, printer),
        Command::Ping(args) if args.shells => shells::run(&common, &args, printer).await,
        Command::Ping(args) => ping::run(&common, &args, printer).await,
        Command::Exec(args) => exec::run(&common, &args, printer).await,
        Command::Upload(args) => upload::run(&common, &args, printer).await,
        Command::Preflight(args) => preflight::run(&common, &args, printer).await,
        Command::Plan(args) => plan::run(&common, &args, printer).await,
        Command::Preview(args) => preview::run(&common, &args, printer).await,
        Command::Apply(args) => apply::run(&common, &args, printer).await,
        Command::Status(args) => status::run(&common, &args, printer).await,
        Command::Resume(args) => resume::run(&common, &args, printer).await,
        Command::Undo(args) => undo::run(&common, &args, printer).await,
        Command::Explain(args) => explain::run(&common, &args, printer),
        Command::RestoreBackup(args) => restore_backup::run(&common, &args, printer).await,
        Command::Runs => runs::run(&common, printer),
        Command::Verify(args) => verify::run(&common, &args, printer),
        Command::Simulate(args) => simulate::run(&args, printer).await,
    }
}
