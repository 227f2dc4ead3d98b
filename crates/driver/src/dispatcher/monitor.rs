//! Looks at each pool's rotation all run long: for the screen, for the least that was ever in rotation, and for a floor that is broken while the run
//! has servers of the pool out; and at the servers that the run has not touched, so that a failure can be told from an incident around the farm.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use inventory::PoolName;
use jiff::SignedDuration;
use rollout::{EventKind, Plan, PlannedPool, Progress, StepError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::control_group;
use crate::failure::{StepErrorExt, failed};
use crate::load_balancer::PoolView;
use crate::world::World;

/// How often each pool is looked at, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How many looks one after the other have to find a floor broken: between two of them a load balancer settles.
const LOOKS: u32 = 2;

/// The task that looks.
pub(super) struct Monitor(JoinHandle<()>);

impl Monitor {
    /// Begins to look at every pool of the plan that has a load balancer. A floor that is broken is a fact for `facts`.
    pub(super) fn start(
        world: &Arc<World>,
        plan: &Arc<Plan>,
        facts: &mpsc::UnboundedSender<EventKind>,
        progress: &mpsc::Sender<Progress>,
    ) -> Self {
        let plan = Arc::clone(plan);
        let (world, facts, progress) = (Arc::clone(world), facts.clone(), progress.clone());
        Self(tokio::spawn(async move {
            let watches: FuturesUnordered<_> = plan
                .pools
                .iter()
                .map(|(pool, planned)| watch(&world, pool, planned, &facts, &progress))
                .collect();
            tokio::join!(watches.collect::<Vec<()>>(), control_group::watch(&world, &plan));
        }))
    }

    /// Looks no more.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

async fn watch(
    world: &World,
    pool: &PoolName,
    planned: &PlannedPool,
    facts: &mpsc::UnboundedSender<EventKind>,
    progress: &mpsc::Sender<Progress>,
) {
    let Some(balancer) = world.balancer(pool) else {
        return;
    };
    let mut looks_below = 0;
    loop {
        // A look that fails says nothing about the pool. The steps that need the load balancer report it.
        if let Ok(view) = balancer.look().await {
            let (in_rotation, members) = (view.in_rotation(), view.members());
            world.note_rotation(pool, in_rotation, members);
            let _ = progress.try_send(Progress::Rotation {
                pool: pool.clone(),
                in_rotation,
                members,
            });
            match broken(world, pool, planned, &view) {
                Some(error) => {
                    looks_below += 1;
                    if looks_below == LOOKS {
                        // Nobody listens any more when the run has ended meanwhile.
                        let _ = facts.send(EventKind::FloorBroken {
                            pool: pool.clone(),
                            error,
                        });
                    }
                }
                None => looks_below = 0,
            }
        }
        world.clock().pause(EVERY).await;
    }
}

/// Why the floor is broken, if it is while the run has somebody of the pool out. Without that, others keep the pool small, and each drain waits for
/// them anyway.
fn broken(world: &World, pool: &PoolName, planned: &PlannedPool, view: &PoolView) -> Option<StepError> {
    let members: Vec<_> = world.inventory().members(pool).collect();
    if !members.iter().any(|server| world.is_taken_out(&server.name)) {
        return None;
    }
    let status = |name: &str| view.member(name).ok();
    let (mut in_rotation, mut weight, mut out) = (0_u32, 0_u32, Vec::new());
    for server in members {
        match status(&server.load_balancer_name) {
            Some(member) if member.is_in_rotation() => {
                in_rotation = in_rotation.saturating_add(1);
                weight = weight.saturating_add(server.weight);
            }
            Some(member) => out.push(format!("{} ({})", server.name, member.status)),
            None => out.push(format!("{} (the load balancer does not know it)", server.name)),
        }
    }
    let holds = in_rotation >= planned.min_in_rotation
        && (!planned.is_weighted() || weight >= planned.min_weight_in_rotation);
    (!holds).then(|| {
        let weighing = match planned.is_weighted() {
            true => format!(" of weight {weight}"),
            false => String::new(),
        };
        failed(
            format!("keep pool {pool} in rotation"),
            planned.needed(),
            format!("{in_rotation}{weighing}; out: {}", out.join(", ")),
        )
        .hint("more of the pool failed than the plan reckons with: bring those servers back that the run has not taken out, then resume")
    })
}

#[cfg(test)]
mod tests;
