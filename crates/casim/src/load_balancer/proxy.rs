//! The virtual address: TCP connections go on to a server, seen there as coming from the client itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Shared;
use crate::port::accept;
use crate::web_client::connect_from;

/// Real time that a server may take to accept; then another one is tried.
const CONNECT: Duration = Duration::from_secs(5);

/// Serves the virtual address for ever.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, client) = accept(&listener) => {
                connections.spawn(forward(Arc::clone(&shared), stream, client.ip()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection booked on a server; taken back when dropped.
struct Booking {
    shared: Arc<Shared>,
    index: usize,
    bytes: (u64, u64),
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.shared.lock().ended(self.index, self.bytes);
    }
}

async fn forward(shared: Arc<Shared>, mut client: TcpStream, address: IpAddr) {
    let _ = client.set_nodelay(true);
    let Some((mut server, mut booking)) = connect(&shared, address).await else {
        // No server: HAProxy closes the connection, too.
        return;
    };
    // Either side may reset; what matters of it is seen by the client and by the server themselves.
    if let Ok(bytes) = copy_bidirectional(&mut client, &mut server).await {
        booking.bytes = bytes;
    }
}

/// Tries the servers in the order of the balance until one accepts (`option redispatch`).
async fn connect(shared: &Arc<Shared>, client: IpAddr) -> Option<(TcpStream, Booking)> {
    let mut tried = Vec::new();
    loop {
        let now = shared.now();
        let (index, server, source) = {
            let mut backend = shared.lock();
            let index = backend.assign(&tried, now)?;
            let server: SocketAddr = backend.members[index].address;
            (index, server, backend.source_for(client, shared.address))
        };
        let booking = Booking {
            shared: Arc::clone(shared),
            index,
            bytes: (0, 0),
        };
        if let Ok(Ok(stream)) = timeout(CONNECT, connect_from(source, server)).await {
            return Some((stream, booking));
        }
        let mut backend = shared.lock();
        let sessions = &mut backend.members[index].sessions;
        sessions.connect_errors += 1;
        sessions.redispatched += 1;
        drop(backend);
        tried.push(index);
    }
}
