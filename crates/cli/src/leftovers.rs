//! What a run leaves behind: shells that could not be deleted; and one that was aborted, servers where nobody has seen how a command ended, and
//! what is owed. Each with the exact command.

use std::sync::Arc;

use driver::World;
use rollout::{Debt, Phase, Rollout, ServerState, Verdict};

/// One line each; none unless the operator aborted the run. What was tried in vain is told by the summary.
pub(crate) fn lines(rollout: &Rollout, world: &Arc<World>) -> Vec<String> {
    if rollout.verdict() != Some(Verdict::Aborted) {
        return Vec::new();
    }
    let word = |step: usize| {
        let step = rollout.plan().steps.get(step);
        step.map_or_else(|| "a step".to_owned(), |step| step.kind().to_string())
    };
    let mut lines = Vec::new();
    for server in rollout.plan().servers.keys() {
        let doing = match rollout.state_of(server) {
            Some(ServerState::Running {
                step,
                phase: Phase::Applying,
                ..
            }) => word(step),
            Some(ServerState::Undoing { step }) => format!("the way back of {}", word(step)),
            _ => continue,
        };
        lines.push(format!(
            "UNKNOWN: {server}: {doing} was under way and was left alone; nobody has seen how it ended"
        ));
    }
    for open in rollout.debts().into_iter().filter(|open| open.unpaid.is_none()) {
        let what = match open.debt {
            Debt::Rotation { .. } => "its place in rotation".to_owned(),
            Debt::Confirmation { .. } => {
                "its dead man's switch, which takes the change back when its time is up, unless it is taken away"
                    .to_owned()
            }
            Debt::Lease => format!(
                "the run's lease, which ends by itself within {}",
                report::wording::duration(rollout.plan().policy.lease)
            ),
        };
        let command = driver::by_hand(world, &open.server, open.debt, false);
        lines.push(format!("STILL OWED: {}: {what}; by hand: {command}", open.server));
    }
    if !lines.is_empty() {
        let run = rollout.run_id().map_or("RUN", |run| run.as_str());
        lines.push(format!(
            "`casgate resume {run}` looks at all of these and settles them"
        ));
    }
    lines
}

/// One line for each server where the run could not delete its shells. Known only once the run's last requests are over.
pub(crate) fn shells(rollout: &Rollout, world: &World) -> Vec<String> {
    let left = winrm::left_behind();
    let servers = rollout.plan().servers.keys();
    let left_there = servers.filter_map(|server| {
        let url = world.endpoint(server).ok()?.name();
        Some((server, *left.get(&url)?))
    });
    left_there
        .map(|(server, count)| {
            format!(
                "LEFT OPEN: {server}: {count} WinRM shell{} that could not be deleted; Windows ends each after five idle minutes; sooner, once \
                 the server answers: casgate ping {server} --shells --clean",
                if count == 1 { "" } else { "s" }
            )
        })
        .collect()
}
