//! `tasklist.exe`: the processes that run, and which of them have loaded the module that enforces `ipSecurity`. When worker processes started, which no
//! program of Windows tells in every language and on every version, is asked of PowerShell.

use std::collections::BTreeMap;

use command::{CommandLine, Invocation, Output};
use jiff::Timestamp;

use crate::Error;
use crate::error::excerpt;

/// More processes than a server has.
const MOST: usize = 20_000;

/// A process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// The name of its image, e.g. `w3wp.exe`.
    pub image: String,
    /// Its id.
    pub pid: u32,
}

/// All processes. Only the first two of tasklist's columns are read, which are the same in every language; its filters are not used, since what
/// it says when nothing fits is not.
pub fn list() -> Invocation<Result<Vec<Process>, Error>> {
    const LINE: CommandLine = CommandLine::literal("tasklist /fo csv /nh");
    Invocation::new(LINE, |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(LINE.as_str(), output));
        }
        let text = output.stdout_text();
        let unreadable = |found: &str| Error::Unreadable {
            program: LINE.to_string(),
            expected: "lines with an image and a process id",
            found: excerpt(found),
        };
        let mut processes = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if processes.len() == MOST {
                return Err(unreadable("more than 20000 processes"));
            }
            processes.push(row(line).ok_or_else(|| unreadable(line))?);
        }
        // tasklist itself is one.
        match processes.is_empty() {
            true => Err(unreadable(&text)),
            false => Ok(processes),
        }
    })
}

/// Prints `4711 133768674012345678` for each worker process: its id, and the FILETIME at which it started (100 ns since 1601, UTC), which is a number
/// in every language. A process into which nobody may look, and one that ends meanwhile, are left out. PowerShell 2 and later.
pub const START_TIMES_SCRIPT: &str = "$ErrorActionPreference='SilentlyContinue'\n\
    foreach($p in @(Get-Process -Name w3wp)){try{[Console]::Out.WriteLine('{0} {1}' -f $p.Id,$p.StartTime.ToFileTimeUtc())}catch{}}\n\
    exit 0";

/// 1601 to 1970, in units of 100 ns.
const FILETIME_OF_UNIX_EPOCH: i128 = 116_444_736_000_000_000;

/// When processes started, by their ids.
pub type StartTimes = BTreeMap<u32, Timestamp>;

/// When each worker process started; one of which that could not be read is not in the map.
///
/// # Errors
/// [`Error::CommandLine`] never in practice: the script is short.
pub fn start_times() -> Result<Invocation<Result<StartTimes, Error>>, Error> {
    let line = CommandLine::powershell(START_TIMES_SCRIPT)?;
    Ok(Invocation::new(line, |output: &Output| {
        const PROGRAM: &str = "powershell.exe (Get-Process)";
        if output.exit_code != 0 {
            return Err(Error::failed(PROGRAM, output));
        }
        let mut times = StartTimes::new();
        let text = output.stdout_text();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(MOST)
        {
            let (pid, started) = start_time(line).ok_or_else(|| Error::Unreadable {
                program: PROGRAM.to_owned(),
                expected: "lines with a process id and a FILETIME",
                found: excerpt(line),
            })?;
            times.insert(pid, started);
        }
        Ok(times)
    }))
}

fn start_time(line: &str) -> Option<(u32, Timestamp)> {
    let (pid, started) = line.split_once(' ')?;
    let units: i128 = started.parse().ok()?;
    let since_1970 = units.checked_sub(FILETIME_OF_UNIX_EPOCH)?.checked_mul(100)?;
    Some((pid.parse().ok()?, Timestamp::from_nanosecond(since_1970).ok()?))
}

/// The file of [`IP_RESTRICTION_MODULE`](crate::IP_RESTRICTION_MODULE).
const RESTRICTION_DLL: &str = "iprestr.dll";

/// So many other DLLs must stand in a row before it counts as a list in which `iprestr.dll` is missing.
const OTHERS: usize = 2;

/// By process id, whether a process has loaded `iprestr.dll`; a process of which that could not be read is not in the map.
///
/// Asked for is every DLL that begins with `i`, not that one alone: a worker always has several (`iisutil.dll`, `iiscore.dll`, `imm32.dll`), so that
/// a row without `iprestr.dll` says "not loaded", where no row may as well mean that the process could not be opened. What tasklist says when
/// nothing fits, or in place of names, is in Windows' own language and is not read: rows begin with a quotation mark, names end with `.dll`.
pub fn with_restriction_module() -> Invocation<Result<BTreeMap<u32, bool>, Error>> {
    const LINE: CommandLine = CommandLine::literal("tasklist /m i*.dll /fo csv /nh");
    Invocation::new(LINE, |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(LINE.as_str(), output));
        }
        let text = output.stdout_text();
        let mut loaded = BTreeMap::new();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with('"'))
            .take(MOST)
        {
            let (pid, dlls) = dlls(line).ok_or_else(|| Error::Unreadable {
                program: LINE.to_string(),
                expected: "lines with an image, a process id and the names of DLLs",
                found: excerpt(line),
            })?;
            let is_there = dlls.iter().any(|dll| dll.eq_ignore_ascii_case(RESTRICTION_DLL));
            if is_there || dlls.len() >= OTHERS {
                loaded.insert(pid, is_there);
            }
        }
        Ok(loaded)
    })
}

/// `"w3wp.exe","4711","iisutil.dll,iiscore.dll,iprestr.dll"`.
fn dlls(line: &str) -> Option<(u32, Vec<&str>)> {
    let (pid, rest) = fields(line)?;
    let (names, _) = rest.strip_prefix(",\"")?.split_once('"')?;
    let is_dll = |name: &&str| {
        name.rsplit_once('.')
            .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("dll"))
    };
    Some((pid, names.split(',').map(str::trim).filter(is_dll).collect()))
}

/// `"w3wp.exe","4711","Services","0","81,940 K"`.
fn row(line: &str) -> Option<Process> {
    let (image, _) = line.strip_prefix('"')?.split_once("\",\"")?;
    let (pid, _) = fields(line)?;
    Some(Process {
        image: image.to_owned(),
        pid,
    })
}

/// The process id in the second column, and what follows it.
fn fields(line: &str) -> Option<(u32, &str)> {
    let (_, rest) = line.strip_prefix('"')?.split_once("\",\"")?;
    let (pid, rest) = rest.split_once('"')?;
    Some((pid.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::said;

    #[test]
    fn rows_are_read_in_every_language() {
        let processes = list()
            .parse(&said(
                0,
                "\"System Idle Process\",\"0\",\"Services\",\"0\",\"8 K\"\r\n\"w3wp.exe\",\"4711\",\"Dienste\",\"0\",\"81.940 K\"\r\n\
                 \"ExSetup.exe\",\"992\",\"Службы\",\"0\",\"N/A\"\r\n",
            ))
            .unwrap();
        let images: Vec<_> = processes.iter().map(|p| (p.image.as_str(), p.pid)).collect();
        assert_eq!(
            images,
            [
                ("System Idle Process", 0),
                ("w3wp.exe", 4711),
                ("ExSetup.exe", 992)
            ]
        );
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "",
            "INFO: No tasks are running which match the specified criteria.\r\n",
            "\"x\"",
            "\"x\",\"y\",\"z\"",
        ] {
            assert!(
                matches!(list().parse(&said(0, text)), Err(Error::Unreadable { .. })),
                "{text}"
            );
        }
        assert_eq!(list().parse(&said(5, "")).unwrap_err().exit_code(), Some(5));
    }

    #[test]
    fn start_times_are_numbers_and_nothing_else() {
        let times = start_times()
            .unwrap()
            .parse(&said(0, "4711 133768674012345678\r\n4712 116444736000000000\r\n"))
            .unwrap();
        let told: Vec<_> = times.iter().map(|(pid, at)| format!("{pid} {at}")).collect();
        assert_eq!(
            told,
            ["4711 2024-11-23T20:30:01.2345678Z", "4712 1970-01-01T00:00:00Z"]
        );
        assert!(start_times().unwrap().parse(&said(0, "")).unwrap().is_empty());
        for text in [
            "4711",
            "4711 24.11.2024 16:56",
            "x 1",
            "4711 99999999999999999999999999999999999999",
        ] {
            let parsed = start_times().unwrap().parse(&said(0, text));
            assert!(matches!(parsed, Err(Error::Unreadable { .. })), "{text}");
        }
        let failed = start_times().unwrap().parse(&said(1, ""));
        assert_eq!(failed.unwrap_err().exit_code(), Some(1));
    }

    #[test]
    fn a_module_is_loaded_or_not_or_nobody_knows() {
        let loaded = with_restriction_module()
            .parse(&said(
                0,
                "\"w3wp.exe\",\"4711\",\"IMM32.DLL,iisutil.dll,iprestr.dll\"\r\n\"w3wp.exe\",\"4712\",\"iisutil.dll, iiscore.dll\"\r\n\
                 \"w3wp.exe\",\"4713\",\"Nicht zutreffend\"\r\n\"w3wp.exe\",\"4714\",\"IPRESTR.DLL\"\r\n\"w3wp.exe\",\"4715\",\"iisutil.dll\"\r\n",
            ))
            .unwrap();
        let known: Vec<_> = loaded.into_iter().collect();
        assert_eq!(known, [(4711, true), (4712, false), (4714, true)]);
    }

    #[test]
    fn where_nothing_fits_nothing_is_known_in_every_language() {
        for text in [
            "",
            "INFO: No tasks are running which match the specified criteria.\r\n",
            "INFORMATION: Es werden keine Aufgaben ausgeführt.\r\n",
        ] {
            let loaded = with_restriction_module().parse(&said(0, text)).unwrap();
            assert!(loaded.is_empty(), "{text}");
        }
        for text in [
            "\"w3wp.exe\"",
            "\"w3wp.exe\",\"x\",\"a.dll\"",
            "\"w3wp.exe\",\"4711\"",
        ] {
            let parsed = with_restriction_module().parse(&said(0, text));
            assert!(matches!(parsed, Err(Error::Unreadable { .. })), "{text}");
        }
        let failed = with_restriction_module().parse(&said(1, ""));
        assert_eq!(failed.unwrap_err().exit_code(), Some(1));
    }
}
