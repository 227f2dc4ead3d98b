//! `casgate resume`: go on with a run by looking again at every server that is not proven done.

use std::path::Path;

use driver::Clock;
use jiff::Timestamp;
use journal::{Journal, StateDirectory};
use rollout::{Debt, Event, EventKind, Plan, Rollout, RunId};

use crate::args::{Common, Resume};
use crate::engine::{self, Engine, Onward};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;
use crate::secrets::Reach;
use crate::{leases, state, window};

/// A run that was begun, held by this process.
pub(super) struct Past {
    pub(super) run: RunId,
    pub(super) events: Vec<Event>,
    pub(super) rollout: Rollout,
    /// As the run recorded it.
    inventory: String,
    journal: Journal,
}

impl Past {
    /// Opens the run that the operator named.
    pub(super) fn open(common: &Common, named: &str) -> Result<Self, Error> {
        let runs = StateDirectory::new(state::folder(common)?);
        let run = runs.find(named).map_err(|source| Error::Journal { source })?;
        let (events, journal) = state::open(&runs, &run)?;
        let Some(EventKind::RunStarted { inventory, .. }) = events.first().map(|event| event.kind.clone())
        else {
            return Err(Error::NothingBegun { run: run.to_string() });
        };
        // Asked before anything is written: a journal with an event that cannot follow could never be replayed again.
        let rollout = Rollout::replay(&events).map_err(|source| Error::Past { source })?;
        Ok(Self {
            run,
            events,
            rollout,
            inventory,
            journal,
        })
    }

    /// Goes on with it, once no other run is at work on its servers.
    pub(super) async fn go_on(
        self,
        common: &Common,
        steal: Option<&str>,
        onward: Onward,
        until: Option<Timestamp>,
        printer: &Printer,
    ) -> Result<ExitCode, Error> {
        let fleet = match &common.inventory {
            Some(_) => Fleet::read(common)?,
            None => Fleet::read_file(Path::new(&self.inventory))?,
        };
        let plan: Plan = self.rollout.plan().clone();
        let servers: Vec<_> = plan.servers.keys().cloned().collect();
        let world = fleet.world_of(&plan, Reach::Everybody, Clock::real(), self.run, printer)?;
        let steal = leases::claim(&world, &servers, steal, printer).await?;
        let engine = Engine {
            world,
            journal: self.journal,
            printer,
            stop: engine::signals()?,
            steal,
            until,
        };
        let (verdict, model) = engine.go_on(plan, self.events, onward).await?;
        printer.text(&report::summary(&model));
        Ok(verdict.into())
    }
}

pub(crate) async fn run(common: &Common, args: &Resume, printer: &Printer) -> Result<ExitCode, Error> {
    let past = Past::open(common, &args.run)?;
    if let Some(verdict) = past.rollout.verdict().filter(|verdict| !verdict.is_resumable()) {
        return Err(Error::NothingToResume {
            run: past.run.to_string(),
            verdict,
        });
    }
    let until = bound(&past.rollout, args, Clock::real().now())?;
    past.go_on(
        common,
        args.steal_lease.as_deref(),
        Onward::Resume,
        until,
        printer,
    )
    .await
}

/// When this sitting has to have ended. Outside the window what was begun is finished, and nothing is begun: its end has come already. Where nothing
/// was begun there is nothing to do.
fn bound(rollout: &Rollout, args: &Resume, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    if rollout.is_taken_back() {
        return Ok(None);
    }
    let window = rollout.plan().policy.window.as_ref();
    match window::bound(window, args.finish_by, now) {
        Err(Error::WindowShut { .. }) if is_begun(rollout) => Ok(Some(now)),
        bound => bound,
    }
}

/// Whether somebody is under way, or owed more than a lease, which ends by itself.
fn is_begun(rollout: &Rollout) -> bool {
    let owes = rollout.debts().iter().any(|open| open.debt != Debt::Lease);
    owes || rollout.running().next().is_some()
}

#[cfg(test)]
mod tests {
    use rollout::Next;
    use rollout::simulation::Scenario;

    use super::*;

    #[test]
    fn outside_the_window_only_what_was_begun_is_finished() {
        let plan = (0..10).find_map(|seed| Scenario::new(seed).plan()?.ok());
        let mut plan = plan.expect("one of ten farms has a plan");
        plan.policy.window = Some(inventory::Window {
            from: "22:00".parse().unwrap(),
            until: "04:00".parse().unwrap(),
            time_zone: "UTC".parse().unwrap(),
        });
        let night: Timestamp = "2026-11-26T23:00:00Z".parse().unwrap();
        let noon: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let args = Resume {
            run: "latest".to_owned(),
            steal_lease: None,
            finish_by: None,
        };
        let mut rollout = Rollout::new(plan.clone());
        let mut kind = EventKind::RunStarted {
            run: RunId::new("20261126-2300-7f3a"),
            plan: Box::new(plan),
            operator: "ops@jump01".to_owned(),
            version: "0.1.0".to_owned(),
            inventory: "farm.toml".to_owned(),
        };
        let mut seq = 0;
        loop {
            let event = Event { seq, at: night, kind };
            rollout.apply(&event).expect("it follows");
            if matches!(event.kind, EventKind::RunStarted { .. }) {
                let refused = bound(&rollout, &args, noon).unwrap_err();
                assert_eq!(refused.exit_code(), ExitCode::WindowClosed, "nothing was begun");
            }
            if matches!(event.kind, EventKind::ServerStarted { .. }) {
                break;
            }
            let Next::Record(next) = rollout.next(night) else {
                panic!("somebody can begin");
            };
            (seq, kind) = (seq + 1, next);
        }
        assert_eq!(bound(&rollout, &args, noon).unwrap(), Some(noon));
        let until: Timestamp = "2026-11-27T04:00:00Z".parse().unwrap();
        assert_eq!(bound(&rollout, &args, night).unwrap(), Some(until));
    }
}
