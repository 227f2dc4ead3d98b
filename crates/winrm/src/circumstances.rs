//! What may explain that a server refuses a login. A 401 says why to nobody; what is known around it tells the cases apart.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap};

use crate::endpoint::{AuthMethod, Endpoint};

/// The most that clocks may differ before it matters (RFC 4120 7.5.2, and Windows' default).
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What may explain that a server refused a login.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Circumstances {
    /// How many seconds the server's clock is ahead of this machine's (negative: behind), by the `Date` header of its answer, where that is
    /// more than the five minutes that do not matter.
    pub clock: Option<i64>,
    /// Whether the login was bound to the TLS connection.
    pub binding: Binding,
    /// Whether messages are sent in clear, which a service refuses unless its `AllowUnencrypted` is true.
    pub in_clear: bool,
    /// Whether a proxy forwards the messages one by one: it may part what belongs to one connection.
    pub forwarded: bool,
    /// Whether the user's name means an account of the server itself.
    pub local_account: bool,
}

/// Whether a login was bound to the TLS connection that it was made over (channel binding).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Binding {
    /// No login was sent, or one that is not bound to anything (Basic).
    #[default]
    Unsent,
    /// There was no TLS.
    NoTls,
    /// To the certificate that the connection saw.
    Bound,
    /// Not: the signature algorithm of the certificate defines no binding (RFC 5929).
    Undefined,
}

impl Circumstances {
    pub(crate) fn of(endpoint: &Endpoint, headers: &HeaderMap, binding: Binding) -> Self {
        Self {
            clock: clock_difference(headers, now()),
            binding,
            in_clear: endpoint.auth == AuthMethod::Basic && !endpoint.is_tls(),
            forwarded: endpoint.is_forwarded(),
            local_account: endpoint.is_local_account(),
        }
    }

    /// What to look at, beyond a wrong password.
    pub(crate) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(seconds) = self.clock {
            hints.push(format!(
                "the server's clock is {} minutes {} this machine's, and logins stand no more than 5: set both right (`w32tm /query /status`)",
                seconds.unsigned_abs() / 60,
                if seconds < 0 { "behind" } else { "ahead of" }
            ));
        }
        if self.in_clear {
            hints.push(
                "the service takes no messages in clear unless its AllowUnencrypted is true: use `auth = \"negotiate\"`, which seals them, or \
                 `transport = \"https\"`"
                    .to_owned(),
            );
        }
        match self.binding {
            Binding::Bound => hints.push(
                "the login was bound to the certificate that this connection saw: a proxy that opens TLS in between shows another one than the \
                 server's, and the service (CbtHardeningLevel) refuses that"
                    .to_owned(),
            ),
            Binding::Undefined => hints.push(
                "the signature of the server's certificate allows no channel binding, which CbtHardeningLevel=Strict insists on: give the \
                 listener one signed with RSA or ECDSA"
                    .to_owned(),
            ),
            Binding::Unsent | Binding::NoTls => {}
        }
        if self.forwarded {
            hints.push(
                "the proxy must keep one connection to the server for each of its client's, since the login belongs to it: use a socks5 proxy, or \
                 `transport = \"https\"`, which are tunnelled"
                    .to_owned(),
            );
        }
        if self.local_account {
            hints.push(
                "the user's name means an account of the server itself: write DOMAIN\\user or user@domain for one of the domain".to_owned(),
            );
        }
        hints
    }
}

/// How far the server's clock is ahead, in seconds, where it matters.
fn clock_difference(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let (ahead, difference) = match theirs.duration_since(now) {
        Ok(difference) => (true, difference),
        Err(behind) => (false, behind.duration()),
    };
    let seconds = i64::try_from(difference.as_secs()).ok()?;
    (difference > SKEW).then_some(if ahead { seconds } else { -seconds })
}

#[expect(
    clippy::disallowed_methods,
    reason = "another machine's clock is compared with the real one"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn difference(date: &'static str) -> Option<i64> {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
        clock_difference(&headers, now)
    }

    #[test]
    fn a_clock_is_named_where_it_is_wrong_by_more_than_five_minutes() {
        assert_eq!(difference("Sun, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(difference("Sun, 06 Nov 1994 08:54:37 GMT"), None);
        assert_eq!(difference("Sun, 06 Nov 1994 08:54:38 GMT"), Some(301));
        assert_eq!(difference("Sun, 06 Nov 1994 07:49:37 GMT"), Some(-3600));
        assert_eq!(difference("yesterday"), None);
        assert_eq!(clock_difference(&HeaderMap::new(), now()), None);
    }

    #[test]
    fn each_circumstance_has_its_hint() {
        let only = |circumstances: Circumstances| match <[String; 1]>::try_from(circumstances.hints()) {
            Ok([hint]) => hint,
            Err(hints) => panic!("{hints:?}"),
        };
        let none = Circumstances::default;
        assert!(none().hints().is_empty());
        let clock = |seconds| Circumstances {
            clock: Some(seconds),
            ..none()
        };
        assert!(only(clock(3_600)).starts_with("the server's clock is 60 minutes ahead of this machine's"));
        assert!(only(clock(-420)).starts_with("the server's clock is 7 minutes behind this machine's"));
        let binding = |binding| Circumstances { binding, ..none() };
        assert!(only(binding(Binding::Bound)).contains("a proxy that opens TLS"));
        assert!(only(binding(Binding::Undefined)).contains("CbtHardeningLevel=Strict"));
        assert!(
            only(Circumstances {
                in_clear: true,
                ..none()
            })
            .contains("AllowUnencrypted")
        );
        assert!(
            only(Circumstances {
                forwarded: true,
                ..none()
            })
            .contains("the proxy must keep one connection")
        );
        assert!(
            only(Circumstances {
                local_account: true,
                ..none()
            })
            .contains("write DOMAIN\\user")
        );
    }
}
