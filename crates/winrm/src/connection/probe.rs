//! What a server says to somebody who has not logged in: schemes, clock, certificate. Nothing secret is sent.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, SERVER};
use tokio::time::Instant;

use super::greeting::{self, TlsFacts};
use super::login::{Offers, post_error, remaining};
use super::tls::Backend;
use super::transport::Transport;
use crate::endpoint::Endpoint;
use crate::error::Error;

/// What a server says to a stranger.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The schemes in the server's `WWW-Authenticate` headers.
    pub offered: Vec<String>,
    /// The HTTP status: 401 of a WinRM service.
    pub status: u16,
    /// What calls itself the web server, e.g. `Microsoft-HTTPAPI/2.0`.
    pub server: Option<String>,
    /// How many seconds the server's clock is ahead of this machine's, negative: behind; by the `Date` header, which has whole seconds.
    pub clock_ahead: Option<i64>,
    /// What TLS brought about; `None` over plain HTTP.
    pub tls: Option<TlsFacts>,
}

/// Asks a server what it offers, over a connection of its own.
///
/// # Errors
/// [`Error::InvalidEndpoint`], [`Error::Unreachable`], [`Error::TlsFailed`], [`Error::Silent`] and those of a connection that breaks.
pub async fn greet(endpoint: &Endpoint) -> Result<Greeting, Error> {
    endpoint.check()?;
    let until = Instant::now() + endpoint.timeouts.connect + endpoint.timeouts.login;
    let (reply, tls) = if endpoint.is_tls() {
        let greeted = greeting::greet(endpoint, until).await?;
        (greeted.reply, Some(greeted.facts))
    } else {
        let mut transport = Transport::new(endpoint, Backend::Rustls).await?;
        let posted = transport.post(None, None, Vec::new(), remaining(until)).await;
        let told = |error| post_error(endpoint, "the first request", error);
        (posted.map_err(told)?, None)
    };
    let server = reply.headers.get(SERVER).and_then(|value| value.to_str().ok());
    Ok(Greeting {
        offered: Offers::read(&reply.headers).names(),
        status: reply.status,
        server: server.map(|name| name.escape_debug().to_string()),
        clock_ahead: clock_ahead(&reply.headers, now()),
        tls,
    })
}

fn clock_ahead(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let whole = |time: Duration| i64::try_from(time.as_secs()).ok();
    match theirs.duration_since(now) {
        Ok(ahead) => whole(ahead),
        Err(behind) => whole(behind.duration()).map(|seconds| -seconds),
    }
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

    #[test]
    fn the_difference_of_the_clocks_is_told_in_whole_seconds() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_400);
        let ahead = |date: &'static str| {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
            clock_ahead(&headers, now)
        };
        assert_eq!(ahead("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
        assert_eq!(ahead("Sun, 06 Nov 1994 08:49:48 GMT"), Some(10));
        assert_eq!(ahead("Sun, 06 Nov 1994 08:49:27 GMT"), Some(-10));
        assert_eq!(ahead("tomorrow"), None);
    }
}
