//! Standard streams of a command: bytes out as they appear, bytes in as they are sent.

use tokio::sync::mpsc;

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
        let stderr = StreamSink {
            stream: Stream::Stderr,
            sender: Some(sender.clone()),
        };
        (
            Self {
                stdout: StreamSink {
                    stream: Stream::Stdout,
                    sender: Some(sender),
                },
                stderr,
            },
            receiver,
        )
    }
}

/// One writable stream.
#[derive(Debug, Clone)]
pub struct StreamSink {
    stream: Stream,
    sender: Option<mpsc::UnboundedSender<Chunk>>,
}

impl StreamSink {
    /// Writes bytes as they are.
    pub fn write(&self, bytes: &[u8]) {
        if let (Some(sender), false) = (&self.sender, bytes.is_empty()) {
            let _ = sender.send(Chunk {
                stream: self.stream,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// Writes text with CR LF at the end.
    pub fn line(&self, text: &str) {
        self.write(format!("{text}\r\n").as_bytes());
    }

    /// The same channel under another stream's name, for `2>&1` and `1>&2`; `None` is NUL.
    pub(super) fn nul(stream: Stream) -> Self {
        Self { stream, sender: None }
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
