//! `window = { from, until, time_zone }` of a policy.

use std::str::FromStr;

use crate::diagnostic::Code;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;
use crate::window::{Moment, Window, WindowError, Zone};

/// Reads a change window; `None` where something is wrong with it.
pub(super) fn read(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Window> {
    let table = Table::open(entry, "`window`".to_owned(), &keys::WINDOW, found)?;
    let from = moment(&table, "from", found);
    let until = moment(&table, "until", found);
    let hint = "write the place by whose clock it is meant: \"Europe/Berlin\", or \"UTC\"";
    let time_zone = table
        .need("time_zone", hint, found)
        .and_then(|entry| parsed::<Zone>(&entry, hint, found));
    let (from, until, time_zone) = (from?, until?, time_zone?);
    let place = table
        .get("until")
        .map_or(table.span.clone(), |entry| entry.span());
    let (message, hint) = match (from, until) {
        (Moment::Daily(a), Moment::Daily(b)) if a == b => (
            format!("`until` is `from`, {until}: a window that never closes, or never opens"),
            "leave `window` out where anything may be done at any time",
        ),
        (Moment::Once(a), Moment::Once(b)) if b <= a => (
            format!("`until` ({until}) is not after `from` ({from})"),
            "swap them, or correct the date",
        ),
        (Moment::Daily(_), Moment::Once(_)) | (Moment::Once(_), Moment::Daily(_)) => (
            format!("`from` is {from} and `until` {until}: one has a date, the other has none"),
            "write a date with both, or with neither",
        ),
        _ => {
            return Some(Window {
                from,
                until,
                time_zone,
            });
        }
    };
    found.error(Code::BadValue, place, message, hint);
    None
}

fn moment(table: &Table<'_>, key: &'static str, found: &mut Findings<'_>) -> Option<Moment> {
    let hint = "write a time of day, \"22:00\", or one with its date, \"2026-11-26T22:00\"";
    let entry = table.need(key, hint, found)?;
    parsed::<Moment>(&entry, hint, found)
}

fn parsed<T: FromStr<Err = WindowError>>(
    entry: &Entry<'_>,
    hint: &str,
    found: &mut Findings<'_>,
) -> Option<T> {
    match entry.text(found)?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let message = format!("{}: {error}", entry.name());
            found.error(Code::BadValue, entry.span(), message, hint);
            None
        }
    }
}
