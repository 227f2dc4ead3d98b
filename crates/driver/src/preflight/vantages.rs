//! What the witnesses' vantages see before anything is changed: a place that sees nothing now would prove nothing later.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use inventory::{ServerName, Step, VantageName};
use jiff::SignedDuration;
use rollout::Plan;

use super::AT_A_TIME;
use crate::failure::from_web;
use crate::web::WebError;
use crate::world::World;

/// How long one answer may take.
const LIMIT: SignedDuration = SignedDuration::from_secs(15);

/// Vantages, and why a server gave them no answer.
pub(super) type Blind = BTreeMap<(VantageName, ServerName), String>;

/// Asks every server once from every vantage of the plan's witnesses. Every answer will do, whatever it says, and so does a connection that is taken
/// and dropped.
pub(super) async fn blind(world: &Arc<World>, plan: &Plan) -> Blind {
    let mut asked: BTreeMap<(VantageName, ServerName), String> = BTreeMap::new();
    for step in &plan.steps {
        let Step::Witness(step) = step else { continue };
        for vantage in step.allowed_from.iter().chain(&step.denied_from) {
            for server in plan.servers.keys() {
                asked
                    .entry((vantage.clone(), server.clone()))
                    .or_insert_with(|| step.path.clone());
            }
        }
    }
    let seen = stream::iter(asked)
        .map(|((vantage, server), path)| async move {
            let error = ask(world, &vantage, &server, &path).await.err()?;
            (!error.is_dropped()).then(|| ((vantage, server), told(&error)))
        })
        .buffer_unordered(AT_A_TIME)
        .filter_map(|blind| async { blind })
        .collect()
        .await;
    world.leave_lookouts();
    seen
}

async fn ask(world: &World, vantage: &VantageName, server: &ServerName, path: &str) -> Result<(), WebError> {
    let front = world.front_of(server, vantage).await?;
    front.get(path, world.clock().limit(LIMIT)).await.map(|_| ())
}

/// The error and the last of its causes, which is what an operator can act upon.
fn told(error: &WebError) -> String {
    let told = from_web("", "", error);
    match told.causes.last() {
        Some(cause) => format!("{} ({cause})", told.found),
        None => told.found,
    }
}
