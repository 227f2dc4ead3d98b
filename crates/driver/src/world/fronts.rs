//! The front ends of servers and pools as seen from here, or from a vantage.

use std::sync::Arc;

use inventory::{Pool, PoolName, Server, ServerName, Vantage, VantageName};
use url::Url;

use super::{World, lock};
use crate::remote::Remote;
use crate::web::{Front, FrontOptions, Lookout, Origin, WebError};

impl World {
    /// The server's front end as seen from here, or from a vantage.
    pub(crate) async fn front(
        &self,
        server: &Server,
        vantage: Option<&VantageName>,
    ) -> Result<Front, WebError> {
        let key = (server.name.clone(), vantage.cloned());
        if let Some(front) = lock(&self.fronts).get(&key) {
            return Ok(front.clone());
        }
        let host = self
            .pool_of(server)
            .and_then(|pool| pool.vip.as_ref())
            .and_then(Url::host_str)
            .unwrap_or(&server.address);
        let from = match vantage {
            None => Origin::Anywhere,
            Some(name) => self.origin(name, &server.address)?,
        };
        let front = Front::new(FrontOptions {
            address: &server.address,
            port: server.https_port,
            host: host.trim_matches(['[', ']']),
            authority: self.front_authority(server)?,
            from,
            connect: self.clock.limit(server.connect_timeout),
        })
        .await?;
        lock(&self.fronts).insert(key, front.clone());
        Ok(front)
    }

    /// The same of a server by its name, from a vantage.
    pub(crate) async fn front_of(
        &self,
        server: &ServerName,
        vantage: &VantageName,
    ) -> Result<Front, WebError> {
        let written = self.server(server).map_err(|error| WebError::Client {
            address: server.to_string(),
            source: error.into(),
        })?;
        self.front(written, Some(vantage)).await
    }

    /// Whether the inventory says where the pool's virtual address is.
    pub(crate) fn has_entrance(&self, pool: &PoolName) -> bool {
        self.inventory.pools.get(pool).and_then(place_of_vip).is_some()
    }

    /// A pool's virtual address as seen from a vantage. Its certificate is taken to be signed by whoever signed those of the pool's servers.
    pub(crate) async fn entrance(&self, pool: &PoolName, vantage: &VantageName) -> Result<Front, WebError> {
        let key = (pool.clone(), vantage.clone());
        if let Some(front) = lock(&self.entrances).get(&key) {
            return Ok(front.clone());
        }
        let place = self.inventory.pools.get(pool).and_then(place_of_vip);
        let (Some((address, port, host)), Some(member)) = (place, self.inventory.members(pool).next()) else {
            return Err(WebError::Client {
                address: format!("the virtual address of {pool}"),
                source: "the inventory does not say where it is".into(),
            });
        };
        let front = Front::new(FrontOptions {
            address: &address,
            port,
            host: host.trim_matches(['[', ']']),
            authority: self.front_authority(member)?,
            from: self.origin(vantage, &address)?,
            connect: self.clock.limit(member.connect_timeout),
        })
        .await?;
        lock(&self.entrances).insert(key, front.clone());
        Ok(front)
    }

    fn origin(&self, name: &VantageName, address: &str) -> Result<Origin<'_>, WebError> {
        // `check` refuses a playbook with another name; a plan may be older than the inventory.
        let vantage = self
            .inventory
            .vantages
            .get(name)
            .ok_or_else(|| WebError::Client {
                address: address.to_owned(),
                source: format!("the inventory has no vantage `{name}`").into(),
            })?;
        Ok(match vantage {
            Vantage::SourceAddress(address) => Origin::Address(*address),
            Vantage::Proxy(proxy) => Origin::Proxy(proxy),
            Vantage::Server(server) => Origin::Lookout(self.lookout(server)),
        })
    }

    /// A server that looks is one for all vantages and all that they look at.
    fn lookout(&self, server: &ServerName) -> Arc<Lookout> {
        let mut lookouts = lock(&self.lookouts);
        let new = || Arc::new(Lookout::new(server.clone(), || Remote::new(self, server.clone())));
        Arc::clone(lookouts.entry(server.clone()).or_insert_with(new))
    }

    /// Ends the shells on the servers that look.
    pub(crate) fn leave_lookouts(&self) {
        lock(&self.lookouts).values().for_each(|lookout| lookout.leave());
    }

    fn front_authority(&self, server: &Server) -> Result<Option<&[u8]>, WebError> {
        self.authority(server)
            .map_err(|error| WebError::CertificateAuthority {
                problem: error.to_string(),
            })
    }
}

/// Address, port and name of a pool's virtual address.
fn place_of_vip(pool: &Pool) -> Option<(String, u16, &str)> {
    let url = pool.vip.as_ref()?;
    let host = url.host_str()?;
    Some(match pool.vip_address {
        Some(address) => (address.ip().to_string(), address.port(), host),
        None => (
            host.trim_matches(['[', ']']).to_owned(),
            url.port_or_known_default()?,
            host,
        ),
    })
}
