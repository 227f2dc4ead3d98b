//! A look at one server through the eyes of a plan: what every step that changes something finds. Read only.

use std::sync::Arc;

use inventory::ServerName;
use rollout::{Found, Plan, StepError};

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
    Session::visit(world, plan, server, async |session| {
        session.open().await?;
        steps::probe_changes(session).await
    })
    .await
}
