//! `tasklist.exe`: the processes that run.

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

/// `"w3wp.exe","4711","Services","0","81,940 K"`.
fn row(line: &str) -> Option<Process> {
    let (image, rest) = line.strip_prefix('"')?.split_once("\",\"")?;
    let (pid, _) = rest.split_once('"')?;
    Some(Process {
        image: image.to_owned(),
        pid: pid.parse().ok()?,
    })
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
}
