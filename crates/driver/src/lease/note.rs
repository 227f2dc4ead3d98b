//! What a lease says, as text: `run=20261124-0214-7f3a; since=…; until=…; operator=alice@jump01`.

use std::fmt;

use jiff::Timestamp;
use rollout::RunId;

/// Who works on a server, and until when. All instants by the server's own clock.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The run.
    pub run: RunId,
    /// Who started it, and from which machine: `user@host`.
    pub operator: String,
    /// Since when it holds the server.
    pub since: Timestamp,
    /// When the lease ends unless it is renewed.
    pub until: Timestamp,
}

/// What stands where a lease would stand.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Noted {
    Nothing,
    Lease(Lease),
    /// Something that no casgate of this kind wrote.
    Unreadable(String),
}

impl Lease {
    /// The text in the registry. Of the operator only what no command line could misread is kept.
    pub(super) fn data(&self) -> String {
        let operator: String = self
            .operator
            .chars()
            .map(|c| match c {
                c if c.is_ascii_alphanumeric() || "@._-\\".contains(c) => c,
                _ => '_',
            })
            .collect();
        format!(
            "run={}; since={:.0}; until={:.0}; operator={operator}",
            self.run, self.since, self.until
        )
    }

    fn parse(data: &str) -> Option<Self> {
        let field = |name: &str| {
            data.split("; ")
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let run = field("run")?;
        (!run.is_empty() && RunId::new(run).as_str() == run).then_some(())?;
        Some(Self {
            run: RunId::new(run),
            operator: field("operator")?.to_owned(),
            since: field("since")?.parse().ok()?,
            until: field("until")?.parse().ok()?,
        })
    }
}

impl Noted {
    pub(super) fn read(data: &str) -> Self {
        Lease::parse(data).map_or_else(|| Self::Unreadable(data.escape_debug().to_string()), Self::Lease)
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "run {} of {}, since {:.0} until {:.0} by the server's clock",
            self.run, self.operator, self.since, self.until
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(operator: &str) -> Lease {
        Lease {
            run: RunId::new("20261124-0214-7f3a"),
            operator: operator.to_owned(),
            since: "2026-11-24T02:14:05Z".parse().unwrap(),
            until: "2026-11-24T02:24:05Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_lease_is_read_back_as_it_was_written() {
        let lease = lease(r"CONTOSO\alice@jump01.contoso.example");
        assert_eq!(
            lease.data(),
            r"run=20261124-0214-7f3a; since=2026-11-24T02:14:05Z; until=2026-11-24T02:24:05Z; operator=CONTOSO\alice@jump01.contoso.example"
        );
        assert_eq!(Noted::read(&lease.data()), Noted::Lease(lease.clone()));
        assert_eq!(
            lease.to_string(),
            "run 20261124-0214-7f3a of CONTOSO\\alice@jump01.contoso.example, since 2026-11-24T02:14:05Z until 2026-11-24T02:24:05Z by the \
             server's clock"
        );
    }

    #[test]
    fn a_name_cannot_add_fields_or_leave_its_command_line() {
        let data = lease("eve; until=2030-01-01T00:00:00Z & del \"%TEMP%\"").data();
        assert!(
            data.ends_with("operator=eve__until_2030-01-01T00_00_00Z___del___TEMP__"),
            "{data}"
        );
        assert!(matches!(Noted::read(&data), Noted::Lease(found) if found.until == lease("").until));
    }

    #[test]
    fn what_is_no_lease_is_not_taken_for_one() {
        for data in [
            "",
            "x",
            "run=; since=2026-11-24T02:14:05Z; until=2026-11-24T02:24:05Z; operator=a",
            "run=a; since=now; until=then; operator=b",
        ] {
            assert_eq!(Noted::read(data), Noted::Unreadable(data.to_owned()));
        }
    }
}
