//! `casgate verify`: whether a run's journal is as it was written. Needs neither a server nor the inventory.

use journal::{RunEnd, StateDirectory};

use crate::args::{Common, Verify};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;
use crate::state;

pub(crate) fn run(common: &Common, args: &Verify, printer: &Printer) -> Result<ExitCode, Error> {
    let runs = StateDirectory::new(state::folder(common)?);
    let run = runs.find(&args.run).map_err(|source| Error::Journal { source })?;
    let verified = runs.verify(&run).map_err(|source| Error::Journal { source })?;
    if let Some(noted) = &args.head
        && !verified.head.is_named_by(noted)
    {
        return Err(Error::OtherHead {
            run: run.to_string(),
            noted: noted.clone(),
            found: verified.head.as_str().to_owned(),
        });
    }
    let end = verified
        .rollout
        .verdict()
        .map_or(RunEnd::Interrupted, RunEnd::Finished);
    let span = match (verified.events.first(), verified.events.last()) {
        (Some(first), Some(last)) => format!("{:.0} to {:.0}", first.at, last.at),
        _ => String::new(),
    };
    let mut text = format!(
        "{run}  sound: {} events, {span}, {end}\nhead {}",
        verified.events.len(),
        verified.head.as_str()
    );
    if verified.torn > 0 {
        text.push_str(&format!(
            "\na torn tail of {} bytes was left out: nobody acted on it, and `casgate resume {run}` cuts it off",
            verified.torn
        ));
    }
    printer.text(&text);
    printer.json(&serde_json::json!({
        "run": run, "sound": true, "events": verified.events.len(), "head": verified.head.as_str(), "torn": verified.torn,
        "state": end.to_string(),
    }));
    Ok(ExitCode::Done)
}
