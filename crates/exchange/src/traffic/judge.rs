//! The rules of one server, asked about the lines of its log.

use std::collections::BTreeMap;
use std::net::IpAddr;

use iis::ip_security::Section;
use iis::web_log::Entry;

/// How many addresses the judge remembers its ruling of; then it begins anew.
const REMEMBERED: usize = 20_000;

/// The rules that are proposed for an application on one server.
#[derive(Clone, Debug)]
pub struct Judge {
    path: String,
    section: Section,
    /// Rulings made, since a log names the same addresses over and over and a list may have thousands of entries.
    rulings: BTreeMap<IpAddr, bool>,
}

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ruling {
    /// Whose request it is: the address that the rules are about.
    pub(super) address: IpAddr,
    pub(super) allowed: bool,
}

impl Judge {
    /// For the application at `path` (`/Microsoft-Server-ActiveSync`), by the section that would be in effect there.
    pub fn new(path: impl Into<String>, section: Section) -> Self {
        Self {
            path: path.into(),
            section,
            rulings: BTreeMap::new(),
        }
    }

    /// Whether the request is one of the application's.
    pub(super) fn is_about(&self, entry: &Entry<'_>) -> bool {
        entry.is_below(&self.path)
    }

    /// What the rules say; `None` for a line without an address. In proxy mode IIS judges the address in `X-Forwarded-For` too, so both must pass, as far
    /// as the log tells them.
    pub(super) fn rule(&mut self, entry: &Entry<'_>) -> Option<Ruling> {
        let client = entry.client?;
        let forwarded = match self.section.enable_proxy_mode {
            Some(true) => entry.forwarded_for.and_then(first_address),
            _ => None,
        };
        let allowed = self.allows(client) && forwarded.is_none_or(|address| self.allows(address));
        Some(Ruling {
            address: forwarded.unwrap_or(client).to_canonical(),
            allowed,
        })
    }

    fn allows(&mut self, address: IpAddr) -> bool {
        if let Some(allowed) = self.rulings.get(&address) {
            return *allowed;
        }
        if self.rulings.len() >= REMEMBERED {
            self.rulings.clear();
        }
        let allowed = self.section.allows(address);
        self.rulings.insert(address, allowed);
        allowed
    }
}

/// The first of the addresses that proxies have noted, a port perhaps behind it.
fn first_address(header: &str) -> Option<IpAddr> {
    let first = header.split([',', '+']).find(|part| !part.is_empty())?;
    first.parse().ok().or_else(|| {
        first
            .parse::<std::net::SocketAddr>()
            .ok()
            .map(|address| address.ip())
    })
}

#[cfg(test)]
mod tests {
    use iis::ip_security::Rule;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn in_proxy_mode_the_client_behind_the_balancer_is_judged() {
        let mut section = Section {
            allow_unlisted: false,
            rules: vec![
                Rule::allow_address(ip("192.0.2.5")),
                Rule::allow_address(ip("203.0.113.9")),
            ],
            ..Section::default()
        };
        let entry = |forwarded_for| Entry {
            client: Some(ip("192.0.2.5")),
            forwarded_for,
            ..Entry::default()
        };
        let ruled = |section: &Section, header| {
            let ruling = Judge::new("/x", section.clone()).rule(&entry(header)).unwrap();
            (ruling.address.to_string(), ruling.allowed)
        };
        assert_eq!(
            ruled(&section, Some("198.51.100.1")),
            ("192.0.2.5".to_owned(), true)
        );
        section.enable_proxy_mode = Some(true);
        assert_eq!(
            ruled(&section, Some("198.51.100.1,+192.0.2.9")),
            ("198.51.100.1".to_owned(), false)
        );
        assert_eq!(
            ruled(&section, Some("203.0.113.9:51234")),
            ("203.0.113.9".to_owned(), true)
        );
        assert_eq!(ruled(&section, Some("unknown")), ("192.0.2.5".to_owned(), true));
        assert_eq!(ruled(&section, None), ("192.0.2.5".to_owned(), true));
        assert_eq!(Judge::new("/x", section).rule(&Entry::default()), None);
    }
}
