//! `casgate` as a child process: what it says while it runs, the signals that it gets, and how it ended.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::stage::PASSWORD;
use super::story::Reader;

/// No command of a test, and no wait for an event of one, takes longer than this.
const PATIENCE: Duration = Duration::from_secs(90);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Everything that people could have read: not what is meant for programs.
    pub(crate) fn text(&self) -> String {
        let stdout = if self.stdout.starts_with('{') {
            ""
        } else {
            &self.stdout
        };
        format!("{stdout}{}", self.stderr)
    }

    /// The exit code, and the password nowhere in what was said.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.text());
        self
    }

    /// Each of these stands in what people could have read.
    #[track_caller]
    pub(crate) fn assert_says(&self, words: &[&str]) -> &Self {
        let text = self.text();
        for word in words {
            assert!(text.contains(word), "`{word}` is not in:\n{text}");
        }
        self
    }

    /// The lines of standard output as JSON; every one has to be.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// A command under way, started with `--format jsonl`.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdout: String,
    stderr: JoinHandle<String>,
    reader: Reader,
    heard: Vec<String>,
}

impl Running {
    /// `reader` knows the steps already where the run's first event lies in an earlier sitting.
    pub(crate) fn start(mut command: Command, reader: Reader) -> Self {
        let mut child = command
            .args(["--format", "jsonl"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("casgate starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut stderr = child.stderr.take().expect("a pipe");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
            stdout: String::new(),
            stderr: tokio::spawn(async move {
                let mut bytes = Vec::new();
                let _ = stderr.read_to_end(&mut bytes).await;
                String::from_utf8_lossy(&bytes).into_owned()
            }),
            reader,
            heard: Vec::new(),
        }
    }

    /// Reads on until an event whose words (see [`Reader`]) begin with these.
    pub(crate) async fn until(&mut self, wanted: &str) {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.expect("a readable pipe") {
                self.stdout.push_str(&line);
                self.stdout.push('\n');
                if let Ok(event) = serde_json::from_str(&line) {
                    let words = self.reader.words(&event);
                    self.heard.push(words);
                    if self.heard.last().is_some_and(|words| words.starts_with(wanted)) {
                        return true;
                    }
                }
            }
            false
        };
        let found = tokio::time::timeout(PATIENCE, reading).await;
        assert_eq!(found, Ok(true), "waiting for `{wanted}`, heard {:#?}", self.heard);
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGINT, as Ctrl-C sends it.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// SIGTERM, as service managers send it.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        rustix::process::kill_process(id.expect("it still runs"), signal).expect("a signal");
    }

    /// Reads to the end.
    pub(crate) async fn end(mut self) -> Ended {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.expect("a readable pipe") {
                self.stdout.push_str(&line);
                self.stdout.push('\n');
            }
            self.child.wait().await.expect("it ran")
        };
        let status = tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("casgate ends in time");
        checked(Ended {
            code: status.code(),
            stdout: self.stdout,
            stderr: self.stderr.await.expect("the reader of standard error"),
        })
    }
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> Ended {
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("casgate ends in time")
        .expect("it ran");
    checked(Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn checked(ended: Ended) -> Ended {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        !all.contains(PASSWORD),
        "the password stands in the output:\n{all}"
    );
    assert!(!all.contains("panicked"), "casgate panicked:\n{all}");
    ended
}
