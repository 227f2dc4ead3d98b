//! The lease on a server: a note in its registry that says which run works there, on whose behalf, and until when. Two casgates on two jump hosts
//! share no disk; the server is the only place where they meet.
//!
//! All instants of a lease are the server's own, which every answer of its WinRM service tells (`Date`, whole seconds): jump hosts whose clocks
//! differ read the same lease the same way. The registry has no "write if nothing stands there", so whoever wrote waits a moment and reads again:
//! of two that wrote at the same time the later one holds the lease, and the earlier one finds that out before it changes anything.

mod keeper;
mod note;
mod table;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use iis::registry;
use inventory::ServerName;
use jiff::{SignedDuration, Timestamp};
use rollout::{EventKind, Evidence, StepError};

use crate::failure::{Setback, StepErrorExt, failed, from_iis, from_winrm};
use crate::remote::Remote;
use crate::session::Session;
use crate::world::World;

pub(crate) use keeper::Keeper;
pub use note::Lease;
use note::Noted;
pub(crate) use table::{Hold, Leases};

/// Where casgate keeps its notes on a server.
pub(crate) const KEY: &str = r"HKLM\SOFTWARE\casgate";

const VALUE: &str = "lease";

/// How long reg may take to write.
const LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// How long a fresh lease is left alone before it is read again, in real time: longer than another casgate needs from its look to its write, which
/// are two commands in an open shell.
const SETTLING: Duration = Duration::from_millis(300);

/// How many servers are asked for their leases together.
const LOOKS_AT_A_TIME: usize = 16;

const TAKING: &str = "take the server's lease";

/// The command with which a person takes a lease away.
pub(crate) fn by_hand() -> String {
    format!(r#"reg delete "{KEY}" /v {VALUE} /f"#)
}

/// The leases of other runs that count now, on these servers. A server that cannot be asked is left out: nothing can be done to it either, and
/// it is asked again before anything is.
pub async fn leases(world: &Arc<World>, servers: &[ServerName]) -> Vec<(ServerName, Lease)> {
    let asked = stream::iter(servers.iter().cloned())
        .map(|server| async move {
            let mut remote = Remote::new(world, server.clone());
            let lease = foreign(world, &mut remote, &server).await;
            remote.close().await;
            Some((server, lease.ok()??))
        })
        .buffer_unordered(LOOKS_AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    let mut held: Vec<_> = asked.into_iter().flatten().collect();
    held.sort_by(|(a, _), (b, _)| a.cmp(b));
    held
}

/// Takes the lease unless this process holds it already. Told by an event of its own, before the answer to the action that needed it.
pub(crate) async fn take(session: &mut Session) -> Result<(), StepError> {
    let world = Arc::clone(session.world());
    let server = session.server().name.clone();
    match world.leases().hold(&server) {
        Some(Hold::Ours { .. }) => return Ok(()),
        Some(Hold::Lost { holder }) => return Err(held(holder)),
        None => {}
    }
    let now = server_time(&world, &server).await?;
    let (since, over) = match read(session.remote()).await? {
        Noted::Nothing => (now, None),
        Noted::Unreadable(found) => return Err(unreadable(&found)),
        Noted::Lease(lease) if lease.run == *world.run() => (lease.since, None),
        Noted::Lease(lease) if lease.until <= now => (now, Some(format!("ended: {lease}"))),
        Noted::Lease(lease) if world.leases().may_steal(&lease.run) => {
            (now, Some(format!("stolen: {lease}")))
        }
        Noted::Lease(lease) => return Err(held(lease.to_string())),
    };
    let lease = Lease {
        run: world.run().clone(),
        operator: world.leases().operator().to_owned(),
        since,
        until: later(now, session.plan().policy.lease),
    };
    if let Err(Setback::Failed(error)) = write(session.remote(), &lease).await {
        return Err(error);
    }
    // A lost reply is settled by the same look as a race.
    tokio::time::sleep(SETTLING).await;
    match read(session.remote()).await? {
        // As text: of the operator's name the registry holds only what no command line could misread.
        Noted::Lease(found) if found.data() == lease.data() => {}
        Noted::Lease(found) => return Err(held(found.to_string())),
        Noted::Unreadable(found) => return Err(unreadable(&found)),
        Noted::Nothing => return Err(failed(TAKING, "the lease as it was written", "none")),
    }
    world.leases().put(&server, Hold::Ours { since });
    session.tell(EventKind::LeaseTaken {
        server,
        until: lease.until,
        over,
    });
    Ok(())
}

/// Refuses while another run's lease counts. For what is done beside the server, which may be out of reach itself: then nobody is known to hold it.
pub(crate) async fn check(session: &mut Session) -> Result<(), StepError> {
    let world = Arc::clone(session.world());
    let server = session.server().name.clone();
    match world.leases().hold(&server) {
        Some(Hold::Ours { .. }) => return Ok(()),
        Some(Hold::Lost { holder }) => return Err(held(holder)),
        None => {}
    }
    match foreign(&world, session.remote(), &server).await {
        Ok(Some(lease)) if !world.leases().may_steal(&lease.run) => Err(held(lease.to_string())),
        _ => Ok(()),
    }
}

/// Takes our lease away. Whatever else stands there is not ours to touch.
pub(crate) async fn release(session: &mut Session) -> Result<Evidence, StepError> {
    let world = Arc::clone(session.world());
    let server = session.server().name.clone();
    let gate = world.leases().gate(&server);
    // The keeper must not write it again between the look and the deletion.
    let _passage = gate.lock().await;
    let told = |fact: String| Evidence { facts: vec![fact] };
    let doing = "take the lease off the server";
    let evidence = match read(session.remote()).await? {
        Noted::Lease(lease) if lease.run == *world.run() => {
            let line = registry::delete(KEY, VALUE).map_err(|error| from_iis(doing, "a value", &error))?;
            match session.change(doing, &line, LIMIT).await {
                Ok(deleted) => {
                    deleted
                        .map_err(|error| from_iis(doing, &format!("the value below {KEY} goes"), &error))?;
                }
                Err(Setback::Failed(error)) => return Err(error),
                Err(Setback::Unknown(_)) => {}
            }
            match read(session.remote()).await? {
                Noted::Lease(lease) if lease.run == *world.run() => {
                    return Err(failed(doing, "no lease of this run", lease.to_string()));
                }
                _ => Evidence::default(),
            }
        }
        Noted::Lease(lease) => told(format!("not ours any more, left alone: {lease}")),
        Noted::Unreadable(found) => told(format!("not ours, left alone: `{found}`")),
        Noted::Nothing => told("it was gone already".to_owned()),
    };
    world.leases().forget(&server);
    Ok(evidence)
}

/// Another run's lease that counts now.
async fn foreign(
    world: &World,
    remote: &mut Remote,
    server: &ServerName,
) -> Result<Option<Lease>, StepError> {
    match read(remote).await? {
        Noted::Nothing => Ok(None),
        Noted::Unreadable(found) => Err(unreadable(&found)),
        Noted::Lease(lease) if lease.run == *world.run() => Ok(None),
        Noted::Lease(lease) => Ok((lease.until > server_time(world, server).await?).then_some(lease)),
    }
}

async fn read(remote: &mut Remote) -> Result<Noted, StepError> {
    let doing = "read the server's lease";
    let expected = format!("the value below {KEY}, or no such key");
    let line = registry::query_key(KEY).map_err(|error| from_iis(doing, &expected, &error))?;
    let values = remote.look(doing, &line).await?;
    let values = values.map_err(|error| from_iis(doing, &expected, &error))?;
    Ok(values
        .unwrap_or_default()
        .get(VALUE)
        .map_or(Noted::Nothing, Noted::read))
}

async fn write(remote: &mut Remote, lease: &Lease) -> Result<(), Setback> {
    let expected = format!("a value below {KEY}");
    let line =
        registry::add(KEY, VALUE, &lease.data()).map_err(|error| from_iis(TAKING, &expected, &error))?;
    let written = remote.change(TAKING, &line, LIMIT).await?;
    written.map_err(|error| from_iis(TAKING, &expected, &error).into())
}

/// The server's own time; this machine's where the server does not tell it.
async fn server_time(world: &World, server: &ServerName) -> Result<Timestamp, StepError> {
    let doing = "ask the server for its time";
    let endpoint = world
        .endpoint(server)
        .map_err(|error| failed(doing, "all that a connection needs", error.to_string()).caused_by(&error))?;
    let greeting = winrm::greet(&endpoint)
        .await
        .map_err(|error| from_winrm(doing, server, &error))?;
    let ahead = SignedDuration::from_secs(greeting.clock_ahead.unwrap_or_default());
    Ok(whole_seconds(later(world.clock().wall_now(), ahead)))
}

fn later(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn held(holder: String) -> StepError {
    failed(TAKING, "no other run at work on this server", holder).hint(
        "wait until that run has ended, or until its lease has; if that casgate is dead, `--steal-lease RUN` takes its leases over",
    )
}

fn unreadable(found: &str) -> StepError {
    failed(
        TAKING,
        "no lease, or one that this casgate can read",
        format!("`{found}`"),
    )
    .hint(format!(
        "another casgate version may be at work; if none is, take it away on the server with `{}`",
        by_hand()
    ))
}
