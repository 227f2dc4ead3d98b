//! `casgate rehearse`: the whole rollout on a simulated farm in this process, through the same engine and real sockets.

use std::path::{Path, PathBuf};

use casim::clients::{Clients, ClientsOptions, Tally};
use casim::{Farm, FarmOptions};
use driver::Clock;
use inventory::Source;
use journal::StateDirectory;

use crate::args::{Common, Rehearse};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, EMBEDDED_PLAYBOOK, Fleet};
use crate::printer::Printer;
use crate::{run_id, state};

pub(crate) async fn run(common: &Common, args: &Rehearse, printer: &Printer) -> Result<ExitCode, Error> {
    let options = FarmOptions {
        servers: usize::from(args.servers),
        speed: args.speed,
        seed: args.seed,
        ..FarmOptions::default()
    };
    let farm = Farm::start(options)
        .await
        .map_err(|source| Error::Farm { source })?;
    let scratch = tempfile::tempdir().map_err(|source| Error::Unwritable {
        path: PathBuf::from("a temporary folder"),
        source,
    })?;
    let path = scratch.path().join("inventory.toml");
    farm.write_inventory(&path).map_err(|source| Error::Unwritable {
        path: path.clone(),
        source,
    })?;
    let fleet = Fleet::read_file(&path)?;
    let source = match &args.playbook {
        Some(path) => inputs::source(path)?,
        None => Source::new("playbooks/restrict-activesync.toml", EMBEDDED_PLAYBOOK),
    };
    let playbook = inputs::playbook_from(&source, &fleet, printer)?;
    let plan = inputs::plan(&fleet, &playbook)?;
    printer.text(&format!(
        "rehearsal: {} simulated servers on loopback, {}x real time, seed {}: {}",
        args.servers, args.speed, args.seed, plan.title
    ));
    let clock = Clock::fast(args.speed);
    let run = run_id::new(clock.now());
    let journal_folder = common
        .state_dir
        .clone()
        .unwrap_or_else(|| scratch.path().join("state"));
    let journal = state::create(&StateDirectory::new(journal_folder), &run)?;
    let world = fleet.world_with_password(&farm.password(), clock, run.clone())?;
    let clients = Clients::start(
        &farm,
        ClientsOptions {
            rate: args.rate,
            ..ClientsOptions::default()
        },
    );
    let began = tokio::time::Instant::now();
    let engine = Engine {
        world,
        journal,
        printer,
        stop: engine::signals()?,
    };
    let outcome = engine
        .start(plan, run, Path::new("rehearsal").display().to_string())
        .await;
    let tally = clients.stop().await;
    farm.stop().await;
    let (verdict, model) = outcome?;
    printer.text(&report::summary(&model));
    printer.text(&clients_text(&tally));
    printer.text(&format!("rehearsed in {:.1} s", began.elapsed().as_secs_f64()));
    printer.json(&serde_json::json!({ "clients": { "requests": tally.requests, "failed": tally.failed }, "verdict": verdict }));
    Ok(verdict.into())
}

fn clients_text(tally: &Tally) -> String {
    let mut text = format!(
        "clients: {} requests during the roll, {} failed",
        tally.requests, tally.failed
    );
    for failure in &tally.first_failures {
        text.push_str(&format!("\n    {failure}"));
    }
    text
}
