//! The watch over a returned server: healthy pages and a load balancer that agrees, for the whole of `min_healthy_time`.

use jiff::SignedDuration;
use rollout::{Evidence, FailureKind, StepError};

use super::drain::balancer;
use crate::failure::{StepErrorExt, failed, from_balancer};
use crate::health;
use crate::session::Session;

/// How often the server is looked at, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How soon a bad look is checked by another one, in virtual time: a single lost packet is no illness.
const RECHECK: SignedDuration = SignedDuration::from_secs(1);

const DOING: &str = "watch the server after its return";

pub(super) async fn soak(session: &mut Session, span: SignedDuration) -> Result<Evidence, StepError> {
    let clock = session.clock().clone();
    let pages = health::pages(session.plan());
    let patience = clock.deadline(session.plan().policy.healthy_deadline.max(span));
    let mut since = clock.now();
    let mut looks = 0_u32;
    loop {
        looks = looks.saturating_add(1);
        if look(session, &pages).await.is_err() {
            clock.pause(RECHECK).await;
            if let Err(error) = look(session, &pages).await {
                if patience.has_passed() {
                    return Err(error.of_kind(FailureKind::TimedOut));
                }
                session.doing(format!("{}: the watch starts over", error.found));
                clock.pause(EVERY).await;
                since = clock.now();
                continue;
            }
        }
        let left = span.saturating_sub(clock.now().duration_since(since));
        if !left.is_positive() {
            break;
        }
        clock.pause(EVERY.min(left)).await;
    }
    Ok(Evidence {
        facts: vec![format!("healthy for {span:#}, {looks} looks")],
    })
}

async fn look(session: &Session, pages: &[String]) -> Result<(), StepError> {
    health::look(session, pages)
        .await
        .map_err(|sick| sick.told(DOING))?;
    let Some(balancer) = balancer(session) else {
        return Ok(());
    };
    let member = balancer
        .look_at(&session.server().load_balancer_name)
        .await
        .map_err(|error| from_balancer(DOING, &error))?;
    // Whoever takes the server out now has a reason of his own; that is no illness.
    match member.is_in_rotation() || member.is_taken_out() {
        true => Ok(()),
        false => Err(failed(DOING, "the load balancer says UP", member.status)),
    }
}

#[cfg(test)]
mod tests;
