//! One seed, played through: with faults and crashes to an end, then repaired and resumed to a good end, then without faults once with and once
//! without crashes to the same end.

use iis::ip_security::{Rule, Section};
use jiff::SignedDuration;

use super::chance::Chance;
use super::checks::Breach;
use super::game::{End, Game, Sitting};
use super::scenario::Scenario;
use super::world::World;
use crate::Error;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// What became of a seed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Played {
    /// The plan was refused: it could have broken a floor. Nothing was played.
    pub is_refused: bool,
    /// Servers of the farm.
    pub servers: usize,
    /// Events that were committed, over all sittings.
    pub events: usize,
    /// Times that the process died.
    pub crashes: usize,
    /// Servers that counted against a budget when the faulty part ended.
    pub failures: u32,
    /// How the faulty part ended.
    pub verdict: Option<Verdict>,
}

/// Sittings with everything repaired until a run has to have come to its end.
const REPAIRS: usize = 6;

/// Plays a seed.
///
/// # Errors
/// The first [`Breach`] of what must always hold. The same seed gives the same.
pub fn play(seed: u64) -> Result<Played, Breach> {
    let scenario = Scenario::new(seed);
    let plan = match scenario.plan() {
        Some(Ok(plan)) => plan,
        Some(Err(Error::FloorUnreachable { .. } | Error::WeightUnreachable { .. })) => {
            return Ok(Played {
                is_refused: true,
                ..Played::default()
            });
        }
        Some(Err(error)) => {
            let what = format!("no plan: {error}");
            return Err(Breach::Untrue { what });
        }
        None => {
            let what = "the seed's farm or playbook cannot be read".to_owned();
            return Err(Breach::Untrue { what });
        }
    };
    let mut chance = Chance::Seed(!seed);
    let mut world = world(&scenario, &plan);
    for name in &scenario.taken_out {
        world.take_out(name);
    }
    world.script.clone_from(&scenario.faults);
    world.faults = chance.pick(&[0, 0, 2, 8, 40], 0);
    let mut game = Game::new(&plan, world)?;
    game.window = scenario.window;
    game.enter_window()?;
    let crashes = sittings(&mut game, &mut chance, &scenario)?;
    let played = Played {
        is_refused: false,
        servers: plan.servers.len(),
        events: game.journal.len(),
        crashes,
        failures: game.rollout.failures(),
        verdict: game.rollout.verdict(),
    };
    good_end(&mut game)?;
    same_end(&scenario, &plan, &mut chance)?;
    Ok(played)
}

/// The farm of the scenario before the run.
fn world(scenario: &Scenario, plan: &Plan) -> World {
    // Every other farm has rules of before: the way to the new ones is one of several commits where the list is long.
    let mut before = Section::default();
    if scenario.seed.is_multiple_of(2) {
        before.rules.push(Rule::allow_address([198, 51, 100, 10].into()));
        before.rules.push(Rule::allow_address([203, 0, 113, 7].into()));
    }
    let mut world = World::with_section(plan, before);
    world.blind = scenario.blind;
    world.lags = scenario.lags;
    world
}

/// The faulty part: a sitting for each crash, and the last one to its end.
fn sittings(game: &mut Game, chance: &mut Chance, scenario: &Scenario) -> Result<usize, Breach> {
    let mut crashes = 0;
    for after in &scenario.crashes {
        let sitting = Sitting {
            crash_at: Some(game.journal.len() + after),
            stop_at: scenario.stop_at,
        };
        match game.drive(chance, sitting)? {
            End::Finished(verdict) => {
                game.check_end(verdict)?;
                return Ok(crashes);
            }
            End::Crashed => {
                crashes += 1;
                game.resume(chance)?;
            }
        }
    }
    let sitting = Sitting {
        crash_at: None,
        stop_at: scenario.stop_at.filter(|_| scenario.crashes.is_empty()),
    };
    if let End::Finished(verdict) = game.drive(chance, sitting)? {
        game.check_end(verdict)?;
    }
    Ok(crashes)
}

/// Everything repaired and resumed, as often as it takes: every server is as wanted, or its wave was put back.
fn good_end(game: &mut Game) -> Result<(), Breach> {
    game.world.faults = 0;
    game.world.script.clear();
    game.world.put_back();
    game.window = None;
    for _ in 0..REPAIRS {
        if !game.rollout.is_resumable() {
            break;
        }
        game.world.repair();
        game.resume(&mut Chance::quiet())?;
        if let End::Finished(verdict) = game.drive(&mut Chance::quiet(), Sitting::default())? {
            game.check_end(verdict)?;
        }
    }
    match game.rollout.verdict() {
        Some(Verdict::Done | Verdict::NothingToDo | Verdict::Undone) => Ok(()),
        other => {
            let what = format!(
                "repaired and resumed {REPAIRS} times, and still {}",
                other.map_or("going", Verdict::as_str)
            );
            Err(Breach::Endless { what })
        }
    }
}

/// Without faults a run that crashed and was resumed leaves the farm as one that never crashed.
fn same_end(scenario: &Scenario, plan: &Plan, chance: &mut Chance) -> Result<(), Breach> {
    let mut peaceful = plan.clone();
    // A pause is a question, and here nobody is to answer differently.
    peaceful.policy.pause_after.clear();
    let mut never = Game::new(&peaceful, world(scenario, &peaceful))?;
    never.drive(&mut Chance::quiet(), Sitting::default())?;
    let mut crashed = Game::new(&peaceful, world(scenario, &peaceful))?;
    for after in &scenario.crashes {
        let sitting = Sitting {
            crash_at: Some(crashed.journal.len() + after),
            stop_at: None,
        };
        if let End::Finished(_) = crashed.drive(chance, sitting)? {
            break;
        }
        crashed.resume(chance)?;
    }
    crashed.drive(chance, Sitting::default())?;
    // A run that had to wait for the next opening of its window, as often as it takes.
    let mut stopped = Game::new(&peaceful, world(scenario, &peaceful))?;
    stopped.window = Some(SignedDuration::from_mins(1));
    stopped.enter_window()?;
    while let End::Finished(Verdict::WindowClosed) =
        stopped.drive(&mut Chance::quiet(), Sitting::default())?
    {
        stopped.check_end(Verdict::WindowClosed)?;
        stopped.window = stopped.window.map(|window| window.saturating_mul(2));
        stopped.resume(&mut Chance::quiet())?;
    }
    for (server, truth) in &never.world.truth {
        for (other, how) in [(&crashed, "never crashed"), (&stopped, "had no window")] {
            if other.world.truth.get(server) != Some(truth) {
                let what = format!("{server} is not as in the run that {how}");
                return Err(Breach::Diverged { what });
            }
        }
    }
    if crashed.rollout.counts().failed != 0 || never.rollout.counts().failed != 0 {
        let what = "somebody failed although nothing went wrong".to_owned();
        return Err(Breach::Diverged { what });
    }
    Ok(())
}
