//! One seed over sockets: with its faults and crashes to an end, then repaired and resumed to a good end, then once more without faults, where a
//! run that crashed has to leave every server as wanted and no client may notice anything.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use casim::FarmOptions;
use casim::clients::Tally;
use casim::load_balancer::Admin;
use driver::Clock;
use inventory::{ServerName, Source};
use jiff::SignedDuration;
use journal::StateDirectory;
use rollout::simulation::{Chance, Game, Scenario, check_limits};
use rollout::{Event, EventKind, Plan, Rollout, RunId, Verdict};
use tokio::time::Instant;

use super::super::stage::{self, Stage};
use super::sitting::{End, Sitting};
use super::trouble::Trouble;
use super::truth::{self, Sections};
use crate::error::Error;
use crate::inputs::{self, Fleet};
use crate::run_id;

/// Sittings with everything repaired until a run has to have come to its end.
const REPAIRS: usize = 6;
/// Real time that repaired servers may take until they are seen up.
const RECOVERY: Duration = Duration::from_secs(60);
/// Requests a second of the clients of one farm: enough to meet every server while another one is away.
const RATE: u32 = 8;
/// Of so many seeds one has a server that cannot be reached from the beginning, and one a load balancer that is reloaded.
const ONE_IN: usize = 6;

/// What became of a seed.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) servers: usize,
    pub(super) events: usize,
    pub(super) crashes: usize,
    pub(super) faults: usize,
    pub(super) requests: u64,
    /// How the part with faults ended.
    pub(super) verdict: Option<Verdict>,
}

/// How a seed came out.
pub(super) enum Outcome {
    /// The plan could have broken a floor.
    Refused,
    /// Everything that must hold did.
    Held(Played),
    /// Something did not.
    Broken(String),
}

/// Plays a seed.
pub(super) async fn play(seed: u64, speed: f64) -> Result<Outcome, Error> {
    let scenario = Scenario::new(seed);
    let source = Source::new("seed.toml", &scenario.inventory);
    let inventory = inventory::read_inventory(&source).map_err(|found| Error::Wrong {
        diagnostics: found.into_iter().map(|d| (d, source.clone())).collect(),
    })?;
    let fleet = Fleet {
        inventory,
        source,
        path: PathBuf::from("seed.toml"),
    };
    let source = Source::new("seed.toml", &scenario.playbook);
    let playbook = inventory::read_playbook(&source).map_err(|found| Error::Wrong {
        diagnostics: found.into_iter().map(|d| (d, source.clone())).collect(),
    })?;
    let mut plan = match inputs::plan(&fleet, &playbook) {
        Ok(plan) => plan,
        Err(Error::NoPlan { .. }) => return Ok(Outcome::Refused),
        Err(other) => return Err(other),
    };
    // On a clock this fast the scenario's spans are a second of a busy machine, and a hold is only waited for.
    plan.policy.progress_deadline = SignedDuration::from_hours(2);
    if !plan.policy.canary_hold.is_zero() {
        plan.policy.canary_hold = SignedDuration::from_mins(1);
    }
    let faulty = Farm::start(&fleet, &plan, seed, speed).await?;
    let (played, outcome) = faulty.play_with_faults(&scenario).await;
    let mut played = match outcome {
        Ok(()) => played,
        Err(what) => return Ok(Outcome::Broken(what)),
    };
    if !scenario.crashes.is_empty() {
        let mut peaceful = plan.clone();
        peaceful.policy.pause_after.clear();
        let farm = Farm::start(&fleet, &peaceful, seed, speed).await?;
        match farm.play_in_peace(&scenario).await {
            Ok(peace) => {
                played.events += peace.events;
                played.crashes += peace.crashes;
                played.requests += peace.requests;
            }
            Err(what) => return Ok(Outcome::Broken(format!("without faults: {what}"))),
        }
    }
    Ok(Outcome::Held(played))
}

/// A simulated farm, and a run on it across its sittings.
struct Farm {
    stage: Arc<Stage>,
    plan: Plan,
    before: Sections,
    scratch: tempfile::TempDir,
    run: RunId,
    clock: Clock,
    began: Instant,
    /// When the run came to an end for the first time.
    ended: Option<Instant>,
    foreign: BTreeSet<ServerName>,
    /// Somebody else took servers out: nobody promised anything about the floor then.
    is_meddled_with: bool,
    played: Played,
}

impl Farm {
    async fn start(fleet: &Fleet, plan: &Plan, seed: u64, speed: f64) -> Result<Self, Error> {
        let options = FarmOptions {
            speed,
            seed,
            ..FarmOptions::default()
        };
        let stage = Arc::new(stage::copy(fleet, plan, &options).await?);
        let scratch = tempfile::tempdir().map_err(|source| Error::Unwritable {
            path: PathBuf::from("a temporary folder"),
            source,
        })?;
        let clock = Clock::fast(speed);
        Ok(Self {
            before: Sections::new(),
            plan: plan.clone(),
            scratch,
            run: run_id::new(clock.now()),
            clock,
            began: Instant::now(),
            ended: None,
            foreign: BTreeSet::new(),
            is_meddled_with: false,
            played: Played {
                servers: stage.servers(),
                ..Played::default()
            },
            stage,
        })
    }

    async fn play_with_faults(mut self, scenario: &Scenario) -> (Played, Result<(), String>) {
        let clients = self.stage.clients(RATE);
        let mut outcome = self.with_faults(scenario).await;
        let tally = stage::total(clients).await;
        self.played.requests = tally.requests;
        if let (Ok(()), Some(what)) = (&outcome, truth::turned_away(&self.stage, &self.plan)) {
            outcome = Err(what);
        }
        let played = std::mem::take(&mut self.played);
        self.close().await;
        (played, outcome)
    }

    async fn with_faults(&mut self, scenario: &Scenario) -> Result<(), String> {
        self.before = truth::sections(&self.stage, &self.plan).await?;
        let trouble = Arc::new(Trouble::new(&self.stage, &self.plan, scenario.faults.clone()));
        let mut chance = Chance::Seed(!scenario.seed);
        for name in &scenario.taken_out {
            self.stage.set(name, Admin::Maint);
            self.foreign.insert(name.clone());
            self.is_meddled_with = true;
        }
        if chance.below(ONE_IN) == 0 {
            let at = chance.below(self.plan.servers.len());
            if let Some(name) = self.plan.servers.keys().nth(at) {
                trouble.cut_off(name);
            }
        }
        let reload_at = (self.foreign.is_empty() && chance.below(ONE_IN) == 0).then(|| 1 + chance.below(100));
        if let Some(at) = reload_at {
            trouble.reload_at(at);
        }
        let crashes: Vec<Option<usize>> = scenario.crashes.iter().copied().map(Some).chain([None]).collect();
        let mut begins = true;
        for after in crashes {
            let stop_at = scenario
                .stop_at
                .filter(|_| after.is_some() || scenario.crashes.is_empty());
            let (end, verdict) = self
                .sit(
                    &trouble,
                    begins,
                    after,
                    stop_at,
                    Chance::Seed(u64::from(chance.byte())),
                )
                .await?;
            begins = false;
            if end != End::Crashed {
                self.played.verdict = verdict;
                break;
            }
            self.played.crashes += 1;
        }
        self.played.faults = trouble.laid();
        self.good_end(&trouble).await
    }

    /// Everything repaired and resumed, as often as it takes: every server is as wanted, or its wave was put back.
    async fn good_end(&mut self, trouble: &Arc<Trouble>) -> Result<(), String> {
        let mut last = self.played.verdict;
        for _ in 0..REPAIRS {
            if last.is_some_and(|verdict| !verdict.is_resumable()) {
                return Ok(());
            }
            trouble.repair().await;
            for name in std::mem::take(&mut self.foreign) {
                self.stage.set(&name, Admin::Ready);
            }
            self.until_well().await?;
            last = self.sit(trouble, false, None, None, Chance::quiet()).await?.1;
        }
        match last {
            Some(Verdict::Done | Verdict::NothingToDo | Verdict::Undone) => Ok(()),
            other => Err(format!(
                "repaired and resumed {REPAIRS} times, and still {}",
                other.map_or("going", Verdict::as_str)
            )),
        }
    }

    /// Whoever types `casgate resume` takes longer than a load balancer.
    async fn until_well(&self) -> Result<(), String> {
        let well = async {
            while !self.stage.is_well() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(RECOVERY, well)
            .await
            .map_err(|_| "repaired, and the load balancer still sees a server down".to_owned())
    }

    async fn play_in_peace(mut self, scenario: &Scenario) -> Result<Played, String> {
        let clients = self.stage.clients(RATE);
        let outcome = self.in_peace(scenario).await;
        let tally = stage::total(clients).await;
        let outcome = outcome.and_then(|()| self.nobody_noticed(&tally));
        self.played.requests = tally.requests;
        let played = std::mem::take(&mut self.played);
        self.close().await;
        outcome.map(|()| played)
    }

    async fn in_peace(&mut self, scenario: &Scenario) -> Result<(), String> {
        self.before = truth::sections(&self.stage, &self.plan).await?;
        let trouble = Arc::new(Trouble::new(&self.stage, &self.plan, Vec::new()));
        let mut chance = Chance::Seed(scenario.seed);
        let mut begins = true;
        let crashes: Vec<Option<usize>> = scenario.crashes.iter().copied().map(Some).chain([None]).collect();
        for after in crashes {
            let luck = Chance::Seed(u64::from(chance.byte()));
            let (end, verdict) = self.sit(&trouble, begins, after, None, luck).await?;
            begins = false;
            match (end, verdict) {
                (End::Crashed, _) => self.played.crashes += 1,
                // Everything was proven before the last crash, or after it.
                (_, Some(Verdict::Done | Verdict::NothingToDo)) => return Ok(()),
                (_, other) => {
                    return Err(format!(
                        "after a crash another end: {}, and a run that never crashed is done",
                        other.map_or("going", Verdict::as_str)
                    ));
                }
            }
        }
        Ok(())
    }

    /// Where there is always somebody in rotation, no request fails.
    fn nobody_noticed(&self, tally: &Tally) -> Result<(), String> {
        let always_served = self.plan.pools.values().all(|pool| pool.smallest_in_rotation > 0);
        match tally.first_failures.first() {
            Some(first) if always_served => Err(format!(
                "{} of {} requests failed: {first}",
                tally.failed, tally.requests
            )),
            _ => Ok(()),
        }
    }

    /// One sitting, and everything that must be true after it.
    async fn sit(
        &mut self,
        trouble: &Arc<Trouble>,
        begins: bool,
        crash_after: Option<usize>,
        stop_at: Option<(usize, bool)>,
        chance: Chance,
    ) -> Result<(End, Option<Verdict>), String> {
        let runs = StateDirectory::new(self.scratch.path());
        let written = match begins {
            true => 0,
            false => runs.read(&self.run).map_err(|error| error.to_string())?.len(),
        };
        let sitting = Sitting {
            stage: Arc::clone(&self.stage),
            trouble: Arc::clone(trouble),
            runs: runs.clone(),
            run: self.run.clone(),
            clock: self.clock.clone(),
            begins: begins.then(|| self.plan.clone()),
            crash_at: crash_after.map(|after| written + after),
            stop_at,
            chance,
        };
        let died = sitting.hold().await?;
        let events = runs.read(&self.run).map_err(|error| error.to_string())?;
        // Whoever dies behind the last event has finished the run: nobody can resume it.
        let end = match events.last().map(|event| &event.kind) {
            Some(EventKind::RunFinished { verdict }) => End::Finished(*verdict),
            _ => died,
        };
        self.played.events = events.len();
        self.check(&events, end).await?;
        Ok(match end {
            End::Crashed => (end, None),
            End::Finished(verdict) => (end, Some(verdict)),
        })
    }

    async fn check(&mut self, events: &[Event], end: End) -> Result<(), String> {
        let now = Instant::now();
        let mut rollout = Rollout::new(self.plan.clone());
        for event in events {
            check_limits(&rollout, &event.kind).map_err(|breach| breach.to_string())?;
            rollout
                .apply(event)
                .map_err(|error| format!("the journal: {error}"))?;
        }
        if !self.is_meddled_with {
            let until = self.ended.unwrap_or(now);
            truth::check_floors(&self.stage, &self.plan, (self.began, until), true)
                .and_then(|()| truth::check_floors(&self.stage, &self.plan, (until, now), false))
                .map_err(|breach| breach.to_string())?;
        }
        if let End::Finished(verdict) = end {
            self.ended.get_or_insert(now);
            let world = truth::look(&self.stage, &self.plan, &self.before, &self.foreign).await?;
            Game::from_prefix(events, world, Vec::new())
                .and_then(|game| game.check_end(verdict))
                .map_err(|breach| breach.to_string())?;
        }
        Ok(())
    }

    async fn close(self) {
        let Self { stage, .. } = self;
        // The sittings' threads are gone, and with them everybody else who had it.
        if let Some(stage) = Arc::into_inner(stage) {
            stage.stop().await;
        }
    }
}
