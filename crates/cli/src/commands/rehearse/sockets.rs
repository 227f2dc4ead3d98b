//! `casgate rehearse --seeds N --sockets`: the same seeds, over real sockets against casim: the seed's farm and playbook, its faults as far as
//! simulated servers and load balancers know them, its crashes and its stops; and the same checks.
//!
//! Several seeds are played at once, since most of a run's time is waiting. What each comes to is told in their order.

mod game;
mod sitting;
mod trouble;
mod truth;

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;

use self::game::{Outcome, Played};
use super::seeds::again;
use crate::args::Rehearse;
use crate::engine;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;

/// How many seeds are played at once for each core.
const FOR_EACH_CORE: usize = 3;

/// What all seeds came to.
#[derive(Default)]
struct Total {
    played: u64,
    refused: u64,
    failed: u64,
    sum: Played,
    verdicts: BTreeMap<&'static str, u64>,
}

/// Plays `count` seeds from the first one on.
pub(super) async fn run(args: &Rehearse, count: u64, printer: &Printer) -> Result<ExitCode, Error> {
    let began = tokio::time::Instant::now();
    let meter = printer.meter(count, "seeds over sockets");
    let at_once = FOR_EACH_CORE * std::thread::available_parallelism().map_or(1, usize::from);
    let games = stream::iter(0..count).map(|at| {
        let seed = args.seed.wrapping_add(at);
        async move { (seed, game::play(seed, args.speed).await) }
    });
    let mut games = std::pin::pin!(games.buffered(at_once));
    let mut stop = engine::signals()?;
    let mut total = Total::default();
    loop {
        let (seed, outcome) = tokio::select! {
            played = games.next() => match played {
                Some(played) => played,
                None => break,
            },
            Some(_) = stop.recv() => {
                meter.clear();
                printer.text("stopped; the seeds under way are given up");
                tell(&total, args, count, began.elapsed(), printer);
                return Ok(ExitCode::Aborted);
            }
        };
        total.add(seed, outcome?, printer);
        meter.advance();
    }
    meter.clear();
    tell(&total, args, count, began.elapsed(), printer);
    Ok(if total.failed == 0 {
        ExitCode::Done
    } else {
        ExitCode::Failure
    })
}

impl Total {
    fn add(&mut self, seed: u64, outcome: Outcome, printer: &Printer) {
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Held(played) => {
                self.played += 1;
                self.sum.servers += played.servers;
                self.sum.events += played.events;
                self.sum.crashes += played.crashes;
                self.sum.faults += played.faults;
                self.sum.requests += played.requests;
                if let Some(verdict) = played.verdict {
                    *self.verdicts.entry(verdict.as_str()).or_insert(0) += 1;
                }
                printer.json(&serde_json::json!({ "seed": seed, "verdict": played.verdict }));
            }
            Outcome::Broken(what) => {
                self.failed += 1;
                let again = format!("{} --sockets", again(seed));
                printer.json(&serde_json::json!({ "seed": seed, "breach": what, "again": again }));
                printer.text(&format!("seed {seed}: {what}\n  again: {again}"));
            }
        }
    }
}

fn tell(total: &Total, args: &Rehearse, count: u64, elapsed: std::time::Duration, printer: &Printer) {
    let Total {
        played,
        refused,
        failed,
        sum,
        verdicts,
    } = total;
    let ended: Vec<String> = verdicts
        .iter()
        .map(|(verdict, number)| format!("{verdict} {number}"))
        .collect();
    printer.text(&format!(
        "{count} seeds from {} over sockets in {:.1} s: {played} played, {refused} plans refused, {failed} failed\n\
         {} servers, {} events, {} crashes, {} faults, {} requests of clients; ended {}",
        args.seed,
        elapsed.as_secs_f64(),
        sum.servers,
        sum.events,
        sum.crashes,
        sum.faults,
        sum.requests,
        ended.join(", ")
    ));
    printer.json(&serde_json::json!({
        "seeds": count, "first": args.seed, "played": played, "refused": refused, "failed": failed, "servers": sum.servers,
        "events": sum.events, "crashes": sum.crashes, "faults": sum.faults, "requests": sum.requests, "verdicts": verdicts,
    }));
}
