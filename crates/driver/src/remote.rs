//! One server's WinRM shell: opened when first needed, kept as long as there is work, and never used again once it has failed.

use std::ops::ControlFlow;
use std::sync::Arc;

use command::{CommandLine, Invocation, Output};
use inventory::ServerName;
use jiff::SignedDuration;
use rollout::StepError;
use winrm::{Endpoint, ErrorKind, Shell, Streamed, Upload};

use crate::clock::Clock;
use crate::error::Error;
use crate::failure::{Setback, StepErrorExt, failed, from_winrm};
use crate::world::World;

/// How long a command that only looks may take. appcmd and sc answer within a second; a busy server gets two minutes.
const LOOK_LIMIT: SignedDuration = SignedDuration::from_secs(120);

/// A server's shell.
pub(crate) struct Remote {
    clock: Clock,
    server: ServerName,
    endpoint: Result<Arc<Endpoint>, Error>,
    shell: Option<Shell>,
    /// Requests of shells that are gone.
    requests_before: u64,
}

impl Remote {
    /// Connects to nothing yet.
    pub(crate) fn new(world: &World, server: ServerName) -> Self {
        Self {
            clock: world.clock().clone(),
            endpoint: world.endpoint(&server),
            server,
            shell: None,
            requests_before: 0,
        }
    }

    /// HTTP requests so far.
    pub(crate) fn requests(&self) -> u64 {
        let open = self.shell.as_ref().map_or(0, Shell::requests);
        self.requests_before.saturating_add(open)
    }

    /// Opens the shell if it is not open.
    pub(crate) async fn open(&mut self, doing: &str) -> Result<&mut Shell, StepError> {
        if self.shell.is_none() {
            let endpoint = self.endpoint.as_ref().map_err(|error| {
                failed(doing, "all that a login needs", error.to_string()).caused_by(error)
            })?;
            let opened = Shell::open(Arc::clone(endpoint)).await;
            self.shell = Some(opened.map_err(|error| self.told(doing, &error))?);
        }
        // The error cannot happen; saying so costs less than a panic.
        self.shell
            .as_mut()
            .ok_or_else(|| failed(doing, "an open shell", "none"))
    }

    /// Runs a command that changes nothing. A lost reply is no harm: it is asked once more over a fresh connection.
    pub(crate) async fn look<T>(&mut self, doing: &str, invocation: &Invocation<T>) -> Result<T, StepError> {
        let limit = self.clock.limit(LOOK_LIMIT);
        let was_open = self.shell.is_some();
        let error = match self.open(doing).await?.run(invocation, limit).await {
            Ok(seen) => return Ok(seen),
            Err(error) => error,
        };
        self.abandon();
        let is_lost = match error.kind() {
            ErrorKind::Unknown => true,
            // An old connection may have died unnoticed; a fresh one that breaks tells of a sick server.
            ErrorKind::Unreachable => was_open,
            _ => false,
        };
        if !is_lost {
            return Err(self.told(doing, &error));
        }
        let again = self.open(doing).await?.run(invocation, limit).await;
        again.map_err(|error| {
            self.abandon();
            self.told(doing, &error)
        })
    }

    /// Runs a command that changes something: sent once, and never again.
    pub(crate) async fn change<T>(
        &mut self,
        doing: &str,
        invocation: &Invocation<T>,
        limit: SignedDuration,
    ) -> Result<T, Setback> {
        let limit = self.clock.limit(limit);
        let ran = self.open(doing).await?.run(invocation, limit).await;
        ran.map_err(|error| self.setback(doing, &error))
    }

    /// Runs an operator's own line with its standard input, like [`Self::change`].
    pub(crate) async fn execute(
        &mut self,
        doing: &str,
        line: &CommandLine,
        stdin: Option<&[u8]>,
        limit: SignedDuration,
    ) -> Result<Output, Setback> {
        let limit = self.clock.limit(limit);
        let shell = self.open(doing).await?;
        let ran = shell.execute(line, stdin, limit, &mut |_, _| {}).await;
        ran.map_err(|error| self.setback(doing, &error))
    }

    /// Puts a file onto the server, like [`Self::change`].
    pub(crate) async fn upload(
        &mut self,
        doing: &str,
        upload: &Upload,
        mut bytes: &[u8],
        limit: SignedDuration,
    ) -> Result<(), Setback> {
        let limit = self.clock.limit(limit);
        let shell = self.open(doing).await?;
        let put = shell.upload(upload, &mut bytes, limit, &mut |_| {}).await;
        put.map(|_| ()).map_err(|error| self.setback(doing, &error))
    }

    /// Runs a command that changes nothing and may say much: what it says is handed on as it arrives. Unlike [`Self::look`] it is not asked again, since
    /// part of the answer has been taken by then.
    pub(crate) async fn stream(
        &mut self,
        doing: &str,
        line: &CommandLine,
        limit: SignedDuration,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Streamed, StepError> {
        let limit = self.clock.limit(limit);
        let streamed = self.open(doing).await?.stream(line, limit, take).await;
        streamed.map_err(|error| {
            self.abandon();
            self.told(doing, &error)
        })
    }

    /// Closes the shell on the server. A failure to do so is nobody's business any more: the server ends idle shells itself.
    pub(crate) async fn close(&mut self) {
        if let Some(shell) = self.shell.take() {
            self.requests_before = self.requests_before.saturating_add(shell.requests());
            let _ = shell.close().await;
        }
    }

    /// Drops the shell: what failed is not used again, and `winrm`'s reaper deletes it on the server.
    pub(crate) fn abandon(&mut self) {
        if let Some(shell) = self.shell.take() {
            self.requests_before = self.requests_before.saturating_add(shell.requests());
        }
    }

    fn setback(&mut self, doing: &str, error: &winrm::Error) -> Setback {
        self.abandon();
        let told = self.told(doing, error);
        match error.kind() {
            // The command was sent and its end was not seen, or it was terminated midway.
            ErrorKind::Unknown | ErrorKind::TimedOut => Setback::Unknown(told),
            ErrorKind::Unreachable | ErrorKind::LoginRefused | ErrorKind::Protocol | ErrorKind::Refused => {
                Setback::Failed(told)
            }
        }
    }

    fn told(&self, doing: &str, error: &winrm::Error) -> StepError {
        from_winrm(doing, &self.server, error)
    }
}
