//! What is true of a server beside what the steps of a plan find: its name, its versions, its place in the load balancer. Read only. For a saved
//! plan, which is applied later only to the farm that it was made for.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use iis::system;
use inventory::ServerName;
use rollout::{FailureKind, StepError};

use crate::failure::from_balancer;
use crate::ping::{exchange, iis_version, read, windows};
use crate::remote::Remote;
use crate::world::World;

/// How many servers are looked at together: looking changes nothing, so only our own sockets limit it.
const LOOKS_AT_A_TIME: usize = 16;

/// Facts of each of these servers, by name: `host name`, `machine`, `Windows`, `IIS`, `Exchange`, `rotation`.
pub async fn observe(
    world: &Arc<World>,
    servers: &[ServerName],
) -> BTreeMap<ServerName, Result<BTreeMap<String, String>, StepError>> {
    let seen = stream::iter(servers.iter().cloned())
        .map(|server| async move {
            let mut remote = Remote::new(world, server.clone());
            let facts = facts(world, &mut remote, &server).await;
            remote.close().await;
            (server, facts)
        })
        .buffer_unordered(LOOKS_AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    winrm::reap(std::time::Duration::from_secs(5)).await;
    seen.into_iter().collect()
}

async fn facts(
    world: &World,
    remote: &mut Remote,
    server: &ServerName,
) -> Result<BTreeMap<String, String>, StepError> {
    let facts = [
        (
            "host name",
            known(read(remote, "the computer's name", system::computer_name())).await?,
        ),
        ("Windows", known(windows(remote)).await?),
        (
            "machine",
            known(read(remote, "the machine's identity", system::machine_guid())).await?,
        ),
        ("IIS", known(iis_version(remote)).await?),
        ("Exchange", known(exchange(remote)).await?),
        ("rotation", rotation(world, server).await?),
    ];
    Ok(facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// What a server does not have is a fact as well.
async fn known(value: impl Future<Output = Result<String, StepError>>) -> Result<String, StepError> {
    match value.await {
        Err(error) if error.kind == FailureKind::Failed => Ok("none".to_owned()),
        value => value,
    }
}

/// Whether the load balancer sends clients to the server. Its own words differ from one health check to the next (`UP`, `UP 1/3`).
async fn rotation(world: &World, server: &ServerName) -> Result<String, StepError> {
    let written = world.inventory().servers.get(server);
    let balancer = written.and_then(|written| world.balancer(written.pool.as_ref()?));
    let (Some(written), Some(balancer)) = (written, balancer) else {
        return Ok("no load balancer that casgate steers".to_owned());
    };
    let member = balancer.look_at(&written.load_balancer_name).await;
    let member = member.map_err(|error| from_balancer("ask the load balancer for the server", &error))?;
    Ok(match member.is_in_rotation() {
        true => "in rotation",
        false => "out of rotation",
    }
    .to_owned())
}
