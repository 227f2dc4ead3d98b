//! What one section of the inventory says about another, checked once all are read: every name must be defined, no server may stand twice.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::Code;
use crate::fleet::{Inventory, Server, Site};
use crate::name::{PoolName, ServerName};
use crate::reader::entry::shown;
use crate::reader::findings::Findings;
use crate::reader::suggest;

type Place = Range<usize>;

/// Names that were used, each with its place.
#[derive(Default)]
pub(super) struct References {
    credentials: Vec<(String, Place)>,
    load_balancers: Vec<(String, Place)>,
    members: Vec<(String, Place)>,
    floors: Vec<(String, Place)>,
    sites: Vec<(String, Place)>,
    vantages: Vec<(String, Place)>,
    servers: Vec<(String, Place)>,
    addresses: Vec<(String, u16, Place, String)>,
}

impl References {
    /// Somebody logs in with this credential.
    pub(super) fn credential(&mut self, name: &str, place: Place) {
        self.credentials.push((name.to_owned(), place));
    }

    /// A pool stands behind this load balancer.
    pub(super) fn load_balancer(&mut self, name: &str, place: Place) {
        self.load_balancers.push((name.to_owned(), place));
    }

    /// A server belongs to this pool.
    pub(super) fn member(&mut self, pool: &str, place: Place) {
        self.members.push((pool.to_owned(), place));
    }

    /// A pool says its `min_in_rotation`.
    pub(super) fn floor(&mut self, pool: &str, place: Place) {
        self.floors.push((pool.to_owned(), place));
    }

    /// A site is described.
    pub(super) fn site(&mut self, name: &str, place: Place) {
        self.sites.push((name.to_owned(), place));
    }

    /// A vantage is this server.
    pub(super) fn vantage(&mut self, server: &str, place: Place) {
        self.vantages.push((server.to_owned(), place));
    }

    /// A server is defined.
    pub(super) fn server(&mut self, name: &str, place: Place, address: Option<(&str, u16, Place)>) {
        self.servers.push((name.to_owned(), place));
        if let Some((host, port, place)) = address {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            self.addresses.push((host, port, place, name.to_owned()));
        }
    }

    /// Reports what does not fit.
    pub(super) fn check(&self, inventory: &Inventory, found: &mut Findings<'_>) {
        for (name, place) in &self.credentials {
            let known = inventory.credentials.keys().map(String::as_str);
            unknown(Code::UnknownCredential, "credential", name, place, known, found);
        }
        for (name, place) in &self.load_balancers {
            let known = inventory.load_balancers.keys().map(String::as_str);
            unknown(
                Code::UnknownLoadBalancer,
                "load balancer",
                name,
                place,
                known,
                found,
            );
        }
        for (name, place) in &self.members {
            let known = inventory.pools.keys().map(PoolName::as_str);
            unknown(Code::UnknownPool, "pool", name, place, known, found);
        }
        for (name, place) in &self.vantages {
            let known = inventory.servers.keys().map(ServerName::as_str);
            unknown(Code::UnknownServer, "server", name, place, known, found);
        }
        for (name, place) in &self.sites {
            let stands_there = |server: &Server| server.labels.get(Site::LABEL) == Some(name);
            if !inventory.servers.values().any(stands_there) {
                let message = format!("no server's label `site` is `{}`", shown(name));
                let hint = format!("write labels = {{ site = \"{name}\" }} at its servers");
                found.error(Code::UnknownSite, place.clone(), message, hint);
            }
        }
        self.check_floors(inventory, found);
        self.check_twins(found);
    }

    fn check_floors(&self, inventory: &Inventory, found: &mut Findings<'_>) {
        for (name, place) in &self.floors {
            let pool = PoolName::from(name.as_str());
            let Some(floor_wanted) = inventory.pools.get(&pool).map(|pool| pool.min_in_rotation) else {
                continue;
            };
            let size = u32::try_from(inventory.members(&pool).count()).unwrap_or(u32::MAX);
            if size > 0 && floor_wanted.at_least_of(size) > size {
                let message = format!("min_in_rotation is {floor_wanted}, but the pool has {size} servers");
                found.error(
                    Code::FloorTooHigh,
                    place.clone(),
                    message,
                    "a share such as \"75%\" grows with the pool",
                );
            }
        }
    }

    fn check_twins(&self, found: &mut Findings<'_>) {
        // In the order of the file, so that the second one is the finding and the first one the place to compare with.
        let mut servers = self.servers.clone();
        servers.sort_by_key(|(_, place)| place.start);
        let mut names: BTreeMap<String, &Place> = BTreeMap::new();
        for (name, place) in &servers {
            if let Some(first) = names.get(&name.to_ascii_lowercase()) {
                let message = format!(
                    "server `{}` differs from another one in upper and lower case only",
                    shown(name)
                );
                found.error(
                    Code::DuplicateServer,
                    place.clone(),
                    message,
                    "Windows names do not differ by case: choose another name",
                );
                found.related((*first).clone(), "the other one");
            } else {
                names.insert(name.to_ascii_lowercase(), place);
            }
        }
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(|(_, _, place, _)| place.start);
        let mut seen: BTreeMap<(&str, u16), (&Place, &str)> = BTreeMap::new();
        for (host, port, place, name) in &addresses {
            if let Some((first, other)) = seen.get(&(host.as_str(), *port)) {
                let message = format!(
                    "`{}` has the address and port of `{}`: {host}:{port}",
                    shown(name),
                    shown(other)
                );
                let hint = "two names for one server would be drained as two: remove one, or correct its address or port";
                found.error(Code::DuplicateAddress, place.clone(), message, hint);
                found.related((*first).clone(), "first used here");
            } else {
                seen.insert((host, *port), (place, name));
            }
        }
    }
}

fn unknown<'a>(
    code: Code,
    what: &str,
    name: &str,
    place: &Place,
    known: impl Iterator<Item = &'a str> + Clone,
    found: &mut Findings<'_>,
) {
    if !known.clone().any(|candidate| candidate == name) {
        let message = format!("there is no {what} `{}`", shown(name));
        found.error(code, place.clone(), message, suggest::hint(name, known, what));
    }
}
