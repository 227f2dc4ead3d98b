//! One line of the log: one request that was answered.

use std::net::IpAddr;

use jiff::civil::DateTime;

/// One request. What a line does not tell (a column that is not logged, or `-`) is `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Entry<'a> {
    /// `date` and `time`, in UTC: when the answer was sent.
    pub at: Option<DateTime>,
    /// `c-ip`: who was at the other end of the connection.
    pub client: Option<IpAddr>,
    /// `cs-uri-stem`: the path, without the query.
    pub stem: Option<&'a str>,
    /// `cs-uri-query`.
    pub query: Option<&'a str>,
    /// `cs-username`: who logged in.
    pub user: Option<&'a str>,
    /// `cs(User-Agent)`, with `+` for blanks.
    pub agent: Option<&'a str>,
    /// `X-Forwarded-For`, where IIS is told to log that header in a column of this name.
    pub forwarded_for: Option<&'a str>,
    /// `sc-status`.
    pub status: Option<u16>,
    /// `sc-substatus`.
    pub substatus: Option<u16>,
}

impl<'a> Entry<'a> {
    /// A parameter of the query, by its name without regard to case, as it is written there.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query?
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(found, value)| found.eq_ignore_ascii_case(name) && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// Whether the request went to this path or below it, without regard to ASCII case; `/` is above everything.
    pub fn is_below(&self, path: &str) -> bool {
        let stem = self.stem.unwrap_or_default();
        let path = path.trim_end_matches('/');
        let within = stem
            .get(..path.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(path));
        within && matches!(stem.as_bytes().get(path.len()), None | Some(b'/'))
    }

    /// Whether ipSecurity refused it: 403.6, which IIS documents, or 403.503, which IIS 8 and later are seen to log.
    pub fn was_refused_by_address(&self) -> bool {
        self.status == Some(403) && matches!(self.substatus, Some(6 | 503))
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn parameters_by_name() {
        let entry = Entry {
            query: Some(
                "Cmd=Ping&User=CONTOSO%5Canna&deviceid=ABC&DeviceType=iPhone&Log=&CorrelationID=<empty>;&cafeReqId=1",
            ),
            ..Entry::default()
        };
        assert_eq!(entry.parameter("DeviceId"), Some("ABC"));
        assert_eq!(entry.parameter("User"), Some("CONTOSO%5Canna"));
        assert_eq!(entry.parameter("Log"), None);
        assert_eq!(entry.parameter("Device"), None);
        assert_eq!(Entry::default().parameter("User"), None);
    }

    #[test]
    fn a_path_covers_what_is_below_it() {
        let below = |stem, path| {
            Entry {
                stem: Some(stem),
                ..Entry::default()
            }
            .is_below(path)
        };
        assert!(below(
            "/microsoft-server-activesync/default.eas",
            "/Microsoft-Server-ActiveSync"
        ));
        assert!(below("/ecp", "/ECP"));
        assert!(below("/ecp/", "/ecp"));
        assert!(!below("/ecpx", "/ecp"));
        assert!(!below("/e", "/ecp"));
        assert!(below("/anything", "/"));
    }
}
