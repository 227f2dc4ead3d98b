//! `iisreset.exe`: stops and starts all of IIS.

use command::{CommandLine, Invocation, Output};

/// What iisreset left behind. It is no verdict: iisreset ends with 1053 although the services come back, and with 0 although they do not
/// (both are on record). Whether IIS runs is asked of the services themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResetReport {
    /// Exit code; 0 claims success.
    pub exit_code: u32,
    /// Its words, for people.
    pub text: String,
}

/// Restarts IIS. With `no_force`, services that do not stop in time are left alone instead of having their processes killed. `timeout` is in
/// seconds and bounds each phase of the reset, not the call.
#[expect(clippy::expect_used, reason = "a number cannot make the line too long")]
pub fn iisreset(no_force: bool, timeout: u32) -> Invocation<ResetReport> {
    let force = if no_force { " /noforce" } else { "" };
    let line =
        CommandLine::raw(format!("iisreset /restart{force} /timeout:{timeout}")).expect("a short line");
    Invocation::new(line, |output: &Output| {
        let lines = format!("{}\n{}", output.stdout_text(), output.stderr_text());
        let lines: Vec<&str> = lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        ResetReport {
            exit_code: output.exit_code,
            text: lines.join("\n"),
        }
    })
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::iisreset;

    #[test]
    fn lines_read_as_expected() {
        assert_eq!(
            iisreset(true, 60).line().as_str(),
            "iisreset /restart /noforce /timeout:60"
        );
        assert_eq!(
            iisreset(false, 20).line().as_str(),
            "iisreset /restart /timeout:20"
        );
    }

    #[test]
    fn the_captured_success() {
        let stdout = b"\r\nAttempting stop...\r\nInternet services successfully stopped\r\nAttempting start...\r\nInternet services successfully restarted\r\n";
        let report = iisreset(true, 60).parse(&Output {
            exit_code: 0,
            stdout: stdout.to_vec(),
            stderr: Vec::new(),
        });
        assert_eq!(report.exit_code, 0);
        assert_eq!(
            report.text.lines().last(),
            Some("Internet services successfully restarted")
        );
    }

    #[test]
    fn failures_are_reported_as_they_are() {
        let stdout = "Attempting stop...\r\n\r\nRestart attempt failed.\r\n\r\nAccess denied, you must be an administrator\r\n";
        let report = iisreset(true, 60).parse(&Output {
            exit_code: 5,
            stdout: stdout.into(),
            stderr: Vec::new(),
        });
        assert_eq!((report.exit_code, report.text.lines().count()), (5, 3));
        let late = iisreset(true, 60).parse(&Output {
            exit_code: 1053,
            ..Output::default()
        });
        assert_eq!((late.exit_code, late.text.as_str()), (1053, ""));
    }
}
