//! A web request as HTTP.SYS hands it to IIS, and the answer.

use std::net::IpAddr;

/// One HTTP request.
#[derive(Debug, Clone)]
pub struct WebRequest {
    /// `GET`, `OPTIONS`, ...
    pub method: String,
    /// Path with query, e.g. `/Microsoft-Server-ActiveSync/healthcheck.htm`.
    pub path: String,
    /// The name that was asked for (`Host`), without a port.
    pub host: Option<String>,
    /// The peer of the TCP connection.
    pub client: IpAddr,
    /// Whether it came over TLS.
    pub https: bool,
    /// The `X-Forwarded-For` header as sent.
    pub forwarded_for: Option<String>,
    /// Whether an `Authorization` header was sent.
    pub authorization: bool,
    /// The `User-Agent` header as sent.
    pub user_agent: Option<String>,
}

impl WebRequest {
    /// A `GET` over TLS without credentials.
    pub fn get(path: impl Into<String>, client: IpAddr) -> Self {
        Self {
            method: "GET".to_owned(),
            path: path.into(),
            host: None,
            client,
            https: true,
            forwarded_for: None,
            authorization: false,
            user_agent: None,
        }
    }
}

/// What the web server does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebReply {
    /// Nobody listens: the connection is refused (W3SVC is stopped).
    Refused,
    /// The connection is closed without an answer (`denyAction="AbortRequest"`).
    Aborted,
    /// An HTTP answer.
    Reply {
        /// The status code.
        status: u16,
        /// Header names and values in order, without `Content-Length`, `Date` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
}
