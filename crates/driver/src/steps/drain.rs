//! `drain`: no new connections for the server, and a bounded while for the old ones to end.

mod requests;

use inventory::{Drain, Step, StepKind};
use jiff::{SignedDuration, Timestamp};
use rollout::{Before, Found, Plan, Receipt, Rotation, StepError};

use super::{already_done, receipt};
use crate::failure::{Setback, StepErrorExt, failed, from_balancer, timed_out};
use crate::health;
use crate::load_balancer::{AdminState, Balancer, BalancerError};
use crate::rotation;
use crate::session::Session;
use requests::Requests;

/// How often the load balancer is asked for what is left, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

/// How long the load balancer may be away before a change is given up for want of a word from it.
const SURE_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// What a drain comes to where casgate steers nothing.
const UNSTEERED: &str = "no load balancer that casgate steers: by their health pages the others are enough";

const LOOKING: &str = "ask the load balancer for the pool's rotation";

/// The load balancer of the session's server; none where casgate steers none.
pub(super) fn balancer(session: &Session) -> Option<Balancer> {
    session.world().balancer(session.server().pool.as_ref()?)
}

pub(super) async fn probe(session: &mut Session) -> Result<Found, StepError> {
    let rotation = match balancer(session) {
        Some(balancer) => {
            let told = |error: BalancerError| from_balancer(LOOKING, &error);
            let name = &session.server().load_balancer_name;
            let member = balancer.look_at(name).await.map_err(told)?;
            if member.is_taken_out() {
                return Ok(already_done([format!(
                    "the load balancer says {}",
                    member.status
                )]));
            }
            let pages = health::pages(session.plan());
            Some(rotation::look(session, &balancer, &pages).await.map_err(told)?)
        }
        None => unsteered(session).await,
    };
    let site = rotation::look_at_site(session).await;
    Ok(match (&rotation, &site) {
        (None, None) => already_done(["no load balancer that casgate steers".to_owned()]),
        _ => Found::Ready(Before::Drain { rotation, site }),
    })
}

/// Nobody can be told to drain it, but the change takes the server out all the same: the pool has to be able to spare it, as far as health pages
/// tell. Only pages that the playbook waits for are asked: they are known to answer.
async fn unsteered(session: &Session) -> Option<Rotation> {
    let pages = &session.plan().control_pages;
    if session.server().pool.is_none() || pages.is_empty() {
        return None;
    }
    Some(rotation::look_at_pages(session, pages).await)
}

pub(super) async fn apply(session: &mut Session) -> Result<Receipt, Setback> {
    let Some(balancer) = balancer(session) else {
        return Ok(receipt([UNSTEERED.to_owned()]));
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
        return Ok(receipt([UNSTEERED.to_owned()]));
    };
    let name = session.server().load_balancer_name.clone();
    let doing = format!("wait until {name} is out of rotation");
    let clock = session.clock().clone();
    // Connections get the virtual time that the playbook grants; the load balancer's own answer gets what a network needs.
    let until = until(session, step.timeout);
    let patience = clock.deadline(step.timeout);
    let mut requests = Requests::default();
    loop {
        let member = match balancer.look_at(&name).await {
            Ok(member) => member,
            Err(error) if error.is_transient() && !patience.has_passed() => {
                session.doing(format!("{error}{}", left(session, until)));
                clock.pause(EVERY).await;
                continue;
            }
            Err(error) => return Err(from_balancer(&doing, &error)),
        };
        if member.may_get_connections() {
            if patience.has_passed() {
                return Err(timed_out(doing, "DRAIN or MAINT", member.status));
            }
            session.doing(format!(
                "the load balancer still says {}{}",
                member.status,
                left(session, until)
            ));
        } else {
            if member.connections == Some(0) {
                return Ok(receipt([format!("{}, no connections left", member.status)]));
            }
            requests.look(session).await;
            // Where the load balancer does not tell, the server's own requests have to.
            if member.connections.is_none() && requests.is_idle() {
                return Ok(receipt([format!("{}, {}", member.status, requests.in_words())]));
            }
            let what = match member.connections {
                Some(1) => format!("1 connection left, {}", requests.in_words()),
                Some(count) => format!("{count} connections left, {}", requests.in_words()),
                None => requests.in_words(),
            };
            if clock.now() >= until {
                return Ok(receipt([format!(
                    "{}, {what} after {:#}: long polls do not end by themselves",
                    member.status, step.timeout
                )]));
            }
            session.doing(format!(
                "waiting for the last to end: {what}{}",
                left(session, until)
            ));
        }
        clock.pause(EVERY).await;
    }
}

/// When a wait of `span` that begins now is over.
pub(super) fn until(session: &Session, span: SignedDuration) -> Timestamp {
    let now = session.clock().now();
    now.checked_add(span).unwrap_or(now)
}

/// How long a wait may still take, for people: `; at most 40s more`.
pub(super) fn left(session: &Session, until: Timestamp) -> String {
    let seconds = until.duration_since(session.clock().now()).as_secs().max(0);
    format!("; at most {:#} more", SignedDuration::from_secs(seconds))
}

/// Before a change at step `index`: a server that was drained for it has to be out still. A reload of the load balancer, an agent or a person may
/// have put it back.
pub(super) async fn still_out(session: &Session, index: usize) -> Result<(), StepError> {
    let Some(balancer) = balancer(session).filter(|_| is_drained_at(session.plan(), index)) else {
        return Ok(());
    };
    let name = &session.server().load_balancer_name;
    let patience = session.clock().deadline(SURE_WITHIN);
    loop {
        match balancer.look_at(name).await {
            Ok(member) if member.may_get_connections() => {
                return Err(failed(
                    "make sure that no client is on the server before it is changed",
                    format!("{name} still out of rotation, as it was drained"),
                    format!("the load balancer says {}", member.status),
                )
                .hint(
                    "somebody put it back: a reload of the load balancer, an agent, a person. Find out who, then resume",
                ));
            }
            Ok(_) => return Ok(()),
            Err(error) if error.is_transient() && !patience.has_passed() => {
                session.doing(error.to_string());
                session.clock().pause(EVERY).await;
            }
            Err(error) => return Err(from_balancer(LOOKING, &error)),
        }
    }
}

/// Whether a drain came before the step, and no return since.
fn is_drained_at(plan: &Plan, index: usize) -> bool {
    let before = plan.steps.iter().take(index);
    let last = before
        .rev()
        .map(Step::kind)
        .find(|kind| matches!(kind, StepKind::Drain | StepKind::ReturnToRotation));
    last == Some(StepKind::Drain)
}

#[cfg(test)]
mod tests;
