//! `healthcheck.htm`: the page that Managed Availability serves below each virtual directory while it is fit for clients, and that load balancers
//! ask for ("Load balancing in Exchange Server", Exchange documentation).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::access::{Access, classify};

/// What a health page says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// `200 OK` and the server's own name.
    Healthy,
    /// `200 OK`, but another server's name: the request went astray.
    OtherServer {
        /// The name on the page.
        found: String,
    },
    /// 403: this client's address is not allowed to ask.
    Denied,
    /// 503, or no page: the virtual directory is out of service.
    Unavailable {
        /// The status.
        status: u16,
    },
    /// Neither the page nor a refusal that is known.
    Unexpected {
        /// The status.
        status: u16,
        /// The first line of the body, shortened.
        found: String,
    },
}

impl Health {
    /// Whether the virtual directory takes clients.
    pub fn is_healthy(&self) -> bool {
        *self == Self::Healthy
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("200 OK"),
            Self::OtherServer { found } => write!(f, "200 OK, but from {found}"),
            Self::Denied => f.write_str("403: this address is denied"),
            Self::Unavailable { status } => write!(f, "{status}: out of service"),
            Self::Unexpected { status, found } => write!(f, "{status}: {found}"),
        }
    }
}

/// Judges an answer for `healthcheck.htm` of a server. The body is `200 OK<br/>CAS01.CONTOSO.EXAMPLE`; names are compared by their first label, since
/// an inventory may name a server by its short name. With an empty `server` any name will do.
pub fn judge(status: u16, body: &str, server: &str) -> Health {
    let body = body.trim_start_matches('\u{FEFF}').trim();
    match status {
        200 => match body.strip_prefix("200 OK") {
            Some(rest) => {
                let found = named(rest);
                if server.is_empty() || label(&found).eq_ignore_ascii_case(label(server)) {
                    Health::Healthy
                } else {
                    Health::OtherServer { found }
                }
            }
            None => unexpected(status, body),
        },
        403 => Health::Denied,
        // While the component is not active the page does not exist.
        404 | 503 => Health::Unavailable { status },
        _ => unexpected(status, body),
    }
}

/// Judges an answer for a page that is no health page: the front end works if it lets the request in, be it by asking for a login.
pub fn judge_page<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &str,
) -> Health {
    match classify(status, headers) {
        Access::Allowed => Health::Healthy,
        Access::Denied => Health::Denied,
        Access::Unavailable => Health::Unavailable { status },
        Access::DevicePolicy | Access::Broken | Access::Unknown => unexpected(status, body.trim()),
    }
}

/// Whether a path names a health page.
pub fn is_health_page(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.eq_ignore_ascii_case(HEALTH_PAGE)
}

const HEALTH_PAGE: &str = "healthcheck.htm";

/// What comes after `200 OK`: a break (as HTML or as a line), then the name.
fn named(rest: &str) -> String {
    let mut words = rest.split(|c: char| c.is_whitespace() || "<>/".contains(c));
    words
        .find(|word| !word.is_empty() && !word.eq_ignore_ascii_case("br"))
        .unwrap_or_default()
        .to_owned()
}

fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

fn unexpected(status: u16, body: &str) -> Health {
    let line = body.lines().next().unwrap_or_default();
    let found = if line.is_empty() {
        "an empty page".to_owned()
    } else {
        line.chars().take(80).collect()
    };
    Health::Unexpected { status, found }
}

#[cfg(test)]
mod tests {
    use super::{Health, is_health_page, judge, judge_page};

    #[test]
    fn the_page_of_a_real_server() {
        let body = "200 OK<br/>EXCH-SVR-2.DOMAIN.COM";
        for server in ["exch-svr-2.domain.com", "EXCH-SVR-2", ""] {
            assert_eq!(judge(200, body, server), Health::Healthy, "{server}");
        }
        assert_eq!(
            judge(200, body, "exch-svr-1"),
            Health::OtherServer {
                found: "EXCH-SVR-2.DOMAIN.COM".to_owned()
            }
        );
    }

    #[test]
    fn pages_that_are_no_health_pages_are_judged_by_who_is_let_in() {
        for (path, expected) in [
            ("/owa/healthcheck.htm", true),
            ("/EWS/HealthCheck.HTM?x=1", true),
            ("/owa/auth/logon.aspx", false),
            ("/Microsoft-Server-ActiveSync/", false),
            ("/healthcheck.htm/owa", false),
        ] {
            assert_eq!(is_health_page(path), expected, "{path}");
        }
        let login = [("WWW-Authenticate", "Basic realm=\"mail\"")];
        assert_eq!(judge_page(401, login, ""), Health::Healthy);
        assert_eq!(judge_page(302, [], ""), Health::Healthy);
        assert_eq!(judge_page(403, [], ""), Health::Denied);
        assert_eq!(judge_page(503, [], ""), Health::Unavailable { status: 503 });
        for (status, headers) in [(401, &[][..]), (404, &[]), (403, &[("X-FEServer", "CAS01")])] {
            let health = judge_page(status, headers.iter().copied(), "");
            assert!(matches!(health, Health::Unexpected { status: found, .. } if found == status));
        }
    }

    #[test]
    fn other_breaks_and_blanks() {
        for body in [
            "200 OK\r\nCAS01.CONTOSO.EXAMPLE\r\n",
            "\u{FEFF}200 OK<BR>cas01",
            "200 OK <br />\nCas01.contoso.example",
        ] {
            assert_eq!(judge(200, body, "cas01"), Health::Healthy, "{body:?}");
        }
        assert_eq!(
            judge(200, "200 OK", "cas01"),
            Health::OtherServer { found: String::new() }
        );
    }

    #[test]
    fn everything_else_is_not_healthy() {
        let unexpected = |status, found: &str| Health::Unexpected {
            status,
            found: found.to_owned(),
        };
        for (status, body, expected) in [
            (200, "<html>\nSign in", unexpected(200, "<html>")),
            (200, "", unexpected(200, "an empty page")),
            (200, "It is not 200 OK", unexpected(200, "It is not 200 OK")),
            (301, "", unexpected(301, "an empty page")),
            (401, "200 OK<br/>cas01", unexpected(401, "200 OK<br/>cas01")),
            (403, "", Health::Denied),
            (404, "", Health::Unavailable { status: 404 }),
            (503, "Service Unavailable", Health::Unavailable { status: 503 }),
        ] {
            let health = judge(status, body, "cas01");
            assert_eq!(health, expected, "{status} {body}");
            assert!(!health.is_healthy());
        }
        assert_eq!(judge(503, "", "cas01").to_string(), "503: out of service");
    }
}
