//! Who of a pool takes clients now: the load balancer's word and the health pages, together.
//!
//! The load balancer may be behind the times, or check something else than the pages; a server counts only where both agree.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use inventory::Server;
use rollout::{LiveWeight, OutOfRotation, Rotation};

use crate::health::{self, Sick};
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
    let state = view.member(&session.server().load_balancer_name)?.status.clone();
    let rotation = among(session, |server| Box::pin(found(session, &view, server, pages))).await;
    Ok(Rotation {
        members: view.members(),
        state,
        ..rotation
    })
}

/// Looks at the pool of the session's server where casgate steers no load balancer: whose pages answer, and whom this run has not begun to change,
/// is taken to have clients.
pub(crate) async fn look_at_pages(session: &Session, pages: &[String]) -> Rotation {
    among(session, |server| Box::pin(by_pages(session, server, pages))).await
}

async fn by_pages(session: &Session, server: &Server, pages: &[String]) -> Result<(), String> {
    if server.name != session.server().name && session.world().is_taken_out(&server.name) {
        return Err("under way in this run".to_owned());
    }
    let look = health::look_at(session.world(), server, pages).await;
    look.map(|_| ()).map_err(|sick: Sick| sick.in_words())
}

async fn among<'a>(session: &'a Session, ask: impl Fn(&'a Server) -> Found<'a>) -> Rotation {
    let own = session.server();
    let servers: Vec<&Server> = match &own.pool {
        Some(pool) => session.world().inventory().members(pool).collect(),
        None => Vec::new(),
    };
    let asked: Vec<Found<'_>> = servers.iter().map(|server| ask(server)).collect();
    let found: Vec<Result<(), String>> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let counted = || servers.iter().zip(&found).filter(|(_, found)| found.is_ok());
    let is_in_rotation = counted().any(|(server, _)| server.name == own.name);
    Rotation {
        in_rotation: u32::try_from(counted().count()).unwrap_or(u32::MAX),
        members: u32::try_from(servers.len()).unwrap_or(u32::MAX),
        state: if is_in_rotation { "healthy" } else { "not healthy" }.to_owned(),
        is_in_rotation,
        weight: Some(LiveWeight {
            in_rotation: counted().map(|(server, _)| server.weight).sum(),
            own: own.weight,
        }),
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
    }
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
