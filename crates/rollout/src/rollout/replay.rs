//! Rebuilding a run from its events, and going on with it.

use super::Rollout;
use super::state::{Control, Stand, Unwind};
use crate::action::Debt;
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::pause::Pause;
use crate::server::Phase;
use crate::verdict::Verdict;

impl Rollout {
    /// Rebuilds a run from its events. The actions that come out on the way are dropped: whatever they did was either answered by a later event
    /// or is unknown, and `run_resumed` makes everything unknown be looked at again.
    ///
    /// # Errors
    /// [`Error::NoEvents`], [`Error::NoStart`] and [`Error::IllegalEvent`] when the events are not those of a run.
    pub fn replay(events: &[Event]) -> Result<Self, Error> {
        let first = events.first().ok_or(Error::NoEvents)?;
        let EventKind::RunStarted { plan, .. } = &first.kind else {
            return Err(Error::NoStart {
                found: first.kind.name(),
            });
        };
        let mut rollout = Self::new((**plan).clone());
        for event in events {
            rollout.apply(event).map_err(|source| Error::IllegalEvent {
                seq: event.seq,
                source,
            })?;
        }
        Ok(rollout)
    }

    /// Whether `run_resumed` can follow: the run was cut off, or ended with something left to do.
    pub fn is_resumable(&self) -> bool {
        self.run.is_some() && self.verdict.is_none_or(Verdict::is_resumable)
    }

    /// Goes on with a run.
    ///
    /// Whatever was in the hands of a worker is lost, so it is looked at again. A run that was cut off (killed, or aborted by a second Ctrl-C)
    /// goes on with the same budget: nobody has judged its failures yet. A run that came to its end is resumed by a person who has seen its
    /// failures: the budget starts at 0 again, and everything that is not proven done is begun again from its survey.
    pub(super) fn resume(&mut self) {
        let has_ended = self.verdict.is_some_and(|verdict| verdict != Verdict::Aborted);
        self.verdict = None;
        self.stop = None;
        self.leave_window();
        // Whoever resumes a run that ended at a pause lets it pass. A pause that nobody answered is asked about again.
        if let (true, Some(Pause::AfterWave { wave })) = (has_ended, self.ended_at.take()) {
            self.passed = self.passed.max(wave + 1);
        }
        self.ended_at = None;
        self.pause = None;
        for record in &mut self.records {
            record.paying = None;
            record.unpaid.clear();
            record.refused = None;
            let is_past = |at: usize| {
                let is_before = |debt: &Debt| matches!(debt, Debt::Confirmation { step } if *step < at);
                record.debts.iter().any(is_before)
            };
            let is_doubtful = match &record.stand {
                Stand::Step { step, .. } => is_past(*step),
                Stand::Returned | Stand::Soaking { .. } => is_past(usize::MAX),
                _ => false,
            };
            if is_doubtful && !self.taking_back {
                // Nobody confirmed the change in time, perhaps: then the server has put the former rules back, and all of it has to be seen anew.
                record.stand = Stand::Waiting;
                record.suspect = true;
            }
            match &mut record.stand {
                // Nothing was changed in this turn yet.
                Stand::Surveying => {
                    record.stand = Stand::Waiting;
                    // The lease may have been taken before the look was cut off.
                    record.leased = true;
                }
                Stand::Step { phase, .. } => *phase = Phase::Due,
                Stand::Soaking { .. } => record.stand = Stand::Returned,
                Stand::Held { .. } => record.stand = Stand::Healthy,
                Stand::Unwinding { progress, .. } if *progress == Unwind::Running => *progress = Unwind::Due,
                Stand::Failed | Stand::Undone | Stand::Stuck | Stand::Skipped
                    if has_ended && !self.taking_back =>
                {
                    record.stand = Stand::Waiting;
                }
                _ => {}
            }
            if record.control == Control::Looking {
                record.control = Control::Due;
            }
            if has_ended {
                record.counted = false;
                record.breach = None;
                record.control = Control::None;
                record.answer = None;
            }
        }
        if has_ended {
            self.budget_spent = false;
            self.spent_in = None;
            self.breached = false;
            self.breached_vips.clear();
        }
        if self.taking_back {
            self.take_back();
            return;
        }
        // Waves are taken up again at the first that is not over.
        if self
            .open_wave
            .is_some_and(|open| self.unfinished_wave().is_some_and(|first| first < open))
        {
            self.open_wave = None;
        }
    }
}
