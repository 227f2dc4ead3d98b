//! What is true of the simulated servers, whatever the run believes: asked of themselves and of their load balancer, and never of the driver.
//! It is put into the words of `rollout::simulation`, so that the same checks judge it as in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use casim::load_balancer::Admin;
use casim::machine::{Machine, OutputSink, Stdin, WebReply, WebRequest};
use iis::ip_security::{Rule, Section};
use iis::{ApplicationPath, appcmd, registry};
use inventory::{ServerName, Step};
use rollout::Plan;
use rollout::simulation::{Breach, Truth, World};
use tokio::time::Instant;

use super::super::stage::{OUTSIDER, Stage};

/// The page that phones ask for.
const ACTIVESYNC: &str = "/Microsoft-Server-ActiveSync/";
/// The page that tells whether a server serves.
const HEALTH: &str = "/owa/healthcheck.htm";
/// Where leases stand.
const LEASES: &str = r"HKLM\SOFTWARE\casgate";

/// The rules of each server.
pub(super) type Sections = BTreeMap<ServerName, Section>;

/// What somebody does who sits at the server itself.
pub(super) async fn by_hand(machine: &Arc<Machine>, line: &str) -> command::Output {
    let (sink, mut chunks) = OutputSink::channel();
    let exit_code = machine.run(line, Stdin::empty(), sink).await;
    let mut stdout = Vec::new();
    while let Ok(chunk) = chunks.try_recv() {
        stdout.extend(chunk.bytes);
    }
    command::Output {
        exit_code,
        stdout,
        stderr: Vec::new(),
    }
}

/// The rules of every server, as its configuration has them.
pub(super) async fn sections(stage: &Stage, plan: &Plan) -> Result<Sections, String> {
    let application = plan.steps.iter().find_map(|step| match step {
        Step::Restrict(restrict) => Some(restrict.application.to_string()),
        _ => None,
    });
    let application: ApplicationPath = application
        .unwrap_or_default()
        .parse()
        .map_err(|error| format!("no application: {error}"))?;
    let invocation = appcmd::list_effective_section(&application);
    let mut sections = Sections::new();
    for name in plan.servers.keys() {
        if let Some(machine) = stage.machine(name) {
            let output = by_hand(machine, invocation.line().as_str()).await;
            let section = invocation
                .parse(&output)
                .map_err(|error| format!("the section of {name}: {error}"))?;
            sections.insert(name.clone(), section);
        }
    }
    Ok(sections)
}

/// The farm as it is.
pub(super) async fn look(
    stage: &Stage,
    plan: &Plan,
    before: &Sections,
    foreign: &BTreeSet<ServerName>,
) -> Result<World, String> {
    let sections = sections(stage, plan).await?;
    let mut world = World::new(plan);
    let (original, wanted) = world.sections();
    let (original, wanted) = (original.clone(), wanted.clone());
    // Neither the rules of before nor those that are wanted.
    let strange = Section {
        rules: vec![Rule::allow_address(OUTSIDER)],
        ..Section::default()
    };
    let allowed = stage.gateways();
    for (name, truth) in &mut world.truth {
        let Some(machine) = stage.machine(name) else {
            continue;
        };
        let enforces = allowed
            .iter()
            .all(|client| status(machine, ACTIVESYNC, *client) == 401)
            && status(machine, ACTIVESYNC, OUTSIDER) == 403;
        let section = match (sections.get(name), before.get(name)) {
            _ if enforces => wanted.clone(),
            (Some(now), Some(then)) if now.same_meaning(then) => original.clone(),
            _ => strange.clone(),
        };
        *truth = Truth {
            out_of_rotation: stage.admin_of(name).is_some_and(|admin| admin != Admin::Ready),
            feature: enforces,
            section,
            broken: status(machine, HEALTH, IpAddr::V4(Ipv4Addr::LOCALHOST)) != 200,
            leased: is_leased(machine).await?,
            ..Truth::default()
        };
    }
    world.foreign.clone_from(foreign);
    Ok(world)
}

fn status(machine: &Machine, path: &str, client: IpAddr) -> u16 {
    match machine.web(&WebRequest::get(path, client)) {
        WebReply::Reply { status, .. } => status,
        WebReply::Refused | WebReply::Aborted => 0,
    }
}

async fn is_leased(machine: &Arc<Machine>) -> Result<bool, String> {
    let invocation = registry::query(LEASES, "lease").map_err(|error| error.to_string())?;
    let output = by_hand(machine, invocation.line().as_str()).await;
    let lease = invocation
        .parse(&output)
        .map_err(|error| format!("the lease of {}: {error}", machine.name()))?;
    Ok(lease.is_some())
}

/// An allowed client that a server refused at any time, in words.
pub(super) fn turned_away(stage: &Stage, plan: &Plan) -> Option<String> {
    let allowed = stage.allowed(plan);
    plan.servers.keys().find_map(|name| {
        let refused = stage
            .machine(name)?
            .requests()
            .into_iter()
            .find(|line| line.status == 403 && allowed.contains(&line.client))?;
        let client = refused.client;
        Some(format!(
            "{name} turned {client} away, whom the rules of before and after let in"
        ))
    })
}

/// The floors and the spread at every change of who gets clients between two instants: what every load balancer itself noted down.
pub(super) fn check_floors(
    stage: &Stage,
    plan: &Plan,
    (from, to): (Instant, Instant),
    promises_smallest: bool,
) -> Result<(), Breach> {
    for out in stage.who_was_out(from, to) {
        rollout::simulation::check_floors(plan, |name| out.contains(name), promises_smallest)?;
    }
    Ok(())
}
