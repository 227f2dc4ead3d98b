//! A shell on a server, as callers use it.

use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use command::upload::Received;
use command::{CommandLine, Invocation, Output, powershell};

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::execution::{Execution, Stream, Streamed};
use crate::input::Input;
use crate::reaper;
use crate::remote::RemoteShell;
use crate::upload::{Lines, Upload};

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
        let mut to_the_end = |stream, bytes: &[u8]| {
            on_output(stream, bytes);
            ControlFlow::Continue(())
        };
        let execution = Execution::new(&mut self.remote, line, limit, &mut to_the_end);
        match stdin {
            None => execution.run(None).await,
            Some(mut bytes) => {
                let length = u64::try_from(bytes.len()).ok();
                execution.run(Some(Input::new(&mut bytes, length))).await
            }
        }
    }

    /// As [`execute`](Self::execute), with a standard input that is read piece by piece as it is sent. Reading must not block for long: a
    /// file is fine, a terminal is not.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute), and [`Error::InputUnreadable`], after which the command was terminated.
    pub async fn execute_reading(
        &mut self,
        line: &CommandLine,
        stdin: &mut (dyn Read + Send),
        limit: Duration,
        on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> Result<Output, Error> {
        let mut to_the_end = |stream, bytes: &[u8]| {
            on_output(stream, bytes);
            ControlFlow::Continue(())
        };
        Execution::new(&mut self.remote, line, limit, &mut to_the_end)
            .run(Some(Input::new(stdin, None)))
            .await
    }

    /// Runs a command that may write more than anybody wants to keep: its standard output is handed to `take` as it arrives, and is not held. Where
    /// `take` breaks off, the command is terminated.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub async fn stream(
        &mut self,
        line: &CommandLine,
        limit: Duration,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Streamed, Error> {
        let mut take_output = |stream, bytes: &[u8]| match stream {
            Stream::Stdout => take(bytes),
            Stream::Stderr => ControlFlow::Continue(()),
        };
        Execution::new(&mut self.remote, line, limit, &mut take_output)
            .stream()
            .await
    }

    /// Runs a script of any length in Windows PowerShell, in a process of its own. A script too long for a command line goes through
    /// standard input ([`command::powershell::Call`]), and then has none of its own. What it writes to the standard error is CLIXML:
    /// [`command::clixml::Decoder`] reads it as it arrives, [`Output::stderr_text`] afterwards.
    ///
    /// The exit code is that of `exit`; without one it is 0, or 1 after an error that ended the script.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub async fn powershell(
        &mut self,
        script: &str,
        limit: Duration,
        on_output: &mut (dyn FnMut(Stream, &[u8]) + Send),
    ) -> Result<Output, Error> {
        let url = self.remote.url();
        let call = powershell::Call::new(script).map_err(|source| Error::Unspeakable { url, source })?;
        self.execute(call.line(), call.stdin(), limit, on_output).await
    }

    /// Puts a file onto the server, through one PowerShell process, and returns what the server says of it: SHA-256, length, full path. A file of
    /// that name is replaced, once the new one is complete. `on_progress` hears how many bytes have been read for sending.
    ///
    /// # Errors
    /// Those of [`execute_reading`](Self::execute_reading), and [`Error::UploadFailed`] where the server did not take the file: then the one
    /// that was there before is still there.
    pub async fn upload(
        &mut self,
        upload: &Upload,
        source: &mut (dyn Read + Send),
        limit: Duration,
        on_progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Received, Error> {
        let refused = |url: String| move |source| Error::UploadFailed { url, source };
        let line = command::upload::line().map_err(refused(self.remote.url()))?;
        let mut lines = Lines::new(upload, source, on_progress);
        let input = Input::new(&mut lines, Some(upload.input_length()));
        let output = Execution::new(&mut self.remote, &line, limit, &mut |_, _| {
            ControlFlow::Continue(())
        })
        .run(Some(input))
        .await?;
        let received = command::upload::parse(&output).map_err(refused(self.remote.url()))?;
        // The server compared before it replaced anything; that it did is not taken on trust.
        if received.sha256 != upload.hash() || received.length != upload.length {
            return Err(refused(self.remote.url())(command::Error::UploadDiffers {
                expected: upload.hash(),
                expected_length: upload.length,
                found: received.sha256,
                found_length: received.length,
            }));
        }
        Ok(received)
    }

    /// Deletes the shell on the server.
    ///
    /// # Errors
    /// Where the server could not be told, or said no. The server ends the shell by itself once it is idle for long enough.
    pub async fn close(mut self) -> Result<(), Error> {
        // Should this wait be cancelled, dropping the value does the rest.
        let deleted = reaper::delete(&mut self.remote).await;
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
