//! `casgate exec`: commands or a script on servers, output as it comes, the worst exit code at the end.

use std::io::{IsTerminal, Read};
use std::sync::Arc;
use std::time::Duration;

use command::{CommandLine, powershell};
use inventory::ServerName;
use winrm::{Endpoint, Shell};

use crate::args::{Common, Exec};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::fan_out::FanOut;
use crate::output::{Form, RemoteOutput};
use crate::printer::Printer;

/// What is run on each server, one after the other in one shell.
struct Job {
    calls: Vec<Call>,
    limit: Duration,
    keep_going: bool,
    is_powershell: bool,
}

/// One command.
struct Call {
    line: CommandLine,
    stdin: Option<Arc<[u8]>>,
}

pub(crate) async fn run(common: &Common, args: &Exec, printer: &Printer) -> Result<ExitCode, Error> {
    let job = &Job::read(args)?;
    let fan_out = FanOut {
        common,
        selector: &args.selector,
        parallel: args.parallel,
        tells_codes: true,
        printer,
    };
    fan_out
        .run("exec", |server, endpoint, is_one_of_several| async move {
            let form = match is_one_of_several {
                _ if printer.is_json() => Form::Json,
                true => Form::Prefixed,
                false => Form::Raw,
            };
            job.run(&server, endpoint, form).await
        })
        .await
}

impl Job {
    fn read(args: &Exec) -> Result<Self, Error> {
        let unspeakable = |source| Error::CommandLine { source };
        let mut calls = Vec::new();
        let script = match (&args.script, &args.powershell) {
            (Some(_), Some(text)) if !text.is_empty() => return Err(Error::TwoScripts),
            (Some(path), _) => Some(read_script(path)?),
            (None, Some(text)) if text.trim().is_empty() => {
                return Err(unspeakable(command::Error::Empty));
            }
            (None, Some(text)) => Some(text.clone()),
            (None, None) => None,
        };
        if let Some(script) = &script {
            let call = powershell::Call::new(script).map_err(unspeakable)?;
            calls.push(Call {
                line: call.line().clone(),
                stdin: call.stdin().map(Arc::from),
            });
        }
        let trailing = (!args.line.is_empty()).then(|| args.line.join(" "));
        for line in trailing.iter().chain(&args.command) {
            calls.push(Call {
                line: CommandLine::raw(line).map_err(unspeakable)?,
                stdin: None,
            });
        }
        if args.stdin {
            give_input(&mut calls)?;
        }
        Ok(Self {
            calls,
            limit: Duration::try_from(args.timeout).unwrap_or(Duration::from_secs(300)),
            keep_going: args.keep_going,
            is_powershell: script.is_some(),
        })
    }

    async fn run(
        &self,
        server: &ServerName,
        endpoint: Arc<Endpoint>,
        form: Form,
    ) -> Result<u32, winrm::Error> {
        let mut shell = Shell::open(endpoint).await?;
        let mut worst = Ok(0);
        for call in &self.calls {
            let mut output = RemoteOutput::new(server, form, self.is_powershell);
            let ended = shell
                .execute(
                    &call.line,
                    call.stdin.as_deref(),
                    self.limit,
                    &mut |stream, bytes| output.take(stream, bytes),
                )
                .await;
            output.finish();
            match ended {
                Ok(output) => worst = worst.map(|worst: u32| worst.max(output.exit_code)),
                Err(error) => worst = Err(error),
            }
            if worst.is_err() || !self.keep_going && !matches!(worst, Ok(0)) {
                break;
            }
        }
        let closed = shell.close().await;
        let code = worst?;
        closed?;
        Ok(code)
    }
}

/// UTF-8, with or without a byte order mark.
fn read_script(path: &std::path::Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
}

/// Reads standard input to its end, for the one command.
fn give_input(calls: &mut [Call]) -> Result<(), Error> {
    let refuse = |found| Err(Error::Input { found });
    let [call] = calls else {
        return refuse("several");
    };
    if call.stdin.is_some() {
        return refuse("a script so long that it takes the input itself");
    }
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        return refuse("a terminal as standard input");
    }
    let mut bytes = Vec::new();
    stdin
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Unreadable {
            path: "standard input".into(),
            source,
        })?;
    call.stdin = Some(bytes.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn exec(words: &[&str]) -> Result<Exec, String> {
        let words = ["casgate", "exec", "all"].iter().chain(words);
        match Args::try_parse_from(words)
            .map_err(|error| error.to_string())?
            .command
        {
            Command::Exec(exec) => Ok(exec),
            other => Err(format!("{other:?}")),
        }
    }

    fn lines(words: &[&str]) -> Vec<String> {
        let job = Job::read(&exec(words).unwrap()).unwrap();
        job.calls.iter().map(|call| call.line.to_string()).collect()
    }

    #[test]
    fn commands_are_named_in_one_way_at_a_time() {
        assert_eq!(lines(&["--", "echo", "a b"]), ["echo a b"]);
        assert_eq!(
            lines(&["--command", "ver", "--command", "hostname"]),
            ["ver", "hostname"]
        );
        assert_eq!(
            lines(&["--powershell", "exit 3"]),
            [CommandLine::powershell("exit 3").unwrap().to_string()]
        );
        for words in [
            &[][..],
            &["--powershell", "exit", "--", "ver"],
            &["--command", "ver", "--", "ver"],
            &["--script", "x.ps1", "--command", "ver"],
        ] {
            assert!(exec(words).is_err(), "{words:?}");
        }
        assert!(exec(&["--script", "x.ps1", "--powershell"]).is_ok());
        let empty = exec(&["--powershell"]).unwrap();
        assert!(matches!(Job::read(&empty), Err(Error::CommandLine { .. })));
        let both = exec(&["--script", "x.ps1", "--powershell", "exit"]).unwrap();
        assert!(matches!(Job::read(&both), Err(Error::TwoScripts)));
    }

    #[test]
    fn a_long_script_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.ps1");
        let script = format!("\u{FEFF}exit 3 # {}", "x".repeat(40_000));
        std::fs::write(&path, &script).unwrap();
        let job = Job::read(&exec(&["--script", path.to_str().unwrap()]).unwrap()).unwrap();
        assert!(job.is_powershell);
        let stdin = job.calls[0].stdin.as_deref().unwrap();
        assert_eq!(
            powershell::decode_stdin(stdin).unwrap(),
            script.trim_start_matches('\u{FEFF}')
        );
        let missing = exec(&["--script", "/nonexistent/x.ps1"]).unwrap();
        assert!(matches!(Job::read(&missing), Err(Error::Unreadable { .. })));
    }
}
