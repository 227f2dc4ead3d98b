//! Another run at work on the same servers: refused before anything is touched, or its leases are taken over by somebody who says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use driver::World;
use inventory::ServerName;
use rollout::RunId;

use crate::error::{Error, HeldServers};
use crate::printer::Printer;

/// Asks every server for its lease. Gives the run whose leases may be taken over, when they count and somebody wants it so: on a terminal whoever
/// types that run's name, off it only `--steal-lease`.
pub(crate) async fn claim(
    world: &Arc<World>,
    servers: &[ServerName],
    steal: Option<&str>,
    printer: &Printer,
) -> Result<Option<RunId>, Error> {
    let (holders, lines) = held(world, servers).await;
    let refused = || Error::Leased {
        source: HeldServers(lines.clone()),
    };
    // The leases of two runs are never taken over together: whoever knows that one of them is dead may not know of the other.
    let mut holders = holders.into_iter();
    let holder = match (holders.next(), holders.next()) {
        (None, _) => return Ok(None),
        (Some(holder), None) => holder,
        (Some(_), Some(_)) => return Err(refused()),
    };
    let is_wanted = match steal {
        Some(named) => named == holder.as_str(),
        None => {
            lines.iter().for_each(|line| printer.note(line));
            let question = "Only if that casgate is dead: type the name of its run to take its leases over:";
            printer
                .ask(question)
                .is_some_and(|typed| typed == holder.as_str())
        }
    };
    if !is_wanted {
        return Err(refused());
    }
    world.allow_steal(holder.clone());
    Ok(Some(holder))
}

/// Ends the command where one of these servers is another run's, whatever may be done about it.
///
/// # Errors
/// [`Error::Leased`].
pub(crate) async fn refuse_held(world: &Arc<World>, servers: &[ServerName]) -> Result<(), Error> {
    match held(world, servers).await {
        (_, lines) if lines.is_empty() => Ok(()),
        (_, lines) => Err(Error::Leased {
            source: HeldServers(lines),
        }),
    }
}

/// The runs that hold these servers, and a line for each server.
async fn held(world: &Arc<World>, servers: &[ServerName]) -> (BTreeSet<RunId>, Vec<String>) {
    let held = driver::leases(world, servers).await;
    winrm::reap(std::time::Duration::from_secs(5)).await;
    let lines = held
        .iter()
        .map(|(server, lease)| format!("{server} is held by {lease}"));
    (
        held.iter().map(|(_, lease)| lease.run.clone()).collect(),
        lines.collect(),
    )
}
