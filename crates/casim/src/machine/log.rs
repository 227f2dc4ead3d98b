//! The web server's log: what was answered, as it is remembered and as a line of the W3C format.

use std::net::IpAddr;
use std::time::Duration;

use jiff::civil::DateTime;

/// What IIS logs by default, in its order.
pub(super) const FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
    cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

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
    /// `cs-uri-query`; empty for none.
    pub query: String,
    /// `cs(User-Agent)`; empty for none.
    pub user_agent: String,
    /// `sc-status`.
    pub status: u16,
    /// `sc-substatus`: 503 for an address that ipSecurity denies.
    pub substatus: u16,
}

impl WebLogLine {
    /// The line in the file, CR LF included. `cs-username` is always `-`: the simulated front end lets nobody log in.
    pub(super) fn text(&self, at: DateTime, server: IpAddr) -> String {
        let Self {
            method,
            client,
            status,
            substatus,
            ..
        } = self;
        let (stem, query, agent) = (column(&self.path), column(&self.query), column(&self.user_agent));
        let (date, time) = (at.date(), at.strftime("%H:%M:%S"));
        format!(
            "{date} {time} {server} {method} {stem} {query} 443 - {client} {agent} - {status} {substatus} 0 15\r\n"
        )
    }
}

/// The four lines with which IIS begins a file.
pub(super) fn header(at: DateTime) -> String {
    let (date, time) = (at.date(), at.strftime("%H:%M:%S"));
    format!(
        "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: {date} {time}\r\n#Fields: {FIELDS}\r\n"
    )
}

/// A column's text: `-` for nothing, `+` for blanks, `?` for what no line can hold.
fn column(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars()
        .map(|c| match c {
            ' ' => '+',
            c if c.is_control() => '?',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil::datetime;

    use super::*;

    #[test]
    fn a_line_as_iis_writes_it() {
        let line = WebLogLine {
            at: Duration::ZERO,
            client: "203.0.113.9".parse().unwrap(),
            method: "GET".to_owned(),
            path: "/owa/a b".to_owned(),
            query: String::new(),
            user_agent: "Mozilla/5.0 (X)".to_owned(),
            status: 403,
            substatus: 503,
        };
        let at = datetime(2026, 11, 25, 7, 5, 9, 0);
        assert_eq!(
            line.text(at, "192.0.2.11".parse().unwrap()),
            "2026-11-25 07:05:09 192.0.2.11 GET /owa/a+b - 443 - 203.0.113.9 Mozilla/5.0+(X) - 403 503 0 15\r\n"
        );
        let columns = FIELDS.split(' ').count();
        assert_eq!(
            line.text(at, "192.0.2.11".parse().unwrap()).split(' ').count(),
            columns
        );
        assert!(header(at).ends_with("sc-win32-status time-taken\r\n"));
    }
}
