//! `back_up`: IIS's configuration under the run's name, as the last resort of a person. no step restores a whole file;
//! [`restoration`] does, when a person asks for it in so many words.

pub(crate) mod restoration;

use iis::appcmd;
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, StepError};

use super::{already_done, receipt};
use crate::failure::{Setback, failed, from_appcmd, from_iis};
use crate::session::Session;

/// Copying a few files takes a second; a server whose disk is busy gets two minutes.
const LIMIT: SignedDuration = SignedDuration::from_secs(120);

const LISTING: &str = "list the backups of IIS's configuration";

fn name(session: &Session) -> String {
    format!("casgate-{}", session.world().run())
}

pub(super) async fn probe(session: &mut Session) -> Result<Found, StepError> {
    let name = name(session);
    Ok(match exists(session, &name).await? {
        true => already_done([format!("backup {name} is there")]),
        false => Found::Ready(Before::BackUp { name }),
    })
}

pub(super) async fn apply(session: &mut Session, name: &str) -> Result<Receipt, Setback> {
    let doing = format!("add backup {name}");
    let line = appcmd::add_backup(name)
        .map_err(|error| from_iis(&doing, "a name that a backup can have", &error))?;
    session
        .change(&doing, &line, LIMIT)
        .await?
        .map_err(|error| from_appcmd(&doing, "the backup is made", &error))?;
    Ok(receipt([format!("backup {name}")]))
}

pub(super) async fn verify(session: &mut Session, name: &str) -> Result<Receipt, StepError> {
    match exists(session, name).await? {
        true => Ok(receipt([format!("backup {name} is listed")])),
        false => Err(failed(LISTING, format!("backup {name}"), "no such backup")),
    }
}

async fn exists(session: &mut Session, name: &str) -> Result<bool, StepError> {
    let listed = session.look(LISTING, &appcmd::list_backups()).await?;
    let listed = listed.map_err(|error| from_appcmd(LISTING, "a list of backups", &error))?;
    Ok(listed.iter().any(|listed| listed.eq_ignore_ascii_case(name)))
}
