//! `wait_healthy` and `witness`: pages to look at, and places from which to look.

use std::ops::Range;

use jiff::SignedDuration;

use crate::diagnostic::Code;
use crate::name::VantageName;
use crate::reader::address;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::table::Table;
use crate::step::Witness;

const ACTIVE_SYNC: &str = "/Microsoft-Server-ActiveSync/";

/// A witness that asks all run long is no load on the farm, and still sees a restart.
const MOST_OFTEN: SignedDuration = SignedDuration::from_millis(100);
const LEAST_OFTEN: SignedDuration = SignedDuration::from_secs(60);

/// The pages of `wait_healthy`.
pub(super) fn health_pages(table: &Table<'_>, found: &mut Findings<'_>) -> Vec<String> {
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

/// Reads one `witness`.
pub(super) fn witness(table: &Table<'_>, found: &mut Findings<'_>) -> Witness {
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
    let every = table
        .get("every")
        .and_then(|entry| entry.duration((MOST_OFTEN, LEAST_OFTEN), found));
    if let (Some(_), Some(entry), true) = (
        every,
        table.get("every"),
        allowed_from.is_empty() && denied_from.is_empty(),
    ) {
        found.error(
            Code::IdleWitness,
            entry.span(),
            "nobody would ask all run long: neither allowed_from nor denied_from names a vantage",
            "name vantages, or leave `every` out",
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
        every,
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
