//! `[load_balancer.NAME]`: the kind says which of the keys mean something.

mod http;

use std::net::IpAddr;

use jiff::SignedDuration;

use super::references::References;
use crate::diagnostic::Code;
use crate::load_balancer::{CommandBalancer, LoadBalancer};
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;

/// How long a program may take that does not say it: it may ask several things.
const COMMAND_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
const TIMEOUTS: (SignedDuration, SignedDuration) =
    (SignedDuration::from_millis(10), SignedDuration::from_mins(5));

/// The kinds of load balancers.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Haproxy,
    Http,
    Command,
    None,
}

impl Kind {
    const ALL: [(&'static str, Self); 4] = [
        ("haproxy", Self::Haproxy),
        ("http", Self::Http),
        ("command", Self::Command),
        ("none", Self::None),
    ];

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, kind)| *kind == self);
        known.map_or("", |(word, _)| *word)
    }

    /// The keys that mean something besides `kind` and `probes_from`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Haproxy => &["socket", "backend"],
            Self::Http => &[
                "url",
                "backend",
                "credential",
                "ca_file",
                "timeout",
                "headers",
                "drain",
                "ready",
                "state",
            ],
            Self::Command => &["command", "backend", "credential", "timeout"],
            Self::None => &[],
        }
    }
}

/// Reads one.
pub(super) fn read(table: &Table<'_>, references: &mut References, found: &mut Findings<'_>) -> LoadBalancer {
    let hint = "write kind = \"haproxy\", \"http\" or \"command\", or \"none\" if casgate cannot steer it";
    let kind = table
        .need("kind", hint, found)
        .and_then(|entry| entry.word(&Kind::ALL, &[], found));
    let probes_from = match table.get("probes_from") {
        Some(entry) => addresses(&entry, found),
        None => Vec::new(),
    };
    let Some(kind) = kind else {
        return LoadBalancer::None { probes_from };
    };
    for key in keys::LOAD_BALANCER.names() {
        let Some(entry) = table.get(key) else { continue };
        if !matches!(key, "kind" | "probes_from") && !kind.keys().contains(&key) {
            let message = format!("`{key}` means nothing to kind = \"{}\"", kind.word());
            let kinds: Vec<String> = Kind::ALL
                .iter()
                .filter(|(_, other)| other.keys().contains(&key))
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let hint = format!("leave it out, or write kind = {}", kinds.join(" or "));
            found.error(Code::UnknownKey, entry.place(), message, hint);
        }
    }
    if let Some((name, span)) = credential(table, kind, found) {
        references.credential(&name, span);
    }
    match kind {
        Kind::None => LoadBalancer::None { probes_from },
        Kind::Haproxy => haproxy(table, probes_from, found),
        Kind::Http => match http::read(table, &probes_from, found) {
            Some(balancer) => LoadBalancer::Http(Box::new(balancer)),
            None => LoadBalancer::None { probes_from },
        },
        Kind::Command => command(table, probes_from, found),
    }
}

fn credential(
    table: &Table<'_>,
    kind: Kind,
    found: &mut Findings<'_>,
) -> Option<(String, std::ops::Range<usize>)> {
    let entry = table
        .get("credential")
        .filter(|_| kind.keys().contains(&"credential"))?;
    Some((entry.text(found)?.to_owned(), entry.span()))
}

fn haproxy(table: &Table<'_>, probes_from: Vec<IpAddr>, found: &mut Findings<'_>) -> LoadBalancer {
    let place =
        "write the runtime API's place: \"tcp://192.0.2.5:9999\" or \"unix:///run/haproxy/admin.sock\"";
    let name = "write the name of the backend that holds the farm's servers";
    LoadBalancer::Haproxy {
        sockets: table
            .need("socket", place, found)
            .map(|entry| one_or_more(&entry, runtime_socket, found))
            .unwrap_or_default(),
        backends: table
            .need("backend", name, found)
            .map(|entry| one_or_more(&entry, proxy_name, found))
            .unwrap_or_default(),
        probes_from,
    }
}

fn command(table: &Table<'_>, probes_from: Vec<IpAddr>, found: &mut Findings<'_>) -> LoadBalancer {
    let hint = "write program and arguments as a list: [\"/usr/local/bin/lb\", \"--site\", \"dc1\"]";
    let words = table
        .need("command", hint, found)
        .map(|entry| {
            if entry.is_empty() {
                found.error(Code::BadValue, entry.span(), "`command` names no program", hint);
            }
            match entry.is_list() {
                true => entry.texts(found),
                false => {
                    entry.wrong_type::<()>("a list", hint, found);
                    Vec::new()
                }
            }
        })
        .unwrap_or_default();
    LoadBalancer::Command(CommandBalancer {
        command: words.into_iter().map(|(word, _)| word.to_owned()).collect(),
        backend: backend(table, found),
        credential: table
            .get("credential")
            .and_then(|entry| entry.text(found).map(str::to_owned)),
        timeout: timeout(table, COMMAND_TIMEOUT, found),
        probes_from,
    })
}

/// The backend's name, where the load balancer's own words decide what a name may be.
fn backend(table: &Table<'_>, found: &mut Findings<'_>) -> String {
    table
        .get("backend")
        .and_then(|entry| entry.text(found).map(str::to_owned))
        .unwrap_or_default()
}

fn timeout(table: &Table<'_>, usual: SignedDuration, found: &mut Findings<'_>) -> SignedDuration {
    table
        .get("timeout")
        .and_then(|entry| entry.duration(TIMEOUTS, found))
        .unwrap_or(usual)
}

fn addresses(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<IpAddr> {
    let Some(elements) = entry.elements("write a list of addresses: [\"192.0.2.5\"]", found) else {
        return Vec::new();
    };
    elements
        .filter_map(|element| address::ip(&element, found))
        .collect()
}

/// A text, or a list of different ones that is not empty.
fn one_or_more(
    entry: &Entry<'_>,
    read: fn(&Entry<'_>, &mut Findings<'_>) -> Option<String>,
    found: &mut Findings<'_>,
) -> Vec<String> {
    if !entry.is_list() {
        return read(entry, found).into_iter().collect();
    }
    if entry.is_empty() {
        let message = format!("{} is an empty list", entry.name());
        found.error(Code::BadValue, entry.span(), message, "name one or more");
    }
    let Some(elements) = entry.elements("write one text, or a list", found) else {
        return Vec::new();
    };
    let mut texts: Vec<String> = Vec::new();
    for element in elements {
        match read(&element, found) {
            Some(text) if texts.contains(&text) => {
                let message = format!("`{}` stands twice in `{}`", shown(&text), shown(entry.key));
                found.error(Code::BadValue, element.span(), message, "write it once");
            }
            Some(text) => texts.push(text),
            None => {}
        }
    }
    texts
}

/// `tcp://host:port`, `unix:///path`, or the path of a Unix socket.
fn runtime_socket(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if text.starts_with('/') {
        return Some(text.to_owned());
    }
    if let Some(path) = text.strip_prefix("unix://") {
        if path.starts_with('/') {
            return Some(text.to_owned());
        }
        let message = format!("{} is `{}`, which is no absolute path", entry.name(), shown(text));
        let hint = "three slashes: \"unix:///run/haproxy/admin.sock\"";
        found.error(Code::BadAddress, entry.span(), message, hint);
        return None;
    }
    let url = address::url(entry, &["tcp", "unix"], "tcp://192.0.2.5:9999", found)?;
    if url.port().is_none() {
        let message = format!("{} does not say the port", entry.name());
        found.error(
            Code::BadAddress,
            entry.span(),
            message,
            "write it as \"tcp://192.0.2.5:9999\"",
        );
        return None;
    }
    Some(text.to_owned())
}

/// A name that stands in HAProxy's runtime commands, where blanks, `;` and `/` mean something.
pub(super) fn proxy_name(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
    {
        return Some(text.to_owned());
    }
    let message = format!("{} is `{}`, which HAProxy cannot name", entry.name(), shown(text));
    found.error(
        Code::BadName,
        entry.span(),
        message,
        "letters, digits, `-`, `_`, `.` and `:`, as in haproxy.cfg",
    );
    None
}
