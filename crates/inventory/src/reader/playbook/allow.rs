//! The allow list of a `restrict` step.

use ipnet::IpNet;

use crate::diagnostic::Code;
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;
use crate::step::{AllowEntry, AllowWhat, Role};

const KINDS: [&str; 4] = ["address", "network", "name", "role"];
const HINT: &str = "write { address = \"192.0.2.10\" }, { network = \"192.0.2.0/28\" }, { name = \"seg.example.net\" } or { role = \"loopback\" }";

/// Reads the list; entries that are wrong are left out.
pub(super) fn read(list: &Entry<'_>, found: &mut Findings<'_>) -> Vec<AllowEntry> {
    let Some(elements) = list.elements("write a list: [ { address = \"192.0.2.10\" } ]", found) else {
        return Vec::new();
    };
    let mut allow: Vec<(AllowEntry, Entry<'_>)> = Vec::new();
    for element in elements {
        let Some(entry) = entry(&element, found) else {
            continue;
        };
        if let Some((_, first)) = allow.iter().find(|(earlier, _)| same(&earlier.what, &entry.what)) {
            let message = format!("`{}` is allowed twice", entry.what);
            found.error(
                Code::DuplicateAllow,
                element.span(),
                message,
                "IIS refuses the same entry twice: remove one",
            );
            found.related(first.span(), "first here");
            continue;
        }
        allow.push((entry, element));
    }
    allow.into_iter().map(|(entry, _)| entry).collect()
}

/// Whether two entries are one to IIS: an address is the network of its own.
fn same(one: &AllowWhat, other: &AllowWhat) -> bool {
    match (network(one), network(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The network of a literal entry.
fn network(what: &AllowWhat) -> Option<IpNet> {
    match what {
        AllowWhat::Address(address) => Some(IpNet::from(*address)),
        AllowWhat::Network(network) => Some(*network),
        AllowWhat::Name(_) | AllowWhat::Role(_) => None,
    }
}

fn entry(element: &Entry<'_>, found: &mut Findings<'_>) -> Option<AllowEntry> {
    if element.is_text() {
        return element.wrong_type("a table that says what it is", HINT, found);
    }
    let before = found.len();
    let table = Table::open(element, "this entry".to_owned(), &keys::ALLOW, found)?;
    let note = table
        .get("note")
        .and_then(|entry| entry.text(found))
        .map(str::to_owned);
    let mut kinds = KINDS.into_iter().filter_map(|kind| table.get(kind));
    let Some(first) = kinds.next() else {
        if found.len() == before {
            found.error(
                Code::MissingKey,
                element.span(),
                "this entry does not say whom it allows",
                HINT,
            );
        }
        return None;
    };
    if let Some(second) = kinds.next() {
        let message = format!("this entry is both `{}` and `{}`", first.key, second.key);
        found.error(Code::BadValue, second.place(), message, "write an entry for each");
        return None;
    }
    let what = match first.key {
        "address" => AllowWhat::Address(address::ip(&first, found)?),
        "network" => AllowWhat::Network(address::network(&first, found)?),
        "name" => AllowWhat::Name(address::host_name(&first, found)?),
        _ => AllowWhat::Role(role(&first, found)?),
    };
    Some(AllowEntry { what, note })
}

fn role(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Role> {
    let words = [
        Role::Loopback,
        Role::OwnAddresses,
        Role::LoadBalancerProbes,
        Role::ExchangePeers,
        Role::Operator,
    ]
    .map(|r| (r.as_str(), r));
    let later = [("monitoring", "list its addresses one by one")];
    if entry.is_text()
        && entry
            .any_text(found)
            .is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok())
    {
        let message = format!(
            "`{}` is an address, expected a role",
            shown(entry.any_text(found)?)
        );
        found.error(Code::BadValue, entry.span(), message, "write { address = ... }");
        return None;
    }
    entry.word(&words, &later, found)
}
