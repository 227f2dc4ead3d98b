//! Looks at each pool's rotation all run long, for the screen and for the least that was ever in rotation; and at the servers that the run has
//! not touched, so that a failure can be told from an incident around the farm.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use inventory::PoolName;
use jiff::SignedDuration;
use rollout::{Plan, Progress};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::control_group;
use crate::world::World;

/// How often each pool is looked at, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The task that looks.
pub(super) struct Monitor(JoinHandle<()>);

impl Monitor {
    /// Begins to look at every pool of the plan that has a load balancer.
    pub(super) fn start(world: &Arc<World>, plan: &Arc<Plan>, progress: &mpsc::Sender<Progress>) -> Self {
        let pools: Vec<PoolName> = plan.pools.keys().cloned().collect();
        let plan = Arc::clone(plan);
        let (world, progress) = (Arc::clone(world), progress.clone());
        Self(tokio::spawn(async move {
            let watches: FuturesUnordered<_> =
                pools.iter().map(|pool| watch(&world, pool, &progress)).collect();
            tokio::join!(watches.collect::<Vec<()>>(), control_group::watch(&world, &plan));
        }))
    }

    /// Looks no more.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

async fn watch(world: &World, pool: &PoolName, progress: &mpsc::Sender<Progress>) {
    let Some(balancer) = world.balancer(pool) else {
        return;
    };
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
        }
        world.clock().pause(EVERY).await;
    }
}
