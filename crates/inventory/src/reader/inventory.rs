//! `[defaults]`, `[credential.*]`, `[load_balancer.*]`, `[pool.*]`, `[site.*]`, `[server.*]`, `[vantage.*]` to an [`Inventory`].

mod credential;
mod kerberos;
mod references;
mod server;
mod way;

use std::net::{IpAddr, Ipv4Addr};

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Code;
use crate::fleet::{Inventory, LoadBalancer, Pool, Site, Vantage};
use crate::name;
use crate::quantity::Quantity;
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;
use references::References;
use server::Defaults;

/// `min_in_rotation` of a pool that does not say it: what one would want of a farm, and refused by the plan where it cannot be kept.
const MIN_IN_ROTATION: Quantity = Quantity::Percent(75);

/// Reads a parsed inventory. What could not be read has its default in the answer, which is of use only where nothing was found.
pub(crate) fn read(root: &Spanned<DeTable<'_>>, found: &mut Findings<'_>) -> Inventory {
    let file = Table::root(root, &keys::INVENTORY, found);
    let mut inventory = Inventory::default();
    let mut references = References::default();
    for entry in sections(&file, "credential", found) {
        if let Some(table) = Table::open(&entry, title("credential", &entry), &keys::CREDENTIAL, found) {
            inventory
                .credentials
                .insert(entry.key.to_owned(), credential::read(&table, found));
        }
    }
    for entry in sections(&file, "load_balancer", found) {
        if let Some(table) = Table::open(
            &entry,
            title("load_balancer", &entry),
            &keys::LOAD_BALANCER,
            found,
        ) {
            inventory
                .load_balancers
                .insert(entry.key.to_owned(), load_balancer(&table, found));
        }
    }
    for entry in sections(&file, "pool", found) {
        if let Some(table) = Table::open(&entry, title("pool", &entry), &keys::POOL, found) {
            inventory
                .pools
                .insert(entry.key.into(), pool(&entry, &table, &mut references, found));
        }
    }
    for entry in sections(&file, "site", found) {
        if let Some(table) = Table::open(&entry, title("site", &entry), &keys::SITE, found) {
            references.site(entry.key, entry.place());
            let min_in_rotation = table
                .need("min_in_rotation", "write min_in_rotation = \"50%\"", found)
                .and_then(|entry| entry.quantity(found));
            if let Some(min_in_rotation) = min_in_rotation {
                inventory
                    .sites
                    .insert(entry.key.to_owned(), Site { min_in_rotation });
            }
        }
    }
    for entry in sections(&file, "vantage", found) {
        if let Some(table) = Table::open(&entry, title("vantage", &entry), &keys::VANTAGE, found) {
            // Nobody's address keeps the name of one that could not be read, so that its uses are not reported as well.
            let vantage =
                vantage(&table, found).unwrap_or(Vantage::SourceAddress(Ipv4Addr::UNSPECIFIED.into()));
            inventory.vantages.insert(entry.key.into(), vantage);
        }
    }
    let defaults = match file.get("defaults") {
        Some(entry) => Table::open(&entry, "[defaults]".to_owned(), &keys::DEFAULTS, found)
            .map(|table| Defaults::read(&table, &mut references, found)),
        None => None,
    }
    .unwrap_or_default();
    for entry in sections(&file, "server", found) {
        if let Some(table) = Table::open(&entry, title("server", &entry), &keys::SERVER, found) {
            let server = server::read(&entry, &table, &defaults, &mut references, found);
            inventory.servers.insert(server.name.clone(), server);
        }
    }
    if inventory.servers.is_empty() {
        let hint = "write one `[server.NAME]` for each server, with its address";
        found.error(Code::NoServers, 0..0, "the inventory has no server", hint);
    }
    references.check(&inventory, found);
    inventory
}

/// The named tables of a section: `[server.cas01]`, `[server.cas02]`, …
fn sections<'a>(file: &Table<'a>, section: &'static str, found: &mut Findings<'_>) -> Vec<Entry<'a>> {
    let Some(entry) = file.get(section) else {
        return Vec::new();
    };
    let Some(table) = Table::open(&entry, format!("[{section}]"), &keys::NAMES, found) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for entry in table.entries() {
        if !entry.is_table() {
            let message = format!("`{}` stands directly in [{section}]", shown(entry.key));
            let hint = format!("give each {section} a name of its own: [{section}.NAME]");
            found.error(Code::WrongType, entry.place(), message, hint);
            continue;
        }
        check_name(section, &entry, found);
        entries.push(entry);
    }
    entries
}

/// Names must fit into selectors, file names and the load balancer's command line.
fn check_name(section: &str, entry: &Entry<'_>, found: &mut Findings<'_>) {
    if !name::is_valid(entry.key) {
        let message = format!(
            "`{}` cannot be the name of a {}",
            shown(entry.key),
            section.replace('_', " ")
        );
        let hint =
            "use letters, digits, `-`, `_` and `.`, at most 63; host names and addresses go into `address`";
        found.error(Code::BadName, entry.place(), message, hint);
    } else if matches!(entry.key, "all" | "and" | "or" | "not") {
        let message = format!("`{}` is a word of the selectors and cannot be a name", entry.key);
        found.error(Code::BadName, entry.place(), message, "choose another name");
    }
}

fn title(section: &str, entry: &Entry<'_>) -> String {
    format!("[{section}.{}]", shown(entry.key))
}

fn load_balancer(table: &Table<'_>, found: &mut Findings<'_>) -> LoadBalancer {
    #[derive(Clone, Copy)]
    enum Kind {
        Haproxy,
        None,
    }
    let later = [
        ("command", "use \"haproxy\", or \"none\" and drain by hand"),
        ("http", "use \"haproxy\", or \"none\" and drain by hand"),
    ];
    let kind = table
        .need(
            "kind",
            "write kind = \"haproxy\", or \"none\" if casgate cannot steer it",
            found,
        )
        .and_then(|entry| entry.word(&[("haproxy", Kind::Haproxy), ("none", Kind::None)], &later, found));
    let probes_from = match table.get("probes_from") {
        Some(entry) => addresses(&entry, found),
        None => Vec::new(),
    };
    match kind {
        None => LoadBalancer::None { probes_from },
        Some(Kind::None) => {
            for key in ["socket", "backend"] {
                if let Some(entry) = table.get(key) {
                    let message = format!("`{key}` means nothing to kind = \"none\"");
                    found.error(
                        Code::UnknownKey,
                        entry.place(),
                        message,
                        "write kind = \"haproxy\", or leave it out",
                    );
                }
            }
            LoadBalancer::None { probes_from }
        }
        Some(Kind::Haproxy) => LoadBalancer::Haproxy {
            socket: table
                .need(
                    "socket",
                    "write the runtime API's place: \"tcp://192.0.2.5:9999\" or \"/run/haproxy/admin.sock\"",
                    found,
                )
                .and_then(|entry| runtime_socket(&entry, found))
                .unwrap_or_default(),
            backend: table
                .need(
                    "backend",
                    "write the name of the backend that holds the farm's servers",
                    found,
                )
                .and_then(|entry| proxy_name(&entry, found))
                .unwrap_or_default(),
            probes_from,
        },
    }
}

fn addresses(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<IpAddr> {
    let Some(elements) = entry.elements("write a list of addresses: [\"192.0.2.5\"]", found) else {
        return Vec::new();
    };
    elements
        .filter_map(|element| address::ip(&element, found))
        .collect()
}

/// `tcp://host:port`, or the path of a Unix socket.
fn runtime_socket(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if text.starts_with('/') {
        return Some(text.to_owned());
    }
    let url = address::url(entry, &["tcp"], "tcp://192.0.2.5:9999", found)?;
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
fn proxy_name(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
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

fn pool(entry: &Entry<'_>, table: &Table<'_>, references: &mut References, found: &mut Findings<'_>) -> Pool {
    let load_balancer = table.get("load_balancer").and_then(|entry| {
        let name = entry.text(found)?.to_owned();
        references.load_balancer(&name, entry.span());
        Some(name)
    });
    let vip = table
        .get("vip")
        .and_then(|entry| address::url(&entry, &["https"], "https://mail.contoso.example", found));
    let vip_address = table
        .get("vip_address")
        .and_then(|entry| address::socket(&entry, found));
    if let (Some(_), None) = (vip_address, table.get("vip")) {
        let hint = "write vip = \"https://mail.contoso.example\": the name that clients ask for";
        found.error(
            Code::MissingVip,
            table.span.clone(),
            format!("{} has a vip_address but no vip", table.title),
            hint,
        );
    }
    let floor = table.get("min_in_rotation");
    let min_in_rotation = floor.as_ref().and_then(|entry| entry.quantity(found));
    if let Some(floor) = &floor {
        references.floor(entry.key, floor.span());
    }
    Pool {
        name: entry.key.into(),
        load_balancer,
        vip,
        vip_address,
        min_in_rotation: min_in_rotation.unwrap_or(MIN_IN_ROTATION),
        max_failures: table
            .get("max_failures")
            .and_then(|entry| entry.number(0..=1_000_000, found)),
    }
}

fn vantage(table: &Table<'_>, found: &mut Findings<'_>) -> Option<Vantage> {
    match (table.get("source_address"), table.get("proxy")) {
        (Some(entry), None) => address::ip(&entry, found).map(Vantage::SourceAddress),
        (None, Some(entry)) => address::url(
            &entry,
            &["http", "socks5", "socks5h"],
            "socks5h://192.0.2.9:1080",
            found,
        )
        .map(Vantage::Proxy),
        (Some(_), Some(second)) => {
            let message = format!("{} has both source_address and proxy", table.title);
            found.error(
                Code::BadValue,
                second.place(),
                message,
                "a vantage is one of them: leave the other out",
            );
            None
        }
        (None, None) => {
            let message = format!("{} says neither source_address nor proxy", table.title);
            let hint = "write source_address = \"192.0.2.10\" (an address of this machine) or proxy = \"socks5h://host:1080\"";
            found.error(Code::MissingKey, table.span.clone(), message, hint);
            None
        }
    }
}
