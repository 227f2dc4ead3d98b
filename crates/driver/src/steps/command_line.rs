//! `command` and `powershell`: an operator's own line or script, judged by its exit code.

use command::powershell::Call;
use command::{CommandLine, Output};
use inventory::{CommandStep, PowershellStep};
use jiff::SignedDuration;
use rollout::{Before, Evidence, Found, Receipt, StepError};

use super::receipt;
use crate::failure::{Setback, StepErrorExt, failed, one_line};
use crate::session::Session;

/// Either step, as lines for cmd.exe.
pub(super) struct Own {
    kind: Before,
    line: Result<Text, command::Error>,
    unless: Option<Result<Text, command::Error>>,
    exit_codes: Vec<u32>,
    timeout: SignedDuration,
}

/// What is run: a line, or a script, which may be too long for one.
enum Text {
    Line(CommandLine),
    Script(Call),
}

impl Text {
    fn line(text: &str) -> Result<Self, command::Error> {
        CommandLine::raw(text).map(Self::Line)
    }

    fn script(text: &str) -> Result<Self, command::Error> {
        Call::new(text).map(Self::Script)
    }

    async fn run(
        &self,
        session: &mut Session,
        doing: &str,
        limit: SignedDuration,
    ) -> Result<Output, Setback> {
        match self {
            Self::Line(line) => session.execute(doing, line, None, limit).await,
            Self::Script(call) => session.execute(doing, call.line(), call.stdin(), limit).await,
        }
    }
}

impl From<&CommandStep> for Own {
    fn from(step: &CommandStep) -> Self {
        Self {
            kind: Before::Command,
            line: Text::line(&step.command),
            unless: step.unless.as_deref().map(Text::line),
            exit_codes: step.exit_codes.clone(),
            timeout: step.timeout,
        }
    }
}

impl From<&PowershellStep> for Own {
    fn from(step: &PowershellStep) -> Self {
        Self {
            kind: Before::Powershell,
            line: Text::script(&step.script),
            unless: step.unless.as_deref().map(Text::script),
            exit_codes: step.exit_codes.clone(),
            timeout: step.timeout,
        }
    }
}

const RUNNING: &str = "run the playbook's own command";
const ASKING: &str = "run `unless`";

pub(super) async fn probe(session: &mut Session, own: &Own) -> Result<Found, StepError> {
    Ok(match unless(session, own).await? {
        Some(output) if output.exit_code == 0 => Found::AlreadyDone(Evidence {
            facts: vec!["`unless` ended with 0".to_owned()],
        }),
        _ => Found::Ready(own.kind.clone()),
    })
}

pub(super) async fn apply(session: &mut Session, own: &Own) -> Result<Receipt, Setback> {
    let line = own.line.as_ref().map_err(|error| unrunnable(RUNNING, error))?;
    let output = line.run(session, RUNNING, own.timeout).await?;
    if own.exit_codes.contains(&output.exit_code) {
        return Ok(receipt([format!("exit code {}", output.exit_code)]));
    }
    let codes: Vec<String> = own.exit_codes.iter().map(u32::to_string).collect();
    let expected = format!("exit code {}", codes.join(" or "));
    Err(failed(RUNNING, expected, evidence(&output)).into())
}

pub(super) async fn verify(session: &mut Session, own: &Own) -> Result<Receipt, StepError> {
    match unless(session, own).await? {
        None => Ok(Receipt::default()),
        Some(output) if output.exit_code == 0 => Ok(receipt(["`unless` ends with 0 now".to_owned()])),
        Some(output) => Err(failed(ASKING, "exit code 0, now that the command has run", evidence(&output))
            .hint("`unless` has to end with 0 once there is nothing to do any more; otherwise every run would do it again")),
    }
}

/// Runs `unless`, if the step has one. It is taken to change nothing; still it is the operator's own line and is not repeated.
async fn unless(session: &mut Session, own: &Own) -> Result<Option<Output>, StepError> {
    let Some(line) = &own.unless else { return Ok(None) };
    let line = line.as_ref().map_err(|error| unrunnable(ASKING, error))?;
    let output = line.run(session, ASKING, own.timeout).await;
    Ok(Some(output.map_err(StepError::from)?))
}

fn unrunnable(doing: &str, error: &command::Error) -> StepError {
    failed(doing, "a line that can be run", error.to_string()).caused_by(error)
}

/// The exit code and what was written last, stderr before stdout.
fn evidence(output: &Output) -> String {
    let (stderr, stdout) = (output.stderr_text(), output.stdout_text());
    let said = if stderr.trim().is_empty() { stdout } else { stderr };
    match one_line(&said) {
        said if said.is_empty() => format!("exit code {}", output.exit_code),
        said => format!("exit code {}: {said}", output.exit_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_prefers_stderr_and_fits_a_line() {
        let output = |stdout: &str, stderr: &str| Output {
            exit_code: 5,
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        assert_eq!(
            evidence(&output("out\r\n", " Access is\r\ndenied.\r\n")),
            "exit code 5: Access is denied."
        );
        assert_eq!(evidence(&output("out\r\n", "\r\n")), "exit code 5: out");
        assert_eq!(evidence(&output("", "")), "exit code 5");
    }
}
