//! The web server's log.

use std::net::IpAddr;
use std::time::Duration;

/// One answered request, as the fields of IIS's W3C log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebLogLine {
    /// Simulated time since the machine was made.
    pub at: Duration,
    /// `c-ip`.
    pub client: IpAddr,
    /// `cs-method`.
    pub method: String,
    /// `cs-uri-stem`.
    pub path: String,
    /// `sc-status`.
    pub status: u16,
    /// `sc-substatus`: 503 for an address that ipSecurity denies.
    pub substatus: u16,
}
