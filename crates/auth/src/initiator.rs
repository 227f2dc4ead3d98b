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
use crate::ntlm;
use crate::session::Session;
use crate::spnego;

/// How a client logs in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Raw NTLMSSP tokens in `Negotiate`.
    Ntlm,
    /// SPNEGO tokens in `Negotiate`, NTLM inside, protected by a mechListMIC.
    Negotiate,
    /// User and password in every request. There is no session: only for TLS.
    Basic,
}

impl Scheme {
    /// The scheme's word in the HTTP headers `Authorization` and `WWW-Authenticate`.
    pub fn http_scheme(self) -> &'static str {
        match self {
            Self::Ntlm | Self::Negotiate => "Negotiate",
            Self::Basic => "Basic",
        }
    }
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
    Ntlm(Box<ntlm::Client>),
    Spnego(Box<spnego::Client>),
    Basic(Credentials),
}

impl Initiator {
    /// Starts a login.
    ///
    /// `target` is the service's name, `HTTP/host`; `channel_binding` belongs to the TLS connection that the login
    /// runs on. `entropy` must be cryptographically strong: the session's keys come from it. `now` is used where
    /// the server sends no time of its own.
    pub fn new(
        scheme: Scheme,
        credentials: &Credentials,
        target: &str,
        channel_binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let mut ntlm = || ntlm::Client::new(credentials, target, channel_binding, entropy, now);
        Self(match scheme {
            Scheme::Ntlm => Inner::Ntlm(Box::new(ntlm())),
            Scheme::Negotiate => Inner::Spnego(Box::new(spnego::Client::new(ntlm()))),
            Scheme::Basic => Inner::Basic(credentials.clone()),
        })
    }

    /// Takes the server's token (`None` at the start) and gives the next one.
    ///
    /// # Errors
    /// Whatever makes the server's token unacceptable; the login cannot go on after an error.
    pub fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        match &mut self.0 {
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
            Inner::Ntlm(client) => client.into_session(),
            Inner::Spnego(client) => client.into_session(),
            Inner::Basic(_) => Err(Error::NoSession),
        }
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Inner::Ntlm(_) => "Ntlm",
            Inner::Spnego(_) => "Negotiate",
            Inner::Basic(_) => "Basic",
        };
        f.debug_tuple("Initiator").field(&kind).finish()
    }
}
