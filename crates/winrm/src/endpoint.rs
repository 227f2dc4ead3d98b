//! Where a server's WinRM service is, and how to log in to it.

use std::time::Duration;

use auth::{Credentials, Scheme};
use url::Url;

use crate::error::Error;
use crate::kdc::KerberosPolicy;

/// A server's WinRM service and all that a login needs.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// E.g. `http://cas01.contoso.example:5985/wsman`.
    pub url: Url,
    /// How to log in.
    pub auth: AuthMethod,
    /// As whom.
    pub credentials: Credentials,
    /// Whom to trust over `https`.
    pub tls: TlsPolicy,
    /// Where Kerberos finds its tickets.
    pub kerberos: KerberosPolicy,
    /// Whether Basic may be used over `http`: password and commands then cross the network in clear.
    pub allow_unencrypted: bool,
    /// How long each wait may take.
    pub timeouts: Timeouts,
    /// The language of the server's messages, e.g. `en-US`.
    pub locale: String,
}

/// How to log in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AuthMethod {
    /// SPNEGO: Kerberos where a realm is known and gives a ticket, NTLM otherwise.
    Negotiate,
    /// Kerberos and nothing else.
    Kerberos,
    /// NTLM by itself, under the name of `Negotiate`, as Windows clients do between local accounts.
    Ntlm,
    /// User and password with every request.
    Basic,
}

impl AuthMethod {
    /// The word in an inventory.
    pub fn word(self) -> &'static str {
        match self {
            Self::Negotiate => "negotiate",
            Self::Kerberos => "kerberos",
            Self::Ntlm => "ntlm",
            Self::Basic => "basic",
        }
    }

    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Negotiate => Scheme::Negotiate,
            Self::Kerberos => Scheme::Kerberos,
            Self::Ntlm => Scheme::Ntlm,
            Self::Basic => Scheme::Basic,
        }
    }
}

/// Whom to trust over `https`.
#[derive(Clone, Debug, Default)]
pub struct TlsPolicy {
    /// Certificate authorities, PEM. `None`: those of this machine.
    pub ca: Option<Vec<u8>>,
    /// The name that the server's certificate must have. `None`: the one in the URL.
    pub server_name: Option<String>,
}

/// How long each wait may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Name resolution, TCP and TLS.
    pub connect: Duration,
    /// From the first request to the end of the login.
    pub login: Duration,
    /// `OperationTimeout`: how long the server may think about one request. Five seconds more are waited for its reply.
    pub operation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            login: Duration::from_secs(20),
            operation: Duration::from_secs(20),
        }
    }
}

impl Endpoint {
    /// Refuses what must not or cannot be tried.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |expected, found: &str| {
            Err(Error::InvalidEndpoint {
                url: self.name(),
                expected,
                found: found.to_owned(),
            })
        };
        match self.url.scheme() {
            "https" => {}
            "http" if self.auth == AuthMethod::Basic && !self.allow_unencrypted => {
                return refuse(
                    "https for Basic authentication, which sends the password itself",
                    "http",
                );
            }
            "http" => {}
            other => return refuse("http or https", other),
        }
        if self.url.host_str().is_none_or(str::is_empty) {
            return refuse("a host in the URL", "none");
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return refuse("no user and no password in the URL", "some");
        }
        Ok(())
    }

    /// Whether the transport protects what is sent.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL as errors name it: never with a user or a password.
    pub(crate) fn name(&self) -> String {
        let mut url = self.url.clone();
        // Both fail only where there is no place for a user or a password.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, auth: AuthMethod, allow_unencrypted: bool) -> Endpoint {
        Endpoint {
            url: url.parse().unwrap(),
            auth,
            credentials: Credentials::new("operator", "secret".into()),
            tls: TlsPolicy::default(),
            kerberos: KerberosPolicy::default(),
            allow_unencrypted,
            timeouts: Timeouts::default(),
            locale: "en-US".to_owned(),
        }
    }

    #[test]
    fn a_password_is_never_sent_in_clear_unless_told_so() {
        let basic = AuthMethod::Basic;
        assert!(endpoint("https://cas01:5986/wsman", basic, false).check().is_ok());
        assert!(endpoint("http://cas01:5985/wsman", basic, true).check().is_ok());
        assert_eq!(
            endpoint("http://cas01:5985/wsman", basic, false)
                .check()
                .unwrap_err()
                .to_string(),
            "http://cas01:5985/wsman: expected https for Basic authentication, which sends the password itself, found http"
        );
    }

    #[test]
    fn urls_that_cannot_work_are_refused_without_repeating_a_password() {
        let ntlm = AuthMethod::Ntlm;
        assert!(endpoint("ftp://cas01/", ntlm, false).check().is_err());
        let error = endpoint("http://me:hunter2@cas01:5985/wsman", ntlm, false)
            .check()
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains("hunter2") && error.contains("http://cas01:5985/wsman"),
            "{error}"
        );
    }

    #[test]
    fn the_target_is_the_name_that_the_server_is_known_by() {
        let mut endpoint = endpoint("https://[::1]:5986/wsman", AuthMethod::Ntlm, false);
        assert_eq!(endpoint.target(), "HTTP/::1");
        endpoint.tls.server_name = Some("cas01.contoso.example".to_owned());
        assert_eq!(endpoint.target(), "HTTP/cas01.contoso.example");
    }

    #[test]
    fn debug_shows_no_password() {
        let text = format!(
            "{:?}",
            endpoint("http://cas01:5985/wsman", AuthMethod::Ntlm, false)
        );
        assert!(text.contains("operator") && !text.contains("secret"), "{text}");
    }
}
