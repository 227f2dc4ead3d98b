//! `restrict`: who may reach an application. Read, plan the difference, write it in as few commits as possible, read again.

mod own_section;

use iis::ip_security::{DenyAction, Section, Transition, describe_in_short, diff, is_left_between};
use iis::{ApplicationPath, appcmd};
use inventory::Restrict;
use jiff::SignedDuration;
use rollout::{Before, Evidence, Found, Receipt, StepError, WorkerProcessObserved};

use super::{already_done, marker, receipt, roles, services};
use crate::failure::{Setback, StepErrorExt, failed, from_appcmd, from_iis};
use crate::session::Session;

/// A commit takes a second; one that waits for another writer gets two minutes.
const COMMIT_LIMIT: SignedDuration = SignedDuration::from_secs(120);

/// How many times a change is planned anew because somebody else wrote applicationHost.config meanwhile.
const PLANS: u32 = 3;

/// What the other writer is given to come to its end, in virtual time.
const BEFORE_NEXT_PLAN: SignedDuration = SignedDuration::from_secs(1);

const DRIFT: &str =
    "somebody else changed the section: compare it with `casgate status`, and put it right by hand";

pub(super) async fn probe(session: &mut Session, step: &Restrict) -> Result<Found, StepError> {
    let app = &step.application;
    let doing = format!("look for {app}");
    let found = session.look(&doing, &appcmd::list_app(app)).await?;
    if found
        .map_err(|error| from_appcmd(&doing, "the application, or that there is none", &error))?
        .is_none()
    {
        return Err(failed(doing, "an application of this path", "none").hint(
            "the site may bear another name on this server (`appcmd list site`), or the server has no Client Access role",
        ));
    }
    let effective = read_effective(session, app).await?;
    let desired = step.desired(roles::rules(session, &step.allow).await?);
    if desired.satisfied_by(&effective) {
        return Ok(already_done([in_words(&effective)]));
    }
    let own = read_own(session, app).await?;
    let wanted = desired.target(&effective);
    Transition::plan(app, &effective, &wanted)
        .map_err(|error| unproved(&format!("plan the section of {app}"), &error))?;
    Ok(Found::Ready(Before::Restrict {
        own,
        wanted,
        effective,
        workers: services::workers(session).await?,
    }))
}

/// The section that the step would leave in effect.
pub(crate) async fn proposed(session: &mut Session, step: &Restrict) -> Result<Section, StepError> {
    let effective = read_effective(session, &step.application).await?;
    let rules = roles::rules(session, &step.allow).await?;
    Ok(step.desired(rules).target(&effective))
}

pub(super) async fn apply(
    session: &mut Session,
    step: &Restrict,
    effective: &Section,
    wanted: &Section,
    workers: &[WorkerProcessObserved],
) -> Result<Receipt, Setback> {
    let app = &step.application;
    let is_marked = marker::are_wanted(session.plan());
    if is_marked {
        let w3svc = services::web_service(session).await?;
        let running = workers.iter().map(|worker| worker.pid).chain(w3svc).collect();
        marker::write(session, &app.to_string(), &running).await?;
    }
    let desired = step.desired(wanted.rules.clone());
    let written = write(session, app, effective.clone(), |now| desired.target(now)).await;
    if let Err(Setback::Failed(_)) = &written
        && is_marked
        && let Ok(now) = read_effective(session, app).await
        && now.same_meaning(effective)
    {
        // Nothing was changed after all, so nothing waits for a restart. Should this fail too, a needless restart is all that comes of it.
        let _ = marker::delete(session, &app.to_string()).await;
    }
    Ok(receipt(written?))
}

pub(super) async fn verify(
    session: &mut Session,
    step: &Restrict,
    wanted: &Section,
) -> Result<Receipt, StepError> {
    let now = read_effective(session, &step.application).await?;
    if now.same_meaning(wanted) {
        return Ok(receipt([in_words(&now)]));
    }
    Err(
        failed(reading(&step.application), in_words(wanted), differences(wanted, &now)).hint(
            "entries or `allowUnlisted` of the site or the server level may stand against it, or somebody else changes the section at the \
             same time",
        ),
    )
}

/// Puts the former rules back, if nobody but us changed the section since: the application's own section as it was written, text for text and in
/// its order, and by it what was in effect.
pub(super) async fn undo(
    session: &mut Session,
    step: &Restrict,
    former: &Section,
    own: &Section,
    wanted: &Section,
) -> Result<Evidence, StepError> {
    let app = &step.application;
    let now = read_effective(session, app).await?;
    let mut facts = vec![format!("the former rules are in effect: {}", in_words(former))];
    if !now.same_meaning(former) {
        let doing = format!("put the former rules of {app} back");
        let is_ours = now.same_meaning(wanted) || {
            let told =
                |error: iis::Error| from_iis(&doing, "the way from the former to the wanted rules", &error);
            is_left_between(app, former, wanted, &now).map_err(told)?
        };
        if !is_ours {
            return Err(failed(
                doing,
                "the section as casgate wrote it",
                differences(wanted, &now),
            )
            .hint(DRIFT));
        }
        facts.extend(own_section::restore(session, app, own).await?);
        let mut after = read_effective(session, app).await?;
        if !after.same_meaning(former) {
            // Entries of levels above were taken out here, and no new entry of this level brings them back to their place.
            facts.extend(
                write(session, app, after, |_| former.clone())
                    .await
                    .map_err(StepError::from)?,
            );
            after = read_effective(session, app).await?;
        }
        if !after.same_meaning(former) {
            return Err(failed(doing, in_words(former), differences(former, &after)).hint(DRIFT));
        }
    }
    if marker::read(session).await?.contains_key(&app.to_string()) {
        marker::delete(session, &app.to_string()).await?;
    }
    Ok(Evidence { facts })
}

/// Writes commit after commit, when the whole way is proved to deny nobody who is allowed at both ends of it. When a commit shows that somebody
/// else writes too, what the file holds now is read, and the rest of the way is planned, and proved, anew.
async fn write(
    session: &mut Session,
    app: &ApplicationPath,
    from: Section,
    target: impl Fn(&Section) -> Section,
) -> Result<Vec<String>, Setback> {
    let doing = format!("write the section of {app}");
    let first = from.clone();
    let mut from = from;
    let mut notes = Vec::new();
    let mut plans = 0;
    loop {
        plans += 1;
        let to = target(&from);
        let planned = Transition::plan(app, &from, &to).map_err(|error| unproved(&doing, &error))?;
        let mut refused = None;
        for commit in planned.commits() {
            match session.change(&doing, &commit.line, COMMIT_LIMIT).await? {
                Ok(()) => {}
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        match refused {
            None => {
                let mut facts = in_addresses(&first, &to);
                facts.extend(describe_in_short(&first, &to));
                if planned.commits().len() > 1 {
                    facts.push(format!("written {planned}: the way there and back is proved"));
                }
                facts.append(&mut notes);
                return Ok(facts);
            }
            Some(error) if plans < PLANS && error.kind.is_settled_by_reading() => {
                session.doing(format!("{}: reading the section again", error.kind));
                notes.push(format!("{}: read and planned again", error.kind));
                session.clock().pause(BEFORE_NEXT_PLAN).await;
                from = read_effective(session, app).await?;
            }
            Some(error) => return Err(from_appcmd(&doing, "the commit succeeds", &error).into()),
        }
    }
}

/// Who was let in and who was cut off by the change, counted in addresses.
fn in_addresses(from: &Section, to: &Section) -> Vec<String> {
    // What cannot be counted was not proved either, and is not written.
    let items = diff(from, to).map(|difference| difference.in_short());
    items
        .unwrap_or_default()
        .into_iter()
        .map(|item| format!("addresses: {item}"))
        .collect()
}

/// A way whose proof, or that of the way back, fails. What is not proved is not begun.
fn unproved(doing: &str, error: &iis::Error) -> StepError {
    let expected =
        "a change that denies nobody on its way, or on its way back, who is allowed before and after";
    from_iis(doing, expected, error)
}

async fn read_effective(session: &mut Session, app: &ApplicationPath) -> Result<Section, StepError> {
    let doing = reading(app);
    let read = session.look(&doing, &appcmd::list_effective_section(app)).await?;
    read.map_err(|error| from_appcmd(&doing, "the section in effect", &error))
}

pub(super) async fn read_own(session: &mut Session, app: &ApplicationPath) -> Result<Section, StepError> {
    let doing = reading(app);
    let read = session.look(&doing, &appcmd::list_section(app)).await?;
    read.map_err(|error| from_appcmd(&doing, "the application's own section", &error))
}

fn reading(app: &ApplicationPath) -> String {
    format!("read the section of {app}")
}

/// `allowUnlisted=false, 4 rules`, and what is otherwise than usual: `denyAction=NotFound, enableProxyMode=true`.
pub(super) fn in_words(section: &Section) -> String {
    let rules = section.rules.len();
    let plural = if rules == 1 { "" } else { "s" };
    let mut words = format!("allowUnlisted={}, {rules} rule{plural}", section.allow_unlisted);
    if section.denial() != DenyAction::Forbidden {
        words.push_str(&format!(", denyAction={}", section.denial()));
    }
    if section.is_in_proxy_mode() {
        words.push_str(", enableProxyMode=true");
    }
    words
}

/// What `found` has other than `expected`, on one line.
pub(super) fn differences(expected: &Section, found: &Section) -> String {
    let lines = describe_in_short(expected, found);
    match lines.is_empty() {
        true => in_words(found),
        false => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use iis::ip_security::Rule;

    use super::*;

    fn section(allow_unlisted: bool, rules: Vec<Rule>) -> Section {
        Section {
            allow_unlisted,
            rules,
            ..Section::default()
        }
    }

    #[test]
    fn a_change_is_counted_in_addresses() {
        let from = section(false, vec![Rule::allow_address([192, 0, 2, 9].into())]);
        let to = section(
            false,
            vec![Rule::allow_network("198.51.100.0/24".parse().unwrap())],
        );
        assert_eq!(
            in_addresses(&from, &to),
            ["addresses: +256 198.51.100.0/24", "addresses: -1 192.0.2.9"]
        );
        assert_eq!(in_addresses(&to, &to), ["addresses: no address"]);
    }

    #[test]
    fn differences_fit_a_line() {
        let gateway = Rule::allow_address([198, 51, 100, 10].into());
        let wanted = section(false, vec![gateway.clone()]);
        let open = section(true, Vec::new());
        assert_eq!(in_words(&wanted), "allowUnlisted=false, 1 rule");
        assert_eq!(in_words(&open), "allowUnlisted=true, 0 rules");
        let more = Section {
            deny_action: Some(DenyAction::NotFound),
            enable_proxy_mode: Some(true),
            ..open.clone()
        };
        assert_eq!(
            in_words(&more),
            "allowUnlisted=true, 0 rules, denyAction=NotFound, enableProxyMode=true"
        );
        assert_eq!(
            differences(&wanted, &open),
            "- allow 198.51.100.10; unlisted: deny -> allow"
        );
        assert_eq!(differences(&wanted, &wanted), "allowUnlisted=false, 1 rule");
    }
}
