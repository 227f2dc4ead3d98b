//! `casgate rehearse --seeds`: farms, playbooks, faults and crashes from numbers, played through the decision core in virtual time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use report::Meter;
use rollout::simulation::{self, Breach, Played};

use crate::args::Rehearse;
use crate::exit_code::ExitCode;
use crate::printer::Printer;

/// How many failing seeds are told whole; the others are counted.
const TOLD: usize = 10;

/// What all seeds came to.
#[derive(Default)]
struct Total {
    played: u64,
    refused: u64,
    servers: usize,
    events: usize,
    crashes: usize,
    verdicts: BTreeMap<&'static str, u64>,
    breaches: BTreeMap<u64, Breach>,
}

impl Total {
    fn add(&mut self, seed: u64, played: Result<Played, Breach>) {
        match played {
            Ok(played) if played.is_refused => self.refused += 1,
            Ok(played) => {
                self.played += 1;
                self.servers += played.servers;
                self.events += played.events;
                self.crashes += played.crashes;
                if let Some(verdict) = played.verdict {
                    *self.verdicts.entry(verdict.as_str()).or_insert(0) += 1;
                }
            }
            Err(breach) => {
                self.breaches.insert(seed, breach);
            }
        }
    }
}

/// Plays `count` seeds from the first one on, on every core.
pub(super) fn run(args: &Rehearse, count: u64, printer: &Printer) -> ExitCode {
    let began = tokio::time::Instant::now();
    let next = AtomicU64::new(0);
    let total = Mutex::new(Total::default());
    let meter = printer.meter(count, "seeds");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(args.seed, count, &next, &total, &meter));
        }
    });
    meter.clear();
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(&total, args.seed, count, threads, began.elapsed(), printer);
    if total.breaches.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::Failure
    }
}

fn work(first: u64, count: u64, next: &AtomicU64, total: &Mutex<Total>, meter: &Meter) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= count {
            return;
        }
        let seed = first.wrapping_add(at);
        let played = simulation::play(seed);
        total
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(seed, played);
        meter.advance();
    }
}

fn tell(total: &Total, first: u64, count: u64, threads: usize, elapsed: Duration, printer: &Printer) {
    for (seed, breach) in &total.breaches {
        printer
            .json(&serde_json::json!({ "seed": seed, "breach": breach.to_string(), "again": again(*seed) }));
    }
    for (seed, breach) in total.breaches.iter().take(TOLD) {
        printer.text(&format!("seed {seed}: {breach}\n  again: {}", again(*seed)));
    }
    let verdicts: Vec<String> = total
        .verdicts
        .iter()
        .map(|(verdict, number)| format!("{verdict} {number}"))
        .collect();
    printer.text(&format!(
        "{count} seeds from {first} in {:.1} s on {threads} threads: {} played, {} plans refused, {} failed\n\
         {} servers, {} events, {} crashes; ended {}",
        elapsed.as_secs_f64(),
        total.played,
        total.refused,
        total.breaches.len(),
        total.servers,
        total.events,
        total.crashes,
        verdicts.join(", ")
    ));
    printer.json(&serde_json::json!({
        "seeds": count, "first": first, "played": total.played, "refused": total.refused, "failed": total.breaches.len(),
        "servers": total.servers, "events": total.events, "crashes": total.crashes, "verdicts": total.verdicts,
    }));
}

/// How a failing seed is played again.
pub(super) fn again(seed: u64) -> String {
    format!("casgate rehearse --seeds 1 --seed {seed}")
}
