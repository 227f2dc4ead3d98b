//! The addresses of the servers of the farm, for those that have to let each other in. Each server is asked once in a run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use iis::network;
use inventory::ServerName;
use preflight::{Reading, Unread};
use tokio::net::lookup_host;
use tokio::sync::Mutex;

use crate::remote::Remote;
use crate::world::World;

/// What is known of a server's addresses.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Those that other machines can reach.
    pub(crate) addresses: Vec<IpAddr>,
    /// Whether the server told them itself; else they are those to which its name resolves.
    pub(crate) read: Reading<()>,
}

/// The addresses found so far.
#[derive(Default)]
pub(crate) struct Peers(Mutex<BTreeMap<ServerName, Known>>);

impl Peers {
    /// Notes what a server told of itself.
    pub(crate) async fn note(&self, server: &ServerName, addresses: Vec<IpAddr>) {
        let known = Known {
            addresses: reachable(addresses),
            read: Ok(()),
        };
        self.0.lock().await.insert(server.clone(), known);
    }

    /// The addresses of a server, asked for if they are not known yet. Others who ask meanwhile wait for the same answer.
    pub(crate) async fn of(&self, world: &Arc<World>, server: &ServerName) -> Known {
        let mut known = self.0.lock().await;
        if let Some(known) = known.get(server) {
            return known.clone();
        }
        let found = match read(world, server).await {
            Ok(addresses) => Known {
                addresses: reachable(addresses),
                read: Ok(()),
            },
            Err(unread) => Known {
                addresses: reachable(resolved(world, server).await),
                read: Err(unread),
            },
        };
        known.insert(server.clone(), found.clone());
        found
    }
}

async fn read(world: &Arc<World>, server: &ServerName) -> Reading<Vec<IpAddr>> {
    let mut remote = Remote::new(world, server.clone());
    let mut addresses = Ok(Vec::new());
    for listing in network::own_addresses() {
        let seen = remote
            .look("read the addresses of a peer", &listing)
            .await
            .map_err(|error| Unread {
                // The last cause is what an operator can act upon: refused, timed out, no such host.
                found: match error.causes.last() {
                    Some(cause) => format!("{}: {cause}", error.found),
                    None => error.found,
                },
                access_denied: false,
            })
            .and_then(|read| read.map_err(Unread::from));
        match (&mut addresses, seen) {
            (Ok(addresses), Ok(seen)) => addresses.extend(seen),
            (_, Err(unread)) => {
                addresses = Err(unread);
                break;
            }
            (Err(_), Ok(_)) => {}
        }
    }
    remote.close().await;
    addresses
}

async fn resolved(world: &World, server: &ServerName) -> Vec<IpAddr> {
    let Ok(written) = world.server(server) else {
        return Vec::new();
    };
    let lookup = lookup_host((written.address.as_str(), written.port));
    match world.clock().timeout(written.connect_timeout, lookup).await {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

fn reachable(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.retain(preflight::is_reachable);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
