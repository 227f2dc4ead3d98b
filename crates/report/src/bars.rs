//! Bars on a terminal: the run, the pools against their floors, a line for each active server. Finished servers scroll up as permanent lines.

use std::collections::BTreeMap;
use std::io::Write;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use inventory::{PoolName, ServerName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollout::{Event, Progress, Sink};

use crate::model::{Model, RowState};
use crate::wording;

/// Never more rows of servers than this: the rest is counted on one line.
const MOST_SERVERS: usize = 10;

/// The live screen. Permanent lines are written by ourselves while the bars are taken away, so that none is lost when bars are hidden.
pub struct Bars {
    multi: MultiProgress,
    out: Box<dyn Write + Send>,
    zone: TimeZone,
    model: Model,
    run: Option<ProgressBar>,
    /// When the run is done, and for which change it is.
    /// What Ctrl-C would do, on a line of its own: it has to be read on a terminal of 80 columns.
    stop: Option<ProgressBar>,
    time: Option<ProgressBar>,
    pools: BTreeMap<PoolName, ProgressBar>,
    servers: BTreeMap<ServerName, ProgressBar>,
    more: Option<ProgressBar>,
}

impl Bars {
    /// Bars on standard error, redrawn at most ten times a second.
    pub fn stderr(zone: TimeZone) -> Self {
        Self::new(
            ProgressDrawTarget::stderr_with_hz(10),
            Box::new(std::io::stderr()),
            zone,
        )
    }

    /// Bars on any target, their permanent lines to any writer.
    pub fn new(target: ProgressDrawTarget, out: Box<dyn Write + Send>, zone: TimeZone) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            out,
            zone,
            model: Model::default(),
            run: None,
            stop: None,
            time: None,
            pools: BTreeMap::new(),
            servers: BTreeMap::new(),
            more: None,
        }
    }

    /// Takes in facts of an earlier sitting without printing them.
    pub fn replay(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.model.apply(event));
    }

    fn permanent(&mut self, text: &str) {
        let out = &mut self.out;
        self.multi.suspend(|| {
            // The screen is gone when this fails; the journal has every fact.
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        });
    }

    fn redraw(&mut self, at: Timestamp) {
        let Some(plan) = &self.model.plan else { return };
        // While a person is asked, the screen is his.
        if self.model.verdict.is_some() || self.model.pause.is_some() {
            return self.clear();
        }
        let total = plan.servers.len();
        let run = self.run.get_or_insert_with(|| {
            let bar = self
                .multi
                .add(ProgressBar::new(u64::try_from(total).unwrap_or(0)));
            bar.set_style(style("{prefix} [{bar:12}] {pos}/{len} {wide_msg}"));
            bar
        });
        run.set_prefix(format!(
            "run {}",
            self.model
                .run
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        ));
        run.set_position(u64::try_from(self.model.ended()).unwrap_or(0));
        run.set_message(headline(&self.model, at));
        let stop = self.stop.get_or_insert_with(|| {
            let bar = self.multi.add(ProgressBar::new(0));
            bar.set_style(style("  {wide_msg}"));
            bar
        });
        stop.set_message(stop_line(&self.model));
        if let Some(text) = time(&self.model, at, &self.zone) {
            let time = self.time.get_or_insert_with(|| {
                let bar = self.multi.add(ProgressBar::new(0));
                bar.set_style(style("  {wide_msg}"));
                bar
            });
            time.set_message(text);
        } else if let Some(time) = self.time.take() {
            time.finish_and_clear();
            self.multi.remove(&time);
        }
        for (name, pool) in &plan.pools {
            let Some((now, members, least)) = self.model.rotation.get(name) else {
                continue;
            };
            let bar = self.pools.entry(name.clone()).or_insert_with(|| {
                let bar = self.multi.add(ProgressBar::new(u64::from(*members)));
                bar.set_style(style("{prefix} [{bar:24}] {wide_msg}"));
                bar.set_prefix(format!("pool {name}"));
                bar
            });
            bar.set_position(u64::from(*now));
            let word = if *now >= pool.min_in_rotation {
                "OK"
            } else {
                "BELOW FLOOR"
            };
            bar.set_message(format!(
                "in rotation {now}/{members}  floor {}  least {least}  {word}",
                pool.min_in_rotation
            ));
        }
        self.redraw_servers(at);
    }

    fn redraw_servers(&mut self, at: Timestamp) {
        let active: Vec<&ServerName> = self
            .model
            .servers
            .iter()
            .filter(|(_, row)| row.state.is_active())
            .map(|(name, _)| name)
            .collect();
        self.servers.retain(|name, bar| {
            let keep = active.contains(&name);
            if !keep {
                bar.finish_and_clear();
                self.multi.remove(bar);
            }
            keep
        });
        let steps = self.model.plan.as_ref().map_or(0, |p| p.steps.len());
        for name in active.iter().take(MOST_SERVERS) {
            let Some(row) = self.model.servers.get(*name) else {
                continue;
            };
            let bar = self.servers.entry((*name).clone()).or_insert_with(|| {
                let bar = self
                    .multi
                    .add(ProgressBar::new(u64::try_from(steps).unwrap_or(0)));
                bar.set_style(style("  {prefix:<10} [{bar:12}] {wide_msg}"));
                bar.set_prefix(name.to_string());
                bar
            });
            let done = match row.state {
                RowState::Soaking => steps,
                _ => row.step.unwrap_or(0),
            };
            bar.set_position(u64::try_from(done).unwrap_or(0));
            let what = row
                .step
                .map_or_else(|| row.state.word().to_owned(), |step| self.model.step_word(step));
            let what = if row.state == RowState::Undoing {
                format!("undo {what}")
            } else {
                what
            };
            let elapsed = row
                .since
                .map(|since| wording::duration(at.duration_since(since)))
                .unwrap_or_default();
            bar.set_message(format!("{what:<18} {elapsed:>7}  {}", row.detail));
        }
        let hidden = active.len().saturating_sub(MOST_SERVERS);
        if hidden > 0 {
            let more = self.more.get_or_insert_with(|| {
                let bar = self.multi.add(ProgressBar::new(0));
                bar.set_style(style("  {wide_msg}"));
                bar
            });
            more.set_message(format!("and {hidden} more under way"));
        } else if let Some(more) = self.more.take() {
            more.finish_and_clear();
            self.multi.remove(&more);
        }
    }

    fn clear(&mut self) {
        for bar in self
            .run
            .take()
            .into_iter()
            .chain(self.stop.take())
            .chain(self.time.take())
            .chain(self.more.take())
        {
            bar.finish_and_clear();
        }
        for bar in std::mem::take(&mut self.pools)
            .into_values()
            .chain(std::mem::take(&mut self.servers).into_values())
        {
            bar.finish_and_clear();
        }
        // Nothing is left to draw; what the terminal refuses now does not matter.
        let _ = self.multi.clear();
    }
}

/// ASCII bars, since not every console can draw anything else.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("#>-")
}

/// Is it safe, and how far are we.
fn headline(model: &Model, at: Timestamp) -> String {
    let waves = model.plan.as_ref().map_or(0, |p| p.waves.len());
    let limit = model.plan.as_ref().map_or(0, |p| p.policy.max_failures);
    let wave = model.wave.map_or(0, |wave| wave + 1);
    let elapsed = model
        .started
        .map(|started| wording::duration(at.duration_since(started)))
        .unwrap_or_default();
    format!(
        "wave {wave}/{waves}  failed {} (may {limit})  {elapsed}",
        model.failures()
    )
}

/// What Ctrl-C would do.
fn stop_line(model: &Model) -> String {
    let active = model.servers.values().filter(|row| row.state.is_active()).count();
    match model.stopping {
        None => format!("Ctrl-C: finish {active} under way, then stop"),
        Some(false) => format!("STOPPING after {active} under way; Ctrl-C again aborts the waits"),
        Some(true) => "ABORTING".to_owned(),
    }
}

/// For which change, when it is done, and until when it may be: `CHG0042137  done about 02:38, at worst 02:51  window until 04:00`.
fn time(model: &Model, at: Timestamp, zone: &TimeZone) -> Option<String> {
    let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
    let outlook = model.outlook(at).map(|outlook| {
        let (typical, at_worst) = (clock(outlook.typical), clock(outlook.at_worst));
        format!("done about {typical}, at worst {at_worst}")
    });
    let window = model
        .until()
        .map(|until| format!("window until {}", clock(until)));
    let change = model.change().map(str::to_owned);
    let parts: Vec<String> = change.into_iter().chain(outlook).chain(window).collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}

impl Sink for Bars {
    fn event(&mut self, event: &Event) {
        if let Some(heading) = wording::heading(event, &self.zone) {
            self.permanent(&heading);
        }
        for line in wording::lines(&self.model, event) {
            self.permanent(&line.render(event.at, &self.zone));
        }
        self.model.apply(event);
        self.redraw(event.at);
    }

    fn progress(&mut self, at: Timestamp, progress: &Progress) {
        self.model.progress(progress);
        self.redraw(at);
    }

    fn tick(&mut self, at: Timestamp) {
        self.redraw(at);
    }
}

#[cfg(test)]
mod tests {
    use rollout::EventKind;

    use super::*;

    /// What an operator has to read at 2 a.m. stands on a terminal of 80 columns.
    #[test]
    fn what_matters_is_not_cut_off_on_a_narrow_terminal() {
        let before_the_message = "run 20261126-0120-c2ac [############] 120/120 ".len();
        let now = Timestamp::UNIX_EPOCH;
        let mut model = Model::default();
        let headline = headline(&model, now);
        assert_eq!(headline, "wave 0/0  failed 0 (may 0)  ");
        assert!(before_the_message + headline.len() + "1h02m".len() <= 80);
        let mut said = vec![stop_line(&model)];
        for hard in [false, true] {
            model.apply(&Event {
                seq: 0,
                at: now,
                kind: EventKind::StopRequested { hard },
            });
            said.push(stop_line(&model));
        }
        assert_eq!(
            said,
            [
                "Ctrl-C: finish 0 under way, then stop",
                "STOPPING after 0 under way; Ctrl-C again aborts the waits",
                "ABORTING"
            ]
        );
        assert!(said.iter().all(|line| line.len() + 6 <= 80));
    }
}
