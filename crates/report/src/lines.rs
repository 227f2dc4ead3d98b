//! Plain lines with time stamps: for a pipe, a log, a dumb terminal.

use std::io::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollout::{Event, EventKind, Progress, Sink};

use crate::model::Model;
use crate::wording;

/// Append-only lines: state changes, and a heartbeat that names what is awaited when nothing changes for a while.
pub struct Lines<W> {
    out: W,
    zone: TimeZone,
    model: Model,
    heartbeat: SignedDuration,
    last_line: Option<Timestamp>,
    change: Option<String>,
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
            change: None,
        }
    }

    /// Takes in facts of an earlier sitting without printing them.
    pub fn replay(&mut self, events: &[Event]) {
        for event in events {
            self.note(event);
            self.model.apply(event);
        }
    }

    fn line(&mut self, at: Timestamp, text: &str) {
        self.last_line = Some(at);
        // The number of the change stands in every line, so that whoever searches a log for it finds all of the run.
        let change = self.change.as_ref();
        let text = match change {
            Some(change) => text
                .lines()
                .map(|line| format!("{change} {line}"))
                .collect::<Vec<_>>()
                .join("\n"),
            None => text.to_owned(),
        };
        // A closed pipe must not stop a rollout: the journal has every fact.
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }

    fn note(&mut self, event: &Event) {
        if let EventKind::RunStarted { plan, .. } = &event.kind {
            self.change.clone_from(&plan.change);
        }
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn event(&mut self, event: &Event) {
        self.note(event);
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
        let outlook = wording::to_go(&self.model, at).map_or_else(String::new, |text| format!("; {text}"));
        let text = format!(
            "{} still waiting: {}{outlook}",
            wording::clock(at, &self.zone),
            rows.join("; ")
        );
        self.line(at, &text);
    }
}
