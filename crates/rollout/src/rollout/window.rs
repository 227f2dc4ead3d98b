//! The change window: nothing begins that may not end, its way back included, before the window closes. What was begun is finished, and what a
//! failure needs is done, whatever the clock says.

use inventory::{ServerName, Strategy};
use jiff::{SignedDuration, Timestamp};

use super::Rollout;
use super::apply::Transition;
use super::state::{Record, Stand};
use crate::event::{Event, EventKind};
use crate::pace::{self, Estimate, Pace};
use crate::server::Phase;

/// What this run has seen servers take.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    changes: Vec<SignedDuration>,
    undos: Vec<SignedDuration>,
}

/// When a run will have ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outlook {
    /// As a rule.
    pub typical: Timestamp,
    /// At worst, failures apart.
    pub at_worst: Timestamp,
    /// From how many changed servers of this run that is known; 0 where it is assumed.
    pub measured: u32,
}

impl Rollout {
    /// When everything has to have ended; `None` where no window bounds this sitting.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Whether nothing begins any more because of the window.
    pub fn is_window_closed(&self) -> bool {
        self.window_closed
    }

    /// How long one server takes, by what this run has measured.
    pub fn pace(&self) -> Pace {
        Pace::learned(&self.plan, &self.measured.changes, &self.measured.undos)
    }

    /// When the run will have ended if it goes on; `None` where it does not.
    pub fn outlook(&self, now: Timestamp) -> Option<Outlook> {
        if self.run.is_none() || self.verdict.is_some() || self.taking_back {
            return None;
        }
        let pace = self.pace();
        let mut left = Estimate::default();
        for record in self.records.iter().filter(|record| self.is_under_way(record)) {
            let passed = record
                .began
                .map_or(SignedDuration::ZERO, |(began, _)| now.duration_since(began));
            left = left.max(pace.change.after(passed));
        }
        if !self.is_closing() {
            for wave in 0..self.plan.waves.len() {
                left = left.plus(pace.change_of(&self.plan, self.waiting_in(wave)));
            }
            if self.unfinished_wave() == Some(0) {
                left = left.plus(pace::hold(&self.plan));
            }
        }
        let at = |span: SignedDuration| now.checked_add(span).unwrap_or(Timestamp::MAX);
        Some(Outlook {
            typical: at(left.typical),
            at_worst: at(left.at_worst),
            measured: pace.measured,
        })
    }

    fn waiting_in(&self, wave: usize) -> impl Iterator<Item = &ServerName> {
        self.records
            .iter()
            .filter(move |record| record.wave == wave && record.stand == Stand::Waiting)
            .map(|record| &record.name)
    }

    /// What `next` wants recorded, or that it is too late for it.
    pub(super) fn unless_too_late(&self, kind: EventKind, now: Timestamp) -> EventKind {
        let pace = self.pace();
        let change = match &kind {
            EventKind::WaveStarted { wave } if self.plan.policy.strategy == Strategy::Waves => {
                let hold = match wave {
                    0 => pace::hold(&self.plan),
                    _ => Estimate::default(),
                };
                let change = pace.change_of(&self.plan, self.waiting_in(*wave)).plus(hold);
                (change, self.undo_with(&pace, |record| record.wave == *wave))
            }
            EventKind::WaveStarted { wave } => {
                let first = self.waiting_in(*wave).next();
                let undo = self.undo_with(&pace, |record| Some(&record.name) == first);
                (pace.change, undo)
            }
            EventKind::ServerStarted { server } => (
                pace.change,
                self.undo_with(&pace, |record| record.name == *server),
            ),
            _ => return kind,
        };
        self.shortfall(change.0, change.1, now).unwrap_or(kind)
    }

    /// The window closes when it is over and somebody is not begun or not touched yet, and when a server that waits for the floor could not be
    /// changed in time any more.
    pub(super) fn closing_time(&self, now: Timestamp) -> Option<EventKind> {
        let until = self.until?;
        if self.is_closing() || self.is_deliberating() {
            return None;
        }
        let pace = self.pace();
        let is_over = until <= now;
        let waits = self.records.iter().find(|record| {
            let awaits_permit = matches!(
                &record.stand,
                Stand::Step {
                    phase: Phase::AwaitingPermit { .. },
                    ..
                }
            );
            let is_before = matches!(record.stand, Stand::Waiting | Stand::Step { .. });
            record.is_untouched() && is_before && (awaits_permit || is_over)
        })?;
        let undo = self.undo_with(&pace, |record| record.name == waits.name);
        self.shortfall(pace.change, undo, now)
    }

    /// The way back of everything that is touched or under way, and of these.
    fn undo_with(&self, pace: &Pace, is_next: impl Fn(&Record) -> bool) -> Estimate {
        let touched = self.records.iter().filter(|record| {
            self.last_undoable(record).is_some() || self.is_under_way(record) || is_next(record)
        });
        pace.undo_of(&self.plan, touched.map(|record| &record.name))
    }

    fn shortfall(&self, change: Estimate, undo: Estimate, now: Timestamp) -> Option<EventKind> {
        let until = self.until.filter(|_| !self.window_closed && !self.taking_back)?;
        let left = until.duration_since(now);
        (left < change.plus(undo).at_worst).then(|| EventKind::WindowClosed {
            until,
            left: left.max(SignedDuration::ZERO),
            next: change.at_worst,
            undo: undo.at_worst,
            measured: self.pace().measured,
        })
    }

    pub(super) fn window_entered(&mut self, until: Timestamp) -> Transition {
        self.until = Some(until);
        Ok(None)
    }

    pub(super) fn window_closed(&mut self, left: SignedDuration, kind: &EventKind) -> Transition {
        if self.until.is_none() || self.is_closing() {
            return self.illegal("no window is open", kind);
        }
        self.window_closed = true;
        self.window_over = left.is_zero();
        Ok(None)
    }

    /// No window bounds the run any more, until one is entered.
    pub(super) fn leave_window(&mut self) {
        self.until = None;
        self.window_closed = false;
        self.window_over = false;
        for record in &mut self.records {
            record.began = None;
            record.undo_began = None;
        }
    }

    /// Learns how long things take. A server on which nothing had to be done says nothing of one that is changed, and neither does one that a
    /// crash or a failure interrupted.
    pub(super) fn measure(&mut self, event: &Event) {
        let Some(at) = event
            .kind
            .server()
            .and_then(|server| self.index.get(server))
            .copied()
        else {
            return;
        };
        let Some(record) = self.records.get_mut(at) else {
            return;
        };
        match &event.kind {
            EventKind::ServerStarted { .. } => record.began = Some((event.at, false)),
            EventKind::StepApplied { step, .. } => {
                let changes = self
                    .plan
                    .steps
                    .get(*step)
                    .is_some_and(|step| step.kind().changes());
                if let Some((_, worked)) = &mut record.began {
                    *worked |= changes;
                }
            }
            EventKind::ServerHealthy { .. } => {
                if let Some((began, true)) = record.began.take() {
                    self.measured.changes.push(event.at.duration_since(began));
                }
            }
            EventKind::ServerFailed { .. } | EventKind::ServerSkipped { .. } => record.began = None,
            EventKind::UndoStarted { .. } => {
                record.undo_began.get_or_insert(event.at);
            }
            EventKind::ServerUndone { .. } => {
                if let Some(began) = record.undo_began.take() {
                    self.measured.undos.push(event.at.duration_since(began));
                }
            }
            EventKind::UndoFailed { .. } => record.undo_began = None,
            _ => {}
        }
    }
}
