//! Plain lines with time stamps: for a pipe, a log, a dumb terminal.

use std::io::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollout::{Event, Progress, Sink};

use crate::model::Model;
use crate::wording;

/// Append-only lines: state changes, and a heartbeat that names what is awaited when nothing changes for a while.
pub struct Lines<W> {
    out: W,
    zone: TimeZone,
    model: Model,
    heartbeat: SignedDuration,
    last_line: Option<Timestamp>,
}

impl<W: Write + Send> Lines<W> {
    /// Lines to `out`, times in `zone`, a heartbeat after `heartbeat` of silence (in the run's own time).
    pub fn new(out: W, zone: TimeZone, heartbeat: SignedDuration) -> Self {
        Self {
            out,
            zone,
            model: Model::default(),
            heartbeat,
            last_line: None,
        }
    }

    /// Takes in facts of an earlier sitting without printing them.
    pub fn replay(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.model.apply(event));
    }

    fn line(&mut self, at: Timestamp, text: &str) {
        self.last_line = Some(at);
        // A closed pipe must not stop a rollout: the journal has every fact.
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn event(&mut self, event: &Event) {
        if let Some(heading) = wording::heading(event, &self.zone) {
            self.line(event.at, &heading);
        }
        for line in wording::lines(&self.model, event) {
            let text = line.render(event.at, &self.zone);
            self.line(event.at, &text);
        }
        self.model.apply(event);
    }

    fn progress(&mut self, _at: Timestamp, progress: &Progress) {
        self.model.progress(progress);
    }

    fn tick(&mut self, at: Timestamp) {
        let silent_since = self.last_line.unwrap_or(at);
        if self.model.verdict.is_some()
            || self.model.pause.is_some()
            || at.duration_since(silent_since) < self.heartbeat
        {
            if self.last_line.is_none() {
                self.last_line = Some(at);
            }
            return;
        }
        let rows: Vec<String> = self
            .model
            .servers
            .iter()
            .filter(|(_, row)| row.state.is_active())
            .map(|(name, row)| {
                let what = row
                    .step
                    .map_or_else(|| row.state.word().to_owned(), |step| self.model.step_word(step));
                let elapsed = row
                    .since
                    .map(|since| wording::duration(at.duration_since(since)))
                    .unwrap_or_default();
                let detail = if row.detail.is_empty() {
                    String::new()
                } else {
                    format!(", {}", row.detail)
                };
                format!("{name} {what} for {elapsed}{detail}")
            })
            .collect();
        let text = format!(
            "{} still waiting: {}",
            wording::clock(at, &self.zone),
            rows.join("; ")
        );
        self.line(at, &text);
    }
}
