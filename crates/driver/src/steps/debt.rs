//! Paying a debt outside the normal course of steps: a server that was taken out of rotation goes back, if it is fit for clients; a dead man's
//! switch is taken away.

use inventory::ServerName;
use jiff::SignedDuration;
use rollout::{Before, Debt, Evidence, StepError};

use super::confirmation;
use super::drain::{balancer, set_state};
use super::return_to_rotation::until_up;
use crate::failure::{StepErrorExt, from_balancer, timed_out};
use crate::health;
use crate::lease;
use crate::load_balancer::AdminState;
use crate::session::Session;
use crate::world::World;

/// How long the server may take to be fit: whatever went wrong was waited for before. A policy that gives a server less time counts.
const FIT_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How long the load balancer may take to see the server up.
const UP_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How often the pages are asked for, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(2);

const DOING: &str = "put the server back into rotation";

/// `restore` is what to go back to first, where the debt is a change that nobody confirmed.
pub(super) async fn pay(
    session: &mut Session,
    debt: Debt,
    restore: Option<&Before>,
) -> Result<Evidence, StepError> {
    match debt {
        Debt::Confirmation { step } => {
            lease::check(session).await?;
            confirmation::settle(session, step, restore).await
        }
        Debt::Rotation { .. } => {
            lease::check(session).await?;
            rotation(session).await
        }
        Debt::Lease => lease::release(session).await,
    }
}

async fn rotation(session: &mut Session) -> Result<Evidence, StepError> {
    let told = |status: &str| Evidence {
        facts: vec![format!("the load balancer says {status}")],
    };
    let Some(balancer) = balancer(session) else {
        return Ok(Evidence::default());
    };
    let name = session.server().load_balancer_name.clone();
    let look = || async {
        let seen = balancer.look_at(&name).await;
        seen.map_err(|error| from_balancer(DOING, &error))
    };
    let member = look().await?;
    if member.is_back() {
        return Ok(told(&member.status));
    }
    until_fit(session).await?;
    set_state(&balancer, &name, AdminState::Ready)
        .await
        .map_err(StepError::from)?;
    if let Ok(member) = until_up(session, &balancer, UP_WITHIN).await {
        return Ok(told(&member.status));
    }
    // Its health checks may need longer than we wait. What we owe is that nothing of ours keeps the server out.
    let member = look().await?;
    match member.is_taken_out() {
        false => Ok(told(&member.status)),
        true => Err(timed_out(DOING, "UP", member.status)),
    }
}

/// Clients are not sent to a server that cannot serve them.
async fn until_fit(session: &Session) -> Result<(), StepError> {
    let pages = health::pages(session.plan());
    let healthy_within = session.plan().policy.healthy_deadline;
    let patience = session.clock().deadline(FIT_WITHIN.min(healthy_within));
    loop {
        match health::look(session, &pages).await {
            Ok(_) => return Ok(()),
            Err(sick) if patience.has_passed() => {
                return Err(sick
                    .told_after_waiting(DOING)
                    .hint("the server is not fit for clients, so it stays out: heal it, then put it back with the command given here"));
            }
            Err(sick) => session.doing(sick.in_words()),
        }
        session.clock().pause(EVERY).await;
    }
}

/// The exact command with which a person can pay the debt; empty for a server that the inventory does not have any more.
/// `must_restore` says of a dead man's switch that the change is to be taken back, and not kept.
pub fn by_hand(world: &World, server: &ServerName, debt: Debt, must_restore: bool) -> String {
    let Some(written) = world.inventory().servers.get(server) else {
        return String::new();
    };
    match debt {
        Debt::Confirmation { step } => confirmation::by_hand(world, server, step, must_restore),
        Debt::Rotation { .. } => written
            .pool
            .as_ref()
            .and_then(|pool| world.balancer(pool))
            .map(|balancer| balancer.ready_by_hand(&written.load_balancer_name))
            .unwrap_or_default(),
        Debt::Lease => format!("on {server}: {}", lease::by_hand()),
    }
}

#[cfg(test)]
mod tests;
