//! The count: requests, people, devices, addresses, probes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use iis::web_log::Entry;
use ipnet::IpNet;
use jiff::civil::DateTime;

use super::capped::Capped;
use super::judge::Judge;
use super::requester::Requester;
use super::words;

/// How many addresses are counted one by one, over all servers.
const MOST_ADDRESSES: usize = 50_000;
/// How many users, and how many devices.
const MOST_CLIENTS: usize = 100_000;
/// How many denied addresses of probes.
const MOST_PROBES: usize = 256;
/// How many devices behind one address are told apart: enough to see that it is not one of them.
const DEVICES_TOLD_APART: usize = 16;

/// So many requests of clients tell something about who is behind an address.
const ENOUGH_REQUESTS: u64 = 50;
/// So many users or devices behind one address are a crowd.
const A_CROWD: usize = 5;
/// This share of all requests, in percent, is nearly all of them.
const NEARLY_ALL: u64 = 90;

/// What was counted of one application's requests.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Requests of clients.
    pub requests: u64,
    /// Requests of clients that the rules would deny, and that are let in today.
    pub denied: u64,
    /// Requests of clients that ipSecurity refuses today already.
    pub already_refused: u64,
    /// Requests that nobody can judge, since their line has no address.
    pub unjudged: u64,
    /// The first and the last moment that a line told, in UTC.
    pub span: Option<(DateTime, DateTime)>,
    probes: BTreeMap<Requester, Probes>,
    addresses: Capped<IpAddr, Address>,
    users: Capped<String, Client>,
    devices: Capped<String, Client>,
    watched: BTreeMap<IpNet, bool>,
}

/// Probes of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Probes {
    /// All of them.
    pub requests: u64,
    /// Those that the rules would deny.
    pub denied: u64,
    addresses: Capped<IpAddr, u64>,
}

/// A user or a device.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Client {
    /// Requests that are served today and that the rules would deny.
    pub cut_off: u64,
    /// Requests that are served today and that the rules would allow.
    pub kept: u64,
    /// Of a device: who used it last.
    pub user: Option<String>,
    /// Of a device: what it says that it is (`DeviceType`).
    pub kind: Option<String>,
}

/// Those who have requests that are served today and that the rules would deny.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CutOff<'a> {
    /// Names with what was counted of them, the busiest first.
    pub clients: Vec<(&'a str, &'a Client)>,
    /// How many there are in all whom the server serves today.
    pub of: usize,
    /// Whether there was room for everybody; otherwise both numbers are too small.
    pub is_whole: bool,
}

/// An address that makes up nearly all requests, alone or with a second one, with many clients behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gateway {
    /// The address.
    pub address: IpAddr,
    /// Its requests.
    pub requests: u64,
    /// At least so many devices or users are behind it.
    pub clients: usize,
    /// Whether the rules allow it.
    pub allowed: bool,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Address {
    allowed: u64,
    denied: u64,
    /// Of those denied, the ones that are let in today.
    lost: u64,
    clients: BTreeSet<u64>,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            requests: 0,
            denied: 0,
            addresses: Capped::new(MOST_PROBES),
        }
    }
}

impl Probes {
    /// The addresses that would be denied, the busiest first.
    pub fn denied_addresses(&self) -> Vec<(IpAddr, u64)> {
        busiest(self.addresses.iter().map(|(address, count)| (*address, *count)))
    }
}

impl Traffic {
    /// Nothing counted yet. `watched` are entries of the allow list of which it is asked whether anybody came from there.
    pub fn watching(watched: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            requests: 0,
            denied: 0,
            already_refused: 0,
            unjudged: 0,
            span: None,
            probes: BTreeMap::new(),
            addresses: Capped::new(MOST_ADDRESSES),
            users: Capped::new(MOST_CLIENTS),
            devices: Capped::new(MOST_CLIENTS),
            watched: watched.into_iter().map(|net| (net, false)).collect(),
        }
    }

    /// Counts a line, if it is about the judge's application.
    pub fn take(&mut self, judge: &mut Judge, entry: &Entry<'_>) {
        if !judge.is_about(entry) {
            return;
        }
        if let Some(at) = entry.at {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
        let Some(ruling) = judge.rule(entry) else {
            self.unjudged += 1;
            return;
        };
        for (net, seen) in &mut self.watched {
            *seen |= net.contains(&ruling.address);
        }
        let requester = Requester::of(entry);
        if requester == Requester::Client {
            self.client(entry, ruling.address, ruling.allowed);
            return;
        }
        let probes = self.probes.entry(requester).or_default();
        probes.requests += 1;
        if !ruling.allowed {
            probes.denied += 1;
            if let Some(count) = probes.addresses.entry(ruling.address) {
                *count += 1;
            }
        }
    }

    fn client(&mut self, entry: &Entry<'_>, address: IpAddr, allowed: bool) {
        self.requests += 1;
        let refused_today = entry.was_refused_by_address();
        self.already_refused += u64::from(refused_today);
        self.denied += u64::from(!allowed && !refused_today);
        let device = entry.parameter("DeviceId").map(words::name);
        let user = entry.user.or_else(|| entry.parameter("User")).map(words::name);
        if let Some(counted) = self.addresses.entry(address) {
            counted.allowed += u64::from(allowed);
            counted.denied += u64::from(!allowed);
            counted.lost += u64::from(!allowed && !refused_today);
            if counted.clients.len() < DEVICES_TOLD_APART
                && let Some(name) = device.as_ref().or(user.as_ref())
            {
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                counted.clients.insert(hasher.finish());
            }
        }
        // Strangers who guess passwords are no users: only who is served can be cut off.
        if !is_served(entry.status) {
            return;
        }
        let kind = entry.parameter("DeviceType").map(words::name);
        if let Some(device) = device
            && let Some(client) = self.devices.entry(device)
        {
            client.count(allowed);
            client.user = user.clone().or(client.user.take());
            client.kind = kind.or(client.kind.take());
        }
        if let Some(user) = user
            && let Some(client) = self.users.entry(user)
        {
            client.count(allowed);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn absorb(&mut self, other: Self) {
        self.requests += other.requests;
        self.denied += other.denied;
        self.already_refused += other.already_refused;
        self.unjudged += other.unjudged;
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, two) => one.or(two),
        };
        for (requester, probes) in other.probes {
            let mine = self.probes.entry(requester).or_default();
            mine.requests += probes.requests;
            mine.denied += probes.denied;
            mine.addresses.absorb(probes.addresses, |a, b| *a += b);
        }
        self.addresses.absorb(other.addresses, |a, b| {
            a.allowed += b.allowed;
            a.denied += b.denied;
            a.lost += b.lost;
            a.clients.extend(b.clients);
        });
        self.users.absorb(other.users, Client::add);
        self.devices.absorb(other.devices, Client::add);
        for (net, seen) in other.watched {
            *self.watched.entry(net).or_default() |= seen;
        }
    }

    /// Probes of one kind; none where none came.
    pub fn probes(&self, requester: Requester) -> Probes {
        self.probes.get(&requester).cloned().unwrap_or_default()
    }

    /// The users who would be cut off, wholly or in part.
    pub fn users(&self) -> CutOff<'_> {
        cut_off(&self.users)
    }

    /// The devices that would be cut off, wholly or in part.
    pub fn devices(&self) -> CutOff<'_> {
        cut_off(&self.devices)
    }

    /// Addresses with requests that the rules would deny, and that are let in today; the busiest first.
    pub fn denied_addresses(&self) -> Vec<(IpAddr, u64)> {
        let lost = self.addresses.iter().filter(|(_, counted)| counted.lost > 0);
        busiest(lost.map(|(address, counted)| (*address, counted.lost)))
    }

    /// From how many addresses clients came, and whether that is all of them.
    pub fn addresses(&self) -> (usize, bool) {
        (self.addresses.iter().count(), self.addresses.is_whole())
    }

    /// Entries of the allow list from where nobody came.
    pub fn unseen(&self) -> impl Iterator<Item = &IpNet> {
        self.watched
            .iter()
            .filter(|(_, seen)| !**seen)
            .map(|(net, _)| net)
    }

    /// The one or two addresses that make up nearly all requests of clients, where a crowd of clients is behind each: a load balancer that puts its own
    /// address in place of theirs (SNAT), or a gateway that all of them come through. Empty where there is none, or where too little was seen.
    pub fn gateways(&self) -> Vec<Gateway> {
        if self.requests < ENOUGH_REQUESTS || !self.addresses.is_whole() {
            return Vec::new();
        }
        let all = self.addresses.iter();
        let totals = busiest(all.map(|(address, counted)| (*address, counted.allowed + counted.denied)));
        let is_nearly_all = |count: usize| {
            let sum: u64 = totals.iter().take(count).map(|(_, requests)| requests).sum();
            sum.saturating_mul(100) >= self.requests.saturating_mul(NEARLY_ALL)
        };
        let Some(count) = [1, 2].into_iter().find(|count| is_nearly_all(*count)) else {
            return Vec::new();
        };
        let gateways: Vec<Gateway> = self
            .addresses
            .iter()
            .filter(|(address, _)| totals.iter().take(count).any(|(busy, _)| busy == *address))
            .map(|(address, counted)| Gateway {
                address: *address,
                requests: counted.allowed + counted.denied,
                clients: counted.clients.len(),
                allowed: counted.denied == 0,
            })
            .collect();
        match gateways.iter().all(|gateway| gateway.clients >= A_CROWD) {
            true => gateways,
            false => Vec::new(),
        }
    }
}

impl Client {
    fn count(&mut self, allowed: bool) {
        if allowed {
            self.kept += 1;
        } else {
            self.cut_off += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.cut_off += other.cut_off;
        self.kept += other.kept;
        self.user = other.user.or(self.user.take());
        self.kind = other.kind.or(self.kind.take());
    }
}

/// Success, and 449 by which Exchange tells an old device to take up its policy.
fn is_served(status: Option<u16>) -> bool {
    matches!(status, Some(100..=399 | 449))
}

fn cut_off(all: &Capped<String, Client>) -> CutOff<'_> {
    let mut clients: Vec<(&str, &Client)> = all
        .iter()
        .filter(|(_, client)| client.cut_off > 0)
        .map(|(name, client)| (name.as_str(), client))
        .collect();
    clients.sort_by_key(|(_, client)| std::cmp::Reverse(client.cut_off));
    CutOff {
        clients,
        of: all.iter().count(),
        is_whole: all.is_whole(),
    }
}

fn busiest(counts: impl Iterator<Item = (IpAddr, u64)>) -> Vec<(IpAddr, u64)> {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests;
