//! Who of a pool takes clients now: the load balancer's word and the health pages, together.
//!
//! The load balancer may be behind the times, or check something else than the pages; a server counts only where both agree.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use inventory::Server;
use rollout::{OutOfRotation, Rotation};

use crate::health;
use crate::load_balancer::{Balancer, BalancerError, PoolView};
use crate::session::Session;

/// How many servers are asked for their pages at the same time.
const AT_ONCE: usize = 8;

/// What one server of the pool was found to be; `Err` says in a few words why it does not count.
type Found<'a> = BoxFuture<'a, Result<(), String>>;

/// Looks at the pool of the session's server. Only servers that the load balancer sends clients to are asked for `pages`.
pub(crate) async fn look(
    session: &Session,
    balancer: &Balancer,
    pages: &[String],
) -> Result<Rotation, BalancerError> {
    let view = balancer.look().await?;
    let own = session.server();
    let state = view.member(&own.load_balancer_name)?.status.clone();
    let inventory = session.world().inventory();
    let servers: Vec<&Server> = match &own.pool {
        Some(pool) => inventory.members(pool).collect(),
        None => Vec::new(),
    };
    let mut asked: Vec<Found<'_>> = Vec::new();
    for server in &servers {
        asked.push(Box::pin(found(session, &view, server, pages)));
    }
    let found: Vec<Result<(), String>> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let in_rotation = found.iter().filter(|found| found.is_ok()).count();
    let own_counts =
        |(server, found): (&&Server, &Result<(), String>)| server.name == own.name && found.is_ok();
    Ok(Rotation {
        in_rotation: u32::try_from(in_rotation).unwrap_or(u32::MAX),
        members: view.members(),
        state,
        is_in_rotation: servers.iter().zip(&found).any(own_counts),
        out: servers
            .iter()
            .zip(&found)
            .filter_map(|(server, found)| {
                let why = found.as_ref().err()?.clone();
                Some(OutOfRotation {
                    server: server.name.clone(),
                    why,
                })
            })
            .collect(),
    })
}

async fn found(session: &Session, view: &PoolView, server: &Server, pages: &[String]) -> Result<(), String> {
    let member = view
        .member(&server.load_balancer_name)
        .map_err(|_| "the load balancer does not know it".to_owned())?;
    if !member.is_in_rotation() {
        return Err(member.status.clone());
    }
    health::look_at(session.world(), server, pages)
        .await
        .map(|_| ())
        .map_err(|sick| format!("{}, but {}", member.status, sick.in_words()))
}

#[cfg(test)]
mod tests;
