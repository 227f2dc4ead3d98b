//! One `[[step]]`: exactly one kind, with its own keys.

use std::ops::Range;

use iis::ApplicationPath;
use iis::ip_security::{Existing, Unlisted};
use jiff::SignedDuration;

use super::allow;
use crate::diagnostic::Code;
use crate::name::VantageName;
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys::{self, Keys};
use crate::reader::suggest;
use crate::reader::table::Table;
use crate::step::{
    BackUp, CommandStep, Drain, InstallFeature, PowershellStep, RestartIis, RestartMethod, Restrict,
    ReturnToRotation, Step, StepKind, WaitHealthy, Witness,
};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// `cmd.exe` takes no longer line.
const LONGEST_LINE: usize = 8191;
const ACTIVE_SYNC: &str = "/Microsoft-Server-ActiveSync/";

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
    for entry in step.entries() {
        match StepKind::ALL.into_iter().find(|kind| kind.as_str() == entry.key) {
            Some(kind) => kinds.push((kind, entry)),
            None => {
                let message = format!("there is no step `{}`", shown(entry.key));
                let hint = suggest::hint(entry.key, StepKind::ALL.iter().map(|kind| kind.as_str()), "step");
                found.error(Code::UnknownStep, entry.place(), message, hint);
                // Its kind is unclear even if another one stands beside it.
                kinds.clear();
                return None;
            }
        }
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

fn restrict(table: &Table<'_>, found: &mut Findings<'_>) -> Option<Restrict> {
    let unlisted_words = [("allow", Unlisted::Allow), ("deny", Unlisted::Deny)];
    let existing_words = [("replace", Existing::Replace), ("keep", Existing::Keep)];
    let application = table
        .need(
            "application",
            "write application = \"Default Web Site/Microsoft-Server-ActiveSync\"",
            found,
        )
        .and_then(|entry| application(&entry, found));
    let unlisted_entry = table.need(
        "unlisted",
        "write unlisted = \"deny\": what becomes of clients that no entry names",
        found,
    );
    let unlisted = unlisted_entry
        .as_ref()
        .and_then(|entry| entry.word(&unlisted_words, &[], found));
    let existing = table
        .need(
            "existing",
            "write existing = \"replace\", or \"keep\" to add to the entries that are there",
            found,
        )
        .and_then(|entry| entry.word(&existing_words, &[], found));
    let allow_entry = table.get("allow");
    let allow = allow_entry
        .as_ref()
        .map(|entry| allow::read(entry, found))
        .unwrap_or_default();
    let written_empty = allow_entry.as_ref().is_none_or(Entry::is_empty);
    if let (Some(Unlisted::Deny), Some(entry), true) = (unlisted, &unlisted_entry, written_empty) {
        let hint =
            "list who may still come: allow = [ { address = \"192.0.2.10\" }, { role = \"loopback\" } ]";
        found.error(
            Code::DenyWithoutAllow,
            entry.span(),
            "everybody would be shut out: deny without any allow",
            hint,
        );
    }
    Some(Restrict {
        // Any application does: a finding was made, so that nobody sees this one.
        application: application.or_else(|| ApplicationPath::new("Default Web Site", ACTIVE_SYNC).ok())?,
        unlisted: unlisted.unwrap_or(Unlisted::Deny),
        existing: existing.unwrap_or(Existing::Replace),
        allow,
    })
}

/// `Default Web Site/Microsoft-Server-ActiveSync`.
fn application(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ApplicationPath> {
    let text = entry.text(found)?;
    match text.parse::<ApplicationPath>() {
        Ok(application) => Some(application),
        Err(error) => {
            let hint =
                "write site and path as IIS shows them: \"Default Web Site/Microsoft-Server-ActiveSync\"";
            found.error(
                Code::BadValue,
                entry.span(),
                format!("`application`: {error}"),
                hint,
            );
            None
        }
    }
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

fn health_pages(table: &Table<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let hint = "write paths = [\"/Microsoft-Server-ActiveSync/healthcheck.htm\"]";
    let Some(entry) = table.need("paths", hint, found) else {
        return Vec::new();
    };
    if entry.is_empty() {
        found.error(
            Code::BadValue,
            entry.span(),
            "`paths` is empty: nothing would be waited for",
            hint,
        );
    }
    pages(&entry, found)
}

fn pages(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let Some(elements) = entry.elements("write a list of paths: [\"/owa/\"]", found) else {
        return Vec::new();
    };
    elements
        .filter_map(|element| address::page(&element, found))
        .collect()
}

fn witness(table: &Table<'_>, found: &mut Findings<'_>) -> Witness {
    let allowed_from = vantages(table, "allowed_from", found);
    let denied_from = vantages(table, "denied_from", found);
    for (name, place) in &denied_from {
        if let Some((_, first)) = allowed_from.iter().find(|(allowed, _)| allowed == name) {
            let message = format!("`{name}` stands in both allowed_from and denied_from");
            found.error(
                Code::WitnessContradicts,
                place.clone(),
                message,
                "leave it in one of them",
            );
            found.related(first.clone(), "also here");
        }
    }
    let unchanged = table
        .get("unchanged")
        .map(|entry| pages(&entry, found))
        .unwrap_or_default();
    let idle = ["allowed_from", "denied_from", "unchanged"]
        .iter()
        .all(|key| table.get(key).is_none_or(|e| e.is_empty()));
    if idle {
        let hint = "name vantages in allowed_from and denied_from, and paths in unchanged";
        found.error(
            Code::IdleWitness,
            table.span.clone(),
            "this witness looks at nothing",
            hint,
        );
    }
    let names = |list: Vec<(VantageName, Range<usize>)>| list.into_iter().map(|(name, _)| name).collect();
    Witness {
        allowed_from: names(allowed_from),
        denied_from: names(denied_from),
        unchanged,
        path: table
            .get("path")
            .and_then(|entry| address::page(&entry, found))
            .unwrap_or_else(|| ACTIVE_SYNC.to_owned()),
    }
}

fn vantages(
    table: &Table<'_>,
    key: &'static str,
    found: &mut Findings<'_>,
) -> Vec<(VantageName, Range<usize>)> {
    let Some(entry) = table.get(key) else {
        return Vec::new();
    };
    entry
        .texts(found)
        .into_iter()
        .map(|(name, place)| (name.into(), place))
        .collect()
}

/// One line for cmd.exe.
fn line(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
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
fn script(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
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

fn exit_codes(table: &Table<'_>, found: &mut Findings<'_>) -> Vec<u32> {
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
