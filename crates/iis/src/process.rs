//! `tasklist.exe`: the processes that run, and which of them have loaded the module that enforces `ipSecurity`.

use std::collections::BTreeMap;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::{complaint, excerpt};

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
            return Err(Error::Failed {
                program: LINE.to_string(),
                exit_code: output.exit_code,
                text: complaint(output),
            });
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
            return Err(Error::Failed {
                program: LINE.to_string(),
                exit_code: output.exit_code,
                text: complaint(output),
            });
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

    fn said(exit_code: u32, stdout: &str) -> Output {
        Output {
            exit_code,
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

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
