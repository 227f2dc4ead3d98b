//! What happens next. Only looks; every answer is a function of the state and of the instant that the caller names.

use inventory::StepKind;
use jiff::Timestamp;

use super::Rollout;
use super::Stop;
use super::state::{Record, Stand, Unwind};
use crate::action::Debt;
use crate::event::EventKind;
use crate::observation::Found;
use crate::pause::Pause;
use crate::server::Phase;
use crate::verdict::Verdict;

/// What the caller should do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Commit this fact and apply it; then ask again.
    Record(EventKind),
    /// Nothing can be decided: wait for a worker's answer, or until the instant, if there is one. `Wait(None)` while no worker has anything to do
    /// happens only before `run_started`, and while [`Rollout::pause`] waits for a person.
    Wait(Option<Timestamp>),
    /// The run has ended.
    Finished(Verdict),
}

/// What one server needs.
enum Decision {
    Record(EventKind),
    WaitUntil(Timestamp),
    Nothing,
}

impl Rollout {
    /// What happens next, `now` being the caller's clock. Deterministic: the servers are asked in the order of the waves.
    pub fn next(&self, now: Timestamp) -> Next {
        if let Some(verdict) = self.verdict {
            return Next::Finished(verdict);
        }
        if self.run.is_none() {
            return Next::Wait(None);
        }
        if self.stop == Some(Stop::Hard) {
            return Next::Record(EventKind::RunFinished {
                verdict: Verdict::Aborted,
            });
        }
        if let Some(kind) = self.deliberate() {
            return Next::Record(kind);
        }
        if self.is_budget_spent() && !self.budget_spent && !self.is_deliberating() && !self.taking_back {
            return Next::Record(self.spent());
        }
        if let Some(kind) = self.closing_time(now) {
            return Next::Record(kind);
        }
        let mut wake: Option<Timestamp> = None;
        for record in &self.records {
            match self.decide(record, now) {
                Decision::Record(kind) => return Next::Record(kind),
                Decision::WaitUntil(at) => wake = Some(wake.map_or(at, |wake| wake.min(at))),
                Decision::Nothing => {}
            }
        }
        match self.decide_run() {
            Some(kind) => Next::Record(self.unless_too_late(kind, now)),
            None => Next::Wait(wake),
        }
    }

    /// The event that says which budget is spent.
    fn spent(&self) -> EventKind {
        let (failures, limit) = (self.failures(), self.plan.policy.max_failures);
        match self.spent_pool() {
            Some((pool, failures, limit)) if failures <= self.plan.policy.max_failures => {
                EventKind::BudgetSpent {
                    failures,
                    limit,
                    pool: Some(pool.clone()),
                }
            }
            _ => EventKind::BudgetSpent {
                failures,
                limit,
                pool: None,
            },
        }
    }

    /// What a server that is under way needs.
    fn decide(&self, record: &Record, now: Timestamp) -> Decision {
        let server = record.name.clone();
        if record.paying.is_some() {
            return Decision::Nothing;
        }
        if let Some(error) = self.breach_due(record) {
            return Decision::Record(EventKind::ServerFailed {
                server,
                step: None,
                error: error.clone(),
            });
        }
        let payment = || match record.payable() {
            Some(debt) => Decision::Record(EventKind::DebtPaymentStarted {
                server: record.name.clone(),
                debt,
            }),
            None => Decision::Nothing,
        };
        Decision::Record(match &record.stand {
            Stand::Step { step, attempt, phase } => {
                return self.decide_step(record, *step, *attempt, phase, now);
            }
            Stand::Returned => match record.payable() {
                Some(debt) => EventKind::DebtPaymentStarted { server, debt },
                None => EventKind::ServerSoaking { server },
            },
            Stand::Proven => EventKind::ServerHealthy {
                server,
                changed: record.changed,
            },
            Stand::Failing => match &record.failure {
                Some(failure) => EventKind::ServerFailed {
                    server,
                    step: failure.step,
                    error: failure.error.clone(),
                },
                None => return Decision::Nothing,
            },
            Stand::Failed if self.is_under_judgement(record) => return Decision::Nothing,
            Stand::Failed => match self.own_undo(record) {
                Some(step) => EventKind::UndoStarted { server, step },
                None => return payment(),
            },
            Stand::Unwinding {
                progress: Unwind::Due,
                ..
            } => match self.last_undoable(record) {
                Some(step) => EventKind::UndoStarted { server, step },
                None => EventKind::ServerUndone { server },
            },
            Stand::Unwinding {
                progress: Unwind::Failed,
                ..
            } => EventKind::ServerStuck { server },
            Stand::Undone | Stand::Stuck | Stand::Skipped => return payment(),
            // What an earlier sitting took away from it will not be given back by its steps any more.
            Stand::Waiting if self.is_closing() => return payment(),
            Stand::Waiting
            | Stand::Surveying
            | Stand::Soaking { .. }
            | Stand::Held { .. }
            | Stand::Healthy
            | Stand::TakenBack { .. }
            | Stand::Unwinding {
                progress: Unwind::Running,
                ..
            } => return Decision::Nothing,
        })
    }

    fn decide_step(
        &self,
        record: &Record,
        step: usize,
        attempt: u32,
        phase: &Phase,
        now: Timestamp,
    ) -> Decision {
        let server = record.name.clone();
        match phase {
            Phase::Probing => match &record.left_out {
                // The core knows the answer: who took the server out before we came decides when it goes back.
                Some(evidence) if self.kind_of(step) == Some(StepKind::ReturnToRotation) => {
                    let found = Found::AlreadyDone(evidence.clone());
                    Decision::Record(EventKind::StepProbed { server, step, found })
                }
                _ => Decision::Nothing,
            },
            Phase::Applying | Phase::Verifying => Decision::Nothing,
            Phase::Due | Phase::AwaitingPermit { .. } | Phase::AwaitingLook { .. }
                if self.is_let_go(record) =>
            {
                Decision::Record(EventKind::ServerSkipped { server })
            }
            Phase::Due | Phase::AwaitingPermit { .. } | Phase::AwaitingLook { .. }
                if self.is_on_hold(record) =>
            {
                Decision::Nothing
            }
            Phase::AwaitingPermit { retry_at } | Phase::AwaitingLook { retry_at } if now < *retry_at => {
                Decision::WaitUntil(*retry_at)
            }
            Phase::Due | Phase::AwaitingPermit { .. } | Phase::AwaitingLook { .. } => {
                if self.is_drain_taken(record, step) {
                    Decision::Nothing
                } else {
                    Decision::Record(EventKind::StepStarted {
                        server,
                        step,
                        attempt,
                    })
                }
            }
        }
    }

    /// What the run as a whole needs, once no server needs anything at once.
    pub(super) fn decide_run(&self) -> Option<EventKind> {
        if self.taking_back {
            return match self.next_taken_back() {
                Some((server, step)) => Some(EventKind::UndoStarted { server, step }),
                None => self.finished_run(),
            };
        }
        let is_quiet = self.count_under_way() == 0;
        if self.is_deliberating() {
            return None;
        }
        if self.is_budget_spent() {
            for record in &self.records {
                if self.is_undo_withheld(record) && self.is_quiet_around(record) {
                    let step = self.last_undoable(record)?;
                    return Some(EventKind::UndoFailed {
                        server: record.name.clone(),
                        step,
                        error: self.withheld(record),
                    });
                }
                if let Some(step) = self.wave_undo(record) {
                    return Some(EventKind::UndoStarted {
                        server: record.name.clone(),
                        step,
                    });
                }
            }
            if !is_quiet {
                return None;
            }
            if let Some(record) = self.records.iter().find(|record| record.stand == Stand::Waiting) {
                return Some(EventKind::ServerSkipped {
                    server: record.name.clone(),
                });
            }
            return self.finished_wave().or_else(|| self.finished_run());
        }
        if self.is_ending() {
            return if is_quiet {
                self.finished_wave().or_else(|| self.finished_run())
            } else {
                None
            };
        }
        if let Some(server) = self.startable() {
            return Some(EventKind::ServerStarted {
                server: server.clone(),
            });
        }
        if self.open_wave.is_some() {
            let server = |record: &Record| record.name.clone();
            let held = self
                .records
                .iter()
                .find(|record| self.is_hold_due(record) && self.may_be_held(record));
            let held_back = || self.records.iter().find(|record| self.is_held_back(record));
            return held
                .map(|record| EventKind::CanaryHeld {
                    server: server(record),
                })
                .or_else(|| self.finished_wave())
                .or_else(|| {
                    held_back().map(|record| EventKind::ServerSkipped {
                        server: server(record),
                    })
                });
        }
        match self.unfinished_wave() {
            Some(wave) => Some(match self.pause_before(wave) {
                Some(pause) => EventKind::RunPaused { pause },
                None => EventKind::WaveStarted { wave },
            }),
            None => self.finished_run(),
        }
    }

    /// The end of the open wave, when all its servers have come to theirs.
    fn finished_wave(&self) -> Option<EventKind> {
        self.open_wave
            .filter(|wave| self.is_wave_over(*wave))
            .map(|wave| EventKind::WaveFinished { wave })
    }

    pub(super) fn is_wave_over(&self, wave: usize) -> bool {
        self.records
            .iter()
            .filter(|record| record.wave == wave)
            .all(|record| {
                self.is_settled(record) && !self.is_wave_undo_due(record) && !self.is_hold_due(record)
            })
    }

    /// The first wave that has a server without an end.
    pub(super) fn unfinished_wave(&self) -> Option<usize> {
        self.records
            .iter()
            .filter(|record| !self.is_settled(record))
            .map(|record| record.wave)
            .min()
    }

    fn finished_run(&self) -> Option<EventKind> {
        if self.count_under_way() > 0 {
            return None;
        }
        if let Some(record) = self.records.iter().find(|record| record.owes_lease()) {
            return Some(EventKind::DebtPaymentStarted {
                server: record.name.clone(),
                debt: Debt::Lease,
            });
        }
        let is_paying = self.records.iter().any(|record| record.paying.is_some());
        (!is_paying).then(|| EventKind::RunFinished {
            verdict: self.verdict_of_states(),
        })
    }

    /// The worst that is true of any server: 23 before 24 before 22 before 21 before 20.
    fn verdict_of_states(&self) -> Verdict {
        let any = |stand: Stand| self.records.iter().any(|record| record.stand == stand);
        let owes = self.records.iter().any(|record| !record.debts.is_empty());
        let put_back = |record: &Record| record.stand == Stand::Undone && self.spent_in == Some(record.wave);
        let is_cut_short = any(Stand::Waiting) || any(Stand::Skipped);
        let is_failed = any(Stand::Failed) || any(Stand::Undone);
        if owes || any(Stand::Stuck) {
            Verdict::HumanNeeded
        } else if self.breached {
            Verdict::Breached
        } else if self.is_incident() {
            Verdict::AmbientIncident
        } else if self.taking_back {
            let waits = |record: &Record| matches!(record.stand, Stand::TakenBack { .. });
            match self.records.iter().any(waits) {
                true => Verdict::Stopped,
                false => Verdict::TakenBack,
            }
        } else if self.is_budget_spent() {
            if self.records.iter().any(put_back) {
                Verdict::Undone
            } else {
                Verdict::BudgetSpent
            }
        } else if is_cut_short && (self.is_ending() || !is_failed) {
            match self.ended_at {
                Some(Pause::AfterWave { .. } | Pause::Inconclusive { .. }) => Verdict::Paused,
                _ if self.window_closed && self.stop.is_none() => Verdict::WindowClosed,
                _ => Verdict::Stopped,
            }
        } else if is_failed || is_cut_short {
            Verdict::DoneWithFailures
        } else if self.records.iter().any(|record| record.changed) {
            Verdict::Done
        } else {
            Verdict::NothingToDo
        }
    }
}
