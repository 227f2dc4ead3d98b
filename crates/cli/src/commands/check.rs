//! `casgate check`: every problem of the input files at once.

use inventory::Severity;

use crate::args::{Check, Common};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs;
use crate::printer::Printer;

pub(crate) fn run(common: &Common, args: &Check, printer: &Printer) -> Result<ExitCode, Error> {
    let inventory_path = common.inventory.as_ref().ok_or(Error::NoInventory)?;
    let inventory_source = inputs::source(inventory_path)?;
    let playbook_source = args.playbook.as_deref().map(inputs::source).transpose()?;
    let checked = inventory::check(Some(&inventory_source), playbook_source.as_ref());
    let warnings = checked
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Warning)
        .count();
    let wrong = checked.has_errors();
    let place = |file: &str| {
        playbook_source
            .as_ref()
            .filter(|s| s.name == file)
            .unwrap_or(&inventory_source)
            .clone()
    };
    let diagnostics: Vec<_> = checked
        .diagnostics
        .into_iter()
        .map(|d| (place(&d.file).clone(), d))
        .map(|(s, d)| (d, s))
        .collect();
    for (diagnostic, _) in &diagnostics {
        printer.json(&inputs::diagnostic_json(diagnostic));
    }
    if wrong {
        return Err(Error::Wrong { diagnostics });
    }
    for (warning, source) in &diagnostics {
        printer.note(&warning.render(source, printer.color()));
    }
    let servers = checked.inventory.map_or(0, |inventory| inventory.servers.len());
    printer.text(&format!("{}: {servers} servers, ok", inventory_source.name));
    if let (Some(source), Some(playbook)) = (&playbook_source, checked.playbook) {
        printer.text(&format!("{}: {} steps, ok", source.name, playbook.steps.len()));
    }
    if warnings > 0 {
        printer.text(&format!("{warnings} warnings"));
    }
    Ok(ExitCode::Done)
}
