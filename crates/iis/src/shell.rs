//! The shell that commands run in: which Windows its process sees, and what its token may do.

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::{complaint, excerpt};

/// Integrity levels of an administrator whose rights are all there: high, and the system's own (MS-DTYP 2.4.2.4).
const ELEVATED: [&str; 2] = ["S-1-16-12288", "S-1-16-16384"];

/// What kind of process the shell is. A 32-bit one sees another System32, and with it another appcmd and another registry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Architecture {
    /// `PROCESSOR_ARCHITECTURE`: `AMD64`, `ARM64`, `x86`.
    pub process: String,
    /// `PROCESSOR_ARCHITEW6432`: what Windows itself is, where the process is not.
    pub windows: Option<String>,
}

impl Architecture {
    /// Whether it is a 64-bit process.
    pub fn is_64_bit(&self) -> bool {
        self.windows.is_none() && self.process.contains("64")
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.windows {
            None => f.write_str(&self.process),
            Some(windows) => write!(f, "an {} process on {windows} Windows", self.process),
        }
    }
}

/// The integrity level of the shell's token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Elevation {
    /// The level's SID, the same in every language; `None` when the token names none.
    pub level: Option<String>,
}

impl Elevation {
    /// Whether all of an administrator's rights are there.
    pub fn is_elevated(&self) -> bool {
        self.level
            .as_deref()
            .is_some_and(|level| ELEVATED.contains(&level))
    }
}

impl std::fmt::Display for Elevation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.level.as_deref().unwrap_or("none"))
    }
}

/// Asks the environment of the shell for its architecture.
pub fn architecture() -> Invocation<Result<Architecture, Error>> {
    const LINE: CommandLine = CommandLine::literal("set PROCESSOR_ARCHITE");
    Invocation::new(LINE, |output: &Output| {
        let text = output.stdout_text();
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.trim().split_once('='))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let process = value("PROCESSOR_ARCHITECTURE").ok_or_else(|| Error::Unreadable {
            program: LINE.to_string(),
            expected: "PROCESSOR_ARCHITECTURE",
            found: complaint(output),
        })?;
        Ok(Architecture {
            process,
            windows: value("PROCESSOR_ARCHITEW6432"),
        })
    })
}

/// Asks for the groups in the shell's token, of which one is its integrity level.
pub fn elevation() -> Invocation<Result<Elevation, Error>> {
    const LINE: CommandLine = CommandLine::literal("whoami /groups");
    Invocation::new(LINE, |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(LINE.as_str(), output));
        }
        let text = output.stdout_text();
        if !text.contains("S-1-") {
            return Err(Error::Unreadable {
                program: LINE.to_string(),
                expected: "groups with their SIDs",
                found: excerpt(&text),
            });
        }
        let level = text.split_whitespace().find(|word| word.starts_with("S-1-16-"));
        Ok(Elevation {
            level: level.map(str::to_owned),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(stdout: &str) -> Output {
        Output {
            exit_code: 0,
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn a_32_bit_shell_is_told_from_a_64_bit_one() {
        for (text, is_64_bit, shown) in [
            ("PROCESSOR_ARCHITECTURE=AMD64\r\n", true, "AMD64"),
            ("PROCESSOR_ARCHITECTURE=ARM64", true, "ARM64"),
            ("PROCESSOR_ARCHITECTURE=x86", false, "x86"),
            (
                "PROCESSOR_ARCHITECTURE=x86\r\nPROCESSOR_ARCHITEW6432=AMD64\r\n",
                false,
                "an x86 process on AMD64 Windows",
            ),
        ] {
            let seen = architecture().parse(&printed(text)).unwrap();
            assert_eq!((seen.is_64_bit(), seen.to_string().as_str()), (is_64_bit, shown));
        }
        assert!(matches!(
            architecture().parse(&printed("")),
            Err(Error::Unreadable { .. })
        ));
    }

    #[test]
    fn the_integrity_level_tells_the_rights() {
        let row = |sid: &str| {
            format!(
                "\r\nGruppeninformationen\r\n\r\nJeder Bekannte Gruppe S-1-1-0 Verbindlich\r\nVerbindliche Beschriftung Bezeichnung {sid}\r\n"
            )
        };
        for (sid, is_elevated) in [
            ("S-1-16-12288", true),
            ("S-1-16-16384", true),
            ("S-1-16-8192", false),
            ("S-1-5-32-544", false),
        ] {
            let seen = elevation().parse(&printed(&row(sid))).unwrap();
            assert_eq!(seen.is_elevated(), is_elevated, "{sid}");
        }
        assert!(elevation().parse(&printed("?")).is_err());
        assert_eq!(
            elevation()
                .parse(&Output {
                    exit_code: 1,
                    ..Output::default()
                })
                .unwrap_err()
                .exit_code(),
            Some(1)
        );
    }
}
