//! A load balancer that a local program of the operator steers: what to do comes in the environment, the exit code answers.
//!
//! No shell, no standard input, a bounded time, a bounded output. docs/load-balancers.md is the program's contract.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use auth::Credentials;
use inventory::CommandBalancer;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::AdminState;
use super::error::BalancerError;
use super::member::{Member, Standing};
use super::secrecy;
use super::shell::quoted;
use crate::failure::one_line;

/// More of what a program prints is not read.
const LONGEST_OUTPUT: u64 = 64 * 1024;

/// Exit code of `state`: the member gets new connections.
const IN_ROTATION: i32 = 0;
/// Exit code of `state`: somebody keeps it out. Not one of the codes that shells and runtimes use for their own trouble.
const DRAINED: i32 = 10;
/// Exit code of `state`: nobody keeps it out, its checks do.
const DOWN: i32 = 11;

/// A load balancer that is steered by a program.
#[derive(Clone)]
pub(crate) struct Program {
    written: CommandBalancer,
    credentials: Option<Credentials>,
    /// Variables that hold passwords which are none of the program's business.
    withheld: Vec<String>,
    limit: Duration,
}

/// What the program did.
struct Ran {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Program {
    /// `credentials` are those that the inventory names, as far as they were read; each call is given `limit` of real time. The variables
    /// `withheld` are not handed on.
    pub(crate) fn new(
        written: CommandBalancer,
        credentials: Option<Credentials>,
        withheld: Vec<String>,
        limit: Duration,
    ) -> Self {
        Self {
            written,
            credentials,
            withheld,
            limit,
        }
    }

    /// The backend's name, for people.
    pub(crate) fn backend(&self) -> &str {
        &self.written.backend
    }

    /// Takes a member out or puts it back.
    pub(crate) async fn set_state(&self, member: &str, state: AdminState) -> Result<(), BalancerError> {
        let action = match state {
            AdminState::Drain => "drain",
            AdminState::Ready => "ready",
        };
        let ran = self.run(action, member).await?;
        match ran.status.success() {
            true => Ok(()),
            false => Err(self.refused(action, member, &ran)),
        }
    }

    /// One member as it stands now.
    pub(crate) async fn member(&self, member: &str) -> Result<Member, BalancerError> {
        let ran = self.run("state", member).await?;
        let (standing, word) = match ran.status.code() {
            Some(IN_ROTATION) => (Standing::InRotation, "in rotation"),
            Some(DRAINED) => (Standing::TakenOut, "drained"),
            Some(DOWN) => (Standing::Down, "down"),
            _ => return Err(self.refused("state", member, &ran)),
        };
        let connections = ran
            .stdout
            .lines()
            .find_map(|line| line.trim().strip_prefix("connections="))
            .and_then(|number| number.parse().ok());
        let told = ran
            .stdout
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("connections="))
            .unwrap_or(word);
        Ok(Member {
            name: member.to_owned(),
            status: self.masked(&one_line(told)),
            standing,
            connections,
        })
    }

    /// The line with which a person can put a member back by hand.
    pub(crate) fn ready_by_hand(&self, member: &str) -> String {
        let mut words = vec![
            "CASGATE_ACTION=ready".to_owned(),
            format!("CASGATE_MEMBER={member}"),
            format!("CASGATE_BACKEND={}", quoted(&self.written.backend)),
        ];
        if let Some(credential) = &self.written.credential {
            let user = self.credentials.as_ref().map_or("", |known| known.user.as_str());
            words.push(format!("CASGATE_USER={}", quoted(user)));
            words.push(format!("CASGATE_PASSWORD=PASSWORD-OF-{credential}"));
        }
        words.extend(self.written.command.iter().map(|word| quoted(word)));
        words.join(" ")
    }

    fn refused(&self, action: &str, member: &str, ran: &Ran) -> BalancerError {
        let how = match ran.status.code() {
            Some(code) => format!("exit code {code}"),
            None => "the end of a signal".to_owned(),
        };
        // Programs tell last what went wrong.
        let said = ran
            .stderr
            .lines()
            .chain(ran.stdout.lines())
            .map(str::trim)
            .rfind(|line| !line.is_empty())
            .map(|line| format!(": {}", one_line(line)))
            .unwrap_or_default();
        BalancerError::Refused {
            place: self.name(),
            request: format!("{action} {member}"),
            answer: self.masked(&format!("{how}{said}")),
        }
    }

    fn name(&self) -> String {
        self.written.command.first().cloned().unwrap_or_default()
    }

    async fn run(&self, action: &str, member: &str) -> Result<Ran, BalancerError> {
        if let (Some(credential), None) = (&self.written.credential, &self.credentials) {
            return Err(BalancerError::NoCredential {
                credential: credential.clone(),
            });
        }
        let failed = |source| BalancerError::NotRun {
            program: self.name(),
            source,
        };
        let mut command = Command::new(self.name());
        command
            .args(self.written.command.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for variable in &self.withheld {
            command.env_remove(variable);
        }
        command
            .env("CASGATE_ACTION", action)
            .env("CASGATE_MEMBER", member)
            .env("CASGATE_BACKEND", &self.written.backend);
        match &self.credentials {
            Some(known) => command
                .env("CASGATE_USER", &known.user)
                .env("CASGATE_PASSWORD", known.password.expose()),
            None => command.env_remove("CASGATE_USER").env_remove("CASGATE_PASSWORD"),
        };
        let child = command.spawn().map_err(failed)?;
        // Dropped at the limit, and killed by that.
        tokio::time::timeout(self.limit, watch(child))
            .await
            .map_err(|_| BalancerError::TimedOut {
                place: self.name(),
                request: format!("{action} {member}"),
                limit: self.limit,
            })?
            .map_err(failed)
    }

    fn masked(&self, text: &str) -> String {
        secrecy::masked(text, self.credentials.as_ref())
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("command", &self.written.command)
            .finish_non_exhaustive()
    }
}

async fn watch(mut child: Child) -> std::io::Result<Ran> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read(stdout), read(stderr))?;
    Ok(Ran {
        status: child.wait().await?,
        stdout,
        stderr,
    })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LONGEST_OUTPUT).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
