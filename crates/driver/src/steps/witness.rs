//! `witness`: the change as clients see it, from places that must get in and from places that must not. Changes nothing.

use std::collections::BTreeMap;

use exchange::{Access, classify_by};
use iis::ip_security::{DenyAction, Unlisted};
use inventory::{Restrict, Step, VantageName, Witness};
use jiff::SignedDuration;
use rollout::{FailureKind, Plan, Receipt, StepError};

use super::receipt;
use crate::failure::{StepErrorExt, failed, from_web};
use crate::session::Session;
use crate::web::Page;

/// How long one answer may take.
const ANSWER_LIMIT: SignedDuration = SignedDuration::from_secs(15);

/// How long wrong answers are taken for echoes of the time before: IIS picks up a commit within seconds.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// The pause between two rounds, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(2);

/// The status of each page that must not change, by vantage, before anything was changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline(BTreeMap<(VantageName, String), u16>);

/// Asks for the pages that must not change, before anything is changed. Who gives no answer, or a server error (a server that is just
/// starting), is left out: that page is judged by itself later.
pub(super) async fn take_baseline(session: &mut Session) {
    let witnesses: Vec<Witness> = session
        .plan()
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Witness(step) => Some(step.clone()),
            _ => None,
        })
        .collect();
    let mut baseline = Baseline::default();
    for step in &witnesses {
        for vantage in step.allowed_from.iter().chain(&step.denied_from) {
            for path in &step.unchanged {
                if let Ok(page) = ask(session, vantage, path).await
                    && page.status < 500
                {
                    baseline.0.insert((vantage.clone(), path.clone()), page.status);
                }
            }
        }
    }
    session.baseline = baseline;
}

pub(super) async fn verify(
    session: &mut Session,
    index: usize,
    step: &Witness,
) -> Result<Receipt, StepError> {
    let from_denied = from_denied(session.plan(), index, &step.path);
    let denial = denial(session.plan(), index, &step.path);
    let patience = session.clock().deadline(PATIENCE);
    loop {
        let error = match round(session, step, from_denied, denial).await {
            Ok(facts) => return Ok(receipt(facts)),
            Err(Wrong::ForGood(error)) => return Err(error),
            Err(Wrong::ForNow(error)) => error,
        };
        if patience.has_passed() {
            return Err(error);
        }
        session.doing(format!("{}: {}", error.doing, error.found));
        session.clock().pause(EVERY).await;
    }
}

/// A wrong answer: may it be an echo of the time before?
enum Wrong {
    ForNow(StepError),
    ForGood(StepError),
}

impl From<StepError> for Wrong {
    /// What a lost vantage did not see is no answer: whoever asked for the step has it looked again.
    fn from(error: StepError) -> Self {
        match error.kind {
            FailureKind::Unknown => Self::ForGood(error),
            _ => Self::ForNow(error),
        }
    }
}

/// One look from every vantage.
async fn round(
    session: &Session,
    step: &Witness,
    from_denied: Access,
    denial: DenyAction,
) -> Result<Vec<String>, Wrong> {
    let mut facts = Vec::new();
    let allowed = step.allowed_from.iter().map(|vantage| (vantage, Access::Allowed));
    let denied = step.denied_from.iter().map(|vantage| (vantage, from_denied));
    for (vantage, expected) in allowed.chain(denied) {
        let doing = format!("look at {} from {vantage}", step.path);
        let page = match (ask(session, vantage, &step.path).await, denial) {
            (Ok(page), _) => page,
            // That the server is there shows by the pages that must not change, which answer to the same vantage below; without any no such playbook
            // is read.
            (Err(error), DenyAction::AbortRequest) if expected == Access::Denied && error.is_dropped() => {
                facts.push(format!("{} from {vantage}: {expected} (dropped)", step.path));
                continue;
            }
            (Err(error), _) => {
                return Err(from_web(&doing, &expected.to_string(), &error).into());
            }
        };
        let found = access(&page, denial);
        let is_otherwise = expected == Access::Denied && status(denial) != Some(page.status);
        if found == expected && is_otherwise {
            let error = failed(&doing, in_words(denial), format!("{found} ({})", page.status));
            return Err(Wrong::ForNow(error.hint(
                "the address is denied, but otherwise than deny_action says: does another level write denyAction?",
            )));
        }
        if found != expected {
            let error = failed(&doing, expected.to_string(), format!("{found} ({})", page.status));
            return Err(match found {
                Access::Broken => Wrong::ForGood(
                    error.hint("IIS cannot read the configuration of this application: `appcmd list config` on the server says why"),
                ),
                _ => Wrong::ForNow(match hint(expected, found) {
                    Some(hint) => error.hint(hint),
                    None => error,
                }),
            });
        }
        facts.push(format!("{} from {vantage}: {found} ({})", step.path, page.status));
    }
    for vantage in step.allowed_from.iter().chain(&step.denied_from) {
        for path in &step.unchanged {
            facts.push(unchanged(session, vantage, path).await?);
        }
    }
    Ok(facts)
}

/// A page that must answer as before: never 403 and never 5xx, and with the status of before where that is known.
async fn unchanged(session: &Session, vantage: &VantageName, path: &str) -> Result<String, StepError> {
    let doing = format!("look at {path} from {vantage}, which must not change");
    let before = session.baseline.0.get(&(vantage.clone(), path.to_owned()));
    let expected = match before {
        Some(status) => format!("{status}, as before the change"),
        None => "neither 403 nor a server error".to_owned(),
    };
    let page = ask(session, vantage, path)
        .await
        .map_err(|error| from_web(&doing, &expected, &error))?;
    let is_same = before.is_none_or(|before| *before == page.status);
    if page.status == 403 || page.status >= 500 || !is_same {
        return Err(failed(doing, expected, page.first_line())
            .hint("is the rule written at the application alone, and not at its site or at the server?"));
    }
    Ok(format!("{path} from {vantage}: {}", page.status))
}

async fn ask(session: &Session, vantage: &VantageName, path: &str) -> Result<Page, crate::web::WebError> {
    let front = session.world().front(session.server(), Some(vantage)).await?;
    front.get(path, session.clock().limit(ANSWER_LIMIT)).await
}

/// Who was let in, by the looks of the page, where a denied client gets this.
pub(crate) fn access(page: &Page, denial: DenyAction) -> Access {
    classify_by(denial, page.status, page.header_texts())
}

/// The status that a denied client gets; none where the connection is dropped.
fn status(denial: DenyAction) -> Option<u16> {
    match denial {
        DenyAction::AbortRequest => None,
        DenyAction::Unauthorized => Some(401),
        DenyAction::Forbidden => Some(403),
        DenyAction::NotFound => Some(404),
    }
}

fn in_words(denial: DenyAction) -> String {
    match status(denial) {
        Some(status) => format!("denied ({status})"),
        None => "denied (dropped)".to_owned(),
    }
}

/// What a vantage of `denied_from` must meet.
pub(crate) fn from_denied(plan: &Plan, index: usize, path: &str) -> Access {
    match unlisted(plan, index, path) {
        Unlisted::Deny => Access::Denied,
        Unlisted::Allow => Access::Allowed,
    }
}

/// What a denied client gets: 403 where no step says otherwise.
pub(crate) fn denial(plan: &Plan, index: usize, path: &str) -> DenyAction {
    let restrict = restriction(plan, index, path);
    restrict
        .and_then(|restrict| restrict.deny_action)
        .unwrap_or(DenyAction::Forbidden)
}

/// What becomes of addresses that nobody listed.
fn unlisted(plan: &Plan, index: usize, path: &str) -> Unlisted {
    restriction(plan, index, path).map_or(Unlisted::Deny, |restrict| restrict.unlisted)
}

/// The last `restrict` before the witness that covers its path.
fn restriction<'a>(plan: &'a Plan, index: usize, path: &str) -> Option<&'a Restrict> {
    plan.steps.iter().take(index).rev().find_map(|step| match step {
        Step::Restrict(step) if step.covers(path) => Some(step),
        _ => None,
    })
}

fn hint(expected: Access, found: Access) -> Option<&'static str> {
    match (expected, found) {
        (Access::Allowed, Access::Denied) => Some(
            "the address as the server sees it is not on the allow list: NAT or a load balancer may put another in its place (c-ip in IIS's \
             log shows it)",
        ),
        (Access::Denied, Access::Allowed) => Some(
            "the rules are not enforced for this address: is the module loaded (`restart_iis` after `install_feature`), is the address part \
             of an allowed network, or does a load balancer hide clients behind its own address?",
        ),
        (_, Access::DevicePolicy) => Some(
            "Exchange itself refuses, not the address rules: device access rules, or the mailbox's own settings",
        ),
        (_, Access::Unavailable) => Some("no worker process takes requests: look at the application pool"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
