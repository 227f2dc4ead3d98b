//! One server's whole backup put back, at the express wish of a person.

use std::sync::Arc;

use iis::ApplicationPath;
use iis::ip_security::Section;
use inventory::ServerName;
use rollout::{Plan, StepError};
use tokio::sync::mpsc;

use crate::failure::{StepErrorExt, failed};
use crate::session::Session;
use crate::steps;
use crate::world::World;

/// Restores a named backup of IIS's configuration on a server: IIS is stopped and started, services that ran before run again, and the own sections of
/// the applications in `former` are compared with what they were. Answers with what was seen.
///
/// # Errors
/// A [`StepError`]: no such backup, a shared configuration, a restore that failed or whose end was not seen, services that stay stopped, sections
/// that are not as they were.
pub async fn restore_backup(
    world: &Arc<World>,
    plan: &Plan,
    server: &ServerName,
    backup: &str,
    former: &[(ApplicationPath, Section)],
) -> Result<Vec<String>, StepError> {
    let written = world.server(server).map_err(|error| {
        failed("restore a backup", "a server of the inventory", error.to_string()).caused_by(&error)
    })?;
    // Nobody listens to the progress: it is one command and a look.
    let (progress, _) = mpsc::channel(1);
    let (told, _) = mpsc::unbounded_channel();
    let mut session = Session::new(
        Arc::clone(world),
        Arc::new(plan.clone()),
        written.clone(),
        progress,
        told,
    );
    let restored = async {
        session.open().await?;
        steps::restoration::restore(&mut session, backup, former).await
    }
    .await;
    session.close().await;
    restored
}
