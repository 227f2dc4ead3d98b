//! Scheduled tasks: registered from XML, run when their delay is over, as SYSTEM, in the machine's own shell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use roxmltree::{Document, Node};

use super::stream::{OutputSink, Stdin};
use super::{Machine, Session};

/// Who runs them.
const SYSTEM: &str = r"NT AUTHORITY\SYSTEM";

/// All tasks that somebody registered, by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    registered: BTreeMap<String, Registered>,
    /// Of the last registration.
    number: u64,
}

#[derive(Debug)]
struct Registered {
    name: String,
    number: u64,
    task: Task,
}

/// A task, as its XML describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Task {
    /// How long after the registration it runs; not at all without such a trigger.
    pub(super) after_registration: Option<Duration>,
    /// How long after a restart of Windows.
    pub(super) after_boot: Option<Duration>,
    /// Command and arguments.
    pub(super) actions: Vec<String>,
}

/// Why XML is no task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// What Windows does not take.
    Malformed(&'static str),
    /// What Windows would take, and the simulator does not do.
    NotSimulated(&'static str),
}

impl Tasks {
    /// The names as they were written.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.registered
            .values()
            .map(|registered| registered.name.as_str())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.registered.contains_key(&name.to_lowercase())
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.registered.remove(&name.to_lowercase()).is_some()
    }

    fn actions_of(&self, number: u64) -> Option<Vec<String>> {
        let found = self
            .registered
            .values()
            .find(|registered| registered.number == number)?;
        Some(found.task.actions.clone())
    }
}

/// Registers a task, over one of the same name; its delay begins.
pub(super) fn register(machine: &Machine, name: &str, task: Task) {
    let after = task.after_registration;
    let number = {
        let mut state = machine.state();
        state.tasks.number += 1;
        let number = state.tasks.number;
        let name = name.to_owned();
        state
            .tasks
            .registered
            .insert(name.to_lowercase(), Registered { name, number, task });
        number
    };
    if let Some(after) = after {
        run_later(machine, number, after);
    }
}

/// Runs a task at once, as `schtasks /run` does.
pub(super) fn run_now(machine: &Machine, name: &str) {
    let number = {
        let state = machine.state();
        state
            .tasks
            .registered
            .get(&name.to_lowercase())
            .map(|registered| registered.number)
    };
    if let Some(number) = number {
        run_later(machine, number, Duration::ZERO);
    }
}

/// Windows has started: tasks with a trigger for that begin to wait.
pub(super) fn booted(machine: &Machine) {
    let due: Vec<(u64, Duration)> = machine
        .state()
        .tasks
        .registered
        .values()
        .filter_map(|registered| Some((registered.number, registered.task.after_boot?)))
        .collect();
    for (number, after) in due {
        run_later(machine, number, after);
    }
}

/// The task runs after so much simulated time, unless it is gone by then or was registered anew.
fn run_later(machine: &Machine, number: u64, after: Duration) {
    let Some(machine) = machine.me.upgrade() else {
        return;
    };
    tokio::spawn(async move {
        machine.pause(after).await;
        let actions = machine.state().tasks.actions_of(number);
        for action in actions.unwrap_or_default() {
            run(&machine, &action).await;
        }
    });
}

async fn run(machine: &Arc<Machine>, action: &str) {
    let session = Session {
        user: SYSTEM.to_owned(),
        working_directory: Some(r"C:\Windows\system32".to_owned()),
        ..Session::default()
    };
    // Nobody listens to what a task writes.
    let (out, _) = OutputSink::channel();
    machine.run_in(&session, action, Stdin::empty(), out).await;
}

/// Reads the bytes of a task file.
pub(super) fn read(bytes: &[u8]) -> Result<Task, Refused> {
    let text = decoded(bytes)?;
    let document = Document::parse(&text).map_err(|_| Refused::Malformed("not XML"))?;
    let root = document.root_element();
    if root.tag_name().name() != "Task"
        || root.tag_name().namespace() != Some("http://schemas.microsoft.com/windows/2004/02/mit/task")
    {
        return Err(Refused::Malformed("no Task"));
    }
    let (mut after_registration, mut after_boot) = (None, None);
    for trigger in child(root, "Triggers")
        .into_iter()
        .flat_map(|node| node.children())
    {
        if !trigger.is_element() {
            continue;
        }
        let delay = match text_of(trigger, "Delay") {
            Some(text) => duration(text).ok_or(Refused::Malformed("Delay"))?,
            None => Duration::ZERO,
        };
        match trigger.tag_name().name() {
            "RegistrationTrigger" => after_registration = Some(delay),
            "BootTrigger" => after_boot = Some(delay),
            _ => {
                return Err(Refused::NotSimulated(
                    "a trigger other than registration and boot",
                ));
            }
        }
    }
    let principal = child(root, "Principals").and_then(|node| child(node, "Principal"));
    if principal.and_then(|node| text_of(node, "UserId")) != Some("S-1-5-18") {
        return Err(Refused::NotSimulated("a task of anybody but SYSTEM"));
    }
    let actions: Vec<String> = child(root, "Actions")
        .into_iter()
        .flat_map(|node| node.children())
        .filter(|node| node.tag_name().name() == "Exec")
        .filter_map(|node| {
            let arguments = text_of(node, "Arguments").unwrap_or_default();
            Some(format!("{} {arguments}", text_of(node, "Command")?))
        })
        .collect();
    if actions.is_empty() || actions.len() > 32 {
        return Err(Refused::Malformed("Actions"));
    }
    Ok(Task {
        after_registration,
        after_boot,
        actions,
    })
}

/// UTF-16 with its mark where the declaration says so, and UTF-8 where it does not: anything else cannot be switched to.
fn decoded(bytes: &[u8]) -> Result<String, Refused> {
    const SWITCH: Refused = Refused::Malformed("unable to switch the encoding");
    match bytes {
        [0xFF, 0xFE, rest @ ..] => {
            let (pairs, odd) = rest.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            let text = String::from_utf16(&units).map_err(|_| SWITCH)?;
            match odd.is_empty() {
                true => Ok(text),
                false => Err(SWITCH),
            }
        }
        _ => {
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| SWITCH)?;
            match text.to_ascii_lowercase().contains("encoding=\"utf-16\"") {
                true => Err(SWITCH),
                false => Ok(text),
            }
        }
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

/// `PT10M`, `PT600S`, `PT1H30M`: hours, minutes and seconds.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..=digits)?;
        let factor = match unit {
            "H" => 3600,
            "M" => 60,
            "S" => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = rest.get(digits + 1..)?;
    }
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(triggers: &str, encoding: &str) -> String {
        format!(
            "<?xml version=\"1.0\"{encoding}?><Task version=\"1.2\" \
             xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><Triggers>{triggers}</Triggers>\
             <Principals><Principal><UserId>S-1-5-18</UserId></Principal></Principals>\
             <Actions><Exec><Command>cmd.exe</Command><Arguments>/c ver</Arguments></Exec></Actions></Task>"
        )
    }

    #[test]
    fn delays_are_read_and_strange_ones_refused() {
        for (text, seconds) in [("PT600S", 600), ("PT10M", 600), ("PT1H30M5S", 5405)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "600", "PT", "PTM", "PT5X", "P1D"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_windows_refuses_is_refused() {
        let trigger = "<RegistrationTrigger><Delay>PT5M</Delay></RegistrationTrigger>";
        let task = read(xml(trigger, "").as_bytes()).unwrap();
        assert_eq!(task.after_registration, Some(Duration::from_secs(300)));
        assert_eq!(task.actions, ["cmd.exe /c ver"]);
        let wrong = read(xml(trigger, " encoding=\"UTF-16\"").as_bytes());
        assert_eq!(wrong, Err(Refused::Malformed("unable to switch the encoding")));
        assert!(matches!(read(b"<Task/>"), Err(Refused::Malformed(_))));
        let calendar = read(xml("<CalendarTrigger/>", "").as_bytes());
        assert!(matches!(calendar, Err(Refused::NotSimulated(_))));
    }
}
