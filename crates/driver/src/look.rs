//! A look at one server through the eyes of a plan: what every step that changes something finds. Read only.

use std::sync::Arc;

use inventory::ServerName;
use rollout::{Found, Plan, StepError};
use tokio::sync::mpsc;

use crate::failure::{StepErrorExt, failed};
use crate::session::Session;
use crate::steps;
use crate::world::World;

/// What each step of the plan that changes something (by index) finds on the server now. Nothing is changed, and the shell is closed again.
///
/// # Errors
/// A [`StepError`] when the server cannot be looked at; a step whose own look found something wrong is [`Found::Failed`] in the list.
pub async fn look(
    world: &Arc<World>,
    plan: &Plan,
    server: &ServerName,
) -> Result<Vec<(usize, Found)>, StepError> {
    let written = world.server(server).map_err(|error| {
        failed(
            "look at the server",
            "a server of the inventory",
            error.to_string(),
        )
        .caused_by(&error)
    })?;
    // Nobody listens to a look.
    let (progress, _) = mpsc::channel(1);
    let (facts, _) = mpsc::unbounded_channel();
    let mut session = Session::new(
        Arc::clone(world),
        Arc::new(plan.clone()),
        written.clone(),
        progress,
        facts,
    );
    let seen = async {
        session.open().await?;
        steps::probe_changes(&mut session).await
    }
    .await;
    session.close().await;
    seen
}
