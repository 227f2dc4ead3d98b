//! A whole backup put back, which no run does by itself: appcmd stops IIS for it, and what anybody changed since is lost.

use iis::ip_security::Section;
use iis::redirection::{self, Source};
use iis::{ApplicationPath, appcmd};
use jiff::SignedDuration;
use rollout::StepError;

use super::exists;
use crate::failure::{Setback, StepErrorExt, failed, from_appcmd, from_iis};
use crate::session::Session;
use crate::steps::restart_iis::{self, companions};
use crate::steps::restrict;
use crate::steps::services;

/// Copying the files takes a second, stopping and starting IIS a minute each at most.
const LIMIT: SignedDuration = SignedDuration::from_secs(300);

/// Restores the backup, sees to it that what ran before runs again, and compares the sections of `former` with what is there then.
pub(crate) async fn restore(
    session: &mut Session,
    name: &str,
    former: &[(ApplicationPath, Section)],
) -> Result<Vec<String>, StepError> {
    let doing = format!("restore backup {name}");
    if !exists(session, name).await? {
        return Err(failed(doing, "a backup of this name", "none")
            .hint("`appcmd list backups` on the server shows which there are"));
    }
    let told = |error: iis::Error| from_iis(&doing, "where IIS takes its configuration from", &error);
    if let Source::Shared(folder) = session
        .look(&doing, &redirection::source())
        .await?
        .map_err(told)?
    {
        return Err(failed(
            doing,
            "a configuration of the server's own",
            format!("one shared at {folder}"),
        )
        .hint("a backup does not hold the shared files: there is nothing to restore them from here"));
    }
    let before = services::observe(session).await?;
    let running = services::list_running(session).await?;
    let before = companions::beside(before.services, running);
    let line = appcmd::restore_backup(name)
        .map_err(|error| from_iis(&doing, "a name that a backup can have", &error))?;
    let mut facts = Vec::new();
    let (refused, lost) = match session.change(&doing, &line, LIMIT).await {
        Ok(Ok(())) => (None, None),
        Ok(Err(error)) => (Some(from_appcmd(&doing, "the backup is restored", &error)), None),
        Err(Setback::Unknown(error)) => {
            facts.push(format!("the end of appcmd was not seen: {}", error.found));
            (None, Some(error))
        }
        Err(setback) => return Err(setback.into()),
    };
    // Whatever appcmd says: IIS was stopped, and shall run.
    restart_iis::settle_services(session, &doing, lost.is_some(), &mut facts).await?;
    companions::bring_back(session, &before, &mut facts).await?;
    if let Some(error) = refused {
        return Err(error);
    }
    for (app, section) in former {
        let now = restrict::read_own(session, app).await?;
        if now != *section {
            let found = restrict::differences(section, &now);
            return Err(failed(
                format!("compare the section of {app} with the one before the run"),
                restrict::in_words(section),
                found,
            )
            .hint("the backup was made at another time than the run noted the section, or somebody writes it now"));
        }
        facts.push(format!(
            "the section of {app} is as before the run: {}",
            restrict::in_words(&now)
        ));
    }
    Ok(facts)
}
