//! Where a server stands and why it does not go on by itself: for `explain`, which also looks at runs that are under way. Changes nothing.

use inventory::{PoolName, ServerName, StepKind};
use jiff::{SignedDuration, Timestamp};

use super::Rollout;
use super::state::{Record, Stand};
use crate::plan::Floor;
use crate::server::Phase;

/// What a server waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// For nothing: it has come to its end.
    Ended,
    /// For its wave: an earlier one is not over, because of these.
    Wave {
        /// The servers that the earlier wave still has to end.
        unfinished: Vec<ServerName>,
    },
    /// For one of those under way to end: no more may be at a time over the whole run.
    Parallel {
        /// How many may be.
        limit: u32,
    },
    /// For one of its pool's to end: no more may be at a time.
    Pool {
        /// The pool.
        pool: PoolName,
        /// How many may be.
        limit: u32,
    },
    /// For its turn: nothing is in its way.
    Turn,
    /// For nobody: the run begins nothing any more.
    Closing,
    /// For a failure to be judged, or for a person's answer at the terminal that the run goes on at.
    Answer,
    /// For the pool or the site to have a server to spare.
    Floor {
        /// Whose floor it is.
        floor: Floor,
        /// How many have to stay in rotation.
        min_in_rotation: u32,
        /// When that is looked at again.
        retry_at: Timestamp,
        /// When it gives up.
        gives_up_at: Timestamp,
    },
    /// For another server of its pool or site to be seen out of rotation: two that leave together would both be seen in.
    Drain {
        /// The other.
        other: ServerName,
    },
    /// For a pause to end, after which a step whose outcome is not known is looked at again.
    Look {
        /// When.
        retry_at: Timestamp,
    },
    /// For the answer of its worker, which is at the server.
    Worker,
    /// For the watch over it to end.
    Soak {
        /// When it ends, if it stays healthy.
        until: Timestamp,
    },
    /// For other servers of its pool to come to their ends: it is to be put back.
    Undo,
}

/// What the first Ctrl-C does to a server; the second ends every wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnStop {
    /// Nothing: it has come to its end.
    Nothing,
    /// It is not begun.
    NotBegun,
    /// It is let go, untouched.
    LetGo,
    /// It is finished first.
    Finished,
}

impl Rollout {
    /// What the server waits for; `None` when the plan does not have it.
    pub fn wait_of(&self, server: &ServerName) -> Option<Wait> {
        let record = self.record(server)?;
        if record.paying.is_some() {
            return Some(Wait::Worker);
        }
        Some(match &record.stand {
            Stand::Waiting => self.wait_for_turn(record),
            Stand::Surveying | Stand::Returned | Stand::Proven | Stand::Failing | Stand::Unwinding { .. } => {
                Wait::Worker
            }
            Stand::Step { step, phase, .. } => self.wait_at_step(record, *step, phase),
            Stand::Soaking { since } => Wait::Soak {
                until: after(*since, self.plan.policy.min_healthy_time),
            },
            Stand::TakenBack { .. } => Wait::Undo,
            Stand::Held { since } => Wait::Soak {
                until: after(*since, self.plan.policy.canary_hold),
            },
            Stand::Healthy if self.is_wave_undo_due(record) => Wait::Undo,
            Stand::Healthy | Stand::Failed | Stand::Undone | Stand::Stuck | Stand::Skipped => {
                match self.is_settled(record) {
                    true => Wait::Ended,
                    false => Wait::Worker,
                }
            }
        })
    }

    /// What the first Ctrl-C would do to the server now; `None` when the plan does not have it.
    pub fn on_stop(&self, server: &ServerName) -> Option<OnStop> {
        let record = self.record(server)?;
        let awaits_permit = matches!(
            record.stand,
            Stand::Step {
                phase: Phase::AwaitingPermit { .. },
                ..
            }
        );
        Some(match record.stand {
            Stand::Waiting | Stand::TakenBack { .. } => OnStop::NotBegun,
            _ if self.is_settled(record) => OnStop::Nothing,
            _ if awaits_permit && record.is_untouched() => OnStop::LetGo,
            _ => OnStop::Finished,
        })
    }

    fn wait_for_turn(&self, record: &Record) -> Wait {
        if self.is_closing() {
            return Wait::Closing;
        }
        if self.is_deliberating() {
            return Wait::Answer;
        }
        let first = self.unfinished_wave();
        if !record.suspect && first.is_some_and(|first| first < record.wave) {
            let unfinished = self
                .records
                .iter()
                .filter(|other| Some(other.wave) == first && !self.is_settled(other));
            return Wait::Wave {
                unfinished: unfinished.map(|other| other.name.clone()).collect(),
            };
        }
        if self.count_under_way() >= self.plan.max_parallel {
            return Wait::Parallel {
                limit: self.plan.max_parallel,
            };
        }
        let planned = record
            .pool
            .as_ref()
            .and_then(|pool| Some((pool, self.plan.pools.get(pool)?)));
        match planned {
            Some((pool, planned)) if self.open_wave.is_some() && !self.may_start(record) => Wait::Pool {
                pool: pool.clone(),
                limit: planned.max_in_flight,
            },
            _ => Wait::Turn,
        }
    }

    fn wait_at_step(&self, record: &Record, step: usize, phase: &Phase) -> Wait {
        match phase {
            Phase::AwaitingPermit { retry_at } => {
                let Some((since, floor)) = &record.refused else {
                    return Wait::Look { retry_at: *retry_at };
                };
                let planned = self.plan.planned(floor);
                Wait::Floor {
                    floor: floor.clone(),
                    min_in_rotation: planned.map_or(0, |planned| planned.min_in_rotation),
                    retry_at: *retry_at,
                    gives_up_at: after(*since, self.plan.policy.progress_deadline),
                }
            }
            Phase::AwaitingLook { retry_at } => Wait::Look { retry_at: *retry_at },
            Phase::Due if self.is_on_hold(record) => Wait::Answer,
            Phase::Due if self.is_drain_taken(record, step) => {
                let at_drain = |other: &&Record| match &other.stand {
                    Stand::Step { step, .. } => self.kind_of(*step) == Some(StepKind::Drain),
                    _ => false,
                };
                let other = self
                    .records
                    .iter()
                    .filter(|other| {
                        other.name != record.name && self.plan.share_a_floor(&other.name, &record.name)
                    })
                    .find(at_drain);
                other.map_or(Wait::Turn, |other| Wait::Drain {
                    other: other.name.clone(),
                })
            }
            Phase::Due => Wait::Turn,
            Phase::Probing | Phase::Applying | Phase::Verifying => Wait::Worker,
        }
    }
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
