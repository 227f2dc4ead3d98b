//! `casgate ping`: can every server be reached and logged in to, and what is it?

use driver::Clock;
use futures::stream::{self, StreamExt};
use rollout::RunId;

use crate::args::{Common, Ping};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;

pub(crate) async fn run(common: &Common, args: &Ping, printer: &Printer) -> Result<ExitCode, Error> {
    let fleet = Fleet::read(common)?;
    let servers = fleet.select(&args.selector)?;
    let world = &fleet.world(&servers, Clock::real(), RunId::new("ping"), printer)?;
    let mut reports = stream::iter(servers)
        .map(|server| async move {
            let report = driver::ping(world, &server).await;
            (server, report)
        })
        .buffered(16);
    let mut failed = 0;
    while let Some((server, report)) = reports.next().await {
        let error = report.steps.iter().find_map(|step| step.result.as_ref().err());
        printer.text(&format!(
            "{server}  {}",
            if error.is_none() { "ok" } else { "FAILED" }
        ));
        for step in &report.steps {
            let millis = step.elapsed.as_millis();
            match &step.result {
                Ok(text) => printer.text(&format!("    {:<10} {millis:>6} ms  {text}", step.name)),
                Err(error) => {
                    printer.text(&format!("    {:<10} {millis:>6} ms  FAILED", step.name));
                    report::wording::failure(error)
                        .iter()
                        .for_each(|line| printer.text(&format!("        {line}")));
                }
            }
        }
        let steps: Vec<_> = report
            .steps
            .iter()
            .map(|s| serde_json::json!({ "name": s.name, "ok": s.result.as_ref().ok(), "error": s.result.as_ref().err() }))
            .collect();
        printer.json(&serde_json::json!({ "server": server, "steps": steps }));
        failed += usize::from(error.is_some());
    }
    winrm::reap(std::time::Duration::from_secs(5)).await;
    Ok(if failed == 0 {
        ExitCode::Done
    } else {
        ExitCode::Failure
    })
}
