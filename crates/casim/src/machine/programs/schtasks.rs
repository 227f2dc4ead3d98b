//! `schtasks /create /xml`, `/query /fo csv /nh`, `/delete`, `/run`.

use super::Call;
use crate::machine::tasks::{self, Refused};

/// A task that every Windows has: a list without any task would be another machine's.
const OF_WINDOWS: &str = r"Microsoft\Windows\Defrag\ScheduledDefrag";

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(60).await;
    let arguments = call.arguments.clone();
    let Some((verb, rest)) = arguments.split_first() else {
        return call.not_simulated("'schtasks' without a verb");
    };
    let Some(switches) = switches(rest) else {
        return fail(
            call,
            "Invalid syntax. Mandatory option is missing or value expected.",
        );
    };
    let of = |name: &str| {
        let found = switches.iter().find(|(switch, _)| switch == name);
        found.map(|(_, value)| value.as_deref().unwrap_or_default())
    };
    let is_only = |known: &[&str]| {
        switches
            .iter()
            .all(|(switch, _)| known.contains(&switch.as_str()))
    };
    match verb.to_ascii_lowercase().as_str() {
        "/create" if is_only(&["/tn", "/xml", "/f"]) => match (of("/tn"), of("/xml")) {
            (Some(name), Some(file)) => create(call, name, file, of("/f").is_some()),
            _ => fail(call, "Invalid syntax. Mandatory option 'sc' is missing."),
        },
        "/query" if is_only(&["/fo", "/nh"]) && of("/nh").is_some() => {
            match of("/fo").map(str::to_ascii_lowercase).as_deref() {
                Some("csv") => list(call),
                _ => call.not_simulated("'schtasks /query' in another format than csv without a header"),
            }
        }
        "/delete" if is_only(&["/tn", "/f"]) && of("/f").is_some() => match of("/tn") {
            Some(name) => delete(call, name),
            None => fail(call, "Invalid syntax. Mandatory option 'tn' is missing."),
        },
        "/run" if is_only(&["/tn"]) => match of("/tn") {
            Some(name) => run_now(call, name),
            None => fail(call, "Invalid syntax. Mandatory option 'tn' is missing."),
        },
        _ => call.not_simulated(&format!("'schtasks {}'", arguments.join(" "))),
    }
}

/// Switches in lower case, with their values where they have one.
fn switches(words: &[String]) -> Option<Vec<(String, Option<String>)>> {
    let mut switches = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let switch = word.to_ascii_lowercase();
        let value = match switch.as_str() {
            "/f" | "/nh" => None,
            _ if switch.starts_with('/') => Some(words.next()?.clone()),
            _ => return None,
        };
        switches.push((switch, value));
    }
    Some(switches)
}

fn create(call: &Call<'_, '_>, name: &str, file: &str, force: bool) -> u32 {
    if call.faults().filtered_token.is_on() {
        return fail(call, "Access is denied.");
    }
    let Some(bytes) = call.machine().contents(file) else {
        return fail(call, "The system cannot find the file specified.");
    };
    if call.machine().state().tasks.contains(name) && !force {
        return call.not_simulated("the question whether a task is to be replaced");
    }
    match tasks::read(&bytes) {
        Ok(task) => {
            tasks::register(call.machine(), name, task);
            call.print(&format!(
                "SUCCESS: The scheduled task \"{name}\" has successfully been created.\r\n"
            ));
            0
        }
        Err(Refused::Malformed(why)) => fail(call, &format!("The task XML is malformed. {why}")),
        Err(Refused::NotSimulated(what)) => call.not_simulated(what),
    }
}

fn list(call: &Call<'_, '_>) -> u32 {
    let mut text = String::from("\r\n");
    {
        let state = call.machine().state();
        for name in state.tasks.names().chain([OF_WINDOWS]) {
            text.push_str(&format!("\"\\{name}\",\"N/A\",\"Ready\"\r\n"));
        }
    }
    call.print(&text);
    0
}

fn delete(call: &Call<'_, '_>, name: &str) -> u32 {
    if call.faults().filtered_token.is_on() {
        return fail(call, "Access is denied.");
    }
    if !call.machine().state().tasks.remove(name) {
        return unknown(call, name);
    }
    call.print(&format!(
        "SUCCESS: The scheduled task \"{name}\" was successfully deleted.\r\n"
    ));
    0
}

fn run_now(call: &Call<'_, '_>, name: &str) -> u32 {
    if !call.machine().state().tasks.contains(name) {
        return unknown(call, name);
    }
    tasks::run_now(call.machine(), name);
    call.print(&format!(
        "SUCCESS: Attempted to run the scheduled task \"{name}\".\r\n"
    ));
    0
}

fn unknown(call: &Call<'_, '_>, name: &str) -> u32 {
    fail(
        call,
        &format!("The specified task name \"{name}\" does not exist in the system."),
    )
}

fn fail(call: &Call<'_, '_>, text: &str) -> u32 {
    call.out.stderr.line(&format!("ERROR: {text}"));
    1
}
