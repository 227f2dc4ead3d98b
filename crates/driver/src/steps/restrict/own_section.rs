//! The way back of `restrict`: the application's own section as it was written, in one commit where it fits.
//!
//! What is in effect is made of every level; what casgate changed is this level only, so this level is what goes back.

use iis::ip_security::{DenyAction, Section, Transition, describe_in_short};
use iis::{AppcmdError, AppcmdErrorKind, ApplicationPath, appcmd};
use rollout::StepError;

use super::{BEFORE_NEXT_PLAN, COMMIT_LIMIT, PLANS, in_words, read_own};
use crate::failure::{from_appcmd, from_iis};
use crate::session::Session;

/// Writes the section as `former` has it. Answers with what was done; whether the right rules are in effect is the caller's question.
pub(super) async fn restore(
    session: &mut Session,
    app: &ApplicationPath,
    former: &Section,
) -> Result<Vec<String>, StepError> {
    let doing = format!("write the former section of {app}");
    let mut facts = Vec::new();
    for plan in 1..=PLANS {
        let now = read_own(session, app).await?;
        if now == *former {
            facts.push("its own section is as it was, text for text".to_owned());
            return Ok(facts);
        }
        facts.extend(describe_in_short(&now, former));
        let Some(refused) = write(session, &doing, app, &now, former).await? else {
            break;
        };
        if plan == PLANS || !refused.kind.is_settled_by_reading() {
            return Err(from_appcmd(&doing, "the commit succeeds", &refused));
        }
        session.doing(format!("{}: reading the section again", refused.kind));
        session.clock().pause(BEFORE_NEXT_PLAN).await;
    }
    let after = read_own(session, app).await?;
    facts.push(match after == *former {
        true => "its own section is as it was, text for text".to_owned(),
        false => format!(
            "its own section is written otherwise than before: {} instead of {}",
            written(&after),
            written(former)
        ),
    });
    Ok(facts)
}

/// A section in words, defaults that are spelled out included: appcmd cannot take an attribute away again.
fn written(section: &Section) -> String {
    let action = section
        .deny_action
        .filter(|action| *action == DenyAction::Forbidden);
    let action = action.map(|_| "denyAction").into_iter();
    let proxy = section
        .enable_proxy_mode
        .filter(|is_on| !is_on)
        .map(|_| "enableProxyMode");
    let spelled: Vec<&str> = action.chain(proxy).collect();
    match spelled.is_empty() {
        true => in_words(section),
        false => format!("{} ({} spelled out)", in_words(section), spelled.join(" and ")),
    }
}

/// One pass; what a commit was refused with, if one was.
async fn write(
    session: &mut Session,
    doing: &str,
    app: &ApplicationPath,
    now: &Section,
    former: &Section,
) -> Result<Option<AppcmdError>, StepError> {
    if *former == Section::default() {
        // Nothing was written here, and nothing shall be: not even an attribute that says what is the case anyway.
        let cleared = session
            .change(doing, &appcmd::clear_section(app), COMMIT_LIMIT)
            .await
            .map_err(StepError::from)?;
        match cleared {
            Ok(()) => return Ok(None),
            Err(error) if error.kind == AppcmdErrorKind::FileChangedOnDisk => return Ok(Some(error)),
            // What appcmd makes of `clear config` is not on record: the same is said in another way.
            Err(_) => {}
        }
    }
    let planned = Transition::plan(app, now, former).map_err(|error| {
        from_iis(
            doing,
            "a change whose way there and back is proved to deny nobody who stays allowed",
            &error,
        )
    })?;
    for commit in planned.commits() {
        let written = session
            .change(doing, &commit.line, COMMIT_LIMIT)
            .await
            .map_err(StepError::from)?;
        if let Err(error) = written {
            return Ok(Some(error));
        }
    }
    Ok(None)
}
