//! Who may use whom. ARCHITECTURE.md shows the same table to people.

use std::collections::BTreeSet;
use std::path::Path;

/// A crate, what it may use of this workspace, and what of everybody else's it may never use.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    pure: bool,
}

const fn pure(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        pure: true,
    }
}

const fn layer(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        pure: false,
    }
}

const LAYERS: &[Layer] = &[
    pure("markup", &[]),
    pure("command", &["markup"]),
    pure("wsman", &["markup"]),
    pure("auth", &[]),
    pure("iis", &["command", "markup"]),
    pure("exchange", &["command", "iis"]),
    pure("inventory", &["exchange", "iis"]),
    pure("rollout", &["iis", "inventory"]),
    pure("preflight", &["exchange", "iis", "inventory", "rollout"]),
    layer("winrm", &["auth", "command", "wsman"]),
    layer(
        "driver",
        &[
            "auth",
            "command",
            "exchange",
            "iis",
            "inventory",
            "preflight",
            "rollout",
            "winrm",
        ],
    ),
    layer("journal", &["rollout"]),
    layer("report", &["iis", "inventory", "rollout"]),
    layer(
        "casim",
        &["auth", "command", "exchange", "iis", "inventory", "wsman"],
    ),
    layer(
        "cli",
        &[
            "auth",
            "casim",
            "command",
            "driver",
            "exchange",
            "iis",
            "inventory",
            "journal",
            "preflight",
            "report",
            "rollout",
            "winrm",
            "wsman",
        ],
    ),
    layer("xtask", &[]),
];

/// A pure crate has none of these: no runtime, no sockets, no terminal.
const IMPURE: &[&str] = &[
    "futures",
    "hyper",
    "indicatif",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tokio-util",
];

/// Every dependency that the table does not allow, and every crate that it does not know.
pub(crate) fn findings(root: &Path) -> Result<Vec<String>, String> {
    let known: BTreeSet<&str> = LAYERS.iter().map(|l| l.name).collect();
    let mut findings = Vec::new();
    let folders = std::fs::read_dir(root.join("crates")).map_err(|e| format!("crates: {e}"))?;
    for folder in folders {
        let name = folder
            .map_err(|e| format!("crates: {e}"))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        match LAYERS.iter().find(|l| l.name == name) {
            Some(layer) => findings.extend(check(root, layer, &known)?),
            None => findings.push(format!(
                "crates/{name}: not in the layer table of crates/xtask/src/layers.rs"
            )),
        }
    }
    findings.sort();
    Ok(findings)
}

fn check(root: &Path, layer: &Layer, known: &BTreeSet<&str>) -> Result<Vec<String>, String> {
    let path = format!("crates/{}/Cargo.toml", layer.name);
    let text = std::fs::read_to_string(root.join(&path)).map_err(|e| format!("{path}: {e}"))?;
    let manifest: toml::Table = text.parse().map_err(|e| format!("{path}: {e}"))?;
    let used = manifest.get("dependencies").and_then(toml::Value::as_table);
    let mut findings = Vec::new();
    for name in used.into_iter().flat_map(toml::Table::keys) {
        if known.contains(name.as_str()) && !layer.may_use.contains(&name.as_str()) {
            findings.push(format!(
                "{path}: `{}` may not use `{name}` (it may use: {})",
                layer.name,
                layer.may_use.join(", ")
            ));
        }
        if layer.pure && IMPURE.contains(&name.as_str()) {
            findings.push(format!(
                "{path}: `{}` is pure and may not use `{name}`",
                layer.name
            ));
        }
    }
    Ok(findings)
}
