//! One server as the load balancer sees it: what the operator asked for, what the checks say, what it carries.
//!
//! The rules were observed on HAProxy 2.6: a counter from 0 to `rise + fall - 1` moves with every check, and
//! the server is up while the counter is at least `rise`.

use std::net::SocketAddr;
use std::time::Duration;

use super::check::CheckResult;

/// What the operator asked for (`set server b/s state ...`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admin {
    /// New connections when the checks are good.
    #[default]
    Ready,
    /// Checks go on, no new connections.
    Drain,
    /// No checks, no new connections.
    Maint,
}

/// Thresholds of the health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Good checks in a row that bring a server up.
    pub rise: u32,
    /// Bad checks in a row that take a server down.
    pub fall: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { rise: 2, fall: 3 }
    }
}

impl Thresholds {
    fn full(self) -> u32 {
        self.rise.saturating_add(self.fall).saturating_sub(1)
    }
}

/// Counters of the connections that a server was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sessions {
    /// Open now.
    pub current: u64,
    /// The most that were open at once.
    pub most: u64,
    /// All so far.
    pub total: u64,
    /// Attempts to connect that failed.
    pub connect_errors: u64,
    /// Connections that went elsewhere after such an attempt.
    pub redispatched: u64,
    /// Bytes from clients, of finished connections.
    pub bytes_in: u64,
    /// Bytes to clients, of finished connections.
    pub bytes_out: u64,
}

/// One server of the backend.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name in the runtime API.
    pub name: String,
    /// Where its front end listens.
    pub address: SocketAddr,
    /// What the operator asked for.
    pub admin: Admin,
    /// Its connections.
    pub sessions: Sessions,
    pub(super) thresholds: Thresholds,
    pub(super) health: u32,
    pub(super) last_check: Option<(CheckResult, Duration)>,
    pub(super) failed_checks: u64,
    pub(super) times_down: u64,
    pub(super) changed_at: Duration,
    pub(super) down_for: Duration,
    pub(super) last_session_at: Option<Duration>,
}

impl Member {
    /// A server that is taken to be up until the first bad check.
    pub(super) fn new(name: String, address: SocketAddr, thresholds: Thresholds) -> Self {
        Self {
            name,
            address,
            admin: Admin::Ready,
            sessions: Sessions::default(),
            thresholds,
            health: thresholds.rise,
            last_check: None,
            failed_checks: 0,
            times_down: 0,
            changed_at: Duration::ZERO,
            down_for: Duration::ZERO,
            last_session_at: None,
        }
    }

    /// Whether the checks let it work, whatever the operator asked for.
    pub(super) fn runs(&self) -> bool {
        self.health >= self.thresholds.rise && self.admin != Admin::Maint
    }

    /// Whether it gets new connections.
    pub(super) fn takes_connections(&self) -> bool {
        self.admin == Admin::Ready && self.runs()
    }

    /// The word in the `status` column.
    pub fn status(&self) -> String {
        let Thresholds { rise, fall } = self.thresholds;
        let word = match self.admin {
            Admin::Maint => return "MAINT".to_owned(),
            _ if self.health == 0 => return "DOWN".to_owned(),
            _ if self.health < rise => return format!("DOWN {}/{rise}", self.health),
            Admin::Ready => "UP",
            Admin::Drain => "DRAIN",
        };
        if self.health >= self.thresholds.full() {
            word.to_owned()
        } else {
            format!("{word} {}/{fall}", self.health + 1 - rise)
        }
    }

    /// Books a check; `now` is simulated time since the load balancer was started.
    pub(super) fn checked(&mut self, result: CheckResult, took: Duration, now: Duration) {
        if self.admin == Admin::Maint {
            // The answer to a check that was under way when the server went to maintenance.
            return;
        }
        self.last_check = Some((result, took));
        let rise = self.thresholds.rise;
        let was_up = self.health >= rise;
        if result.passed() {
            self.health = (self.health + 1).min(self.thresholds.full());
            if self.health >= rise {
                self.health = self.thresholds.full();
            }
        } else {
            if was_up {
                self.failed_checks += 1;
            }
            self.health = if self.health > rise { self.health - 1 } else { 0 };
        }
        match (was_up, self.health >= rise) {
            (true, false) => {
                self.times_down += 1;
                self.changed_at = now;
            }
            (false, true) => {
                self.down_for += now.saturating_sub(self.changed_at);
                self.changed_at = now;
            }
            _ => {}
        }
    }

    /// Does what `set server b/s state` asks for.
    pub(super) fn set_admin(&mut self, admin: Admin, now: Duration) {
        if self.admin == admin {
            return;
        }
        if self.admin == Admin::Maint {
            // HAProxy lets a server out of maintenance with one bad check to spare.
            self.health = self.thresholds.rise;
        }
        self.admin = admin;
        self.changed_at = now;
        if admin == Admin::Maint {
            self.last_check = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use super::super::check::CheckResult;
    use super::{Admin, Member, Thresholds};

    const GOOD: CheckResult = CheckResult::Passed { status: 200 };
    const BAD: CheckResult = CheckResult::ConnectFailed;

    fn member() -> Member {
        Member::new(
            "cas01".to_owned(),
            SocketAddr::from((Ipv4Addr::LOCALHOST, 443)),
            Thresholds::default(),
        )
    }

    fn words(member: &mut Member, results: &[CheckResult]) -> Vec<String> {
        results
            .iter()
            .map(|result| {
                member.checked(*result, Duration::ZERO, Duration::ZERO);
                member.status()
            })
            .collect()
    }

    #[test]
    fn checks_move_the_server_as_haproxy_does() {
        let mut member = member();
        assert_eq!(member.status(), "UP 1/3");
        assert_eq!(
            words(&mut member, &[GOOD, BAD, BAD, BAD, BAD, GOOD, GOOD, GOOD]),
            ["UP", "UP 2/3", "UP 1/3", "DOWN", "DOWN", "DOWN 1/2", "UP", "UP"]
        );
        assert_eq!((member.failed_checks, member.times_down), (3, 1));
    }

    #[test]
    fn one_good_check_between_bad_ones_keeps_a_server_up() {
        let mut member = member();
        let results = [GOOD, BAD, BAD, GOOD, BAD, BAD];
        assert_eq!(words(&mut member, &results)[5], "UP 1/3");
    }

    #[test]
    fn draining_shows_the_checks_and_a_dead_server_is_down_even_then() {
        let mut member = member();
        words(&mut member, &[GOOD]);
        member.set_admin(Admin::Drain, Duration::ZERO);
        assert_eq!(member.status(), "DRAIN");
        assert!(!member.takes_connections());
        assert_eq!(
            words(&mut member, &[BAD, BAD, BAD]),
            ["DRAIN 2/3", "DRAIN 1/3", "DOWN"]
        );
        member.set_admin(Admin::Ready, Duration::ZERO);
        assert_eq!(member.status(), "DOWN");
    }

    #[test]
    fn out_of_maintenance_one_bad_check_is_enough() {
        let mut member = member();
        words(&mut member, &[GOOD]);
        member.set_admin(Admin::Maint, Duration::ZERO);
        assert_eq!(member.status(), "MAINT");
        member.checked(BAD, Duration::ZERO, Duration::ZERO);
        assert_eq!(member.failed_checks, 0, "a check of before is not booked");
        member.set_admin(Admin::Ready, Duration::ZERO);
        assert!(member.takes_connections());
        assert_eq!(member.status(), "UP 1/3");
        assert_eq!(words(&mut member, &[BAD]), ["DOWN"]);
    }
}
