//! Requests that take as long as somebody wants: what `appcmd list requests` shows. Web requests are answered at once otherwise.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Machine;

/// A request under way at a server; it ends when this is dropped.
#[derive(Debug)]
pub struct HeldRequest {
    machine: Arc<Machine>,
    id: u64,
}

/// What the server knows of it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) verb: String,
    pub(super) url: String,
    pub(super) client: IpAddr,
    pub(super) began: Duration,
}

impl Machine {
    /// Begins a request that stays under way. `url` is path and query.
    pub fn hold_request(self: &Arc<Self>, verb: &str, url: &str, client: IpAddr) -> HeldRequest {
        let held = Held {
            verb: verb.to_owned(),
            url: url.to_owned(),
            client,
            began: self.clock.now(),
        };
        let mut records = self.records();
        // As IIS numbers them: the high half says which worker's queue, the low half counts.
        let id = records
            .held
            .last_key_value()
            .map_or(0xf200_0000_8000_0001, |(id, _)| id.wrapping_add(1));
        records.held.insert(id, held);
        HeldRequest {
            machine: Arc::clone(self),
            id,
        }
    }

    /// The requests under way, with the milliseconds since they began.
    pub(super) fn held_requests(&self) -> Vec<(u64, Held, u128)> {
        let now = self.clock.now();
        let records = self.records();
        let held = records.held.iter();
        held.map(|(id, held)| (*id, held.clone(), now.saturating_sub(held.began).as_millis()))
            .collect()
    }
}

impl Drop for HeldRequest {
    fn drop(&mut self) {
        self.machine.records().held.remove(&self.id);
    }
}
