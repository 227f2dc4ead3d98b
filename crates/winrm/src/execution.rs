//! One command from its start to its end: Command, Send, Receive until it is done, Signal.
//!
//! Everything ends here in one of three ways: the command's whole output and exit code; an error after which nothing ran; or an error
//! that says that the outcome, or part of the output, is not known. The command line itself is sent once, whatever happens.

use std::ops::ControlFlow;

use command::{CommandLine, Output};
use tokio::time::{Duration, Instant};
use uuid::Uuid;
use wsman::{CommandId, NewCommand, Received, Request, Response, StreamName, input_chunk_size};

use crate::error::{Error, Partial};
use crate::failure::Reach;
use crate::input::Input;
use crate::remote::RemoteShell;

/// The most output that is kept of one command.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// After so many replies in a row that tell nothing, the next question waits a little.
const EMPTY_REPLIES: u32 = 3;

/// That little.
const PAUSE: Duration = Duration::from_millis(100);

/// An output stream of a command.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Who hears of output as it arrives, and may have enough of it. Pieces may end in the middle of a character.
pub(crate) type OnOutput<'a> = &'a mut (dyn FnMut(Stream, &[u8]) -> ControlFlow<()> + Send);

/// How a command ended whose standard output was handed on and not kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Streamed {
    /// Its exit code; `None` where whoever took the output had enough, and the command was terminated.
    pub exit_code: Option<u32>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

/// One command.
pub(crate) struct Execution<'a> {
    remote: &'a mut RemoteShell,
    line: &'a CommandLine,
    id: CommandId,
    limit: Duration,
    until: Instant,
    on_output: OnOutput<'a>,
    /// Whether the standard output is wanted as a whole at the end.
    keeps_output: bool,
    /// Whoever hears of output has enough.
    has_enough: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What broke while output was due; the output may have a gap since.
    gap: Option<Error>,
}

/// How a command came to its end.
enum End {
    /// By itself.
    Done(Option<u32>),
    /// Its time was up.
    OutOfTime,
    /// It wrote too much.
    TooMuch,
    /// No more of its output was wanted.
    Enough,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(
        remote: &'a mut RemoteShell,
        line: &'a CommandLine,
        limit: Duration,
        on_output: OnOutput<'a>,
    ) -> Self {
        Self {
            remote,
            line,
            id: CommandId::new(Uuid::new_v4()),
            limit,
            until: Instant::now() + limit,
            on_output,
            keeps_output: true,
            has_enough: false,
            stdout: Vec::new(),
            stderr: Vec::new(),
            gap: None,
        }
    }

    /// Runs it, and returns its whole output.
    pub(crate) async fn run(mut self, stdin: Option<Input<'_>>) -> Result<Output, Error> {
        let exit_code = self.go(stdin).await?.flatten();
        self.output(exit_code)
    }

    /// Runs it without input, keeping nothing of its standard output.
    pub(crate) async fn stream(mut self) -> Result<Streamed, Error> {
        self.keeps_output = false;
        let Some(exit_code) = self.go(None).await? else {
            return Ok(Streamed {
                exit_code: None,
                stderr: self.stderr,
            });
        };
        let output = self.output(exit_code)?;
        Ok(Streamed {
            exit_code: Some(output.exit_code),
            stderr: output.stderr,
        })
    }

    /// From the start to the end: the exit code as the server told it, or `None` where no more output was wanted.
    async fn go(&mut self, stdin: Option<Input<'_>>) -> Result<Option<Option<u32>>, Error> {
        // What an earlier, cancelled run left behind.
        self.remote.terminate().await;
        if let Some(input) = &stdin
            && input.exceeds(self.chunk_size()?)
        {
            self.remote.widen().await;
        }
        if let Err(lost) = self.start(stdin.is_some()).await? {
            return Err(self.settle(lost).await);
        }
        let ended = match self.feed(stdin).await {
            Ok(()) => self.receive().await,
            Err(error) => Err(error),
        };
        self.remote.terminate().await;
        match ended? {
            End::Done(exit_code) => Ok(Some(exit_code)),
            End::Enough => Ok(None),
            End::OutOfTime => Err(self.out_of_time()),
            End::TooMuch => Err(Error::OutputTooLarge {
                url: self.remote.url(),
                line: self.text(),
                limit: MAX_OUTPUT,
            }),
        }
    }

    /// Starts the command. The outer error: it did not start. The inner one: it may have.
    async fn start(&mut self, with_stdin: bool) -> Result<Result<(), Error>, Error> {
        let mut may_recreate = true;
        loop {
            self.remote.starts(&self.id);
            let request = Request::Command {
                shell: self.remote.id().clone(),
                command: NewCommand {
                    command_id: Some(self.id.clone()),
                    command: self.line.as_str().to_owned(),
                    arguments: Vec::new(),
                    // A pipe has an end, which a command that reads its input waits for; a console has none.
                    console_mode_stdin: Some(!with_stdin),
                    skip_cmd_shell: Some(false),
                },
            };
            let error = match self.remote.call(&request, self.operation()).await {
                Ok(Response::CommandStarted { command_id }) => {
                    // OMI tells no name; then it is ours.
                    self.id = command_id.unwrap_or_else(|| self.id.clone());
                    self.remote.starts(&self.id);
                    return Ok(Ok(()));
                }
                Ok(Response::Fault(fault)) if fault.is_gone() && may_recreate => {
                    // The server ended the idle shell, so the command did not run. A new shell, and once more.
                    may_recreate = false;
                    self.remote.create().await?;
                    continue;
                }
                Ok(Response::Fault(fault)) => {
                    let unsure = fault.is_timed_out();
                    let error = Error::Fault {
                        url: self.remote.url(),
                        step: "Command",
                        fault,
                    };
                    if unsure {
                        return Ok(Err(error));
                    }
                    error
                }
                Ok(other) => return Ok(Err(self.remote.unexpected("a reply to Command", &other))),
                Err(failure) if failure.reach == Reach::Sent => return Ok(Err(failure.error)),
                Err(failure) => failure.error,
            };
            self.remote.runs_nothing();
            return Err(error);
        }
    }

    /// How many bytes of standard input fit into one message.
    fn chunk_size(&self) -> Result<usize, Error> {
        input_chunk_size(self.remote.session(), self.remote.id(), &self.id).map_err(|source| {
            Error::Malformed {
                url: self.remote.url(),
                step: "Send",
                source,
            }
        })
    }

    /// Writes the standard input, and its end.
    async fn feed(&mut self, stdin: Option<Input<'_>>) -> Result<(), Error> {
        let Some(mut input) = stdin else { return Ok(()) };
        let size = self.chunk_size()?;
        loop {
            let piece = input.piece(size).map_err(|source| Error::InputUnreadable {
                url: self.remote.url(),
                line: self.text(),
                source,
            })?;
            let request = Request::send(self.remote.id(), &self.id, &piece.bytes, piece.end);
            match self.remote.call(&request, self.operation()).await {
                Ok(Response::Sent) => {}
                // The bytes were taken all the same (they must not be sent again); the command is slow to read them.
                Ok(Response::Fault(fault)) if fault.is_timed_out() => {}
                // The command ended without reading all of its input.
                Ok(Response::Fault(fault)) if fault.is_gone() => return Ok(()),
                Ok(Response::Fault(fault)) => {
                    let error = Error::Fault {
                        url: self.remote.url(),
                        step: "Send",
                        fault,
                    };
                    return Err(self.unknown(error, None));
                }
                Ok(other) => {
                    let error = self.remote.unexpected("a reply to Send", &other);
                    return Err(self.unknown(error, None));
                }
                Err(failure) => return Err(self.unknown(failure.error, None)),
            }
            if piece.end || self.is_over() {
                return Ok(());
            }
        }
    }

    /// Collects output until the command is done, or its time is up.
    async fn receive(&mut self) -> Result<End, Error> {
        let mut empty = 0;
        loop {
            if self.is_over() {
                return Ok(End::OutOfTime);
            }
            let request = Request::receive(self.remote.id(), &self.id);
            match self.remote.call(&request, self.operation()).await {
                Ok(Response::Received(received)) => {
                    empty = if received.chunks.iter().all(|chunk| chunk.data.is_empty()) {
                        empty + 1
                    } else {
                        0
                    };
                    if let Some(exit_code) = received.done(&self.id) {
                        self.collect(received);
                        return Ok(End::Done(exit_code));
                    }
                    self.collect(received);
                    if self.has_enough {
                        return Ok(End::Enough);
                    }
                    if self.stdout.len() + self.stderr.len() > MAX_OUTPUT {
                        return Ok(End::TooMuch);
                    }
                    if empty >= EMPTY_REPLIES {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Ok(Response::Fault(fault)) if fault.is_timed_out() => {}
                Ok(Response::Fault(fault)) => {
                    let error = Error::Fault {
                        url: self.remote.url(),
                        step: "Receive",
                        fault,
                    };
                    return Err(self.unknown(error, None));
                }
                Ok(other) => {
                    let error = self.remote.unexpected("a reply to Receive", &other);
                    return Err(self.unknown(error, None));
                }
                // The lost reply may have carried output; the server may or may not tell it again.
                Err(failure) if failure.reach == Reach::Sent && self.gap.is_none() => {
                    self.gap = Some(failure.error)
                }
                Err(failure) => return Err(self.unknown(failure.error, None)),
            }
        }
    }

    /// The reply to Command was lost. The command is not sent again; but since this client chose its name, the server can be asked what
    /// became of it. That also keeps the command from being terminated half-way, and a later look from coming too early.
    async fn settle(&mut self, lost: Error) -> Error {
        let ended = self.receive().await;
        self.remote.terminate().await;
        let found = match ended {
            Ok(End::Done(Some(exit_code))) if self.gap.is_none() => Some(Box::new(Output {
                exit_code,
                stdout: std::mem::take(&mut self.stdout),
                stderr: std::mem::take(&mut self.stderr),
            })),
            _ => None,
        };
        self.unknown(lost, found)
    }

    fn collect(&mut self, received: Received) {
        for chunk in received.chunks {
            let ours = chunk.command_id.as_ref().is_none_or(|id| id.same(&self.id));
            let (stream, kept) = match chunk.name {
                StreamName::Stdout if ours => (Stream::Stdout, &mut self.stdout),
                StreamName::Stderr if ours => (Stream::Stderr, &mut self.stderr),
                _ => continue,
            };
            if !chunk.data.is_empty() && !self.has_enough {
                if self.keeps_output || stream == Stream::Stderr {
                    kept.extend_from_slice(&chunk.data);
                }
                self.has_enough = (self.on_output)(stream, &chunk.data).is_break();
            }
        }
    }

    fn output(self, exit_code: Option<u32>) -> Result<Output, Error> {
        let (url, line) = (self.remote.url(), self.text());
        let Some(exit_code) = exit_code else {
            return Err(Error::NoExitCode { url, line });
        };
        let output = Output {
            exit_code,
            stdout: self.stdout,
            stderr: self.stderr,
        };
        match self.gap {
            None => Ok(output),
            Some(gap) => Err(Error::OutputGap {
                url,
                line,
                output: Box::new(output),
                source: Box::new(gap),
            }),
        }
    }

    fn out_of_time(&mut self) -> Error {
        Error::Deadline {
            url: self.remote.url(),
            line: self.text(),
            limit: self.limit,
            partial: Box::new(Partial {
                stdout: std::mem::take(&mut self.stdout),
                stderr: std::mem::take(&mut self.stderr),
            }),
        }
    }

    fn unknown(&self, source: Error, found: Option<Box<Output>>) -> Error {
        Error::OutcomeUnknown {
            url: self.remote.url(),
            line: self.text(),
            found,
            source: Box::new(source),
        }
    }

    fn text(&self) -> String {
        self.line.as_str().to_owned()
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// How long the server may think: not longer than there is time. In whole seconds, unless the endpoint asks for less than one.
    fn operation(&self) -> Duration {
        let longest = self.remote.session().operation_timeout;
        let left = self.until.saturating_duration_since(Instant::now());
        let whole = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        longest.min(whole.max(Duration::from_secs(1)))
    }
}
