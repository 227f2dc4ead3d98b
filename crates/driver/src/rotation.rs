//! Who of a pool or a site takes clients now: the load balancers' word and the health pages, together.
//!
//! A load balancer may be behind the times, or check something else than the pages; a server counts only where both agree.

mod views;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use inventory::{Server, ServerName};
use rollout::{Floor, LiveWeight, OutOfRotation, Plan, Rotation};

use crate::health::{self, Sick};
use crate::load_balancer::{Balancer, BalancerError, PoolView};
use crate::session::Session;
use crate::world::World;

pub(crate) use views::Views;

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
    let rotation = among(session, pool(session), |server| {
        Box::pin(found(session.world(), &view, server, pages))
    })
    .await;
    Ok(Rotation {
        members: view.members(),
        state,
        ..rotation
    })
}

/// Looks at the pool of the session's server where casgate steers no load balancer: whose pages answer, and whom this run has not begun to change,
/// is taken to have clients.
pub(crate) async fn look_at_pages(session: &Session, pages: &[String]) -> Rotation {
    let own = &session.server().name;
    among(session, pool(session), |server| {
        Box::pin(by_pages(session.world(), server, pages, Some(own)))
    })
    .await
}

/// Looks at the site of the session's server, where it has a floor: its servers may be of several pools, each with a load balancer of its own or with
/// none. A load balancer that gives no answer counts none of its servers.
pub(crate) async fn look_at_site(session: &Session) -> Option<Rotation> {
    let plan = session.plan();
    let site = plan.servers.get(&session.server().name)?.site.clone()?;
    let floor = Floor::Site(site);
    plan.planned(&floor).filter(|planned| planned.has_floor())?;
    let world = session.world();
    let servers = world.members(&floor);
    let views = Views::look(world, &servers).await;
    let pages = health::pages(plan);
    let (views, pages) = (&views, &pages);
    let at_site = |server| -> Found<'_> { Box::pin(seen_at_site(session, views, server, pages)) };
    Some(among(session, servers, at_site).await)
}

async fn seen_at_site(
    session: &Session,
    views: &Views,
    server: &Server,
    pages: &[String],
) -> Result<(), String> {
    let (world, plan) = (session.world(), session.plan());
    match views.of(server) {
        Some(Ok(view)) => {
            let pages = if is_planned(plan, server) { pages } else { &[] };
            found(world, view, server, pages).await
        }
        Some(Err(error)) => Err(error.to_string()),
        None => {
            by_pages(
                world,
                server,
                known_pages(plan, server),
                Some(&session.server().name),
            )
            .await
        }
    }
}

/// Pages of pools that the plan has nothing to do with may be others.
fn is_planned(plan: &Plan, server: &Server) -> bool {
    let pool = server.pool.as_ref();
    pool.is_some_and(|pool| plan.pools.contains_key(pool))
}

/// The pages that are known to answer on a server.
pub(crate) fn known_pages<'a>(plan: &'a Plan, server: &Server) -> &'a [String] {
    match is_planned(plan, server) {
        true => &plan.control_pages,
        false => &[],
    }
}

/// By the pages alone, and by what this run itself has begun; `own` is a server that is about to begin.
pub(crate) async fn by_pages(
    world: &World,
    server: &Server,
    pages: &[String],
    own: Option<&ServerName>,
) -> Result<(), String> {
    if own != Some(&server.name) && world.is_taken_out(&server.name) {
        return Err("under way in this run".to_owned());
    }
    let look = health::look_at(world, server, pages).await;
    look.map(|_| ()).map_err(|sick: Sick| sick.in_words())
}

/// The servers of the session's pool.
fn pool(session: &Session) -> Vec<&Server> {
    match &session.server().pool {
        Some(pool) => session.world().members(&Floor::Pool(pool.clone())),
        None => Vec::new(),
    }
}

async fn among<'a>(
    session: &Session,
    servers: Vec<&'a Server>,
    ask: impl Fn(&'a Server) -> Found<'a>,
) -> Rotation {
    let own = session.server();
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

/// By the load balancer's word, and by the pages where it says that the server has clients.
pub(crate) async fn found(
    world: &World,
    view: &PoolView,
    server: &Server,
    pages: &[String],
) -> Result<(), String> {
    let member = view
        .member(&server.load_balancer_name)
        .map_err(|_| "the load balancer does not know it".to_owned())?;
    if !member.is_in_rotation() {
        return Err(member.status.clone());
    }
    health::look_at(world, server, pages)
        .await
        .map(|_| ())
        .map_err(|sick| format!("{}, but {}", member.status, sick.in_words()))
}

#[cfg(test)]
mod tests;
