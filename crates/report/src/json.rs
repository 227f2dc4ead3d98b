//! JSON lines for programs: events verbatim, as they stand in the journal.

use std::io::Write;

use jiff::Timestamp;
use rollout::{Event, Progress, Sink};

/// Events as JSON, one a line; progress is left out.
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    /// JSON lines to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn event(&mut self, event: &Event) {
        if let Ok(text) = serde_json::to_string(event) {
            // A closed pipe must not stop a rollout: the journal has every fact.
            let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        }
    }

    fn progress(&mut self, _at: Timestamp, _progress: &Progress) {}

    fn tick(&mut self, _at: Timestamp) {}
}
