//! `casgate rehearse --seeds N --sockets`: the same seeds, over real sockets against casim. The farm and the playbook are the seed's own, and its
//! faults are laid down on the simulated servers as far as these know them.

use std::path::PathBuf;

use casim::FarmOptions;
use driver::Clock;
use inventory::{Source, StepKind};
use journal::StateDirectory;
use rollout::Plan;
use rollout::simulation::{Fault, Scenario, Wrong};

use super::seeds::again;
use super::stage::{self, Stage};
use crate::args::Rehearse;
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::{run_id, state};

/// Plays `count` seeds from the first one on, one after the other.
pub(super) async fn run(args: &Rehearse, count: u64, printer: &Printer) -> Result<ExitCode, Error> {
    let began = tokio::time::Instant::now();
    let meter = printer.meter(count, "seeds over sockets");
    let (mut played, mut refused, mut failed) = (0_u64, 0_u64, 0_u64);
    for at in 0..count {
        let seed = args.seed.wrapping_add(at);
        match play(args, seed, printer).await? {
            Outcome::Refused => refused += 1,
            Outcome::Held(verdict) => {
                played += 1;
                printer.json(&serde_json::json!({ "seed": seed, "verdict": verdict }));
            }
            Outcome::Broken(what) => {
                failed += 1;
                let again = format!("{} --sockets", again(seed));
                printer.json(&serde_json::json!({ "seed": seed, "breach": what, "again": again }));
                printer.text(&format!("seed {seed}: {what}\n  again: {again}"));
            }
        }
        meter.advance();
    }
    meter.clear();
    printer.text(&format!(
        "{count} seeds from {} over sockets in {:.1} s: {played} played, {refused} plans refused, {failed} failed",
        args.seed,
        began.elapsed().as_secs_f64()
    ));
    Ok(if failed == 0 {
        ExitCode::Done
    } else {
        ExitCode::Failure
    })
}

enum Outcome {
    /// The plan could have broken a floor.
    Refused,
    /// Everything that must hold did.
    Held(rollout::Verdict),
    /// Something did not.
    Broken(String),
}

async fn play(args: &Rehearse, seed: u64, printer: &Printer) -> Result<Outcome, Error> {
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
    let quiet = printer.hushed();
    let playbook = Source::new("seed.toml", &scenario.playbook);
    let plan = match inputs::plan(&fleet, &inputs::playbook_from(&playbook, &fleet, &quiet)?) {
        Ok(plan) => plan,
        Err(Error::NoPlan { .. }) => return Ok(Outcome::Refused),
        Err(other) => return Err(other),
    };
    let options = FarmOptions {
        speed: args.speed,
        seed,
        ..FarmOptions::default()
    };
    let stage = stage::copy(&fleet, &plan, &options).await?;
    for fault in &scenario.faults {
        lay(&stage, fault);
    }
    let outcome = perform(args, &stage, plan, &quiet).await;
    stage.stop().await;
    outcome
}

async fn perform(args: &Rehearse, stage: &Stage, plan: Plan, quiet: &Printer) -> Result<Outcome, Error> {
    let scratch = tempfile::tempdir().map_err(|source| Error::Unwritable {
        path: PathBuf::from("a temporary folder"),
        source,
    })?;
    let clock = Clock::fast(args.speed);
    let run = run_id::new(clock.now());
    let journal = state::create(&StateDirectory::new(scratch.path()), &run)?;
    let world = stage.world(clock, run.clone());
    let engine = Engine {
        world: std::sync::Arc::clone(&world),
        journal,
        printer: quiet,
        stop: engine::signals()?,
        steal: None,
        until: None,
    };
    let (verdict, model) = engine.start(plan.clone(), run, "rehearsal".to_owned()).await?;
    for (name, seen) in world.rotation_seen() {
        let promised = plan.pools.get(&name).map_or(0, |pool| pool.smallest_in_rotation);
        if seen.least < promised {
            return Ok(Outcome::Broken(format!(
                "pool {name}: {} in rotation at worst, but the plan promises {promised}",
                seen.least
            )));
        }
        let owed = model
            .unpaid
            .iter()
            .filter(|(server, _, _)| plan.pool_of(server) == Some(&name))
            .count();
        if owed == 0 && verdict == rollout::Verdict::Done && seen.last < seen.members {
            return Ok(Outcome::Broken(format!(
                "pool {name}: {} of {} in rotation at the end, and nobody says so",
                seen.last, seen.members
            )));
        }
    }
    Ok(Outcome::Held(verdict))
}

/// Lays a fault down on its simulated server; those of a load balancer have no counterpart there.
fn lay(stage: &Stage, fault: &Fault) {
    let Some(machine) = stage.machine(&fault.server) else {
        return;
    };
    let faults = machine.faults();
    match (fault.at, fault.wrong) {
        (StepKind::InstallFeature, Wrong::Lost { .. }) => {
            faults.drop_after_command_with.set("enable-feature")
        }
        (StepKind::InstallFeature, _) => faults.feature_install_fails.set(true),
        (StepKind::Restrict, Wrong::Lost { .. }) => faults.drop_after_command_with.set("set config"),
        (StepKind::Restrict, _) => faults.file_changed_on_disk.set(1000),
        (StepKind::RestartIis, Wrong::Lost { .. }) => faults.drop_after_command_with.set("iisreset"),
        (StepKind::RestartIis, Wrong::TimesOut) => faults.iisreset_hangs.set(fault.times),
        (StepKind::RestartIis, Wrong::Fails) => faults.iisreset_access_denied_w3svc_stopped.set(fault.times),
        (StepKind::WaitHealthy, _) => faults.health_stays_503.set(true),
        _ => {}
    }
}
