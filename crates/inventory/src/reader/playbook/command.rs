//! `command` and `powershell`: what an operator writes himself.

use crate::diagnostic::Code;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::table::Table;

/// `cmd.exe` takes no longer line.
const LONGEST_LINE: usize = 8191;

/// One line for cmd.exe.
pub(super) fn line(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let line = entry.text(found)?;
    if line.len() > LONGEST_LINE {
        let message = format!(
            "{} is {} characters long, cmd.exe takes {LONGEST_LINE}",
            entry.name(),
            line.len()
        );
        found.error(Code::BadValue, entry.span(), message, "split it into two steps");
        return None;
    }
    Some(line.to_owned())
}

/// A script of any number of lines.
pub(super) fn script(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let script = entry.any_text(found)?;
    if script.trim().is_empty() || script.contains('\0') {
        let message = format!("{} is no script", entry.name());
        found.error(
            Code::BadValue,
            entry.span(),
            message,
            "write what Windows PowerShell should run",
        );
        return None;
    }
    Some(script.to_owned())
}

/// The exit codes that mean success.
pub(super) fn exit_codes(table: &Table<'_>, found: &mut Findings<'_>) -> Vec<u32> {
    let Some(entry) = table.get("exit_codes") else {
        return vec![0];
    };
    let hint = "write a list of numbers: [0, 3010]";
    if entry.is_empty() {
        found.error(
            Code::BadValue,
            entry.span(),
            "`exit_codes` is empty: the step could never succeed",
            hint,
        );
    }
    let Some(elements) = entry.elements(hint, found) else {
        return vec![0];
    };
    elements
        .filter_map(|element| element.number(0..=u32::MAX, found))
        .collect()
}
