//! All printing goes through one value: what is a terminal, what is coloured, what goes where.

use std::io::{IsTerminal, Write};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use report::{Bars, JsonLines, Lines, Meter};
use rollout::{Event, Sink};

use crate::args::{Common, Format, ProgressKind, When};
use crate::error::Error;

/// Where and how to print.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    format: Format,
    progress: ProgressKind,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    stdin_is_terminal: bool,
    color: bool,
    bars: bool,
}

impl Printer {
    /// Looks at the terminal and the environment once.
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is where the environment is read"
    )]
    pub(crate) fn new(common: &Common) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let stderr_is_terminal = std::io::stderr().is_terminal();
        let color = match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => stderr_is_terminal && !set("NO_COLOR") && !dumb,
        };
        // indicatif hides its bars under NO_COLOR and TERM=dumb: lines instead, so that nothing is lost.
        let bars = common.progress == ProgressKind::Auto && stderr_is_terminal && !set("NO_COLOR") && !dumb;
        Self {
            format: common.format,
            progress: common.progress,
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal,
            color,
            bars,
        }
    }

    /// Whether a question can be asked and an answer read.
    pub(crate) fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }

    /// Whether results are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Jsonl
    }

    /// Whether diagnostics are coloured.
    pub(crate) fn color(&self) -> bool {
        self.color
    }

    /// A result for people, on standard output; on standard error when standard output is for programs.
    #[expect(clippy::print_stderr, reason = "the printer prints")]
    pub(crate) fn text(&self, text: &str) {
        if self.is_json() {
            eprintln!("{text}");
        } else if writeln!(std::io::stdout(), "{text}").is_err() {
            // The reader has gone, as with `| head`.
        }
    }

    /// A result for programs; nothing when results are for people.
    pub(crate) fn json(&self, value: &serde_json::Value) {
        if self.is_json() {
            let _ = writeln!(std::io::stdout(), "{value}");
        }
    }

    /// Something for people beside the results, on standard error.
    #[expect(clippy::print_stderr, reason = "the printer prints")]
    pub(crate) fn note(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Asks and reads a line; `None` off a terminal.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        let mut err = std::io::stderr();
        write!(err, "{question} ").and_then(|()| err.flush()).ok()?;
        let mut answer = String::new();
        // Nothing at all is the end of the input; an empty line has its newline.
        if std::io::stdin().read_line(&mut answer).ok()? == 0 {
            return None;
        }
        Some(answer.trim().to_owned())
    }

    /// A bar for work that has no events; hidden where bars are.
    pub(crate) fn meter(&self, length: u64, what: &str) -> Meter {
        Meter::new(length, what, self.bars)
    }

    /// An error with its causes and its hint, printed once, at the top.
    pub(crate) fn error(&self, error: &Error) {
        for diagnostic in error.diagnostics(self.color) {
            self.note(&diagnostic);
        }
        self.note(&format!("error: {error}"));
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            self.note(&format!("  because: {inner}"));
            cause = inner.source();
        }
        if let Some(hint) = error.hint() {
            self.note(&format!("  hint: {hint}"));
        }
    }

    /// The sinks of a run. `past` are the events of earlier sittings.
    pub(crate) fn sinks(&self, past: &[Event]) -> Vec<Box<dyn Sink>> {
        let zone = TimeZone::system();
        let heartbeat = SignedDuration::from_secs(30);
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if self.is_json() {
            let mut lines = JsonLines::new(std::io::stdout());
            lines.replay(past);
            sinks.push(Box::new(lines));
        }
        if self.progress == ProgressKind::None {
            return sinks;
        }
        if self.bars {
            let mut bars = Bars::stderr(zone.clone());
            bars.replay(past);
            sinks.push(Box::new(bars));
        }
        if self.is_json() && !self.bars {
            let mut lines = Lines::new(std::io::stderr(), zone, heartbeat);
            lines.replay(past);
            sinks.push(Box::new(lines));
        } else if !(self.is_json() || self.bars && self.stdout_is_terminal) {
            let mut lines = Lines::new(std::io::stdout(), zone, heartbeat);
            lines.replay(past);
            sinks.push(Box::new(lines));
        }
        sinks
    }
}
