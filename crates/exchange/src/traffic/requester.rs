//! Who made a request: a person's device, or something that only looks whether the server lives.

use std::fmt;

use iis::web_log::Entry;
use serde::Serialize;

/// Who made a request.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Requester {
    /// Exchange's own probes, by their user agent `AMProbe/…`. Denied, they make Exchange restart what it thinks is ill.
    ManagedAvailability,
    /// Exchange's own test mailboxes, by their name `HealthMailbox…`.
    HealthMailbox,
    /// Whoever asks for `healthcheck.htm`: load balancers. Denied, they take the server out.
    HealthPage,
    /// Everybody else.
    Client,
}

/// The health page that a load balancer asks for.
const HEALTH_PAGE: &str = "/healthcheck.htm";

impl Requester {
    /// By what the log's line tells.
    pub fn of(entry: &Entry<'_>) -> Self {
        let begins = |text: Option<&str>, with: &str| {
            text.and_then(|text| text.get(..with.len()))
                .is_some_and(|head| head.eq_ignore_ascii_case(with))
        };
        if begins(entry.agent, "AMProbe") {
            return Self::ManagedAvailability;
        }
        let user = [entry.user, entry.parameter("User")]
            .into_iter()
            .flatten()
            // `CONTOSO\HealthMailbox…`, the backslash perhaps as `%5C`.
            .map(|user| user.rsplit('\\').next().unwrap_or(user))
            .any(|user| {
                let account = match user.to_ascii_lowercase().rfind("%5c") {
                    Some(at) => user.get(at + 3..),
                    None => Some(user),
                };
                begins(account, "HealthMailbox")
            });
        if user {
            return Self::HealthMailbox;
        }
        let stem = entry.stem.unwrap_or_default();
        let tail = stem
            .len()
            .checked_sub(HEALTH_PAGE.len())
            .and_then(|at| stem.get(at..));
        if tail.is_some_and(|tail| tail.eq_ignore_ascii_case(HEALTH_PAGE)) {
            return Self::HealthPage;
        }
        Self::Client
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ManagedAvailability => "Managed Availability",
            Self::HealthMailbox => "health mailboxes",
            Self::HealthPage => "health page",
            Self::Client => "clients",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_told_from_people() {
        let entry = Entry {
            stem: Some("/Microsoft-Server-ActiveSync/default.eas"),
            ..Entry::default()
        };
        let with = |change: fn(&mut Entry<'static>)| {
            let mut entry = entry;
            change(&mut entry);
            Requester::of(&entry)
        };
        assert_eq!(with(|_| ()), Requester::Client);
        assert_eq!(
            with(|e| e.agent = Some("AMProbe/Local/ClientAccess")),
            Requester::ManagedAvailability
        );
        assert_eq!(
            with(|e| e.agent = Some("Apple-iPhone/AMProbe")),
            Requester::Client
        );
        assert_eq!(
            with(|e| e.user = Some(r"CONTOSO\healthmailbox0659e34")),
            Requester::HealthMailbox
        );
        assert_eq!(
            with(|e| e.query = Some("User=CONTOSO%5CHealthMailbox1&x=y")),
            Requester::HealthMailbox
        );
        assert_eq!(
            with(|e| e.user = Some("HealthMailbox1@contoso.example")),
            Requester::HealthMailbox
        );
        assert_eq!(with(|e| e.user = Some("anna.healthmailbox")), Requester::Client);
        assert_eq!(
            with(|e| e.stem = Some("/microsoft-server-activesync/HealthCheck.htm")),
            Requester::HealthPage
        );
        assert_eq!(with(|e| e.stem = Some("/é")), Requester::Client);
        assert_eq!(with(|e| e.stem = None), Requester::Client);
    }
}
