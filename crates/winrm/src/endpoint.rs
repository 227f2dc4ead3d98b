//! Where a server's WinRM service is, and how to log in to it.

mod fingerprint;

use std::time::Duration;

use auth::{Credentials, Scheme};
use url::Url;

pub use self::fingerprint::{BadFingerprint, Fingerprint};
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
    /// A proxy to go through: `http://host:port`, `socks5://host:port` (names are resolved here) or `socks5h://host:port` (there). None is
    /// ever taken from the environment.
    pub proxy: Option<Url>,
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

/// Whom to trust over `https`, and with what to speak it. There is no switch that trusts everybody.
#[derive(Clone, Debug, Default)]
pub struct TlsPolicy {
    /// Certificate authorities, or single certificates of servers, PEM. `None`: the authorities of this machine.
    pub ca: Option<Vec<u8>>,
    /// The name that the server's certificate must have. `None`: the one in the URL.
    pub server_name: Option<String>,
    /// The one certificate that is trusted. It takes the place of every other check: who signed it, for which names and until when do not
    /// matter any more.
    pub fingerprint: Option<Fingerprint>,
    /// With what to speak TLS.
    pub backend: TlsBackend,
}

/// With what to speak TLS.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsBackend {
    /// `rustls`, and where the server shares no version or cipher suite with it, OpenSSL if this program has it.
    #[default]
    Automatic,
    /// `rustls` only: TLS 1.2 and 1.3 with forward secrecy and authenticated encryption.
    Rustls,
    /// OpenSSL only (cargo feature `native-tls`): also the older cipher suites of TLS 1.2.
    Native,
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
        self.check_proxy()
    }

    fn check_proxy(&self) -> Result<(), Error> {
        let refuse = |expected, found: &str| {
            Err(Error::InvalidEndpoint {
                url: self.name(),
                expected,
                found: found.to_owned(),
            })
        };
        let Some(proxy) = &self.proxy else { return Ok(()) };
        if !matches!(proxy.scheme(), "http" | "socks5" | "socks5h") {
            return refuse("a proxy with http, socks5 or socks5h", proxy.scheme());
        }
        if !proxy.username().is_empty() || proxy.password().is_some() {
            return refuse("no user and no password in the proxy's URL", "some");
        }
        // The name that TLS checks is the one that is asked for, so the proxy would have to resolve it.
        if self.is_tls() && self.tls.server_name.is_some() && proxy.scheme() != "socks5" {
            return refuse(
                "a socks5 proxy, or none, where another name is checked",
                proxy.scheme(),
            );
        }
        // Through this one the HTTP client does not show the certificate, without which no login can be bound to it.
        if self.is_tls() && self.tls.backend == TlsBackend::Native && !self.is_native_possible() {
            return refuse(
                "a socks5 or socks5h proxy, or none, for native TLS",
                proxy.scheme(),
            );
        }
        Ok(())
    }

    /// Whether the way to the server can be gone with native TLS.
    pub(crate) fn is_native_possible(&self) -> bool {
        self.proxy
            .as_ref()
            .is_none_or(|proxy| proxy.scheme().starts_with("socks"))
    }

    /// Whether the transport protects what is sent.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether a proxy forwards messages rather than bytes.
    pub(crate) fn is_forwarded(&self) -> bool {
        !self.is_tls() && self.proxy.as_ref().is_some_and(|proxy| proxy.scheme() == "http")
    }

    /// Whether the user's name means an account of the server itself: `user`, `.\user` or `HOST\user`.
    pub(crate) fn is_local_account(&self) -> bool {
        let user = &self.credentials.user;
        match user.split_once('\\') {
            None => !user.contains('@'),
            Some((".", _)) => true,
            Some((domain, _)) => self.url.domain().is_some_and(|host| {
                let name = host.split('.').next().unwrap_or(host);
                name.eq_ignore_ascii_case(domain)
            }),
        }
    }

    /// The URL as errors name it: never with a user or a password.
    pub fn name(&self) -> String {
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
            proxy: None,
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
    fn an_account_of_the_server_itself_is_known_by_its_name() {
        let local = |url: &str, user: &str| {
            let mut endpoint = endpoint(url, AuthMethod::Ntlm, false);
            endpoint.credentials.user = user.to_owned();
            endpoint.is_local_account()
        };
        let url = "http://cas01.contoso.example:5985/wsman";
        for user in ["operator", r".\operator", r"CAS01\operator"] {
            assert!(local(url, user), "{user}");
        }
        for user in [r"CONTOSO\operator", "operator@contoso.example", r"CAS02\operator"] {
            assert!(!local(url, user), "{user}");
        }
        assert!(!local("http://192.0.2.11:5985/wsman", r"192\operator"));
    }

    #[test]
    fn ways_that_cannot_be_gone_are_refused() {
        let check = |url: &str, proxy: &str, tls: TlsPolicy| {
            let mut endpoint = endpoint(url, AuthMethod::Ntlm, false);
            endpoint.proxy = Some(proxy.parse().unwrap());
            endpoint.tls = tls;
            endpoint.check().map_err(|error| error.to_string())
        };
        let (http, https) = ("http://cas01:5985/wsman", "https://cas01:5986/wsman");
        for proxy in ["http://proxy:3128", "socks5://proxy:1080", "socks5h://proxy:1080"] {
            for url in [http, https] {
                assert_eq!(check(url, proxy, TlsPolicy::default()), Ok(()));
            }
        }
        let refused = check(http, "ftp://proxy", TlsPolicy::default()).unwrap_err();
        assert!(
            refused.ends_with("expected a proxy with http, socks5 or socks5h, found ftp"),
            "{refused}"
        );
        let refused = check(http, "http://me:hunter2@proxy", TlsPolicy::default()).unwrap_err();
        assert!(
            refused.contains("no user and no password") && !refused.contains("hunter2"),
            "{refused}"
        );
        let named = || TlsPolicy {
            server_name: Some("cas01.contoso.example".to_owned()),
            ..TlsPolicy::default()
        };
        assert_eq!(check(https, "socks5://proxy", named()), Ok(()));
        assert!(
            check(https, "http://proxy", named())
                .unwrap_err()
                .contains("a socks5 proxy, or none")
        );
        assert!(check(https, "socks5h://proxy", named()).is_err());
        let native = || TlsPolicy {
            backend: TlsBackend::Native,
            ..TlsPolicy::default()
        };
        assert_eq!(check(https, "socks5h://proxy", native()), Ok(()));
        assert!(
            check(https, "http://proxy", native())
                .unwrap_err()
                .contains("for native TLS")
        );
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
