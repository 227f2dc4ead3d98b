//! `schtasks.exe`: a task that runs some lines a while after it was registered, unless it is taken away before.
//!
//! The time is told as a delay after the registration, by the server's own clock: `/sc once` would want a date in the format of the account's
//! language, a time in the server's zone, and a clock that agrees with ours. Only XML can say so ("Delay (registrationTriggerType) Element", Task
//! Scheduler schema). A registration trigger does not outlive a restart of Windows, so a boot trigger stands beside it.

use std::fmt;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;

/// Whole path: SYSTEM's own search path is nobody's business here.
const PROGRAM: &str = r"%windir%\system32\schtasks.exe";

/// The most actions that a task may have ("Actions (taskType) Element").
pub(crate) const MOST_ACTIONS: usize = 32;

/// How long after a restart of Windows the task waits, so that the services are there.
const AFTER_BOOT_SECONDS: u64 = 60;

/// A task's name, at the root of the task folders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskName(String);

impl TaskName {
    /// ASCII letters, digits and hyphens.
    ///
    /// # Errors
    /// [`Error::BadName`] for anything else.
    pub fn new(text: &str) -> Result<Self, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.is_empty() || text.len() > 200 || !text.chars().all(is_plain) {
            return Err(Error::BadName {
                what: "a scheduled task",
                name: text.to_owned(),
                reason: "1 to 200 ASCII letters, digits and hyphens",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Registers the task that an XML file on the server describes, over one of the same name. Its delay begins anew then.
///
/// # Errors
/// When the path cannot stand in a command line.
pub fn create(name: &TaskName, file: &str) -> Result<Invocation<Result<(), Error>>, Error> {
    let line = CommandLine::raw(format!(r#"{PROGRAM} /create /tn {name} /xml "{file}" /f"#))?;
    Ok(ending_well(line, "schtasks /create"))
}

/// Takes a task away. What it runs at this moment goes on.
///
/// # Errors
/// Never for a name; the type is that of its neighbours.
pub fn delete(name: &TaskName) -> Result<Invocation<Result<(), Error>>, Error> {
    let line = CommandLine::raw(format!("{PROGRAM} /delete /tn {name} /f"))?;
    Ok(ending_well(line, "schtasks /delete"))
}

/// Runs a task at once: what a person does who does not want to wait.
pub fn run_by_hand(name: &TaskName) -> String {
    format!("schtasks /run /tn {name}")
}

/// Takes a task away: what a person does where casgate could not.
pub fn delete_by_hand(name: &TaskName) -> String {
    format!("schtasks /delete /tn {name} /f")
}

/// Whether there is such a task. All tasks are listed: asked for one by name, schtasks ends with 1 both where there is none and where it cannot
/// tell, and only words in the server's language differ.
///
/// # Errors
/// Never for a name; the type is that of its neighbours.
pub fn exists(name: &TaskName) -> Result<Invocation<Result<bool, Error>>, Error> {
    let line = CommandLine::raw(format!("{PROGRAM} /query /fo csv /nh"))?;
    let wanted = format!(r#""\{name}","#);
    Ok(Invocation::new(line, move |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed("schtasks /query", output));
        }
        let text = output.stdout_text();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut tasks = lines.clone().filter(|line| line.starts_with(r#""\"#));
        // Windows has tasks of its own: a list without any is no list.
        if tasks.next().is_none() {
            return Err(Error::Unreadable {
                program: "schtasks /query".to_owned(),
                expected: "a list of tasks",
                found: excerpt(&text),
            });
        }
        Ok(lines.any(|line| {
            line.get(..wanted.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(&wanted))
        }))
    }))
}

/// The XML of a task that runs these lines one after the other as SYSTEM, each in a cmd.exe of its own, so many seconds after it was registered.
/// What one ends with holds up none of the others. So each is run twice as far as there is room, the first ones first: a line that failed because
/// somebody else was writing at that moment gets its second chance before what comes after it, and one that succeeded must not mind being repeated.
/// UTF-16 with a byte order mark, as schtasks itself writes it.
///
/// # Errors
/// [`Error::TooManyLines`] when there are more lines than a task has room for; [`Error::BadName`] when there is none.
pub fn delayed(lines: &[&CommandLine], seconds: u64, why: &str) -> Result<Vec<u8>, Error> {
    if lines.is_empty() {
        return Err(Error::BadName {
            what: "a task's list of actions",
            name: String::new(),
            reason: "a task has at least one",
        });
    }
    if lines.len() > MOST_ACTIONS {
        return Err(Error::TooManyLines {
            found: lines.len(),
            most: MOST_ACTIONS,
        });
    }
    let trigger = |kind: &str, seconds: u64| {
        format!(
            "    <{kind}>\r\n      <Enabled>true</Enabled>\r\n      <Delay>PT{seconds}S</Delay>\r\n    </{kind}>\r\n"
        )
    };
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n",
    );
    text.push_str(&format!(
        "  <RegistrationInfo>\r\n    <Author>casgate</Author>\r\n    <Description>{}</Description>\r\n  </RegistrationInfo>\r\n",
        escaped(why)
    ));
    text.push_str("  <Triggers>\r\n");
    text.push_str(&trigger("BootTrigger", AFTER_BOOT_SECONDS));
    text.push_str(&trigger("RegistrationTrigger", seconds));
    text.push_str(
        "  </Triggers>\r\n  <Principals>\r\n    <Principal id=\"Author\">\r\n      <UserId>S-1-5-18</UserId>\r\n      \
         <RunLevel>HighestAvailable</RunLevel>\r\n    </Principal>\r\n  </Principals>\r\n  <Settings>\r\n    \
         <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\r\n    \
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\r\n    \
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\r\n    <StartWhenAvailable>true</StartWhenAvailable>\r\n    \
         <Enabled>true</Enabled>\r\n    <ExecutionTimeLimit>PT10M</ExecutionTimeLimit>\r\n  </Settings>\r\n  \
         <Actions Context=\"Author\">\r\n",
    );
    for line in twice(lines) {
        // With /s cmd.exe takes off the first and the last quotation mark, whatever stands between.
        let arguments = escaped(&format!("/d /s /c \"{line}\""));
        text.push_str(&format!(
            "    <Exec>\r\n      <Command>%windir%\\system32\\cmd.exe</Command>\r\n      <Arguments>{arguments}</Arguments>\r\n    </Exec>\r\n"
        ));
    }
    text.push_str("  </Actions>\r\n</Task>\r\n");
    Ok(std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect())
}

/// Each line, and again as long as all of them have room.
fn twice<'a>(lines: &'a [&CommandLine]) -> impl Iterator<Item = &'a CommandLine> {
    let room = MOST_ACTIONS.saturating_sub(lines.len());
    lines
        .iter()
        .enumerate()
        .flat_map(move |(at, line)| std::iter::repeat_n(*line, if at < room { 2 } else { 1 }))
}

/// Text inside an XML element. What a command line can carry, XML can carry too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn ending_well(line: CommandLine, program: &'static str) -> Invocation<Result<(), Error>> {
    Invocation::new(line, move |output: &Output| match output.exit_code {
        0 => Ok(()),
        _ => Err(Error::failed(program, output)),
    })
}

#[cfg(test)]
mod tests;
