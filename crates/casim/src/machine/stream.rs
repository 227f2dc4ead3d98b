//! Standard streams of a command: bytes out as they appear, bytes in as they are sent.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

/// So many bytes may wait for whoever reads a command's output; a pipe of Windows holds less.
const MOST_WAITING: usize = 1024 * 1024;

/// Which output stream a chunk belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output, in the order written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it was written.
    pub stream: Stream,
    /// UTF-8, lines end with CR LF.
    pub bytes: Vec<u8>,
}

/// The receiving end of an [`OutputSink`]; ends when the command has ended.
pub type Output = mpsc::UnboundedReceiver<Chunk>;

/// How much output waits to be fetched, so that a command with much to say can wait too.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting: AtomicUsize,
    changed: Notify,
}

impl Room {
    /// So many bytes were fetched.
    pub(crate) fn fetched(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    async fn wait(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.waiting.load(Ordering::Relaxed) <= MOST_WAITING {
                return;
            }
            changed.await;
        }
    }
}

/// Where a command writes. Nobody listening is no error.
#[derive(Debug, Clone)]
pub struct OutputSink {
    /// Standard output.
    pub stdout: StreamSink,
    /// Standard error.
    pub stderr: StreamSink,
}

impl OutputSink {
    /// A sink and the receiver of what is written to it, both streams in one order.
    pub fn channel() -> (Self, Output) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sink = |stream| StreamSink {
            stream,
            sender: Some(sender.clone()),
            room: None,
        };
        let (stdout, stderr) = (sink(Stream::Stdout), sink(Stream::Stderr));
        (Self { stdout, stderr }, receiver)
    }

    /// The same for a receiver that tells what it has fetched.
    pub(crate) fn with_room(room: &Arc<Room>) -> (Self, Output) {
        let (mut sink, receiver) = Self::channel();
        sink.stdout.room = Some(Arc::clone(room));
        sink.stderr.room = Some(Arc::clone(room));
        (sink, receiver)
    }
}

/// One writable stream.
#[derive(Debug, Clone)]
pub struct StreamSink {
    stream: Stream,
    sender: Option<mpsc::UnboundedSender<Chunk>>,
    room: Option<Arc<Room>>,
}

impl StreamSink {
    /// Writes bytes as they are.
    pub fn write(&self, bytes: &[u8]) {
        if let (Some(sender), false) = (&self.sender, bytes.is_empty()) {
            if let Some(room) = &self.room {
                room.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
            }
            let _ = sender.send(Chunk {
                stream: self.stream,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// Writes bytes once there is room for them, as a program does whose pipe is full.
    pub(super) async fn write_in_time(&self, bytes: &[u8]) {
        if let Some(room) = &self.room {
            room.wait().await;
        }
        self.write(bytes);
    }

    /// Writes text with CR LF at the end.
    pub fn line(&self, text: &str) {
        self.write(format!("{text}\r\n").as_bytes());
    }

    /// The same channel under another stream's name, for `2>&1` and `1>&2`; `None` is NUL.
    pub(super) fn nul(stream: Stream) -> Self {
        Self {
            stream,
            sender: None,
            room: None,
        }
    }
}

/// Standard input of a command: chunks as the client sends them; a dropped sender is the end.
#[derive(Debug)]
pub struct Stdin(Option<mpsc::UnboundedReceiver<Vec<u8>>>);

impl Stdin {
    /// Input that has already ended.
    pub fn empty() -> Self {
        Self(None)
    }

    /// Input fed through a sender.
    pub fn channel() -> (mpsc::UnboundedSender<Vec<u8>>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(Some(receiver)))
    }

    /// The next bytes, or `None` at the end.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        self.0.as_mut()?.recv().await
    }
}
