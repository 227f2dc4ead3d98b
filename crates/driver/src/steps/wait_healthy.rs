//! `wait_healthy`: health pages answer as they should, within the policy's `healthy_deadline`. Changes nothing: the waiting is the verification.

use std::collections::BTreeMap;

use inventory::WaitHealthy;
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, StepError};

use super::{already_done, receipt};
use crate::health;
use crate::session::Session;

/// The pause after the first look, in virtual time: many a server is back within moments. Each further one is twice as long.
const SOON: SignedDuration = SignedDuration::from_millis(125);

/// The longest pause between two looks, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(2);

pub(super) async fn probe(session: &mut Session, step: &WaitHealthy) -> Result<Found, StepError> {
    if let Ok(facts) = health::look(session, &step.paths).await {
        return Ok(already_done(facts));
    }
    let mut pages = BTreeMap::new();
    for path in &step.paths {
        pages.insert(path.clone(), health::first_line(session, path).await);
    }
    Ok(Found::Ready(Before::WaitHealthy { pages }))
}

pub(super) async fn verify(session: &mut Session, step: &WaitHealthy) -> Result<Receipt, StepError> {
    let deadline = session.plan().policy.healthy_deadline;
    let patience = session.clock().deadline(deadline);
    let mut pause = SOON;
    loop {
        match health::look(session, &step.paths).await {
            Ok(facts) => return Ok(receipt(facts)),
            Err(sick) if patience.has_passed() => {
                let doing = format!("wait until the health pages answer, for {deadline:#}");
                return Err(sick.told_after_waiting(&doing));
            }
            Err(sick) => session.doing(sick.in_words()),
        }
        session.clock().pause(pause).await;
        pause = pause.saturating_mul(2).min(EVERY);
    }
}
