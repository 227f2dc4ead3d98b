//! `reg query`, `reg add`, `reg delete`.

use super::Call;
use crate::machine::registry::{Value, full_path};

const NOT_FOUND: &str = "The system was unable to find the specified registry key or value.";
const DONE: &str = "The operation completed successfully.\r\n";

/// Types that `reg add` takes and whose data the simulator can write.
const KINDS: &[&str] = &[
    "REG_SZ",
    "REG_EXPAND_SZ",
    "REG_MULTI_SZ",
    "REG_DWORD",
    "REG_QWORD",
];

/// The switches of one command.
#[derive(Debug, Default)]
struct Switches {
    /// `/v NAME`, or the empty name for `/ve`.
    value: Option<String>,
    all_values: bool,
    recursive: bool,
    kind: Option<String>,
    data: Option<String>,
    force: bool,
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(30).await;
    let arguments = call.arguments.clone();
    let [verb, key, rest @ ..] = arguments.as_slice() else {
        return invalid(call);
    };
    let Some(path) = full_path(key) else {
        call.out.stderr.line("ERROR: Invalid key name.");
        call.out.stderr.line("Type \"REG /?\" for usage.");
        return 1;
    };
    let switches = match switches(rest) {
        Ok(switches) => switches,
        Err(Refused::Syntax) => return invalid(call),
        Err(Refused::NotSimulated(switch)) => return call.not_simulated(&format!("'reg' with '{switch}'")),
    };
    let verb = verb.to_ascii_lowercase();
    if matches!(verb.as_str(), "add" | "delete") && call.faults().registry_guarded.is_on() {
        call.out.stderr.line("ERROR: Access is denied.");
        return 1;
    }
    match verb.as_str() {
        "query" => query(call, &path, &switches),
        "add" => add(call, &path, switches).await,
        "delete" => delete(call, &path, &switches).await,
        other => call.not_simulated(&format!("'reg {other}'")),
    }
}

enum Refused {
    Syntax,
    NotSimulated(String),
}

fn switches(arguments: &[String]) -> Result<Switches, Refused> {
    let mut switches = Switches::default();
    let mut arguments = arguments.iter();
    while let Some(switch) = arguments.next() {
        let mut operand = || arguments.next().cloned().ok_or(Refused::Syntax);
        match switch.to_ascii_lowercase().as_str() {
            "/v" => switches.value = Some(operand()?),
            "/ve" => switches.value = Some(String::new()),
            "/va" => switches.all_values = true,
            "/s" => switches.recursive = true,
            "/t" => switches.kind = Some(operand()?.to_ascii_uppercase()),
            "/d" => switches.data = Some(operand()?),
            "/f" => switches.force = true,
            "/reg:64" => {}
            known @ ("/k" | "/se" | "/c" | "/e" | "/z" | "/reg:32") => {
                return Err(Refused::NotSimulated(known.to_owned()));
            }
            _ => return Err(Refused::Syntax),
        }
    }
    Ok(switches)
}

fn invalid(call: &Call<'_, '_>) -> u32 {
    call.out.stderr.line("ERROR: Invalid syntax.");
    call.out.stderr.line("Type \"REG /?\" for usage.");
    1
}

fn not_found(call: &Call<'_, '_>) -> u32 {
    call.out.stderr.line(&format!("ERROR: {NOT_FOUND}"));
    1
}

fn value_line(value: &Value) -> String {
    let name = if value.name.is_empty() {
        "(Default)"
    } else {
        &value.name
    };
    format!("    {name}    {}    {}\r\n", value.kind, value.data)
}

fn query(call: &Call<'_, '_>, path: &str, switches: &Switches) -> u32 {
    let state = call.machine().state();
    let registry = &state.registry;
    if switches.recursive && switches.value.is_some() {
        return call.not_simulated("'reg query' with '/s' and a value");
    }
    let Some((spelling, values)) = registry.key(path) else {
        return not_found(call);
    };
    if let Some(name) = &switches.value {
        return match registry.value(path, name) {
            Some(value) => {
                call.print(&format!("\r\n{spelling}\r\n{}\r\n", value_line(&value)));
                0
            }
            None => not_found(call),
        };
    }
    let block = |spelling: &str, values: &[Value]| match values {
        [] => String::new(),
        values => format!(
            "\r\n{spelling}\r\n{}",
            values.iter().map(value_line).collect::<String>()
        ),
    };
    let mut text = block(&spelling, &values);
    let mut children = registry.children(path);
    if switches.recursive {
        while !children.is_empty() {
            let child = children.remove(0);
            if let Some((spelling, values)) = registry.key(&child) {
                text.push_str(&block(&spelling, &values));
            }
            children.splice(0..0, registry.children(&child));
        }
        text.push_str("\r\n");
    } else {
        text.push_str("\r\n");
        text.extend(children.iter().map(|child| format!("{child}\r\n")));
    }
    drop(state);
    call.print(&text);
    0
}

async fn add(call: &mut Call<'_, '_>, path: &str, switches: Switches) -> u32 {
    let Some(name) = switches.value else {
        call.machine().state().registry.set(path, None);
        call.print(DONE);
        return 0;
    };
    let kind = switches.kind.unwrap_or_else(|| "REG_SZ".to_owned());
    if kind == "REG_BINARY" || kind == "REG_NONE" {
        return call.not_simulated(&format!("data of type '{kind}'"));
    }
    if !KINDS.contains(&kind.as_str()) {
        return invalid(call);
    }
    let data = switches.data.unwrap_or_default();
    let Some(data) = canonical(&kind, &data) else {
        return invalid(call);
    };
    let exists = call.machine().state().registry.value(path, &name).is_some();
    if exists && !switches.force {
        let question = format!("Value {name} exists, overwrite(Yes/No)? ");
        if !confirmed(call, &question).await {
            return cancelled(call);
        }
    }
    call.machine()
        .state()
        .registry
        .set(path, Some(Value { name, kind, data }));
    call.print(DONE);
    0
}

/// Numbers are shown in hexadecimal, whatever they were written in.
fn canonical(kind: &str, data: &str) -> Option<String> {
    let number = || match data.strip_prefix("0x").or_else(|| data.strip_prefix("0X")) {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok(),
        None if data.is_empty() => Some(0),
        None => data.parse().ok(),
    };
    match kind {
        "REG_DWORD" => number()
            .filter(|n| u32::try_from(*n).is_ok())
            .map(|n| format!("{n:#x}")),
        "REG_QWORD" => number().map(|n| format!("{n:#x}")),
        _ => Some(data.to_owned()),
    }
}

async fn delete(call: &mut Call<'_, '_>, path: &str, switches: &Switches) -> u32 {
    if switches.all_values {
        return call.not_simulated("'reg delete' with '/va'");
    }
    if !switches.force {
        let question = match &switches.value {
            Some(name) => format!("Delete the registry value {name} (Yes/No)? "),
            None => format!("Permanently delete the registry key {path} (Yes/No)? "),
        };
        if !confirmed(call, &question).await {
            return cancelled(call);
        }
    }
    let mut state = call.machine().state();
    let removed = match &switches.value {
        Some(name) => state.registry.remove_value(path, name),
        None => state.registry.remove_key(path),
    };
    drop(state);
    if !removed {
        return not_found(call);
    }
    call.print(DONE);
    0
}

/// Asks until the answer is yes or no; the end of input is a no.
async fn confirmed(call: &mut Call<'_, '_>, question: &str) -> bool {
    loop {
        call.print(question);
        let Some(answer) = call.read_line().await else {
            return false;
        };
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return true,
            "n" | "no" => return false,
            _ => {}
        }
    }
}

fn cancelled(call: &Call<'_, '_>) -> u32 {
    call.print("The operation was canceled by the user.\r\n");
    1
}
