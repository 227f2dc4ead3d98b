//! The client's side of a login.
//!
//! `winrm` asks it for the tokens of the `Authorization` header and feeds it those of `WWW-Authenticate`.

use std::fmt;

use rand::RngCore;

use crate::basic;
use crate::channel_binding::ChannelBinding;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::kerberos::{self, KdcRequest};
use crate::multipart;
use crate::ntlm;
use crate::session::Session;
use crate::spnego;

/// How a client logs in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Kerberos tokens in `Kerberos`. A realm and one of its KDCs must be within reach.
    Kerberos,
    /// Raw NTLMSSP tokens in `Negotiate`.
    Ntlm,
    /// SPNEGO tokens in `Negotiate`, with Kerberos inside where a realm is known and gives a ticket, and NTLM
    /// otherwise, protected by a mechListMIC.
    Negotiate,
    /// User and password in every request. There is no session: only for TLS.
    Basic,
}

impl Scheme {
    /// The scheme's word in the HTTP headers `Authorization` and `WWW-Authenticate`.
    pub fn http_scheme(self) -> &'static str {
        match self {
            Self::Kerberos => "Kerberos",
            Self::Ntlm | Self::Negotiate => "Negotiate",
            Self::Basic => "Basic",
        }
    }
}

/// Where Kerberos is to look for the user and the server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Realm {
    /// The user's realm. `None`: the one in the user's name (`user@realm`), if there is one.
    pub user: Option<String>,
    /// The server's realm, where it is known. `None`: the KDCs find it.
    pub server: Option<String>,
}

/// What to send next.
pub struct Step {
    /// The raw token (not yet base64). Empty when there is nothing to send.
    pub token: Vec<u8>,
    /// Whether the client's side is complete once the server says yes. A token that the server still sends with
    /// its yes must be given to [`Initiator::step`] all the same; while `done` is false such a token is required.
    pub done: bool,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A Basic token is the password.
        f.debug_struct("Step")
            .field("token_length", &self.token.len())
            .field("done", &self.done)
            .finish()
    }
}

/// The client's side of one login on one connection.
pub struct Initiator(Inner);

enum Inner {
    Kerberos(Box<kerberos::Client>),
    /// Kerberos without a realm.
    Nowhere {
        user: String,
    },
    Ntlm(Box<ntlm::Client>),
    Spnego(Box<spnego::Client>),
    Basic(Credentials),
}

impl Initiator {
    /// Starts a login.
    ///
    /// `target` is the service's name, `HTTP/host`; `channel_binding` belongs to the TLS connection that the login
    /// runs on. `entropy` must be cryptographically strong: the session's keys come from it. `now` is used where
    /// the server sends no time of its own. Kerberos looks for its realm in the user's name alone; see
    /// [`in_realm`](Self::in_realm).
    pub fn new(
        scheme: Scheme,
        credentials: &Credentials,
        target: &str,
        channel_binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let realm = Realm::default();
        // Who tells nothing of realms with SPNEGO means NTLM.
        let scheme_realm = (scheme == Scheme::Kerberos).then_some(&realm);
        Self::build(
            scheme,
            credentials,
            scheme_realm,
            target,
            channel_binding,
            entropy,
            now,
        )
    }

    /// Starts a login that may use Kerberos in `realm`. For schemes without Kerberos it is the same as
    /// [`new`](Self::new).
    ///
    /// `target` is the SPN then. Before the first [`step`](Self::step), what [`kdc_request`](Self::kdc_request) asks
    /// for must be brought.
    pub fn in_realm(
        scheme: Scheme,
        credentials: &Credentials,
        realm: &Realm,
        target: &str,
        channel_binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        Self::build(
            scheme,
            credentials,
            Some(realm),
            target,
            channel_binding,
            entropy,
            now,
        )
    }

    fn build(
        scheme: Scheme,
        credentials: &Credentials,
        realm: Option<&Realm>,
        target: &str,
        binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let kerberos = match (scheme, realm) {
            (Scheme::Kerberos | Scheme::Negotiate, Some(realm)) => {
                kerberos::Client::new(credentials, realm, target, binding, entropy, now)
            }
            _ => None,
        };
        let mut ntlm = || ntlm::Client::new(credentials, target, binding, entropy, now);
        Self(match (scheme, kerberos) {
            (Scheme::Kerberos, Some(kerberos)) => Inner::Kerberos(Box::new(kerberos)),
            (Scheme::Kerberos, None) => Inner::Nowhere {
                user: credentials.user.clone(),
            },
            (Scheme::Ntlm, _) => Inner::Ntlm(Box::new(ntlm())),
            (Scheme::Negotiate, kerberos) => Inner::Spnego(Box::new(spnego::Client::new(kerberos, ntlm()))),
            (Scheme::Basic, _) => Inner::Basic(credentials.clone()),
        })
    }

    /// What must be asked of a KDC before the first token, `None` when nothing is left to ask. Answer it with
    /// [`kdc_reply`](Self::kdc_reply) or [`kdc_unreachable`](Self::kdc_unreachable), and ask again.
    pub fn kdc_request(&self) -> Option<KdcRequest> {
        match &self.0 {
            Inner::Kerberos(client) => client.request(),
            Inner::Spnego(client) => client.kdc_request(),
            Inner::Nowhere { .. } | Inner::Ntlm(_) | Inner::Basic(_) => None,
        }
    }

    /// Takes the answer of the KDC to the last [`kdc_request`](Self::kdc_request).
    ///
    /// # Errors
    /// Whatever keeps Kerberos from getting a ticket. With [`Scheme::Negotiate`] NTLM is taken instead, and only what
    /// NTLM would fail with too is an error: the KDC's verdict on the password or the account.
    pub fn kdc_reply(&mut self, message: &[u8]) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Kerberos(client) => client.reply(message),
            Inner::Spnego(client) => client.kdc_reply(message),
            Inner::Nowhere { .. } | Inner::Ntlm(_) | Inner::Basic(_) => Err(Error::OutOfTurn {
                expected: "no answer of a KDC",
                found: "one",
            }),
        }
    }

    /// Says that no KDC of the realm could be asked, and why.
    ///
    /// # Errors
    /// [`Error::KdcUnreachable`], unless NTLM can be taken instead ([`Scheme::Negotiate`]).
    pub fn kdc_unreachable(&mut self, realm: &str, reason: impl Into<String>) -> Result<(), Error> {
        let error = Error::KdcUnreachable {
            realm: realm.to_owned(),
            reason: reason.into(),
        };
        match &mut self.0 {
            Inner::Spnego(client) => client.without_kerberos(error),
            _ => Err(error),
        }
    }

    /// Why NTLM is used where Kerberos was to come first.
    pub fn kerberos_failure(&self) -> Option<&Error> {
        match &self.0 {
            Inner::Spnego(client) => client.kerberos_failure(),
            _ => None,
        }
    }

    /// Takes the server's token (`None` at the start) and gives the next one.
    ///
    /// # Errors
    /// Whatever makes the server's token unacceptable; the login cannot go on after an error.
    pub fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        match &mut self.0 {
            Inner::Kerberos(client) => client.step(incoming),
            Inner::Nowhere { user } => Err(Error::NoRealm { user: user.clone() }),
            Inner::Ntlm(client) => client.step(incoming),
            Inner::Spnego(client) => client.step(incoming),
            Inner::Basic(_) if incoming.is_some_and(|token| !token.is_empty()) => Err(Error::OutOfTurn {
                expected: "no token with Basic",
                found: "a token",
            }),
            Inner::Basic(credentials) => Ok(Step {
                token: basic::token(credentials)?.expose().as_bytes().to_vec(),
                done: true,
            }),
        }
    }

    /// The session that the login led to.
    ///
    /// # Errors
    /// [`Error::Incomplete`] while a token is awaited, [`Error::NoSession`] for Basic.
    pub fn into_session(self) -> Result<Session, Error> {
        match self.0 {
            Inner::Kerberos(client) => Ok(Session::kerberos(client.into_sealing()?, multipart::KERBEROS)),
            Inner::Nowhere { user } => Err(Error::NoRealm { user }),
            Inner::Ntlm(client) => client.into_session(),
            Inner::Spnego(client) => client.into_session(),
            Inner::Basic(_) => Err(Error::NoSession),
        }
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Inner::Kerberos(_) | Inner::Nowhere { .. } => "Kerberos",
            Inner::Ntlm(_) => "Ntlm",
            Inner::Spnego(_) => "Negotiate",
            Inner::Basic(_) => "Basic",
        };
        f.debug_tuple("Initiator").field(&kind).finish()
    }
}
