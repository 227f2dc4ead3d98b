//! A run on a simulated farm, across crashes, in virtual time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::checks::Breach;
use super::world::World;
use crate::action::Action;
use crate::event::{Event, EventKind};
use crate::plan::Plan;
use crate::rollout::{Next, Rollout};
use crate::run_id::RunId;
use crate::verdict::Verdict;

/// More events than any run of a simulated farm has.
const ENDLESS: usize = 40_000;

/// How a sitting ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// With `run_finished`.
    Finished(Verdict),
    /// The process died.
    Crashed,
}

/// What may happen in a sitting besides faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sitting {
    /// The process dies when the journal has so many events.
    pub crash_at: Option<usize>,
    /// The operator asks to stop when the journal has so many events; twice when the flag is set.
    pub stop_at: Option<(usize, bool)>,
}

/// A run on a simulated farm, across crashes.
#[derive(Clone, Debug)]
pub struct Game {
    /// The core.
    pub rollout: Rollout,
    /// Everything that was committed.
    pub journal: Vec<Event>,
    /// The farm.
    pub world: World,
    /// Virtual time.
    pub now: Timestamp,
    /// How long the change window of each sitting is; `None` where there is none.
    pub window: Option<SignedDuration>,
    /// Everything after each event, when wanted.
    pub history: Option<Vec<(World, Vec<Action>)>>,
    /// With workers, not answered yet.
    pub(super) outstanding: Vec<Action>,
    /// Each server's actions, for the rule that an apply follows a probe of its own.
    pub(super) last_action: BTreeMap<inventory::ServerName, Action>,
}

impl Game {
    /// A run that has begun.
    ///
    /// # Errors
    /// A [`Breach`] when not even that is possible.
    pub fn new(plan: &Plan, world: World) -> Result<Self, Breach> {
        let mut game = Self {
            rollout: Rollout::new(plan.clone()),
            journal: Vec::new(),
            world,
            now: Timestamp::from_second(1_795_000_000).unwrap_or_default(),
            window: None,
            history: None,
            outstanding: Vec::new(),
            last_action: BTreeMap::new(),
        };
        game.commit(EventKind::RunStarted {
            run: RunId::new("20261124-0214-7f3a"),
            plan: Box::new(plan.clone()),
            operator: "ops@jump01".to_owned(),
            version: "0.1.0".to_owned(),
            inventory: "simulated".to_owned(),
        })?;
        Ok(game)
    }

    /// A run that goes on from a journal's beginning and the world as it was then.
    ///
    /// # Errors
    /// A [`Breach`] when the journal cannot be replayed.
    pub fn from_prefix(journal: &[Event], world: World, outstanding: Vec<Action>) -> Result<Self, Breach> {
        Ok(Self {
            rollout: replayed(journal)?,
            journal: journal.to_vec(),
            world,
            now: journal.last().map_or_else(Timestamp::default, |event| event.at),
            window: None,
            history: None,
            outstanding,
            last_action: BTreeMap::new(),
        })
    }

    /// The process died: what workers had was done or not, and nobody heard of it. The journal is all that is left.
    ///
    /// # Errors
    /// A [`Breach`] when the journal cannot be replayed or resumed, or what was done must never be.
    pub fn resume(&mut self, chance: &mut Chance) -> Result<(), Breach> {
        self.go_on(
            chance,
            EventKind::RunResumed {
                operator: "ops@jump01".to_owned(),
                version: "0.1.0".to_owned(),
            },
        )?;
        self.enter_window()
    }

    /// The change window opens now, if there is one.
    ///
    /// # Errors
    /// A [`Breach`] when the core refuses that.
    pub fn enter_window(&mut self) -> Result<(), Breach> {
        let Some(span) = self.window else { return Ok(()) };
        let until = self.now.checked_add(span).unwrap_or(Timestamp::MAX);
        self.commit(EventKind::WindowEntered { until })
    }

    /// The same, and the operator takes the run back.
    ///
    /// # Errors
    /// As [`Game::resume`].
    pub fn take_back(&mut self, chance: &mut Chance) -> Result<(), Breach> {
        self.go_on(
            chance,
            EventKind::UndoRequested {
                operator: "ops@jump01".to_owned(),
                version: "0.1.0".to_owned(),
            },
        )
    }

    fn go_on(&mut self, chance: &mut Chance, how: EventKind) -> Result<(), Breach> {
        for action in std::mem::take(&mut self.outstanding) {
            if chance.below(2) == 0 {
                let unheard = self.world.perform(&action, chance)?;
                self.world.lease(&unheard, self.now);
            }
        }
        // Whoever types `casgate resume` takes longer than a load balancer.
        self.world.settle();
        self.last_action.clear();
        self.rollout = replayed(&self.journal)?;
        self.commit(how)
    }

    /// Drives the run until it ends or the process dies.
    ///
    /// # Errors
    /// A [`Breach`] as soon as something is that must never be.
    pub fn drive(&mut self, chance: &mut Chance, sitting: Sitting) -> Result<End, Breach> {
        let mut stop_at = sitting.stop_at;
        loop {
            if self.journal.len() >= ENDLESS {
                let what = format!("{ENDLESS} events, the last one {}", self.last_word());
                return Err(Breach::Endless { what });
            }
            let is_over = self.rollout.verdict().is_some();
            if !is_over && sitting.crash_at.is_some_and(|at| self.journal.len() >= at) {
                return Ok(End::Crashed);
            }
            if let Some((at, hard)) = stop_at
                && self.journal.len() >= at
                && !is_over
            {
                stop_at = None;
                self.commit(EventKind::StopRequested { hard: false })?;
                if hard {
                    self.commit(EventKind::StopRequested { hard: true })?;
                }
            }
            match self.rollout.next(self.now) {
                Next::Record(kind) => self.commit(kind)?,
                Next::Finished(verdict) => return Ok(End::Finished(verdict)),
                Next::Wait(until) => self.wait(until, chance)?,
            }
        }
    }

    /// Time passes, a worker answers, or the person that was asked does: whichever chance says.
    fn wait(&mut self, until: Option<Timestamp>, chance: &mut Chance) -> Result<(), Breach> {
        let timer_first = self.outstanding.is_empty() || chance.below(4) == 0;
        match until {
            Some(at) if timer_first => {
                self.now = self.now.max(at);
                Ok(())
            }
            _ if self.outstanding.is_empty() => {
                let Some(pause) = self.rollout.pause() else {
                    let what = format!("nobody has anything to do after {}", self.last_word());
                    return Err(Breach::Endless { what });
                };
                let answers = pause.answers();
                let answer = chance.pick(answers, crate::pause::Answer::Stop);
                let by = "ops@jump01".to_owned();
                self.commit(EventKind::PersonAnswered { answer, by })
            }
            _ => {
                let turn = chance.below(self.outstanding.len());
                let action = self.outstanding.remove(turn);
                let answer = self.world.perform(&action, chance)?;
                if let Some(fact) = self.world.lease(&answer, self.now) {
                    self.commit(fact)?;
                }
                self.commit(answer)
            }
        }
    }

    fn commit(&mut self, kind: EventKind) -> Result<(), Breach> {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(1))
            .unwrap_or(self.now);
        self.check_before(&kind)?;
        let event = Event {
            seq: u64::try_from(self.journal.len()).unwrap_or(u64::MAX),
            at: self.now,
            kind,
        };
        let action = self.rollout.apply(&event).map_err(Breach::Refused)?;
        self.journal.push(event);
        if let Some(action) = action {
            self.check_action(&action)?;
            self.last_action.insert(action.server().clone(), action.clone());
            self.outstanding.push(action);
        }
        self.check_floors()?;
        if let Some(history) = &mut self.history {
            history.push((self.world.clone(), self.outstanding.clone()));
        }
        Ok(())
    }

    fn last_word(&self) -> &'static str {
        self.journal.last().map_or("nothing", |event| event.kind.name())
    }
}

fn replayed(journal: &[Event]) -> Result<Rollout, Breach> {
    Rollout::replay(journal).map_err(|error| Breach::Diverged {
        what: format!("the journal cannot be replayed: {error}"),
    })
}
