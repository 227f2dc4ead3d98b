//! `[[hook]]`: events, and one program or one address.

use jiff::SignedDuration;

use crate::diagnostic::Code;
use crate::hook::{Hook, HookAct, HookFormat};
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::suggest;
use crate::reader::table::Table;
use crate::reader::template;

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
    let format = format(&table, found);
    let required = is_required(&table, &on, found);
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
            format,
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
    Some(Hook {
        on,
        act,
        timeout,
        required,
    })
}

fn format(table: &Table<'_>, found: &mut Findings<'_>) -> HookFormat {
    let body = table.get("body");
    let own = body
        .as_ref()
        .and_then(|entry| template::body(entry, found).filter(|own| template::is_whole(own, entry, found)));
    let word = table.get("format").and_then(|entry| {
        if body.is_some() {
            let hint = "`format` is one of casgate's own forms, `body` is yours: write one of them";
            found.error(
                Code::BadValue,
                entry.place(),
                "[[hook]] has both `format` and `body`",
                hint,
            );
        }
        let words = [
            ("generic", &HookFormat::Generic),
            ("teams", &HookFormat::Teams),
            ("slack", &HookFormat::Slack),
        ];
        entry.word(&words, &[], found)
    });
    match (own, word) {
        (Some(own), _) => HookFormat::Body(own),
        (None, Some(word)) => word.clone(),
        (None, None) => HookFormat::default(),
    }
}

/// A hook that nothing begins without. The end of a run can be told, but not refused.
fn is_required(table: &Table<'_>, on: &[String], found: &mut Findings<'_>) -> bool {
    let Some(entry) = table.get("required") else {
        return false;
    };
    let required = entry.boolean(found).unwrap_or_default();
    if required && on.iter().any(|on| on == "run_finished") {
        found.error(
            Code::BadValue,
            entry.span(),
            "`run_finished` cannot be required: the run is over by then, and nothing is left to stop",
            "write one [[hook]] with required = true for the other events, and one without it for run_finished",
        );
    }
    required
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
