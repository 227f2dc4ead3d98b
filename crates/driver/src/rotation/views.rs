//! What the load balancers of several pools say at one instant.

use std::collections::BTreeMap;

use futures::future::join_all;
use inventory::{PoolName, Server};

use crate::load_balancer::{BalancerError, PoolView};
use crate::world::World;

/// What each pool's load balancer said, or why it did not.
pub(crate) struct Views(BTreeMap<PoolName, Result<PoolView, BalancerError>>);

impl Views {
    /// Asks the load balancers of these servers' pools, all together.
    pub(crate) async fn look(world: &World, servers: &[&Server]) -> Self {
        let mut pools: Vec<&PoolName> = servers.iter().filter_map(|server| server.pool.as_ref()).collect();
        pools.sort();
        pools.dedup();
        let asked = pools.into_iter().filter_map(|pool| {
            let balancer = world.balancer(pool)?;
            Some(async move { (pool.clone(), balancer.look().await) })
        });
        Self(join_all(asked).await.into_iter().collect())
    }

    /// What was said of the server's pool; `None` where casgate steers no load balancer.
    pub(crate) fn of(&self, server: &Server) -> Option<&Result<PoolView, BalancerError>> {
        self.0.get(server.pool.as_ref()?)
    }
}
