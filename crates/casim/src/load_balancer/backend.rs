//! The servers behind the load balancer and the choice among them.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::check::CheckResult;
use super::member::{Admin, Member};

/// How connections are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    /// To the server with the fewest open connections, in turn among equals.
    #[default]
    LeastConnections,
    /// To each in turn.
    RoundRobin,
}

impl Balance {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::LeastConnections => "leastconn",
            Self::RoundRobin => "roundrobin",
        }
    }
}

/// Everything that changes while the load balancer runs.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) name: String,
    pub(super) balance: Balance,
    pub(super) members: Vec<Member>,
    pub(super) hide_clients: bool,
    /// Connections that found no server.
    pub(super) turned_away: u64,
    /// Who got new connections from when on, a change each.
    pub(super) shifts: Vec<Shift>,
    next: usize,
}

/// From when on who got new connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// From when on.
    pub at: Instant,
    /// Whether each server did, in their order.
    pub takes_connections: Vec<bool>,
}

impl Backend {
    pub(super) fn new(name: String, balance: Balance, members: Vec<Member>, hide_clients: bool) -> Self {
        let mut backend = Self {
            name,
            balance,
            members,
            hide_clients,
            turned_away: 0,
            shifts: Vec::new(),
            next: 0,
        };
        backend.note_shift();
        backend
    }

    fn note_shift(&mut self) {
        let takes_connections: Vec<bool> = self.members.iter().map(Member::takes_connections).collect();
        let last = self.shifts.last().map(|shift| &shift.takes_connections);
        if last != Some(&takes_connections) {
            let at = Instant::now();
            self.shifts.push(Shift {
                at,
                takes_connections,
            });
        }
    }

    /// Chooses a server that was not `tried` yet and books the connection on it.
    ///
    /// One step, so that a server whose draining has begun never gets a connection afterwards.
    pub(super) fn assign(&mut self, tried: &[usize], now: Duration) -> Option<usize> {
        let count = self.members.len();
        let in_turn = (0..count).map(|step| (self.next + step) % count);
        let mut able = in_turn
            .filter(|index| self.members[*index].takes_connections())
            .filter(|index| !tried.contains(index));
        let chosen = match self.balance {
            Balance::RoundRobin => able.next(),
            // The first of the least: `min_by_key` keeps the earlier one among equals.
            Balance::LeastConnections => able.min_by_key(|index| self.members[*index].sessions.current),
        };
        let Some(index) = chosen else {
            if tried.is_empty() {
                self.turned_away += 1;
            }
            return None;
        };
        self.next = (index + 1) % count;
        let member = &mut self.members[index];
        let sessions = &mut member.sessions;
        sessions.current += 1;
        sessions.total += 1;
        sessions.most = sessions.most.max(sessions.current);
        member.last_session_at = Some(now);
        Some(index)
    }

    /// A booked connection has ended.
    pub(super) fn ended(&mut self, index: usize, bytes: (u64, u64)) {
        let sessions = &mut self.members[index].sessions;
        sessions.current = sessions.current.saturating_sub(1);
        sessions.bytes_in += bytes.0;
        sessions.bytes_out += bytes.1;
    }

    /// The address to connect from on behalf of `client`.
    pub(super) fn source_for(&self, client: IpAddr, own: IpAddr) -> IpAddr {
        if self.hide_clients { own } else { client }
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    pub(super) fn set_admin(&mut self, index: usize, admin: Admin, now: Duration) {
        self.members[index].set_admin(admin, now);
        self.note_shift();
    }

    /// Books a check of a server.
    pub(super) fn checked(&mut self, index: usize, result: CheckResult, took: Duration, now: Duration) {
        self.members[index].checked(result, took, now);
        self.note_shift();
    }

    /// A new process with the same configuration: what operators had asked for is forgotten, and every server is taken to be up until the first bad
    /// check.
    pub(super) fn reload(&mut self) {
        for member in &mut self.members {
            *member = Member {
                sessions: member.sessions,
                ..Member::new(member.name.clone(), member.address, member.thresholds)
            };
        }
        self.note_shift();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use super::super::member::{Admin, Member, Thresholds};
    use super::{Backend, Balance};

    fn backend(balance: Balance) -> Backend {
        let members = ["cas01", "cas02", "cas03"]
            .map(|name| {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
                Member::new(name.to_owned(), address, Thresholds::default())
            })
            .to_vec();
        Backend::new("eas".to_owned(), balance, members, false)
    }

    fn assign(backend: &mut Backend) -> Option<usize> {
        backend.assign(&[], Duration::ZERO)
    }

    #[test]
    fn round_robin_goes_around_and_skips_who_drains() {
        let mut backend = backend(Balance::RoundRobin);
        let first: Vec<_> = (0..4).map(|_| assign(&mut backend)).collect();
        assert_eq!(first, [Some(0), Some(1), Some(2), Some(0)]);
        backend.set_admin(1, Admin::Drain, Duration::ZERO);
        let then: Vec<_> = (0..3).map(|_| assign(&mut backend)).collect();
        assert_eq!(then, [Some(2), Some(0), Some(2)]);
    }

    #[test]
    fn least_connections_prefers_the_idle_one_and_turns_among_equals() {
        let mut backend = backend(Balance::LeastConnections);
        let first: Vec<_> = (0..3).map(|_| assign(&mut backend)).collect();
        assert_eq!(first, [Some(0), Some(1), Some(2)]);
        backend.ended(1, (10, 20));
        assert_eq!(assign(&mut backend), Some(1));
        assert_eq!(backend.members[1].sessions.total, 2);
        assert_eq!(backend.members[1].sessions.most, 1);
        assert_eq!(backend.members[1].sessions.bytes_out, 20);
    }

    #[test]
    fn nobody_able_is_nobody() {
        let mut backend = backend(Balance::LeastConnections);
        for index in 0..3 {
            backend.set_admin(index, Admin::Maint, Duration::ZERO);
        }
        assert_eq!(assign(&mut backend), None);
        assert_eq!(backend.turned_away, 1);
    }

    #[test]
    fn a_second_try_goes_elsewhere() {
        let mut backend = backend(Balance::RoundRobin);
        assert_eq!(backend.assign(&[0, 1], Duration::ZERO), Some(2));
        assert_eq!(backend.assign(&[0, 1, 2], Duration::ZERO), None);
    }

    #[test]
    fn hidden_clients_come_from_the_load_balancer() {
        let mut backend = backend(Balance::RoundRobin);
        let (client, own) = (
            IpAddr::from(Ipv4Addr::new(127, 0, 0, 66)),
            IpAddr::from(Ipv4Addr::new(127, 0, 0, 5)),
        );
        assert_eq!(backend.source_for(client, own), client);
        backend.hide_clients = true;
        assert_eq!(backend.source_for(client, own), own);
    }
}
