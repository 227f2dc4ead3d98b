//! A shell on a server, as callers use it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use command::{CommandLine, Invocation, Output};

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::execution::{Execution, Stream};
use crate::reaper;
use crate::remote::RemoteShell;

/// A cmd shell on a server, with a connection of its own.
///
/// End it with [`close`](Self::close). A shell that is dropped, also by a cancelled future, is deleted on the server by a task in the
/// background; [`reap`](crate::reap) waits for such tasks.
pub struct Shell {
    remote: RemoteShell,
}

impl Shell {
    /// Logs in and makes a shell: user profile not loaded, UTF-8, ended by the server after five idle minutes.
    ///
    /// # Errors
    /// Those of [`Connection::open`](crate::Connection::open), and [`Error::Fault`] where the server refuses.
    pub async fn open(endpoint: Arc<Endpoint>) -> Result<Self, Error> {
        let mut shell = Self {
            remote: RemoteShell::new(endpoint),
        };
        shell.remote.create().await?;
        Ok(shell)
    }

    /// Runs a command and parses what it printed. `limit` is how long it may take.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub async fn run<T>(&mut self, invocation: &Invocation<T>, limit: Duration) -> Result<T, Error> {
        let output = self
            .execute(invocation.line(), None, limit, &mut |_, _| {})
            .await?;
        Ok(invocation.parse(&output))
    }

    /// Runs a command line through cmd.exe, with the given bytes and then the end as its standard input. Output is handed out as it
    /// arrives, in raw bytes, and returned as a whole at the end.
    ///
    /// The command line is sent once. A future that is dropped leaves the command running until the shell is used again, closed or
    /// dropped; then it is terminated.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] where the command may have run; [`Error::OutputGap`] where it ran and part of its output may be missing;
    /// [`Error::Deadline`] where it was terminated at the limit; [`Error::NoExitCode`] and [`Error::OutputTooLarge`]. After any other error
    /// it did not run.
    pub async fn execute(
        &mut self,
        line: &CommandLine,
        stdin: Option<&[u8]>,
        limit: Duration,
        on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> Result<Output, Error> {
        Execution::new(&mut self.remote, line, limit, on_output)
            .run(stdin)
            .await
    }

    /// Deletes the shell on the server.
    ///
    /// # Errors
    /// Where the server could not be told, or said no. The server ends the shell by itself once it is idle for long enough.
    pub async fn close(mut self) -> Result<(), Error> {
        // Should this wait be cancelled, dropping the value does the rest.
        let deleted = self.remote.delete().await;
        self.remote.forget();
        deleted
    }

    /// How many HTTP requests were made so far, those of logins included.
    pub fn requests(&self) -> u64 {
        self.remote.requests()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if self.remote.exists() {
            reaper::adopt(self.remote.take());
        }
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell")
            .field("url", &self.remote.url())
            .field("id", self.remote.id())
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}
