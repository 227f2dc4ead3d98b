//! Why TLS did not come about: what was expected, what was found, and the line of the inventory that would change it.

use std::time::SystemTime;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use crate::certificate::Certificate;
use crate::endpoint::{Fingerprint, TlsPolicy};
use crate::error::Cause;

/// How an operator sees the fingerprint on the server itself, on any version of Windows.
const LOOK: &str = "powershell -Command \"Get-ChildItem Cert:\\LocalMachine\\My | % { $_.Subject; \
                    [BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($_.RawData)) }\"";

/// Why TLS did not come about: the cause in an [`Error::TlsFailed`](crate::Error::TlsFailed).
#[derive(Debug, thiserror::Error)]
pub enum TlsProblem {
    /// The certificate is not the one that is pinned.
    #[error("expected the certificate {expected}, found {found}")]
    OtherCertificate {
        /// The pin.
        expected: Fingerprint,
        /// What the server showed.
        found: Box<Certificate>,
    },
    /// The certificate has no longer, or not yet, its time.
    #[error("expected a certificate that holds today, found {found}")]
    OutOfTime {
        /// What the server showed.
        found: Box<Certificate>,
        /// What the check said.
        #[source]
        source: Cause,
    },
    /// The certificate is for others.
    #[error("expected a certificate for `{expected}`, found {found}")]
    OtherName {
        /// The name that was asked for.
        expected: String,
        /// What the server showed.
        found: Box<Certificate>,
        /// What the check said.
        #[source]
        source: Cause,
    },
    /// Nobody who is trusted signed the certificate, or the check refused it for another reason, which is the source.
    #[error("expected a certificate signed by {expected}, found {found}")]
    UnknownIssuer {
        /// Who is trusted.
        expected: &'static str,
        /// What the server showed.
        found: Box<Certificate>,
        /// What the check said.
        #[source]
        source: Cause,
    },
    /// Client and server share no version of TLS or no cipher suite; or the server broke the handshake off without a word, as Windows does then.
    #[error("expected a TLS version and a cipher suite in common with rustls, found none{}", no_second(*.second))]
    NothingInCommon {
        /// Why OpenSSL was not tried.
        second: NoSecondTry,
        /// What the first try said.
        #[source]
        source: Cause,
    },
    /// This program was built without OpenSSL.
    #[error(
        "expected a program built with the cargo feature `native-tls` for `tls = \"native\"`, found one without"
    )]
    NoNativeBackend,
}

/// Why there was no second try with OpenSSL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoSecondTry {
    /// This program was built without it.
    NotBuilt,
    /// The endpoint says `tls = "rustls"`.
    NotWanted,
    /// It cannot go through an HTTP proxy.
    Proxy,
}

fn no_second(why: NoSecondTry) -> &'static str {
    match why {
        NoSecondTry::NotBuilt => {
            "; this program was built without the second TLS backend (cargo feature `native-tls`)"
        }
        NoSecondTry::NotWanted => "; `tls = \"rustls\"` keeps the second TLS backend from being tried",
        NoSecondTry::Proxy => "; the second TLS backend does not go through an HTTP proxy",
    }
}

impl TlsProblem {
    /// What a refused certificate means. The check that refused it said `source`; it looks at one thing after the other and names only the
    /// first, in words of its own, so the certificate is looked at again here, for the same words whoever checked.
    pub(crate) fn of_certificate(policy: &TlsPolicy, name: &str, shown: &[u8], source: Cause) -> Self {
        let found = Box::new(Certificate::read(shown));
        if let Some(expected) = policy.fingerprint {
            return Self::OtherCertificate { expected, found };
        }
        let now = now();
        let in_time = found
            .facts
            .as_ref()
            .is_none_or(|facts| (facts.not_before..=facts.not_after).contains(&now));
        if !in_time {
            return Self::OutOfTime { found, source };
        }
        if check_name(shown, name).is_err() {
            return Self::OtherName {
                expected: name.to_owned(),
                found,
                source,
            };
        }
        Self::UnknownIssuer {
            expected: match policy.ca {
                Some(_) => "one that `ca_file` names",
                None => "an authority that this machine trusts",
            },
            found,
            source,
        }
    }

    /// The certificate that the server showed, where it came to that.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::OtherCertificate { found, .. }
            | Self::OutOfTime { found, .. }
            | Self::OtherName { found, .. }
            | Self::UnknownIssuer { found, .. } => Some(found),
            Self::NothingInCommon { .. } | Self::NoNativeBackend => None,
        }
    }

    /// What to do, with the exact line for the inventory.
    pub fn hint(&self) -> String {
        let pin = |found: &Certificate| {
            format!(
                "`fingerprint = \"{}\"` trusts this one certificate, and no other, whatever it says: compare it first with what the server \
                 itself shows ({LOOK})",
                found.fingerprint
            )
        };
        match self {
            Self::OtherCertificate { found, .. } => format!(
                "either the server has a new certificate, or somebody stands between: compare with what the server itself shows ({LOOK}); if \
                 it is the server's, write `fingerprint = \"{}\"`",
                found.fingerprint
            ),
            Self::OutOfTime { found, .. } => format!(
                "give the WinRM listener a new certificate, and look at this machine's clock; {}",
                pin(found)
            ),
            Self::OtherName { found, .. } => {
                let names = found.facts.as_ref().map(|facts| facts.names.as_slice());
                match names.and_then(<[String]>::first) {
                    Some(name) => format!(
                        "if that is the right server, write `tls_server_name = \"{name}\"`, or its `address` by that name; {}",
                        pin(found)
                    ),
                    None => pin(found),
                }
            }
            Self::UnknownIssuer { found, .. } => format!(
                "write `ca_file = \"authority.pem\"` with the authority that signed it (a file that holds this very certificate will do); {}",
                pin(found)
            ),
            Self::NothingInCommon {
                second: NoSecondTry::NotBuilt,
                ..
            } => format!("{INSTALL}, which has a second TLS backend; {RENEW}"),
            Self::NothingInCommon {
                second: NoSecondTry::NotWanted,
                ..
            } => format!("leave out `tls`, or write `tls = \"native\"`; {RENEW}"),
            Self::NothingInCommon {
                second: NoSecondTry::Proxy,
                ..
            } => format!("use a socks5 proxy, or none; {RENEW}"),
            Self::NoNativeBackend => format!("{INSTALL}, or leave out `tls`"),
        }
    }
}

const INSTALL: &str = "install casgate with `cargo install --path crates/cli --features native-tls`";
const RENEW: &str = "an ECDSA certificate gives Windows Server 2012 R2 a suite that rustls knows, and sealed messages over http need none";

/// Whether the certificate is for that name.
pub(crate) fn check_name(certificate: &[u8], name: &str) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let certificate = CertificateDer::from(certificate);
    verify_server_name(&ParsedCertificate::try_from(&certificate)?, &name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the dates of certificates are dates of the real calendar"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
