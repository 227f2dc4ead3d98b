//! `casgate rehearse`: the whole rollout on a simulated farm in this process, through the same engine and real sockets; or, with `--seeds`, many
//! random farms through the decision core alone.

mod seeds;
mod sockets;
mod stage;

use std::path::PathBuf;

use casim::FarmOptions;
use casim::clients::Tally;
use driver::Clock;
use inventory::Source;
use journal::StateDirectory;

use crate::args::{Common, Rehearse};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::{self, EMBEDDED_PLAYBOOK, Fleet};
use crate::printer::Printer;
use crate::{run_id, state, window};

pub(crate) async fn run(common: &Common, args: &Rehearse, printer: &Printer) -> Result<ExitCode, Error> {
    match args.seeds {
        Some(count) if args.sockets => return sockets::run(args, count, printer).await,
        Some(count) => return Ok(seeds::run(args, count, printer)),
        None => {}
    }
    let source = match &args.playbook {
        Some(path) => inputs::source(path)?,
        None => Source::new("playbooks/restrict-activesync.toml", EMBEDDED_PLAYBOOK),
    };
    let options = FarmOptions {
        servers: usize::from(args.servers),
        speed: args.speed,
        seed: args.seed,
        ..FarmOptions::default()
    };
    let clock = Clock::fast(args.speed);
    let now = clock.now();
    let planned = |fleet: &Fleet| {
        let playbook = inputs::playbook_from(&source, fleet, printer)?;
        let (begins, until) = window::rehearsed(playbook.policy.window.as_ref(), args.timing.finish_by, now);
        let plan = inputs::plan_in_time(fleet, &playbook, &args.timing, begins, until)?;
        window::refuse_if_too_short(&plan, until, begins)?;
        Ok::<_, Error>((plan, until.map(|until| until.duration_since(begins))))
    };
    let (stage, mut plan, time) = match &common.inventory {
        Some(path) => {
            let fleet = Fleet::read_file(path)?;
            let (plan, time) = planned(&fleet)?;
            (stage::copy(&fleet, &plan, &options).await?, plan, time)
        }
        None => {
            let (stage, fleet) = stage::own(options).await?;
            let (plan, time) = planned(&fleet)?;
            (stage, plan, time)
        }
    };
    printer.text(&format!(
        "rehearsal: {} simulated servers on loopback, {}x real time, seed {}: {}",
        stage.servers(),
        args.speed,
        args.seed,
        plan.title
    ));
    // Nobody is to be told of what never happened.
    plan.hooks.clear();
    let scratch = tempfile::tempdir().map_err(|source| Error::Unwritable {
        path: PathBuf::from("a temporary folder"),
        source,
    })?;
    let now = clock.now();
    let run = run_id::new(now);
    let until = time.and_then(|time| now.checked_add(time).ok());
    let journal = state::create(&StateDirectory::new(scratch.path()), &run)?;
    let world = stage.world(clock, run.clone(), plan.change.as_deref());
    let clients = stage.clients(args.rate);
    let began = tokio::time::Instant::now();
    let engine = Engine {
        world,
        journal,
        printer,
        stop: engine::signals()?,
        steal: None,
        until,
    };
    let outcome = engine.start(plan, run, "rehearsal".to_owned()).await;
    let tally = stage::total(clients).await;
    stage.stop().await;
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
