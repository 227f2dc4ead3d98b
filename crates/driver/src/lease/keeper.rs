//! The heartbeat: every lease that this process holds is renewed in time, whatever its worker does meanwhile.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use inventory::ServerName;
use jiff::SignedDuration;
use rollout::{EventKind, StepError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Hold, Lease, Noted, later, read, server_time, write};
use crate::remote::Remote;
use crate::world::World;

/// A lease is renewed this many times in its span, so that it outlives a beat or two that fail.
const BEATS: u32 = 3;

/// The task that renews. Leases are by the servers' clocks, so that it follows the wall and not a rehearsal's time.
pub(crate) struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Begins to renew whatever lease is taken from now on; what is lost is told as an event.
    pub(crate) fn start(
        world: &Arc<World>,
        span: SignedDuration,
        facts: mpsc::UnboundedSender<EventKind>,
    ) -> Self {
        let world = Arc::clone(world);
        let beat = Duration::try_from(span).unwrap_or(Duration::MAX) / BEATS;
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(beat).await;
                let servers = world.leases().ours();
                // A beat that fails is made up for by the next one; a lease that ends meanwhile keeps nobody away, but a run that takes it is seen.
                join_all(servers.iter().map(|server| renew(&world, server, span, &facts))).await;
            }
        }))
    }

    /// Renews no more.
    pub(crate) fn stop(self) {
        self.0.abort();
    }
}

async fn renew(
    world: &Arc<World>,
    server: &ServerName,
    span: SignedDuration,
    facts: &mpsc::UnboundedSender<EventKind>,
) -> Result<(), StepError> {
    let gate = world.leases().gate(server);
    let _passage = gate.lock().await;
    let Some(Hold::Ours { since }) = world.leases().hold(server) else {
        return Ok(());
    };
    // A shell of its own: the worker's is busy with what the worker does.
    let mut remote = Remote::new(world, server.clone());
    let renewed = async {
        if let Noted::Lease(lease) = read(&mut remote).await?
            && lease.run != *world.run()
        {
            let holder = lease.to_string();
            world.leases().put(
                server,
                Hold::Lost {
                    holder: holder.clone(),
                },
            );
            let _ = facts.send(EventKind::LeaseLost {
                server: server.clone(),
                holder,
            });
            return Ok(());
        }
        let lease = Lease {
            run: world.run().clone(),
            operator: world.leases().operator().to_owned(),
            since,
            until: later(server_time(world, server).await?, span),
        };
        write(&mut remote, &lease).await.map_err(StepError::from)
    }
    .await;
    remote.close().await;
    renewed
}
