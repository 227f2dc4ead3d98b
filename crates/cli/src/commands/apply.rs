//! `casgate apply`: plan (or take a plan that was saved), look, ask, do, prove.

use driver::Clock;
use journal::StateDirectory;

use crate::args::{Apply, Common};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::foresight::Foresight;
use crate::inputs::{self, Fleet};
use crate::printer::Printer;
use crate::saved_plan::{self, SavedPlan};
use crate::secrets::Reach;
use crate::{approval, leases, run_id, state, window};

pub(crate) async fn run(common: &Common, args: &Apply, printer: &Printer) -> Result<ExitCode, Error> {
    let acceptances = args.accept.read()?;
    let source = inputs::source(&args.playbook)?;
    let saved = SavedPlan::read(&args.playbook, &source)?;
    let clock = Clock::real();
    let (now, timing) = (clock.now(), &args.timing);
    let (fleet, mut plan, until, late) = match &saved {
        Some(saved) => {
            let plan = saved.plan.clone();
            if timing.change.is_some() && timing.change != plan.change {
                return Err(Error::DecidedAfterwards { option: "--change" });
            }
            let until = window::bound(plan.policy.window.as_ref(), timing.finish_by, now)?;
            (saved.fleet(common)?, plan, until, None)
        }
        None => {
            let fleet = Fleet::read(common)?;
            let playbook = inputs::playbook_from(&source, &fleet, printer)?;
            let until = window::bound(playbook.policy.window.as_ref(), timing.finish_by, now)?;
            let (plan, late) = inputs::plan_unless_late(&fleet, &playbook, timing, now, until)?;
            (fleet, plan, until, late)
        }
    };
    let late = late.or_else(|| window::refuse_if_too_short(&plan, until, now).err());
    let run = run_id::new(now);
    let servers: Vec<_> = plan.servers.keys().cloned().collect();
    let world = fleet.world_of(&plan, Reach::Everybody, clock, run.clone(), printer)?;
    let acceptances = match &saved {
        Some(_) if !acceptances.is_empty() => return Err(Error::AcceptedAfterwards),
        Some(saved) => saved.acceptances()?,
        None => acceptances,
    };
    let seen = Foresight::gather(&world, &plan, &acceptances).await;
    let has_nothing_to_do = seen.is_all_as_wanted(&plan);
    if let Some(late) = late.filter(|_| !has_nothing_to_do) {
        return Err(late);
    }
    let accepted = seen.accepted();
    if let Some(saved) = &saved {
        saved.check_accepted(&args.playbook, &accepted)?;
    } else {
        plan.accepted = accepted;
    }
    if let Some(saved) = saved.as_ref().filter(|_| !seen.preflight.refuses()) {
        let observed = saved_plan::observe(&world, &fleet, &seen.looks).await;
        saved.check(&args.playbook, &fleet, &seen.looks, &observed)?;
    }
    seen.show(&plan, printer);
    if has_nothing_to_do && window::may_cut_short(&plan, until, now) {
        seen.tell(&plan, printer);
        printer.text(window::NOTHING_TO_FIT);
        return Ok(ExitCode::Done);
    }
    window::tell(&plan, timing.finish_by, now, printer);
    seen.tell(&plan, printer);
    if let Err(refused) = seen.refuse() {
        // What another run is at work on may look ill. A login that was refused is not tried again.
        if args.steal_lease.is_none() {
            leases::refuse_held(&world, &seen.seen(&plan)).await?;
        }
        return Err(refused);
    }
    let steal = leases::claim(&world, &servers, args.steal_lease.as_deref(), printer).await?;
    let question = format!("Change {} servers as shown?", plan.servers.len());
    approval::ask(&args.approval, &plan.hash(), &question, printer)?;
    let journal = state::create(&StateDirectory::new(state::folder(common)?), &run)?;
    printer.note(&format!("run {run}; after an interruption: casgate resume {run}"));
    let inventory = fleet.absolute_path();
    let engine = Engine {
        world,
        journal,
        printer,
        stop: engine::signals()?,
        steal,
        until,
    };
    let (verdict, model) = engine.start(plan, run, inventory).await?;
    printer.text(&report::summary(&model));
    Ok(verdict.into())
}
