//! `return_to_rotation`: the load balancer may send clients again, and says that it does.

use inventory::ReturnToRotation;
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, StepError};

use super::drain::{balancer, left, set_state, until};
use super::{already_done, receipt};
use crate::failure::{Setback, StepErrorExt, from_balancer, timed_out};
use crate::load_balancer::{AdminState, Balancer, Member};
use crate::rotation;
use crate::session::Session;

/// How often the load balancer is asked, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

pub(super) async fn probe(session: &mut Session) -> Result<Found, StepError> {
    let Some(balancer) = balancer(session) else {
        return Ok(already_done(["no load balancer that casgate steers".to_owned()]));
    };
    // Whether clients are sent to it is the load balancer's business alone.
    let rotation = rotation::look(session, &balancer, &[])
        .await
        .map_err(|error| from_balancer("ask the load balancer for the pool's rotation", &error))?;
    if rotation.is_in_rotation {
        return Ok(already_done([format!(
            "the load balancer says {}",
            rotation.state
        )]));
    }
    Ok(Found::Ready(Before::ReturnToRotation {
        rotation: Some(rotation),
    }))
}

pub(super) async fn apply(session: &mut Session) -> Result<Receipt, Setback> {
    let Some(balancer) = balancer(session) else {
        return Ok(Receipt::default());
    };
    let name = &session.server().load_balancer_name;
    set_state(&balancer, name, AdminState::Ready).await?;
    Ok(receipt([format!("the load balancer may use {name} again")]))
}

pub(super) async fn verify(session: &mut Session, step: &ReturnToRotation) -> Result<Receipt, StepError> {
    match balancer(session) {
        None => Ok(Receipt::default()),
        Some(balancer) => {
            let member = until_up(session, &balancer, step.timeout).await?;
            Ok(receipt([format!("the load balancer says {}", member.status)]))
        }
    }
}

/// Waits until the load balancer itself says that the server takes connections.
pub(super) async fn until_up(
    session: &Session,
    balancer: &Balancer,
    timeout: SignedDuration,
) -> Result<Member, StepError> {
    let name = &session.server().load_balancer_name;
    let doing = format!("wait until {name} is in rotation");
    let patience = session.clock().deadline(timeout);
    let until = until(session, timeout);
    loop {
        let seen = match balancer.look_at(name).await {
            Ok(member) if member.is_back() => return Ok(member),
            Ok(member) => format!("the load balancer says {}", member.status),
            Err(error) if error.is_transient() && !patience.has_passed() => error.to_string(),
            Err(error) => return Err(from_balancer(&doing, &error)),
        };
        if patience.has_passed() {
            return Err(timed_out(doing, "UP", seen).hint(
                "the load balancer's own health checks decide: are the addresses that they come from on the allow list \
                 (`role = \"load_balancer_probes\"`, and `probes_from` in the inventory)?",
            ));
        }
        session.doing(format!("waiting for UP: {seen}{}", left(session, until)));
        session.clock().pause(EVERY).await;
    }
}

#[cfg(test)]
mod tests;
