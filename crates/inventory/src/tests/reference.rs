//! The reference pages in docs/ list every key and every code that there is, and none besides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::findings;
use crate::reader::keys::{Keys, OF_INVENTORY, OF_PLAYBOOK};
use crate::{Code, Hook, Severity};

fn page(name: &str) -> String {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// First cells of the table rows below each `##` heading, without their backquotes.
fn rows(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut rows = BTreeMap::<String, BTreeSet<String>>::new();
    let mut heading = String::new();
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.to_owned();
            rows.entry(heading.clone()).or_default();
        } else if let Some(name) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            rows.entry(heading.clone()).or_default().insert(name.0.to_owned());
        }
    }
    rows
}

fn compare(name: &str, tables: &[&Keys]) {
    let rows = rows(&page(name));
    for keys in tables {
        let documented = rows
            .get(keys.heading)
            .unwrap_or_else(|| panic!("docs/{name} has no section {}", keys.heading));
        let known: BTreeSet<String> = keys.names().map(str::to_owned).collect();
        assert_eq!(documented, &known, "docs/{name}, section {}", keys.heading);
    }
}

#[test]
fn every_key_of_an_inventory_is_documented() {
    compare("inventory.md", &OF_INVENTORY);
}

#[test]
fn every_key_of_a_playbook_is_documented() {
    compare("playbook.md", &OF_PLAYBOOK);
}

#[test]
fn every_event_of_a_hook_is_documented() {
    let page = page("playbook.md");
    let cell = page
        .lines()
        .find_map(|line| line.strip_prefix("| `on` | list of events | required | "))
        .expect("the events of a hook");
    let documented: BTreeSet<&str> = cell
        .split("`\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(documented, BTreeSet::from(Hook::EVENTS));
}

#[test]
fn every_code_is_documented_once() {
    let documented: Vec<String> = ["inventory.md", "playbook.md"]
        .iter()
        .flat_map(|name| rows(&page(name)).remove("Findings").unwrap_or_default())
        .collect();
    let unique: BTreeSet<&str> = documented.iter().map(String::as_str).collect();
    assert_eq!(
        unique.len(),
        documented.len(),
        "a code is documented on both pages"
    );
    assert_eq!(unique, Code::ALL.iter().map(|code| code.as_str()).collect());
}

#[test]
fn every_severity_is_documented() {
    let mut provoked = BTreeMap::<&str, BTreeSet<Severity>>::new();
    for source in findings::bad() {
        for found in findings::check_as_named(&source).diagnostics {
            provoked
                .entry(found.code.as_str())
                .or_default()
                .insert(found.severity);
        }
    }
    for name in ["inventory.md", "playbook.md"] {
        let text = page(name);
        let (_, table) = text
            .split_once("## Findings")
            .expect("each page has its findings");
        for row in table.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let documented = match cells[2] {
                "error" => BTreeSet::from([Severity::Error]),
                "warning" => BTreeSet::from([Severity::Warning]),
                "error or warning" => BTreeSet::from([Severity::Error, Severity::Warning]),
                other => panic!("{name}: `{other}` is no severity"),
            };
            let code = cells[1].trim_matches('`');
            assert_eq!(provoked.get(code), Some(&documented), "{name}: {code}");
        }
    }
}
