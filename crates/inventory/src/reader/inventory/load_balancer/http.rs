//! `kind = "http"`: three requests with holes to fill, and what a yes looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::SignedDuration;

use super::{backend, timeout};
use crate::diagnostic::Code;
use crate::load_balancer::{Conditions, HttpBalancer, Method, Request, StateRequest, TEXT};
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;
use crate::reader::template;
use crate::template::{Placeholder, Template};

/// How long a request may take that does not say it: these interfaces answer in a second or two, and some start their day with a login.
const HTTP_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// Which holes have something to be filled with.
struct Holes {
    has_backend: bool,
    has_credential: bool,
}

/// `None` where there is no URL to speak of, which was reported.
pub(super) fn read(
    table: &Table<'_>,
    probes_from: &[IpAddr],
    found: &mut Findings<'_>,
) -> Option<HttpBalancer> {
    let url = table
        .need("url", "write scheme, host and port: \"https://192.0.2.8\"", found)
        .and_then(|entry| address::url(&entry, &["https", "http"], "https://192.0.2.8", found));
    let credential = table.get("credential");
    let holes = Holes {
        has_backend: table.get("backend").is_some(),
        has_credential: credential.is_some(),
    };
    if let (Some(url), Some(entry)) = (&url, &credential)
        && url.scheme() == "http"
    {
        let message = "the load balancer's password would cross the network in clear";
        let hint = "write url = \"https://...\"";
        found.error(Code::ClearPassword, entry.span(), message, hint);
    }
    let headers = headers(table, &holes, found);
    let drain = named(table, "drain", "it takes a member out", found)
        .and_then(|table| request(&table, Method::Post, &holes, found));
    let ready = named(table, "ready", "it puts a member back", found)
        .and_then(|table| request(&table, Method::Post, &holes, found));
    let state = named(table, "state", "it tells how a member stands", found)
        .and_then(|table| state(&table, &holes, found));
    Some(HttpBalancer {
        url: url?,
        backend: backend(table, found),
        credential: credential.and_then(|entry| entry.text(found).map(str::to_owned)),
        ca_file: table
            .get("ca_file")
            .and_then(|entry| entry.text(found).map(str::to_owned)),
        timeout: timeout(table, HTTP_TIMEOUT, found),
        headers,
        drain: drain?,
        ready: ready?,
        state: state?,
        probes_from: probes_from.to_vec(),
    })
}

/// One of the requests that there must be.
fn named<'a>(
    table: &Table<'a>,
    key: &'static str,
    what: &str,
    found: &mut Findings<'_>,
) -> Option<Table<'a>> {
    let hint = format!("{what}: write method, path and body below [load_balancer.NAME.{key}]");
    let entry = table.need(key, &hint, found)?;
    let keys = if key == "state" {
        &keys::STATE
    } else {
        &keys::REQUEST
    };
    Table::open(&entry, format!("`{key}`"), keys, found)
}

fn headers(table: &Table<'_>, holes: &Holes, found: &mut Findings<'_>) -> BTreeMap<String, Template> {
    let Some(entry) = table.get("headers") else {
        return BTreeMap::new();
    };
    let Some(headers) = Table::open(&entry, "`headers`".to_owned(), &keys::NAMES, found) else {
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for entry in headers.entries() {
        if !entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let message = format!("`{}` is not the name of a header", shown(entry.key));
            found.error(Code::BadName, entry.place(), message, "letters, digits and `-`");
            continue;
        }
        if let Some(template) = template(&entry, holes, found) {
            read.insert(entry.key.to_owned(), template);
        }
    }
    read
}

fn request(table: &Table<'_>, usual: Method, holes: &Holes, found: &mut Findings<'_>) -> Option<Request> {
    let method = table
        .get("method")
        .and_then(|entry| entry.word(&Method::ALL, &[], found))
        .unwrap_or(usual);
    let path = table
        .need(
            "path",
            "write it with its query: \"/api/{backend}/{member}\"",
            found,
        )
        .and_then(|entry| path(&entry, holes, found));
    let body = table.get("body").and_then(|entry| body(&entry, holes, found));
    let status = table.get("status").map(|entry| statuses(&entry, found));
    Some(Request {
        method,
        path: path?,
        body,
        status: status.unwrap_or_default(),
        expect: conditions(table, "expect", found),
    })
}

fn state(table: &Table<'_>, holes: &Holes, found: &mut Findings<'_>) -> Option<StateRequest> {
    let request = request(table, Method::Get, holes, found);
    let in_rotation = conditions(table, "in_rotation", found);
    let drained = conditions(table, "drained", found);
    for (key, conditions) in [("in_rotation", &in_rotation), ("drained", &drained)] {
        let hint = "write what the answer says then: { \"/state\" = [\"up\"] }";
        match table.get(key) {
            None => drop(table.need(key, hint, found)),
            Some(entry) if conditions.0.is_empty() && entry.is_table() => {
                let message = format!("`{key}` asks for nothing, so that it would always hold");
                found.error(Code::BadValue, entry.span(), message, hint);
            }
            Some(_) => {}
        }
    }
    let connections = table.get("connections").and_then(|entry| {
        let text = entry.text(found)?;
        is_place(text, &entry, false, found).then(|| text.to_owned())
    });
    Some(StateRequest {
        request: request?,
        in_rotation,
        drained,
        connections,
    })
}

fn path(entry: &Entry<'_>, holes: &Holes, found: &mut Findings<'_>) -> Option<Template> {
    let text = entry.text(found)?;
    if !text.starts_with('/') || text.starts_with("//") {
        let message = format!("{} does not begin with one slash", entry.name());
        let hint = "scheme and host stand in `url`: write \"/api/...\"";
        found.error(Code::BadValue, entry.span(), message, hint);
        return None;
    }
    let template = template(entry, holes, found)?;
    if template.uses(Placeholder::Password) {
        let message = "the password would stand in a path, and so in logs";
        let hint = "send it in a header or in the body, or not at all: HTTP Basic is used where no request names {password}";
        found.error(Code::BadValue, entry.span(), message, hint);
        return None;
    }
    Some(template)
}

fn body(entry: &Entry<'_>, holes: &Holes, found: &mut Findings<'_>) -> Option<Template> {
    let body = template::body(entry, found)?;
    has_values(&body, entry, holes, found);
    template::is_whole(&body, entry, found).then_some(body)
}

fn template(entry: &Entry<'_>, holes: &Holes, found: &mut Findings<'_>) -> Option<Template> {
    let template = template::parsed(entry.text(found)?, entry, found)?;
    has_values(&template, entry, holes, found);
    Some(template)
}

/// Each hole has something to stand for.
fn has_values(template: &Template, entry: &Entry<'_>, holes: &Holes, found: &mut Findings<'_>) {
    let lacks = |word: &str, key: &str| format!("{{{word}}} has nothing to stand for: there is no `{key}`");
    for (placeholder, word, key, is_there) in [
        (Placeholder::Backend, "backend", "backend", holes.has_backend),
        (Placeholder::User, "user", "credential", holes.has_credential),
        (
            Placeholder::Password,
            "password",
            "credential",
            holes.has_credential,
        ),
    ] {
        if template.uses(placeholder) && !is_there {
            let hint = format!("write {key} = \"...\" at the load balancer");
            found.error(Code::MissingKey, entry.span(), lacks(word, key), hint);
        }
    }
}

fn statuses(entry: &Entry<'_>, found: &mut Findings<'_>) -> BTreeSet<u16> {
    let hint = "write a list of numbers: [200, 204]";
    let Some(elements) = entry.elements(hint, found) else {
        return BTreeSet::new();
    };
    elements
        .filter_map(|element| element.number(100..=599, found))
        .filter_map(|status| u16::try_from(status).ok())
        .collect()
}

/// `{ "/pointer" = "word", "/other" = ["one", "another"] }`.
fn conditions(table: &Table<'_>, key: &'static str, found: &mut Findings<'_>) -> Conditions {
    let mut read = BTreeMap::new();
    let Some(entry) = table.get(key) else {
        return Conditions::default();
    };
    let Some(places) = Table::open(&entry, format!("`{key}`"), &keys::NAMES, found) else {
        return Conditions::default();
    };
    for place in places.entries() {
        if !is_place(place.key, &place, true, found) {
            continue;
        }
        let words = match place.is_list() {
            true => place
                .texts(found)
                .into_iter()
                .map(|(word, _)| word.to_owned())
                .collect(),
            false => place
                .text(found)
                .map(|word| vec![word.to_owned()])
                .unwrap_or_default(),
        };
        if place.is_empty() {
            let message = format!("`{}` lists no word", shown(place.key));
            found.error(Code::BadValue, place.span(), message, "name one or more");
        }
        read.insert(place.key.to_owned(), words);
    }
    Conditions(read)
}

/// Whether a text is a place in an answer: a JSON pointer, or `text`.
fn is_place(text: &str, entry: &Entry<'_>, may_be_text: bool, found: &mut Findings<'_>) -> bool {
    if text.starts_with('/') || (may_be_text && text == TEXT) {
        return true;
    }
    let message = format!("`{}` is no place in an answer", shown(text));
    let hint = match may_be_text {
        true => {
            "write a JSON pointer such as \"/state\" or \"/entries/*/value\", or `text` for the whole body"
        }
        false => "write a JSON pointer such as \"/stats/connections\"",
    };
    found.error(Code::BadValue, entry.place(), message, hint);
    false
}
