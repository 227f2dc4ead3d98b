//! `casgate runs`: what is on record.

use journal::StateDirectory;

use crate::args::Common;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;
use crate::state;
use crate::table::table;

pub(crate) fn run(common: &Common, printer: &Printer) -> Result<ExitCode, Error> {
    let folder = state::folder(common)?;
    let runs = StateDirectory::new(folder.clone())
        .runs()
        .map_err(|source| Error::Journal { source })?;
    if runs.is_empty() {
        printer.text(&format!("no runs in {}", folder.display()));
        return Ok(ExitCode::Done);
    }
    let mut rows = Vec::new();
    for run in &runs {
        match &run.content {
            Ok(content) => {
                let counts = &content.counts;
                let failed = counts.failed + counts.undone + counts.stuck;
                let left = counts.waiting + counts.running + counts.skipped;
                rows.push(vec![
                    run.run.to_string(),
                    content.started.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                    content.end.to_string(),
                    counts.changed.to_string(),
                    failed.to_string(),
                    left.to_string(),
                    content.title.clone(),
                ]);
                printer.json(&serde_json::json!({
                    "run": run.run, "started": content.started, "title": content.title, "operator": content.operator,
                    "state": content.end.to_string(), "changed": counts.changed, "failed": failed, "left": left,
                }));
            }
            Err(error) => {
                rows.push(vec![run.run.to_string(), String::new(), "UNREADABLE".to_owned()]);
                printer.note(&format!("{}: {error}", run.folder.display()));
                printer.json(
                    &serde_json::json!({ "run": run.run, "state": "unreadable", "error": error.to_string() }),
                );
            }
        }
    }
    let header = ["run", "started", "state", "changed", "failed", "left", "title"];
    printer.text(&table(header, rows, None));
    Ok(ExitCode::Done)
}
