//! From texts to values, or to everything that is wrong with them.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fleet::Inventory;
use crate::lints;
use crate::playbook::Playbook;
use crate::reader::{self, Findings, syntax};
use crate::source::Source;

/// What a check of an inventory, a playbook or both together came to.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The inventory, if it was given and has no error.
    pub inventory: Option<Inventory>,
    /// The playbook, if it was given and has no error.
    pub playbook: Option<Playbook>,
    /// Everything found, by file and place; the inventory's first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// Whether any of it is an error.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.diagnostics)
    }
}

/// Reads and lints what is given, and goes on as far as it makes sense after errors: one call reports all there is to report.
pub fn check(inventory: Option<&Source>, playbook: Option<&Source>) -> Checked {
    let fleet = inventory.map(|source| (source, read_fleet(source)));
    let change = playbook.map(|source| (source, read_change(source)));
    let mut of_inventory = Vec::new();
    let mut of_playbook = Vec::new();
    if let Some((source, read)) = &fleet
        && read.sound
    {
        of_inventory.extend(lints::inventory(&read.value, source));
    }
    if let Some((
        source,
        ChangeRead {
            value: Some(value),
            findings,
            sound: true,
        },
    )) = &change
    {
        let mut found = lints::playbook(value, source);
        if let Some((inventory_source, fleet)) = &fleet
            && fleet.sound
        {
            let both = lints::together(&fleet.value, value, inventory_source, source);
            of_inventory.extend(both.inventory);
            found.extend(both.playbook);
        }
        of_playbook.extend(lints::unspoilt(found, findings, source));
    }
    let mut checked = Checked::default();
    if let Some((_, read)) = fleet {
        of_inventory.extend(read.findings);
        checked.inventory = (!has_errors(&of_inventory)).then_some(read.value);
    }
    if let Some((_, read)) = change {
        of_playbook.extend(read.findings);
        checked.playbook = read.value.filter(|_| !has_errors(&of_playbook));
    }
    for mut list in [of_inventory, of_playbook] {
        list.sort_by_key(|found| (found.span.start, found.code));
        checked.diagnostics.append(&mut list);
    }
    checked
}

/// Reads an inventory, or says everything that is wrong with it. Only errors are reported; [`lint`](fn@crate::lint) adds the warnings.
pub fn read_inventory(source: &Source) -> Result<Inventory, Vec<Diagnostic>> {
    let read = read_fleet(source);
    if has_errors(&read.findings) {
        Err(read.findings)
    } else {
        Ok(read.value)
    }
}

/// Reads a playbook, or says everything that is wrong with it. Only errors are reported; [`lint`](fn@crate::lint) adds the warnings.
pub fn read_playbook(source: &Source) -> Result<Playbook, Vec<Diagnostic>> {
    let read = read_change(source);
    match read.value {
        Some(playbook) if !has_errors(&read.findings) => Ok(playbook),
        _ => Err(read.findings),
    }
}

/// Looks for what no file says wrong by itself: names of the other file, steps in an order that cannot be meant, rules that shut out the
/// wrong ones. Both values must have been read from these sources.
pub fn lint(
    inventory: &Inventory,
    playbook: &Playbook,
    inventory_source: &Source,
    playbook_source: &Source,
) -> Vec<Diagnostic> {
    let both = lints::together(inventory, playbook, inventory_source, playbook_source);
    let mut of_inventory = lints::inventory(inventory, inventory_source);
    let mut of_playbook = lints::playbook(playbook, playbook_source);
    of_inventory.extend(both.inventory);
    of_playbook.extend(both.playbook);
    of_inventory.sort_by_key(|found| (found.span.start, found.code));
    of_playbook.sort_by_key(|found| (found.span.start, found.code));
    of_inventory.extend(of_playbook);
    of_inventory
}

struct FleetRead {
    value: Inventory,
    findings: Vec<Diagnostic>,
    /// The structure is beyond doubt: what is missing is really missing.
    sound: bool,
}

struct ChangeRead {
    value: Option<Playbook>,
    findings: Vec<Diagnostic>,
    sound: bool,
}

fn read_fleet(source: &Source) -> FleetRead {
    let parsed = syntax::parse(source);
    let mut found = Findings::new(source);
    let value = reader::inventory::read(&parsed.root, &mut found);
    parsed.report(&mut found);
    let findings = found.into_list();
    FleetRead {
        value,
        sound: is_sound(&findings),
        findings,
    }
}

fn read_change(source: &Source) -> ChangeRead {
    let parsed = syntax::parse(source);
    let mut found = Findings::new(source);
    let value = reader::playbook::read(&parsed.root, &mut found).complete();
    parsed.report(&mut found);
    let findings = found.into_list();
    ChangeRead {
        value,
        sound: is_sound(&findings),
        findings,
    }
}

fn is_sound(findings: &[Diagnostic]) -> bool {
    !findings
        .iter()
        .any(|found| matches!(found.code, Code::Syntax | Code::DuplicateKey))
}

fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|found| found.severity == Severity::Error)
}
