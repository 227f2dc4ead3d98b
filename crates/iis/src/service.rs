//! `sc.exe`: the states of Windows services, by their numbers.

use std::fmt;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;

/// The state of a service (`SERVICE_STATUS_PROCESS.dwCurrentState`, Win32).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ServiceState {
    /// 1.
    Stopped,
    /// 2.
    StartPending,
    /// 3.
    StopPending,
    /// 4.
    Running,
    /// 5.
    ContinuePending,
    /// 6.
    PausePending,
    /// 7.
    Paused,
}

impl ServiceState {
    const ALL: [(u32, Self, &'static str); 7] = [
        (1, Self::Stopped, "stopped"),
        (2, Self::StartPending, "start pending"),
        (3, Self::StopPending, "stop pending"),
        (4, Self::Running, "running"),
        (5, Self::ContinuePending, "continue pending"),
        (6, Self::PausePending, "pause pending"),
        (7, Self::Paused, "paused"),
    ];

    /// The state with this number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(number, ..)| *number == code)
            .map(|(_, state, _)| *state)
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            Self::ALL
                .iter()
                .find(|(_, state, _)| state == self)
                .map_or("", |(.., word)| word),
        )
    }
}

/// What a service is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServiceStatus {
    /// Its state.
    pub state: ServiceState,
    /// The process that hosts it; 0 when it is stopped.
    pub pid: u32,
}

/// Asks a service for its state. A service that does not exist is [`Error::Failed`] with exit code 1060.
///
/// # Errors
/// [`Error::BadName`] for what cannot be the name of a service.
pub fn query(name: &str) -> Result<Invocation<Result<ServiceStatus, Error>>, Error> {
    let line = line("queryex", name)?;
    let program = line.to_string();
    Ok(Invocation::new(line, move |output| read(&program, output)))
}

/// How much `sc` reads from the service manager at once, in bytes: the most that it takes. With its usual buffer a long list ends early.
const BUFFER: &str = "262144";

/// A service of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ServiceState,
    /// The process that hosts it; 0 where the list does not tell.
    pub pid: u32,
}

/// All services that are not stopped.
pub fn list_active() -> Invocation<Result<Vec<Listed>, Error>> {
    const LINE: CommandLine = CommandLine::literal("sc queryex bufsize= 262144");
    listing(LINE)
}

/// The services that need this one, directly or through others.
///
/// # Errors
/// [`Error::BadName`] for what cannot be the name of a service.
pub fn dependents(name: &str) -> Result<Invocation<Result<Vec<Listed>, Error>>, Error> {
    check(name)?;
    Ok(listing(CommandLine::native("sc", &["enumdepend", name, BUFFER])?))
}

fn listing(line: CommandLine) -> Invocation<Result<Vec<Listed>, Error>> {
    let program = line.to_string();
    Invocation::new(line, move |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(&program, output));
        }
        let text = output.stdout_text();
        blocks(&text)
            .into_iter()
            .filter(|block| block.fields.len() > 1)
            .map(|block| {
                listed(&block).ok_or_else(|| Error::Unreadable {
                    program: program.clone(),
                    expected: "a service's name and the number of its state",
                    found: excerpt(block.name),
                })
            })
            .collect()
    })
}

/// What stands between two empty lines: the first line's value, and the values of the lines that are indented.
struct Block<'a> {
    name: &'a str,
    fields: Vec<&'a str>,
}

/// The name comes first, then perhaps a display name, both at the margin; type, state and the rest are indented. The keys may be translated.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        match line.split_once(':') {
            _ if line.trim().is_empty() => is_open = false,
            Some((_, value)) if indented && is_open => {
                if let Some(block) = blocks.last_mut() {
                    block.fields.push(value.trim());
                }
            }
            Some((_, value)) if !indented && !is_open => {
                blocks.push(Block {
                    name: value.trim(),
                    fields: Vec::new(),
                });
                is_open = true;
            }
            _ => {}
        }
    }
    blocks
}

fn listed(block: &Block<'_>) -> Option<Listed> {
    let number = |place: usize| {
        block
            .fields
            .get(place)?
            .split_whitespace()
            .next()?
            .parse::<u32>()
            .ok()
    };
    Some(Listed {
        name: Some(block.name).filter(|name| !name.is_empty())?.to_owned(),
        state: ServiceState::from_code(number(1)?)?,
        pid: number(6).unwrap_or_default(),
    })
}

/// Starts a service (and those that it needs). sc does not wait: ask until it runs. That it runs already is no error.
///
/// # Errors
/// [`Error::BadName`] for what cannot be the name of a service.
pub fn start(name: &str) -> Result<Invocation<Result<(), Error>>, Error> {
    const ALREADY_RUNNING: u32 = 1056;
    let line = line("start", name)?;
    let program = line.to_string();
    Ok(Invocation::new(line, move |output: &Output| {
        match output.exit_code {
            0 | ALREADY_RUNNING => Ok(()),
            _ => Err(Error::failed(&program, output)),
        }
    }))
}

fn line(verb: &str, name: &str) -> Result<CommandLine, Error> {
    check(name)?;
    Ok(CommandLine::native("sc", &[verb, name])?)
}

fn check(name: &str) -> Result<(), Error> {
    // "Service names are not case-sensitive, 256 characters at most, no slash and no backslash" (CreateService, Win32).
    let fits = !name.is_empty() && name.chars().count() <= 256 && !name.contains(['/', '\\']);
    if !fits {
        let reason = "expected 1 to 256 characters without slashes";
        return Err(Error::BadName {
            what: "a service",
            name: name.to_owned(),
            reason,
        });
    }
    Ok(())
}

fn read(program: &str, output: &Output) -> Result<ServiceStatus, Error> {
    if output.exit_code != 0 {
        return Err(Error::failed(program, output));
    }
    let text = output.stdout_text();
    status(&text).ok_or_else(|| Error::Unreadable {
        program: program.to_owned(),
        expected: "the number of a state and a process id",
        found: excerpt(&text),
    })
}

/// Reads `KEY : value` lines. Where the keys are translated their order still tells: after the name come type, state, two exit codes, two more
/// numbers, and the process id.
fn status(text: &str) -> Option<ServiceStatus> {
    let fields: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(key, _)| !key.is_empty())
        .skip(1)
        .collect();
    let number = |key: &str, place: usize| {
        let (_, value) = fields
            .iter()
            .find(|(k, _)| *k == key)
            .or_else(|| fields.get(place))?;
        value.split_whitespace().next()?.parse::<u32>().ok()
    };
    Some(ServiceStatus {
        state: ServiceState::from_code(number("STATE", 1)?)?,
        pid: number("PID", 6)?,
    })
}

#[cfg(test)]
mod tests;
