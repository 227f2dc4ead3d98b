//! Who let a request in, or kept it out, by the looks of the answer.

use std::fmt;

use iis::ip_security::DenyAction;
use serde::{Deserialize, Serialize};

/// What an answer of the front end says about the client's address. Asked without credentials, over https: over plain http, Exchange answers 403
/// to everybody (`sslFlags`), which proves nothing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The address may come in: Exchange asks for a login (401 with `WWW-Authenticate`), or serves (2xx, 3xx).
    Allowed,
    /// The address is denied: 403, and nothing in the answer comes from Exchange, since the module answers first.
    Denied,
    /// 403 from Exchange itself: a rule about devices or users, not about addresses.
    DevicePolicy,
    /// 500 before Exchange was reached, as a damaged configuration gives (500.19). Roll back at once.
    Broken,
    /// 503: no worker process takes the request.
    Unavailable,
    /// Anything else says nothing about the address.
    Unknown,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::DevicePolicy => "denied by Exchange",
            Self::Broken => "broken",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        })
    }
}

/// Headers that Exchange's front end writes and IIS alone does not. Exchange 2010 has no `X-FEServer`.
const EXCHANGE_HEADERS: [&str; 7] = [
    "request-id",
    "x-feserver",
    "x-beserver",
    "x-calculatedbetarget",
    "x-diaginfo",
    "x-owa-version",
    "ms-server-activesync",
];

/// Classifies an answer by its status and its headers, names in any case, where a denied client gets 403.
pub fn classify<'a>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Access {
    classify_by(DenyAction::Forbidden, status, headers)
}

/// The same where a denied client gets something else. 403 goes on to mean denied: a server that has not heard of the change yet answers so. A denial
/// by 401 cannot be told from Exchange's asking for a login, nor a dropped connection from a server that is down: an answer never shows either.
pub fn classify_by<'a>(
    denial: DenyAction,
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Access {
    let (mut asks_for_login, mut from_exchange) = (false, false);
    for (name, _) in headers {
        asks_for_login |= name.eq_ignore_ascii_case("www-authenticate");
        from_exchange |= EXCHANGE_HEADERS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
    }
    match status {
        200..=399 => Access::Allowed,
        401 if asks_for_login => Access::Allowed,
        403 if from_exchange => Access::DevicePolicy,
        403 => Access::Denied,
        404 if denial == DenyAction::NotFound && !from_exchange => Access::Denied,
        500 if !from_exchange => Access::Broken,
        503 => Access::Unavailable,
        _ => Access::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use iis::ip_security::DenyAction;

    use super::{Access, classify, classify_by};

    #[test]
    fn the_documented_answer_to_nobody_in_particular() {
        // "use-hybrid-modern-auth.md", and a 2019 server's own headers.
        let documented = [
            ("Content-Length", "0"),
            ("Server", "Microsoft-IIS/10.0 Microsoft-HTTPAPI/2.0"),
            (
                "WWW-Authenticate",
                "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\"",
            ),
            ("Www-Authenticate", "Basic realm=\"mail.contoso.com\""),
            ("X-Powered-By", "ASP.NET"),
            ("request-id", "5ca2c827-5147-474c-8457-63c4e5099c6e"),
        ];
        assert_eq!(classify(401, documented), Access::Allowed);
        let captured = [
            ("x-calculatedbetarget", "ex19-01.domain.corp"),
            ("x-feserver", "EX19-01"),
            ("www-authenticate", "Basic realm=\"mail.domain.corp\""),
        ];
        assert_eq!(classify(401, captured), Access::Allowed);
    }

    #[test]
    fn a_denial_by_404_is_iis_own_404() {
        let by = |denial, headers: &[(&'static str, &'static str)]| {
            classify_by(denial, 404, headers.iter().copied())
        };
        assert_eq!(by(DenyAction::NotFound, &[]), Access::Denied);
        assert_eq!(
            by(DenyAction::NotFound, &[("X-FEServer", "CAS01")]),
            Access::Unknown
        );
        assert_eq!(by(DenyAction::Forbidden, &[]), Access::Unknown);
        let login = [("WWW-Authenticate", "Basic")];
        assert_eq!(classify_by(DenyAction::NotFound, 403, []), Access::Denied);
        assert_eq!(classify_by(DenyAction::Unauthorized, 401, login), Access::Allowed);
    }

    #[test]
    fn every_row_of_the_table() {
        let iis = [
            ("Server", "Microsoft-IIS/10.0"),
            ("X-Powered-By", "ASP.NET"),
            ("Content-Type", "text/html"),
        ];
        let exchange = [("Server", "Microsoft-IIS/10.0"), ("X-FEServer", "CAS01")];
        for (status, from_iis, from_exchange) in [
            (200, Access::Allowed, Access::Allowed),
            (302, Access::Allowed, Access::Allowed),
            (400, Access::Unknown, Access::Unknown),
            // denyAction Unauthorized gives a bare 401, NotFound a 404: both could be something else.
            (401, Access::Unknown, Access::Unknown),
            (403, Access::Denied, Access::DevicePolicy),
            (404, Access::Unknown, Access::Unknown),
            (500, Access::Broken, Access::Unknown),
            (502, Access::Unknown, Access::Unknown),
            (503, Access::Unavailable, Access::Unavailable),
        ] {
            assert_eq!(classify(status, iis), from_iis, "{status}");
            assert_eq!(classify(status, exchange), from_exchange, "{status}");
        }
    }

    #[test]
    fn a_login_is_needed_only_for_401() {
        assert_eq!(classify(403, [("WWW-Authenticate", "Basic")]), Access::Denied);
    }
}
