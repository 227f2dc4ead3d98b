//! `drain`: no new connections for the server, and a bounded while for the old ones to end.

use inventory::Drain;
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, StepError};

use super::{already_done, receipt};
use crate::failure::{Setback, from_balancer, timed_out};
use crate::load_balancer::{AdminState, Balancer, BalancerError};
use crate::session::Session;

/// How often the load balancer is asked for what is left, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

const LOOKING: &str = "ask the load balancer for the pool's rotation";

/// The load balancer of the session's server; none where casgate steers none.
pub(super) fn balancer(session: &Session) -> Option<Balancer> {
    session.world().balancer(session.server().pool.as_ref()?)
}

pub(super) async fn probe(session: &mut Session) -> Result<Found, StepError> {
    let Some(balancer) = balancer(session) else {
        return Ok(already_done(["no load balancer that casgate steers".to_owned()]));
    };
    let told = |error: BalancerError| from_balancer(LOOKING, &error);
    let name = &session.server().load_balancer_name;
    let view = balancer.look().await.map_err(told)?;
    let member = view.member(name).map_err(told)?;
    if member.is_taken_out() {
        return Ok(already_done([format!(
            "the load balancer says {}",
            member.status
        )]));
    }
    let rotation = Some(view.rotation(name).map_err(told)?);
    Ok(Found::Ready(Before::Drain { rotation }))
}

pub(super) async fn apply(session: &mut Session) -> Result<Receipt, Setback> {
    let Some(balancer) = balancer(session) else {
        return Ok(Receipt::default());
    };
    let name = &session.server().load_balancer_name;
    set_state(&balancer, name, AdminState::Drain).await?;
    Ok(receipt([format!("the load balancer drains {name}")]))
}

/// Sets a server's state. An answer that was lost leaves the outcome open.
pub(super) async fn set_state(balancer: &Balancer, name: &str, state: AdminState) -> Result<(), Setback> {
    balancer.set_state(name, state).await.map_err(|error| {
        let told = from_balancer("tell the load balancer", &error);
        match error {
            BalancerError::Unreachable { .. } | BalancerError::TimedOut { .. } => Setback::Unknown(told),
            _ => Setback::Failed(told),
        }
    })
}

pub(super) async fn verify(session: &mut Session, step: &Drain) -> Result<Receipt, StepError> {
    let Some(balancer) = balancer(session) else {
        return Ok(Receipt::default());
    };
    let name = session.server().load_balancer_name.clone();
    let doing = format!("wait until {name} is out of rotation");
    let clock = session.clock().clone();
    // Connections get the virtual time that the playbook grants; the load balancer's own answer gets what a network needs.
    let until = clock
        .now()
        .checked_add(step.timeout)
        .unwrap_or_else(|_| clock.now());
    let patience = clock.deadline(step.timeout);
    loop {
        let member = match balancer.look_at(&name).await {
            Ok(member) => member,
            Err(error) if error.is_transient() && !patience.has_passed() => {
                session.doing(error.to_string());
                clock.pause(EVERY).await;
                continue;
            }
            Err(error) => return Err(from_balancer(&doing, &error)),
        };
        let left = member.connections;
        match (member.is_in_rotation(), left) {
            (false, 0) => return Ok(receipt([format!("{}, no connections left", member.status)])),
            (false, _) if clock.now() >= until => {
                return Ok(receipt([format!(
                    "{}, {left} connections left after {:#}: long polls of ActiveSync do not end by themselves",
                    member.status, step.timeout
                )]));
            }
            (false, _) => session.doing(format!("{left} connections left")),
            (true, _) if patience.has_passed() => {
                return Err(timed_out(doing, "DRAIN or MAINT", member.status));
            }
            (true, _) => session.doing(format!("the load balancer still says {}", member.status)),
        }
        clock.pause(EVERY).await;
    }
}

#[cfg(test)]
mod tests;
