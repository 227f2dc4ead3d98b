//! The `casgate` command: arguments in, one of `commands/*.rs`, an exit code out. A library so that the end-to-end tests run the same command.
//!
//! Environment, input files, secrets and the terminal are touched here and nowhere below; libraries are handed values.

mod approval;
mod args;
mod commands;
mod desk;
mod engine;
mod error;
mod exit_code;
mod fan_out;
mod foresight;
mod inputs;
mod leases;
mod leftovers;
mod output;
mod people;
mod preview;
mod printer;
mod run_id;
mod saved_plan;
mod secrets;
mod state;
mod table;
mod window;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::args::Args;
use crate::printer::Printer;

/// Reads the arguments, runs the command, and returns the process's exit code (docs/exit-codes.md).
pub fn main() -> ExitCode {
    let args = Args::parse();
    let printer = Printer::new(&args.common);
    // The provider is a process-wide choice; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.note(&format!("error: the runtime did not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(commands::run(args, &printer))
    }));
    // Whatever the end was, also a defect: no shell that was dropped on the way stays behind on a server.
    runtime.block_on(winrm::reap(Duration::from_secs(10)));
    let code = match ended {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            printer.error(&error);
            error.exit_code()
        }
        // The panic has told itself.
        Err(_) => exit_code::ExitCode::Failure,
    };
    // Nothing of a run is left by now; a worker that was detached on purpose must not hold the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    code.into()
}
