//! `[[hook]]`: events, and one program or one address.

use jiff::SignedDuration;

use crate::diagnostic::Code;
use crate::hook::{Hook, HookAct, HookFormat};
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::suggest;
use crate::reader::table::Table;

const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
const USUAL: SignedDuration = SignedDuration::from_secs(30);

/// Reads one; `None` where it says nothing that could be done.
pub(super) fn read(element: &Entry<'_>, found: &mut Findings<'_>) -> Option<Hook> {
    let table = Table::open(element, "[[hook]]".to_owned(), &keys::HOOK, found)?;
    let on = table.need("on", "write on = [\"server_failed\", \"run_finished\"]", found);
    let on = on.map(|entry| events(&entry, found)).unwrap_or_default();
    let timeout = table
        .get("timeout")
        .and_then(|entry| entry.duration((SHORTEST, LONGEST), found))
        .unwrap_or(USUAL);
    let format = table.get("format").and_then(|entry| {
        let words = [
            ("generic", HookFormat::Generic),
            ("teams", HookFormat::Teams),
            ("slack", HookFormat::Slack),
        ];
        entry.word(&words, &[], found)
    });
    let hint = "write command = [\"program\", \"argument\"], or url_env = \"VARIABLE\" with the variable that holds the URL";
    let act = match (table.get("command"), table.get("url_env")) {
        (Some(entry), None) => {
            let words: Vec<String> = entry
                .texts(found)
                .into_iter()
                .map(|(word, _)| word.to_owned())
                .collect();
            if words.is_empty() {
                found.error(Code::BadValue, entry.span(), "`command` names no program", hint);
            }
            HookAct::Command(words)
        }
        (None, Some(entry)) => HookAct::Post {
            url_env: entry.text(found)?.to_owned(),
            format: format.unwrap_or_default(),
        },
        (None, None) => {
            found.error(
                Code::MissingKey,
                table.span.clone(),
                "[[hook]] says neither `command` nor `url_env`",
                hint,
            );
            return None;
        }
        (Some(_), Some(entry)) => {
            let message = "[[hook]] has both `command` and `url_env`";
            found.error(
                Code::BadValue,
                entry.place(),
                message,
                "write one [[hook]] for each",
            );
            return None;
        }
    };
    Some(Hook { on, act, timeout })
}

fn events(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let mut known = Vec::new();
    for (name, place) in entry.texts(found) {
        if Hook::EVENTS.contains(&name) {
            known.push(name.to_owned());
        } else {
            let message = format!("there is no event `{}` to be told of", shown(name));
            found.error(
                Code::BadValue,
                place,
                message,
                suggest::hint(name, Hook::EVENTS.iter().copied(), "event"),
            );
        }
    }
    if entry.is_empty() {
        found.error(
            Code::BadValue,
            entry.span(),
            "`on` is empty: it would never be told",
            "name events",
        );
    }
    known
}
