//! `restart_iis`: worker processes start anew. Whether that is needed is seen on the server (a service that does not run, a process older than a
//! pending change or without the module that enforces the rules), and so is whether it happened: by services that run, processes that are gone and
//! what the new ones have loaded, never by what iisreset says.

pub(super) mod companions;
mod former;
mod module;

use std::collections::BTreeSet;

use iis::{appcmd, reset};
use inventory::{RestartIis, RestartMethod, Step};
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, ServiceObserved, StepError, WorkerProcessObserved};

use super::services::{SERVICES, WebServer, date, list_running, listed, observe, start};
use super::{already_done, marker, receipt};
use crate::failure::{Setback, StepErrorExt, failed, from_appcmd, from_iis, one_line, timed_out};
use crate::session::Session;
use former::{Former, pids_of};

/// How long services and processes may take to be as they should once the restart has ended: "W3SVC and WAS Running within 60 s" is what
/// Exchange rollouts in the field go by. A policy that gives a server less time to become healthy counts.
const SETTLED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// What iisreset needs beside waiting for services.
const OF_ITS_OWN: SignedDuration = SignedDuration::from_secs(10);

/// Services that are stopped for this long are not between an iisreset's stop and its start.
const STOPPED_FOR_GOOD: SignedDuration = SignedDuration::from_secs(10);

/// How often they are looked at, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(2);

/// How many looks in a row must show stopped services before W3SVC is started: iisreset may be between stop and start.
const LOOKS_BEFORE_START: u32 = 2;

/// How often W3SVC is started if it does not stay up.
const STARTS: u32 = 2;

/// How many looks must show old processes after a restart that claims to have ended, before it is taken to have failed.
const LOOKS_BEFORE_GIVING_UP: u32 = 5;

const RECYCLE_LIMIT: SignedDuration = SignedDuration::from_secs(120);

pub(super) async fn probe(session: &mut Session, step: &RestartIis) -> Result<Found, StepError> {
    if step.method == RestartMethod::None {
        return Ok(already_done(["IIS takes up changed rules by itself".to_owned()]));
    }
    let seen = observe_at_rest(session).await?;
    let markers = marker::read(session).await?;
    let mut reasons = Vec::new();
    if !seen.is_running() {
        let idle = seen.idle_in_words();
        if step.method == RestartMethod::RecycleAppPool {
            return Err(failed("look at IIS", "W3SVC and WAS run", idle)
                .hint("recycling a pool starts no service: start W3SVC, or use `method = \"iisreset\"`"));
        }
        reasons.push(idle);
    }
    if !markers.is_empty() {
        let running = match step.method {
            RestartMethod::RecycleAppPool => pids_of(&seen.workers, &pools(session).await?),
            RestartMethod::Iisreset | RestartMethod::None => seen.pids(),
        };
        for (cause, noted) in &markers {
            let old: Vec<u32> = noted.intersection(&running).copied().collect();
            if !old.is_empty() {
                reasons.push(format!(
                    "older than the change of {cause}: process {}",
                    listed(old)
                ));
            }
        }
    }
    let loaded = match reasons.is_empty() {
        true => module::look(session, &seen.workers).await?,
        false => None,
    };
    reasons.extend(loaded.as_ref().and_then(module::Loaded::missing_in_words));
    if reasons.is_empty() {
        return Ok(already_done([format!(
            "W3SVC and WAS run, and no process is older than a change ({})",
            listed(seen.pids())
        )]));
    }
    let mut seen = seen;
    date(session, &mut seen.workers).await?;
    Ok(Found::Ready(Before::RestartIis {
        services: companions::beside(seen.services, list_running(session).await?),
        workers: seen.workers,
        reason: reasons.join("; "),
    }))
}

/// What runs once nothing is on its way any more. A run that was cut off leaves its iisreset at work, and a second one beside it helps nobody.
async fn observe_at_rest(session: &mut Session) -> Result<WebServer, StepError> {
    let began = session.clock().now();
    loop {
        let seen = observe(session).await?;
        let patience = match seen.stopped.len() == seen.services.len() {
            true => STOPPED_FOR_GOOD,
            false => SETTLED_WITHIN,
        };
        if seen.is_running() || session.clock().now().duration_since(began) >= patience {
            return Ok(seen);
        }
        session.doing(seen.idle_in_words());
        session.clock().pause(EVERY).await;
    }
}

pub(super) async fn apply(
    session: &mut Session,
    step: &RestartIis,
    workers: &[WorkerProcessObserved],
    services: &[ServiceObserved],
) -> Result<Receipt, Setback> {
    match step.method {
        RestartMethod::None => Ok(Receipt::default()),
        RestartMethod::Iisreset => reset_all(session, step, &Former::of(workers, services), services).await,
        RestartMethod::RecycleAppPool => recycle(session, workers, step.timeout).await,
    }
}

pub(super) async fn verify(
    session: &mut Session,
    step: &RestartIis,
    workers: &[WorkerProcessObserved],
    services: &[ServiceObserved],
) -> Result<Receipt, StepError> {
    let former = match step.method {
        RestartMethod::RecycleAppPool => Former::of_pools(workers, &pools(session).await?),
        RestartMethod::Iisreset | RestartMethod::None => Former::of(workers, services),
    };
    let seen = observe_beside(session, &former).await?;
    if !seen.is_running() || !former.is_gone(&seen) {
        return Err(unsettled("look at IIS after its restart", &former, &seen));
    }
    let missing = companions::missing(session, services).await?;
    if !missing.of_iis.is_empty() {
        return Err(companions::left_stopped(&missing.of_iis));
    }
    let loaded = module::settle(session, seen.workers.clone()).await?;
    for cause in marker::read(session).await?.into_keys() {
        marker::delete(session, &cause).await?;
    }
    let loaded = loaded.map(|loaded| loaded.in_words());
    Ok(receipt([former.in_words(&seen)].into_iter().chain(loaded)))
}

async fn reset_all(
    session: &mut Session,
    step: &RestartIis,
    former: &Former,
    services: &[ServiceObserved],
) -> Result<Receipt, Setback> {
    let doing = "restart IIS (iisreset)";
    let seconds = u32::try_from(step.timeout.as_secs().max(1)).unwrap_or(u32::MAX);
    // The timeout bounds stop and start each; what iisreset itself needs comes on top. Past that it is taken to hang.
    let limit = step.timeout.saturating_mul(2).saturating_add(OF_ITS_OWN);
    session.doing("iisreset");
    let ran = session
        .change(doing, &reset::iisreset(step.no_force, seconds), limit)
        .await;
    let mut facts = Vec::new();
    let lost = match ran {
        Ok(report) => {
            if report.exit_code != 0 {
                facts.push(format!(
                    "iisreset ended with {}: {}",
                    report.exit_code,
                    one_line(&report.text)
                ));
            }
            None
        }
        Err(Setback::Unknown(error)) => {
            facts.push(format!("the end of iisreset was not seen: {}", error.found));
            Some(error)
        }
        Err(setback) => return Err(setback),
    };
    match settle(session, doing, former, lost.is_some(), &mut facts).await {
        Ok(seen) => {
            facts.insert(0, former.in_words(&seen));
            companions::bring_back(session, services, &mut facts).await?;
            Ok(receipt(facts))
        }
        Err(mut error) => {
            error.causes.append(&mut facts);
            // Where even the look failed, or iisreset may still be at work, nobody knows how it ended.
            Err(match lost {
                Some(_) => Setback::Unknown(error),
                None => Setback::Failed(error),
            })
        }
    }
}

/// Waits until both services run, whichever processes they have; starts W3SVC if it is left stopped.
pub(super) async fn settle_services(
    session: &mut Session,
    doing: &str,
    may_still_run: bool,
    facts: &mut Vec<String>,
) -> Result<WebServer, StepError> {
    settle(session, doing, &Former::of(&[], &[]), may_still_run, facts).await
}

/// What runs now; where an id of a former process is there again, with when each process started.
async fn observe_beside(session: &mut Session, former: &Former) -> Result<WebServer, StepError> {
    let mut seen = observe(session).await?;
    if former.comes_back(&seen) {
        date(session, &mut seen.workers).await?;
    }
    Ok(seen)
}

/// Waits until both services run and the former processes are gone; starts W3SVC if it is left stopped.
async fn settle(
    session: &mut Session,
    doing: &str,
    former: &Former,
    may_still_run: bool,
    facts: &mut Vec<String>,
) -> Result<WebServer, StepError> {
    let healthy_within = session.plan().policy.healthy_deadline;
    let patience = session.clock().deadline(SETTLED_WITHIN.min(healthy_within));
    let (mut stopped, mut unchanged, mut starts) = (0_u32, 0_u32, 0_u32);
    loop {
        let seen = observe_beside(session, former).await?;
        match (seen.is_running(), former.is_gone(&seen)) {
            (true, true) => return Ok(seen),
            (true, false) => {
                (stopped, unchanged) = (0, unchanged.saturating_add(1));
                session.doing("old worker processes are still there");
            }
            (false, _) => {
                stopped = if seen.stopped.is_empty() {
                    0
                } else {
                    stopped.saturating_add(1)
                };
                session.doing(seen.idle_in_words());
            }
        }
        let has_failed = unchanged >= LOOKS_BEFORE_GIVING_UP && !may_still_run;
        if has_failed || patience.has_passed() {
            return Err(unsettled(doing, former, &seen));
        }
        if stopped >= LOOKS_BEFORE_START && starts < STARTS && !may_still_run {
            starts += 1;
            stopped = 0;
            let started = start(session, SERVICES[0]).await.map_err(StepError::from);
            facts.push(match started {
                Ok(()) => "W3SVC was left stopped and was started".to_owned(),
                Err(error) => format!("W3SVC was left stopped and could not be started: {}", error.found),
            });
        }
        session.clock().pause(EVERY).await;
    }
}

fn unsettled(doing: &str, former: &Former, seen: &WebServer) -> StepError {
    let expected = "W3SVC and WAS run, and the former worker processes are gone";
    if !seen.is_running() {
        return timed_out(doing, expected, seen.idle_in_words()).hint(
            "IIS serves nobody on this server now: `sc start W3SVC` there, and the System event log (IIS-IISReset, WAS, W3SVC) says why; a \
             broken applicationHost.config is a usual reason",
        );
    }
    failed(doing, expected, former.in_words(seen))
        .hint("iisreset had no effect: run `iisreset /noforce` on the server by hand and read what it says, then resume")
}

/// `within`: how long the former processes may take to go.
async fn recycle(
    session: &mut Session,
    workers: &[WorkerProcessObserved],
    within: SignedDuration,
) -> Result<Receipt, Setback> {
    let pools = pools(session).await?;
    for pool in &pools {
        let doing = format!("recycle {pool}");
        let line =
            appcmd::recycle_app_pool(pool).map_err(|error| from_iis(&doing, "a pool's name", &error))?;
        let recycled = session.change(&doing, &line, RECYCLE_LIMIT).await?;
        recycled.map_err(|error| from_appcmd(&doing, "the pool is recycled", &error))?;
    }
    let former = Former::of_pools(workers, &pools);
    let patience = session.clock().deadline(within);
    loop {
        let seen = observe_beside(session, &former).await?;
        if former.is_gone(&seen) {
            return Ok(receipt([format!(
                "recycled {}: {}",
                pools.join(", "),
                former.in_words(&seen)
            )]));
        }
        if patience.has_passed() {
            let expected = "the pool's former worker processes are gone";
            return Err(timed_out("recycle the application pool", expected, former.in_words(&seen))
                .hint("the old process may wait for its last requests (shutdownTimeLimit of the pool): look again later")
                .into());
        }
        session.doing(format!(
            "waiting for the former processes of {} to go",
            pools.join(", ")
        ));
        session.clock().pause(EVERY).await;
    }
}

/// The pools of the applications that the plan restricts: at least one, or there is nothing to recycle.
async fn pools(session: &mut Session) -> Result<Vec<String>, StepError> {
    let pools = restricted_pools(session).await?;
    if pools.is_empty() {
        return Err(failed("find the application pool to recycle", "an application that the plan restricts", "none")
            .hint("`recycle_app_pool` recycles the pools of the restricted applications: use `method = \"iisreset\"`, or a command step"));
    }
    Ok(pools)
}

/// The pools of the applications that the plan restricts.
async fn restricted_pools(session: &mut Session) -> Result<Vec<String>, StepError> {
    let plan = session.plan().clone();
    let mut pools = BTreeSet::new();
    for step in &plan.steps {
        let Step::Restrict(step) = step else { continue };
        let doing = format!("look for {}", step.application);
        let found = session.look(&doing, &appcmd::list_app(&step.application)).await?;
        let found = found.map_err(|error| from_appcmd(&doing, "the application's pool", &error))?;
        pools.extend(found.map(|app| app.application_pool));
    }
    Ok(pools.into_iter().collect())
}

#[cfg(test)]
mod tests;
