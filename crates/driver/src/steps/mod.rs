//! What each step does: look (`probe`), change (`apply`), look again (`verify`), and where there is a way back, take it (`undo`).
//!
//! One file a step; this one hands each action to the right file and makes an event of the answer.

mod back_up;
mod command_line;
mod confirmation;
mod debt;
mod drain;
mod install_feature;
mod marker;
mod restart_iis;
mod restrict;
mod return_to_rotation;
mod roles;
mod services;
mod soak;
mod survey;
mod wait_healthy;
pub(crate) mod witness;

use inventory::{Step, StepKind};
use rollout::{
    Action, Before, EventKind, Evidence, FailureKind, Found, Outcome, Receipt, SoakReport, StepError, Survey,
};

use crate::control_group;
use crate::failure::{Setback, failed};
use crate::lease;
use crate::session::Session;

pub(crate) use back_up::restoration;
pub use debt::by_hand;
pub(crate) use restrict::proposed;
pub(crate) use survey::probe_changes;
pub(crate) use witness::Baseline;

/// Performs an action and answers with its event.
pub(crate) async fn perform(session: &mut Session, action: Action) -> EventKind {
    match action {
        Action::Survey { server } => {
            session.begin();
            let survey = survey::survey(session).await.unwrap_or_else(Survey::Failed);
            EventKind::Surveyed { server, survey }
        }
        Action::Probe { server, step, .. } => {
            let found = probe(session, step).await.unwrap_or_else(Found::Failed);
            EventKind::StepProbed { server, step, found }
        }
        Action::Apply {
            server,
            step,
            before,
            first,
        } => {
            let outcome = match apply(session, step, &before, first.as_deref()).await {
                Ok(receipt) => Outcome::Done(counted(session, receipt)),
                Err(setback) => setback.into(),
            };
            EventKind::StepApplied {
                server,
                step,
                outcome,
            }
        }
        Action::Verify { server, step, before } => {
            let outcome = match verify(session, step, &before).await {
                Ok(receipt) => Outcome::Done(counted(session, receipt)),
                // The reply to a look was lost twice: nothing is known to be wrong.
                Err(error) if error.kind == FailureKind::Unknown => Outcome::Unknown(error),
                Err(error) => Outcome::Failed(error),
            };
            EventKind::StepVerified {
                server,
                step,
                outcome,
            }
        }
        Action::Soak { server, span } => {
            let report = match soak::soak(session, span).await {
                Ok(evidence) => match confirmation::look(session).await {
                    Ok(()) => SoakReport::Healthy(evidence),
                    Err(error) => SoakReport::Failed(error),
                },
                Err(error) if error.kind == FailureKind::Inconclusive => SoakReport::Inconclusive(error),
                Err(error) => SoakReport::Failed(error),
            };
            EventKind::SoakFinished { server, report }
        }
        Action::LookAtControl { server, others } => {
            let group = control_group::compare(session, others).await;
            EventKind::ControlSeen { server, group }
        }
        Action::Undo { server, step, before } => match undo(session, step, &before).await {
            Ok(evidence) => EventKind::UndoFinished {
                server,
                step,
                evidence,
            },
            Err(error) => EventKind::UndoFailed { server, step, error },
        },
        Action::PayDebt {
            server,
            debt,
            restore,
        } => match debt::pay(session, debt, restore.as_ref()).await {
            Ok(evidence) => EventKind::DebtPaid {
                server,
                debt,
                evidence,
            },
            Err(error) => EventKind::DebtUnpaid {
                command: by_hand(session.world(), &server, debt, restore.is_some()),
                server,
                debt,
                error,
            },
        },
    }
}

/// Looks whether a step has work to do.
pub(crate) async fn probe(session: &mut Session, index: usize) -> Result<Found, StepError> {
    match step(session, index).ok_or_else(|| no_such_step(index))? {
        Step::Drain(_) => drain::probe(session).await,
        Step::BackUp(_) => back_up::probe(session).await,
        Step::InstallFeature(step) => install_feature::probe(session, &step).await,
        Step::Restrict(step) => restrict::probe(session, &step).await,
        Step::RestartIis(step) => restart_iis::probe(session, &step).await,
        Step::WaitHealthy(step) => wait_healthy::probe(session, &step).await,
        Step::Witness(_) => Ok(Found::Ready(Before::Witness)),
        Step::ReturnToRotation(_) => return_to_rotation::probe(session).await,
        Step::Command(step) => command_line::probe(session, &(&step).into()).await,
        Step::Powershell(step) => command_line::probe(session, &(&step).into()).await,
    }
}

async fn apply(
    session: &mut Session,
    index: usize,
    before: &Before,
    first: Option<&Before>,
) -> Result<Receipt, Setback> {
    let step = step(session, index).ok_or_else(|| no_such_step(index))?;
    if !matches!(step.kind(), StepKind::WaitHealthy | StepKind::Witness) {
        lease::take(session).await?;
    }
    if step.kind().changes() {
        drain::still_out(session, index).await?;
    }
    match (step, before) {
        (Step::Drain(_), _) => drain::apply(session).await,
        (Step::BackUp(_), Before::BackUp { name }) => back_up::apply(session, name).await,
        (Step::InstallFeature(step), _) => install_feature::apply(session, &step).await,
        (
            Step::Restrict(step),
            Before::Restrict {
                effective,
                wanted,
                workers,
                ..
            },
        ) => {
            if let Some(within) = step.confirm_within {
                let app = &step.application;
                confirmation::demand(session, index, app, (effective, wanted), first, within).await?;
            }
            restrict::apply(session, &step, effective, wanted, workers).await
        }
        (
            Step::RestartIis(step),
            Before::RestartIis {
                workers, services, ..
            },
        ) => restart_iis::apply(session, &step, workers, services).await,
        // Nothing is changed: the waiting and the looking are the verification.
        (Step::WaitHealthy(_) | Step::Witness(_), _) => Ok(Receipt::default()),
        (Step::ReturnToRotation(_), _) => return_to_rotation::apply(session).await,
        (Step::Command(step), _) => command_line::apply(session, &(&step).into()).await,
        (Step::Powershell(step), _) => command_line::apply(session, &(&step).into()).await,
        (step, before) => Err(mismatch(&step, before).into()),
    }
}

async fn verify(session: &mut Session, index: usize, before: &Before) -> Result<Receipt, StepError> {
    match (step(session, index).ok_or_else(|| no_such_step(index))?, before) {
        (Step::Drain(step), _) => drain::verify(session, &step).await,
        (Step::BackUp(_), Before::BackUp { name }) => back_up::verify(session, name).await,
        (Step::InstallFeature(step), _) => install_feature::verify(session, &step).await,
        (Step::Restrict(step), Before::Restrict { wanted, .. }) => {
            restrict::verify(session, &step, wanted).await
        }
        (
            Step::RestartIis(step),
            Before::RestartIis {
                workers, services, ..
            },
        ) => restart_iis::verify(session, &step, workers, services).await,
        (Step::WaitHealthy(step), _) => wait_healthy::verify(session, &step).await,
        (Step::Witness(step), _) => witness::verify(session, index, &step).await,
        (Step::ReturnToRotation(step), _) => return_to_rotation::verify(session, &step).await,
        (Step::Command(step), _) => command_line::verify(session, &(&step).into()).await,
        (Step::Powershell(step), _) => command_line::verify(session, &(&step).into()).await,
        (step, before) => Err(mismatch(&step, before)),
    }
}

async fn undo(session: &mut Session, index: usize, before: &Before) -> Result<Evidence, StepError> {
    lease::take(session).await?;
    match (step(session, index).ok_or_else(|| no_such_step(index))?, before) {
        (
            Step::Restrict(step),
            Before::Restrict {
                effective,
                own,
                wanted,
                ..
            },
        ) => restrict::undo(session, &step, effective, own, wanted).await,
        // The core asks for none of these: a drain is a debt, and the others have no way back.
        (step, _) => Err(failed(
            format!("take {} back", step.kind()),
            "a step with a way back",
            "one without",
        )),
    }
}

fn step(session: &Session, index: usize) -> Option<Step> {
    session.plan().steps.get(index).cloned()
}

/// The core names no step that the plan does not have.
fn no_such_step(index: usize) -> StepError {
    failed(
        format!("begin step {index}"),
        "a step of the plan",
        "a shorter plan",
    )
}

fn mismatch(step: &Step, before: &Before) -> StepError {
    failed(
        format!("begin {}", step.kind()),
        format!("what a probe of {} saw", step.kind()),
        format!("what another step's probe saw: {before:?}"),
    )
}

fn counted(session: &Session, receipt: Receipt) -> Receipt {
    Receipt {
        http_requests: session.requests(),
        ..receipt
    }
}

/// A receipt of these facts.
fn receipt(facts: impl IntoIterator<Item = String>) -> Receipt {
    Receipt {
        facts: facts.into_iter().collect(),
        http_requests: 0,
    }
}

/// Nothing to do, since this is so.
fn already_done(facts: impl IntoIterator<Item = String>) -> Found {
    Found::AlreadyDone(Evidence {
        facts: facts.into_iter().collect(),
    })
}
