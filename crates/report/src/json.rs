//! JSON lines for programs: events verbatim, as they stand in the journal; in front of each the number of the change, where there is one.

use std::io::Write;

use jiff::Timestamp;
use rollout::{Event, EventKind, Progress, Sink};

/// Events as JSON, one a line; progress is left out.
pub struct JsonLines<W> {
    out: W,
    change: Option<String>,
}

impl<W: Write + Send> JsonLines<W> {
    /// JSON lines to `out`.
    pub fn new(out: W) -> Self {
        Self { out, change: None }
    }

    /// Takes in facts of an earlier sitting without printing them.
    pub fn replay(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.note(event));
    }

    fn note(&mut self, event: &Event) {
        if let EventKind::RunStarted { plan, .. } = &event.kind {
            self.change.clone_from(&plan.change);
        }
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn event(&mut self, event: &Event) {
        self.note(event);
        let change = self.change.as_ref();
        let change = change.and_then(|change| serde_json::to_string(change).ok());
        if let Ok(text) = serde_json::to_string(event) {
            let text = match (change, text.strip_prefix('{')) {
                (Some(change), Some(rest)) => format!("{{\"change\":{change},{rest}"),
                _ => text,
            };
            // A closed pipe must not stop a rollout: the journal has every fact.
            let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        }
    }

    fn progress(&mut self, _at: Timestamp, _progress: &Progress) {}

    fn tick(&mut self, _at: Timestamp) {}
}
