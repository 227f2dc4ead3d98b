//! The first look at a server: which steps have work, and how pages answer that must not change. Changes nothing; where there is work, the
//! server's lease is taken.

use iis::ip_security::describe_in_short;
use inventory::Step;
use rollout::{Before, Found, StepError, Survey};

use super::{probe, witness};
use crate::lease;
use crate::session::Session;

pub(super) async fn survey(session: &mut Session) -> Result<Survey, StepError> {
    session.open().await?;
    let mut work = Vec::new();
    let mut facts = Vec::new();
    for (step, found) in probe_changes(session).await? {
        match found {
            Found::AlreadyDone(_) => {}
            Found::Ready(before) => {
                work.push(step);
                facts.extend(in_words(session, step, &before));
            }
            Found::Failed(error) => return Ok(Survey::Failed(error)),
        }
    }
    if !work.is_empty() {
        lease::take(session).await?;
    }
    witness::take_baseline(session).await;
    Ok(Survey::Seen { work, facts })
}

/// Probes every step that changes something. A probe that finds something wrong is told in its place; one that cannot reach the server ends the
/// look.
pub(crate) async fn probe_changes(session: &mut Session) -> Result<Vec<(usize, Found)>, StepError> {
    let plan = session.plan().clone();
    let mut seen = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if !step.kind().changes() {
            continue;
        }
        let found = match probe(session, index).await {
            Ok(found) => found,
            Err(error) if error.kind == rollout::FailureKind::Failed => Found::Failed(error),
            Err(error) => return Err(error),
        };
        seen.push((index, found));
    }
    Ok(seen)
}

/// What a step would do, a line each.
fn in_words(session: &Session, index: usize, before: &Before) -> Vec<String> {
    match (session.plan().steps.get(index), before) {
        (Some(Step::InstallFeature(step)), _) => vec![format!("{} has to be enabled", step.name)],
        (
            _,
            Before::Restrict {
                effective, wanted, ..
            },
        ) => describe_in_short(effective, wanted),
        (_, Before::RestartIis { reason, .. }) => vec![reason.clone()],
        (Some(step), _) => vec![format!("{} has to run", step.kind())],
        (None, _) => Vec::new(),
    }
}
