//! Programs on the server. Each takes a [`Call`] and returns an exit code.

mod appcmd;
mod dism;
mod findstr;
mod fsutil;
mod iisreset;
mod localised;
mod netsh;
mod ping;
mod powershell;
mod reg;
mod sc;
mod schtasks;
mod tasklist;

use std::time::Duration;

use super::shell::{NOT_SIMULATED, Shell};
use super::stream::{OutputSink, Stdin};
use super::{Faults, Machine};

/// A program that a word on the command line can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Appcmd,
    Cmd,
    Dism,
    FindStr,
    FsUtil,
    HostName,
    IisReset,
    More,
    Netsh,
    Ping,
    PowerShell,
    Reg,
    Sc,
    SchTasks,
    TaskList,
    WhoAmI,
    /// Exists on Windows, not in the simulator.
    Absent(&'static str),
}

/// One start of a program.
pub(super) struct Call<'a, 'b> {
    pub(super) shell: &'a Shell<'b>,
    /// What follows the program's name on the line.
    pub(super) tail: &'a str,
    /// The same as the program's own start-up code takes it apart.
    pub(super) arguments: Vec<String>,
    pub(super) stdin: &'a mut Stdin,
    pub(super) out: OutputSink,
}

impl Call<'_, '_> {
    fn machine(&self) -> &Machine {
        self.shell.machine
    }

    fn faults(&self) -> &Faults {
        self.shell.machine.faults()
    }

    /// Takes simulated time, as a program does until it has an answer.
    async fn work(&self, millis: u64) {
        self.machine().pause(Duration::from_millis(millis)).await;
    }

    fn print(&self, text: &str) {
        match self.faults().localised.is_on() {
            true => self.out.stdout.write(localised::in_german(text).as_bytes()),
            false => self.out.stdout.write(text.as_bytes()),
        }
    }

    /// Says that the simulator does not do what was asked, so that nobody takes silence for success.
    fn not_simulated(&self, what: &str) -> u32 {
        self.out
            .stderr
            .line(&format!("casim: the simulator does not do {what}."));
        NOT_SIMULATED
    }

    /// The next line of standard input without its end; `None` at the end of input.
    async fn read_line(&mut self) -> Option<String> {
        let mut line: Option<Vec<u8>> = None;
        while let Some(bytes) = self.stdin.read().await {
            let line = line.get_or_insert_default();
            line.extend(bytes);
            if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                line.truncate(end);
                break;
            }
        }
        line.map(|line| String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
    }
}

/// Runs a program to its end.
pub(super) async fn run(program: Program, call: &mut Call<'_, '_>) -> u32 {
    match program {
        Program::Appcmd => appcmd::run(call).await,
        Program::Cmd => nested_shell(call).await,
        Program::Dism => dism::run(call).await,
        Program::FindStr => findstr::run(call).await,
        Program::FsUtil => fsutil::run(call).await,
        Program::HostName => {
            call.out.stdout.line(call.machine().name());
            0
        }
        Program::IisReset => iisreset::run(call).await,
        Program::More => more(call).await,
        Program::Netsh => netsh::run(call).await,
        Program::Ping => ping::run(call).await,
        Program::PowerShell => powershell::run(call).await,
        Program::Reg => reg::run(call).await,
        Program::Sc => sc::run(call).await,
        Program::SchTasks => schtasks::run(call).await,
        Program::TaskList => tasklist::run(call).await,
        Program::WhoAmI => who_am_i(call),
        Program::Absent(name) => call.not_simulated(&format!("'{name}', which exists on Windows")),
    }
}

/// `cmd /c LINE`. With a quotation mark in front, the first and the last one are taken off.
async fn nested_shell(call: &mut Call<'_, '_>) -> u32 {
    let tail = call.tail;
    let found = tail
        .char_indices()
        .find(|(i, _)| tail.get(*i..i + 2).is_some_and(|s| s.eq_ignore_ascii_case("/c")));
    let Some((start, _)) = found else {
        return call.not_simulated("an interactive cmd.exe");
    };
    let line = tail.get(start + 2..).unwrap_or_default().trim();
    let unquoted = line.strip_prefix('"').map(|rest| match rest.rsplit_once('"') {
        Some((before, after)) => format!("{before}{after}"),
        None => rest.to_owned(),
    });
    let line = unquoted.unwrap_or_else(|| line.to_owned());
    let (shell, out) = (call.shell, call.out.clone());
    shell.nested(&line, call.stdin, &out).await
}

/// `whoami` and `whoami /groups`, the latter with the columns of Windows and the groups of an administrator.
fn who_am_i(call: &Call<'_, '_>) -> u32 {
    const GROUPS: [[&str; 4]; 4] = [
        [
            "Everyone",
            "Well-known group",
            "S-1-1-0",
            "Mandatory group, Enabled by default, Enabled group",
        ],
        [
            r"BUILTIN\Administrators",
            "Alias",
            "S-1-5-32-544",
            "Mandatory group, Enabled by default, Enabled group, Group owner",
        ],
        [
            r"NT AUTHORITY\NETWORK",
            "Well-known group",
            "S-1-5-2",
            "Mandatory group, Enabled by default, Enabled group",
        ],
        [
            r"NT AUTHORITY\Authenticated Users",
            "Well-known group",
            "S-1-5-11",
            "Mandatory group, Enabled by default, Enabled group",
        ],
    ];
    let words: Vec<String> = call.arguments.iter().map(|word| word.to_lowercase()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => call.out.stdout.line(&call.shell.session.user.to_lowercase()),
        ["/groups"] => {
            let row = |cells: [&str; 4]| {
                let [name, kind, sid, attributes] = cells;
                call.out
                    .stdout
                    .line(&format!("{name:<38} {kind:<16} {sid:<12} {attributes:<63}"));
            };
            call.print("\r\nGROUP INFORMATION\r\n-----------------\r\n\r\n");
            row(["Group Name", "Type", "SID", "Attributes"]);
            row([&"=".repeat(38), &"=".repeat(16), &"=".repeat(12), &"=".repeat(63)]);
            GROUPS.into_iter().for_each(row);
            row(match call.faults().filtered_token.is_on() {
                false => [
                    r"Mandatory Label\High Mandatory Level",
                    "Label",
                    "S-1-16-12288",
                    "",
                ],
                true => [
                    r"Mandatory Label\Medium Mandatory Level",
                    "Label",
                    "S-1-16-8192",
                    "",
                ],
            });
        }
        other => return call.not_simulated(&format!("'whoami {}'", other.join(" "))),
    }
    0
}

/// `more` without a file: hands standard input through until it ends.
async fn more(call: &mut Call<'_, '_>) -> u32 {
    if !call.arguments.is_empty() {
        return call.not_simulated("'more' with a file or a switch");
    }
    while let Some(bytes) = call.stdin.read().await {
        call.out.stdout.write(&bytes);
    }
    0
}
