//! `[defaults]`, `[credential.*]`, `[load_balancer.*]`, `[pool.*]`, `[site.*]`, `[server.*]`, `[vantage.*]` to an [`Inventory`].

mod credential;
mod kerberos;
mod load_balancer;
mod references;
mod server;
mod way;

use std::net::Ipv4Addr;

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Code;
use crate::fleet::{Inventory, Pool, Site, Vantage};
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
            let balancer = load_balancer::read(&table, &mut references, found);
            inventory.load_balancers.insert(entry.key.to_owned(), balancer);
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
            let vantage = vantage(&table, &mut references, found)
                .unwrap_or(Vantage::SourceAddress(Ipv4Addr::UNSPECIFIED.into()));
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

fn vantage(table: &Table<'_>, references: &mut References, found: &mut Findings<'_>) -> Option<Vantage> {
    const KINDS: [&str; 3] = ["source_address", "proxy", "server"];
    let mut written = KINDS.iter().filter_map(|key| Some((*key, table.get(key)?)));
    let Some((kind, entry)) = written.next() else {
        let message = format!("{} says none of source_address, proxy and server", table.title);
        let hint = "write source_address = \"192.0.2.10\" (an address of this machine), proxy = \"socks5h://host:1080\", or server = \"NAME\" (a \
                    [server.NAME] that asks over WinRM)";
        found.error(Code::MissingKey, table.span.clone(), message, hint);
        return None;
    };
    if let Some((second, place)) = written.next() {
        let message = format!("{} has both {kind} and {second}", table.title);
        found.error(
            Code::BadValue,
            place.place(),
            message,
            "a vantage is one of them: leave the other out",
        );
        return None;
    }
    match kind {
        "source_address" => address::ip(&entry, found).map(Vantage::SourceAddress),
        "proxy" => {
            let schemes = ["http", "socks5", "socks5h"];
            address::url(&entry, &schemes, "socks5h://192.0.2.9:1080", found).map(Vantage::Proxy)
        }
        _ => {
            let name = entry.text(found)?;
            references.vantage(name, entry.span());
            Some(Vantage::Server(name.into()))
        }
    }
}
