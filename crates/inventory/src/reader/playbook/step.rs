//! One `[[step]]`: exactly one kind, with its own keys.

use jiff::SignedDuration;

use super::command::{exit_codes, line, script};
use super::restrict::restrict;
use super::witness::{health_pages, witness};
use crate::diagnostic::Code;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys::{self, Keys};
use crate::reader::suggest;
use crate::reader::table::Table;
use crate::step::{
    BackUp, CommandStep, Drain, InstallFeature, PowershellStep, RestartIis, RestartMethod, ReturnToRotation,
    Step, StepKind, WaitHealthy,
};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// The keys of each kind.
fn keys_of(kind: StepKind) -> &'static Keys {
    match kind {
        StepKind::Drain => &keys::DRAIN,
        StepKind::BackUp => &keys::BACK_UP,
        StepKind::InstallFeature => &keys::INSTALL_FEATURE,
        StepKind::Restrict => &keys::RESTRICT,
        StepKind::RestartIis => &keys::RESTART_IIS,
        StepKind::WaitHealthy => &keys::WAIT_HEALTHY,
        StepKind::Witness => &keys::WITNESS,
        StepKind::ReturnToRotation => &keys::RETURN_TO_ROTATION,
        StepKind::Command => &keys::COMMAND,
        StepKind::Powershell => &keys::POWERSHELL,
    }
}

/// Reads one step; `None` if not even its kind is known. What could not be read has its default.
pub(super) fn read(element: &Entry<'_>, found: &mut Findings<'_>) -> Option<Step> {
    let step = Table::open(element, "[[step]]".to_owned(), &keys::NAMES, found)?;
    let mut kinds = Vec::new();
    let before = found.len();
    for entry in step.entries() {
        match StepKind::ALL.into_iter().find(|kind| kind.as_str() == entry.key) {
            Some(kind) => kinds.push((kind, entry)),
            None => {
                let message = format!("there is no step `{}`", shown(entry.key));
                let hint = suggest::hint(entry.key, StepKind::ALL.iter().map(|kind| kind.as_str()), "step");
                found.error(Code::UnknownStep, entry.place(), message, hint);
            }
        }
    }
    if found.len() > before {
        // What it is meant to be is unclear, even if a known kind stands beside.
        return None;
    }
    kinds.sort_by_key(|(_, entry)| entry.key_span.start);
    match kinds.as_slice() {
        [] => {
            let hint = "write one such as `drain = {}` below it, or remove it";
            found.error(
                Code::EmptyStep,
                element.place(),
                "this [[step]] does nothing",
                hint,
            );
            None
        }
        [(kind, entry)] => {
            let table = Table::open(entry, format!("`{kind}`"), keys_of(*kind), found)?;
            body(*kind, &table, found)
        }
        [(first, first_entry), (second, entry), ..] => {
            let message = format!("this [[step]] is both `{first}` and `{second}`");
            found.error(
                Code::TwoKindsInStep,
                entry.place(),
                message,
                "write [[step]] before each: their order is what happens",
            );
            found.related(first_entry.place(), "the first one");
            None
        }
    }
}

fn body(kind: StepKind, table: &Table<'_>, found: &mut Findings<'_>) -> Option<Step> {
    Some(match kind {
        StepKind::Drain => Step::Drain(Drain {
            timeout: timeout(table, SignedDuration::ZERO, found),
        }),
        StepKind::BackUp => Step::BackUp(BackUp {}),
        StepKind::InstallFeature => Step::InstallFeature(InstallFeature {
            name: feature(table, found),
        }),
        StepKind::Restrict => Step::Restrict(restrict(table, found)?),
        StepKind::RestartIis => Step::RestartIis(restart_iis(table, found)),
        StepKind::WaitHealthy => Step::WaitHealthy(WaitHealthy {
            paths: health_pages(table, found),
        }),
        StepKind::Witness => Step::Witness(witness(table, found)),
        StepKind::ReturnToRotation => Step::ReturnToRotation(ReturnToRotation {
            timeout: timeout(table, SignedDuration::from_secs(1), found),
        }),
        StepKind::Command => {
            let hint = "write the line for cmd.exe";
            let command = table
                .need("command", hint, found)
                .and_then(|entry| line(&entry, found));
            Step::Command(CommandStep {
                command: command.unwrap_or_default(),
                unless: table.get("unless").and_then(|entry| line(&entry, found)),
                exit_codes: exit_codes(table, found),
                timeout: timeout(table, SignedDuration::from_secs(1), found),
            })
        }
        StepKind::Powershell => {
            let hint = "write the script for Windows PowerShell";
            let script = table
                .need("script", hint, found)
                .and_then(|entry| script(&entry, found));
            Step::Powershell(PowershellStep {
                script: script.unwrap_or_default(),
                unless: table.get("unless").and_then(|entry| self::script(&entry, found)),
                exit_codes: exit_codes(table, found),
                timeout: timeout(table, SignedDuration::from_secs(1), found),
            })
        }
    })
}

fn timeout(table: &Table<'_>, least: SignedDuration, found: &mut Findings<'_>) -> SignedDuration {
    table
        .get("timeout")
        .and_then(|entry| entry.duration((least, LONGEST), found))
        .unwrap_or(MINUTE)
}

/// A feature's name as dism knows it.
fn feature(table: &Table<'_>, found: &mut Findings<'_>) -> String {
    let Some(entry) = table.need("name", "write name = \"IIS-IPSecurity\"", found) else {
        return String::new();
    };
    let Some(name) = entry.text(found) else {
        return String::new();
    };
    if name.starts_with("Web-") {
        let message = format!("`{}` is Server Manager's name, expected dism's", shown(name));
        let hint = match name {
            "Web-IP-Security" => "write \"IIS-IPSecurity\"",
            _ => "`dism /online /get-features` lists the names",
        };
        found.error(Code::BadValue, entry.span(), message, hint);
    } else if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    {
        let message = format!("`{}` cannot be the name of a feature", shown(name));
        found.error(
            Code::BadValue,
            entry.span(),
            message,
            "letters, digits, `-`, `_` and `.`, as in \"IIS-IPSecurity\"",
        );
    }
    name.to_owned()
}

fn restart_iis(table: &Table<'_>, found: &mut Findings<'_>) -> RestartIis {
    let words = [
        RestartMethod::Iisreset,
        RestartMethod::RecycleAppPool,
        RestartMethod::None,
    ]
    .map(|m| (m.as_str(), m));
    let method = table
        .get("method")
        .and_then(|entry| entry.word(&words, &[], found))
        .unwrap_or_default();
    RestartIis {
        method,
        no_force: table
            .get("no_force")
            .and_then(|entry| entry.boolean(found))
            .unwrap_or(true),
        timeout: timeout(table, SignedDuration::from_secs(1), found),
    }
}
