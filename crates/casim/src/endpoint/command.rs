//! One command of a shell: the task that runs it, and its output until it is fetched.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use wsman::{CommandId, CommandState, Fault, Received, SignalCode, State, StreamChunk, StreamName, code};

use crate::machine::{Chunk, Machine, OutputSink, Room, Session, Stdin, Stream};

/// The exit code of a process that Ctrl+C ended: `STATUS_CONTROL_C_EXIT`.
const CONTROL_C: u32 = 0xC000_013A;
/// The longest command line that `cmd.exe` takes.
const LONGEST_LINE: usize = 8191;

/// A command, running or done.
#[derive(Debug)]
pub(super) struct Command {
    id: CommandId,
    progress: Mutex<Progress>,
    /// Told whenever the progress changes.
    changed: Notify,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Progress {
    stdin: Option<mpsc::UnboundedSender<Vec<u8>>>,
    output: VecDeque<Chunk>,
    exit_code: Option<u32>,
    /// Whether the client has been told that it is done.
    told: bool,
    /// Ended from outside: who waits for output waits in vain.
    aborted: bool,
    task: Option<AbortHandle>,
}

impl Command {
    /// Starts `line` on the machine.
    pub(super) fn start(machine: &Arc<Machine>, session: &Session, id: CommandId, line: String) -> Arc<Self> {
        let (sender, stdin) = Stdin::channel();
        let command = Arc::new(Self {
            id,
            progress: Mutex::new(Progress {
                stdin: Some(sender),
                ..Progress::default()
            }),
            changed: Notify::new(),
            room: Arc::default(),
        });
        let (machine, session) = (Arc::clone(machine), session.clone());
        let running = Arc::clone(&command);
        let task = tokio::spawn(async move { running.run(machine, session, line, stdin).await });
        command.lock().task = Some(task.abort_handle());
        command
    }

    async fn run(&self, machine: Arc<Machine>, session: Session, line: String, stdin: Stdin) {
        let (sink, mut output) = OutputSink::with_room(&self.room);
        if line.encode_utf16().count() > LONGEST_LINE {
            sink.stderr.line("The command line is too long.");
            drop(sink);
            while let Some(chunk) = output.recv().await {
                self.lock().output.push_back(chunk);
            }
            return self.ended(1);
        }
        let mut run = pin!(machine.run_in(&session, &line, stdin, sink));
        let exit_code = loop {
            tokio::select! {
                Some(chunk) = output.recv() => {
                    self.lock().output.push_back(chunk);
                    self.changed.notify_waiters();
                }
                exit_code = &mut run => break exit_code,
            }
        };
        while let Ok(chunk) = output.try_recv() {
            self.lock().output.push_back(chunk);
        }
        self.ended(exit_code);
    }

    fn ended(&self, exit_code: u32) {
        let mut progress = self.lock();
        progress.exit_code.get_or_insert(exit_code);
        progress.stdin = None;
        drop(progress);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its process still exists.
    pub(super) fn is_running(&self) -> bool {
        self.lock().exit_code.is_none()
    }

    /// Waits for output of `streams` or the end, at most `limit` of real time; no more than `most` bytes at once.
    pub(super) async fn receive(
        &self,
        streams: &[StreamName],
        limit: Duration,
        most: usize,
    ) -> Result<Received, Fault> {
        let deadline = Instant::now() + limit;
        loop {
            let changed = self.changed.notified();
            let mut changed = pin!(changed);
            // From here on no change is missed, also one between the look and the wait.
            changed.as_mut().enable();
            {
                let mut progress = self.lock();
                if progress.aborted {
                    return Err(aborted());
                }
                if progress.told {
                    return Err(Fault::no_such_command());
                }
                if let Some(received) = progress.take(&self.id, streams, most) {
                    self.room
                        .fetched(received.chunks.iter().map(|chunk| chunk.data.len()).sum());
                    return Ok(received);
                }
            }
            if timeout_at(deadline, changed).await.is_err() {
                return Err(Fault::timed_out());
            }
        }
    }

    /// Takes a piece of standard input. A command that is done, or that closed it, does not mind.
    pub(super) fn feed(&self, data: Vec<u8>, end: bool) {
        let mut progress = self.lock();
        if let Some(stdin) = &progress.stdin
            && !data.is_empty()
        {
            let _ = stdin.send(data);
        }
        if end {
            progress.stdin = None;
        }
    }

    /// Ctrl+C and Ctrl+Break end the process, which the client learns from the exit code.
    pub(super) fn interrupt(&self, signal: &SignalCode) -> Result<(), Fault> {
        match signal {
            SignalCode::CtrlC | SignalCode::CtrlBreak => {
                self.stop_task();
                self.ended(CONTROL_C);
                Ok(())
            }
            SignalCode::Terminate => {
                self.end();
                Ok(())
            }
            SignalCode::Other(uri) => Err(Fault {
                code: "Sender".to_owned(),
                ..Fault::new(
                    code::INVALID_PARAMETER,
                    "w:InvalidParameter",
                    &format!("The parameter is incorrect: {uri} "),
                )
            }),
        }
    }

    /// Ends the process, if it is still there, and whoever waits for its output.
    pub(super) fn end(&self) {
        self.stop_task();
        let mut progress = self.lock();
        progress.aborted = true;
        progress.exit_code.get_or_insert(CONTROL_C);
        progress.stdin = None;
        drop(progress);
        self.changed.notify_waiters();
    }

    fn stop_task(&self) {
        if let Some(task) = self.lock().task.take() {
            task.abort();
        }
    }
}

impl Progress {
    /// What can be told now; `None` when there is nothing to say yet.
    fn take(&mut self, id: &CommandId, streams: &[StreamName], most: usize) -> Option<Received> {
        let wanted = |stream: Stream| streams.is_empty() || streams.contains(&name(stream));
        let mut chunks: Vec<StreamChunk> = Vec::new();
        let mut left = most.max(1);
        let mut kept = VecDeque::new();
        while let Some(mut chunk) = self.output.pop_front() {
            if !wanted(chunk.stream) || left == 0 {
                kept.push_back(chunk);
                continue;
            }
            if chunk.bytes.len() > left {
                let rest = chunk.bytes.split_off(left);
                kept.push_back(Chunk {
                    stream: chunk.stream,
                    bytes: rest,
                });
            }
            left -= chunk.bytes.len();
            match chunks.last_mut().filter(|last| last.name == name(chunk.stream)) {
                Some(last) => last.data.append(&mut chunk.bytes),
                None => chunks.push(piece(id, name(chunk.stream), chunk.bytes, false)),
            }
        }
        let nothing_left = !kept.iter().any(|chunk| wanted(chunk.stream));
        self.output = kept;
        let done = self.exit_code.filter(|_| nothing_left);
        if chunks.is_empty() && done.is_none() {
            return None;
        }
        if done.is_some() {
            self.told = true;
            for stream in [StreamName::Stdout, StreamName::Stderr] {
                if streams.is_empty() || streams.contains(&stream) {
                    chunks.push(piece(id, stream, Vec::new(), true));
                }
            }
        }
        let state = CommandState {
            command_id: Some(id.clone()),
            state: if done.is_some() {
                State::Done
            } else {
                State::Running
            },
            exit_code: done,
        };
        Some(Received {
            chunks,
            states: vec![state],
        })
    }
}

fn name(stream: Stream) -> StreamName {
    match stream {
        Stream::Stdout => StreamName::Stdout,
        Stream::Stderr => StreamName::Stderr,
    }
}

fn piece(id: &CommandId, name: StreamName, data: Vec<u8>, end: bool) -> StreamChunk {
    StreamChunk {
        name,
        command_id: Some(id.clone()),
        data,
        end,
    }
}

fn aborted() -> Fault {
    Fault::new(
        code::ABORTED,
        "w:InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request. ",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(stream: Stream, bytes: &[u8]) -> Chunk {
        Chunk {
            stream,
            bytes: bytes.to_vec(),
        }
    }

    fn both() -> [StreamName; 2] {
        [StreamName::Stdout, StreamName::Stderr]
    }

    fn texts(received: &Received) -> Vec<(String, String)> {
        received
            .chunks
            .iter()
            .filter(|chunk| !chunk.end)
            .map(|chunk| {
                let text = String::from_utf8(chunk.data.clone()).unwrap();
                (chunk.name.to_string(), text)
            })
            .collect()
    }

    #[test]
    fn output_comes_in_the_order_written_and_neighbours_are_joined() {
        let id = CommandId::from("C");
        let mut progress = Progress::default();
        assert_eq!(progress.take(&id, &both(), 100), None);
        progress.output.extend([
            chunk(Stream::Stdout, b"one "),
            chunk(Stream::Stdout, b"two"),
            chunk(Stream::Stderr, b"oops"),
            chunk(Stream::Stdout, b"three"),
        ]);
        let received = progress.take(&id, &both(), 100).unwrap();
        let expected = [("stdout", "one two"), ("stderr", "oops"), ("stdout", "three")];
        assert_eq!(
            texts(&received),
            expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(received.states[0].state, State::Running);
        assert_eq!(progress.take(&id, &both(), 100), None);
    }

    #[test]
    fn no_reply_has_more_bytes_than_asked_for_and_done_comes_with_the_last() {
        let id = CommandId::from("C");
        let mut progress = Progress {
            exit_code: Some(7),
            ..Progress::default()
        };
        progress
            .output
            .extend([chunk(Stream::Stdout, b"0123456789"), chunk(Stream::Stderr, b"ab")]);
        let mut all = Vec::new();
        for expected in ["0123", "4567"] {
            let received = progress.take(&id, &both(), 4).unwrap();
            assert_eq!(texts(&received)[0].1, expected);
            assert_eq!(received.states[0].exit_code, None);
            all.push(received);
        }
        let last = progress.take(&id, &both(), 4).unwrap();
        assert_eq!(last.done(&id), Some(Some(7)));
        assert_eq!(texts(&last).len(), 2);
        assert_eq!(last.chunks.iter().filter(|chunk| chunk.end).count(), 2);
        assert!(progress.told);
    }

    #[test]
    fn a_stream_that_was_not_asked_for_stays() {
        let id = CommandId::from("C");
        let mut progress = Progress {
            exit_code: Some(0),
            ..Progress::default()
        };
        progress
            .output
            .extend([chunk(Stream::Stdout, b"out"), chunk(Stream::Stderr, b"err")]);
        let received = progress.take(&id, &[StreamName::Stderr], 100).unwrap();
        assert_eq!(texts(&received), [("stderr".to_owned(), "err".to_owned())]);
        assert_eq!(progress.output.len(), 1);
    }
}
