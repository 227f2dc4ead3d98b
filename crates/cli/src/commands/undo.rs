//! `casgate undo`: take a whole run back. In the run's own journal, so that what was done and what was taken back stand in one place, and `resume`
//! goes on with an undo that was interrupted.

use driver::Clock;

use super::resume::Past;
use crate::args::{Common, Undo};
use crate::engine::Onward;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;
use crate::{approval, window};

pub(crate) async fn run(common: &Common, args: &Undo, printer: &Printer) -> Result<ExitCode, Error> {
    let past = Past::open(common, &args.run)?;
    let servers: Vec<String> = past
        .rollout
        .to_take_back()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    if servers.is_empty() {
        return Err(Error::NothingToUndo {
            run: past.run.to_string(),
        });
    }
    let plan = past.rollout.plan();
    printer.text(&format!("UNDO {}  {}", past.run, plan.title));
    printer.text(&format!(
        "to put back, in this order, one of a pool at a time: {}",
        servers.join(", ")
    ));
    printer.text("a server that somebody changed since is shown and left as it is; features, backups and restarts stay");
    if let Some(note) = window::undo_note(plan.policy.window.as_ref(), Clock::real().now()) {
        printer.note(&note);
    }
    let question = format!(
        "Put {} servers back to what they were before this run?",
        servers.len()
    );
    approval::ask(&args.approval, &plan.hash(), &question, printer)?;
    past.go_on(common, args.steal_lease.as_deref(), Onward::Undo, None, printer)
        .await
}
