//! The server's side of a login.
//!
//! The simulated WinRM endpoint feeds it the tokens of the `Authorization` header, raw NTLM or SPNEGO as the client
//! likes.

use std::fmt;

use rand::RngCore;

use crate::channel_binding::ChannelBinding;
use crate::credentials::NtHash;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::ntlm;
use crate::session::Session;
use crate::spnego;

/// Who may log in.
///
/// Implemented by every closure from domain and user to the account's NT hash. Both come as the client wrote them:
/// compare without regard to case. For `user@domain` the domain is empty and the user holds the whole name.
pub trait Accounts: Send + Sync {
    /// The NT hash of the account's password, `None` for an unknown account.
    fn nt_hash(&self, domain: &str, user: &str) -> Option<NtHash>;
}

impl<F: Fn(&str, &str) -> Option<NtHash> + Send + Sync> Accounts for F {
    fn nt_hash(&self, domain: &str, user: &str) -> Option<NtHash> {
        self(domain, user)
    }
}

/// What the acceptor does with the client's channel binding (`CbtHardeningLevel` of WinRM).
#[derive(Clone, Debug, Default)]
pub enum BindingPolicy {
    /// Not looked at: there is no TLS, or hardening is off.
    #[default]
    Ignore,
    /// A wrong one is refused, none at all is accepted. The default of Windows.
    Relaxed(ChannelBinding),
    /// Only the right one is accepted.
    Strict(ChannelBinding),
}

/// What an acceptor tells about itself, and how strict it is.
#[derive(Clone, Debug)]
pub struct AcceptorOptions {
    /// The domain's short name, `CONTOSO`.
    pub netbios_domain: String,
    /// The computer's short name, `CAS01`.
    pub netbios_computer: String,
    /// The domain's DNS name.
    pub dns_domain: String,
    /// The computer's DNS name.
    pub dns_computer: String,
    /// What to do with channel bindings.
    pub binding: BindingPolicy,
}

impl AcceptorOptions {
    /// A server with these short names; its DNS names are made from them under `.example`.
    pub fn named(domain: &str, computer: &str) -> Self {
        let dns_domain = format!("{}.example", domain.to_lowercase());
        Self {
            netbios_domain: domain.to_owned(),
            netbios_computer: computer.to_owned(),
            dns_computer: format!("{}.{dns_domain}", computer.to_lowercase()),
            dns_domain,
            binding: BindingPolicy::Ignore,
        }
    }
}

/// What to answer with.
#[derive(Clone, Debug)]
pub struct AcceptStep {
    /// The raw token for `WWW-Authenticate`, empty when there is nothing to say.
    pub token: Vec<u8>,
    /// Whether the client is logged in: answer its request; before that answer 401.
    pub done: bool,
}

/// The server's side of one login on one connection. After an error it is of no more use: answer 401 and begin
/// with a new one.
pub struct Acceptor {
    inner: Inner,
    accounts: Box<dyn Accounts>,
}

enum Inner {
    /// The first token tells which of the two it will be.
    Undecided(Box<ntlm::Server>),
    Ntlm(Box<ntlm::Server>),
    Spnego(Box<spnego::Server>),
    Failed,
}

impl Acceptor {
    /// Starts a login. `entropy` must be cryptographically strong; `now` goes into the challenge.
    pub fn new(
        options: AcceptorOptions,
        accounts: impl Accounts + 'static,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let AcceptorOptions {
            netbios_domain,
            netbios_computer,
            dns_domain,
            dns_computer,
            binding,
        } = options;
        let names = ntlm::Names {
            netbios_domain,
            netbios_computer,
            dns_domain,
            dns_computer,
        };
        let server = ntlm::Server::new(names, binding, entropy, now);
        Self {
            inner: Inner::Undecided(Box::new(server)),
            accounts: Box::new(accounts),
        }
    }

    /// Takes the client's token and gives the answer.
    ///
    /// # Errors
    /// Whatever makes the token unacceptable, a wrong password included.
    pub fn step(&mut self, token: &[u8]) -> Result<AcceptStep, Error> {
        let mut inner = match std::mem::replace(&mut self.inner, Inner::Failed) {
            Inner::Undecided(server) if token.starts_with(ntlm::SIGNATURE) => Inner::Ntlm(server),
            Inner::Undecided(server) => Inner::Spnego(Box::new(spnego::Server::new(*server))),
            other => other,
        };
        let step = match &mut inner {
            Inner::Ntlm(server) => {
                let token = server.step(token, &*self.accounts)?;
                AcceptStep {
                    token,
                    done: server.principal().is_some(),
                }
            }
            Inner::Spnego(server) => server.step(token, &*self.accounts)?,
            Inner::Undecided(_) | Inner::Failed => return Err(Error::Broken),
        };
        self.inner = inner;
        Ok(step)
    }

    /// Who logged in, as `DOMAIN\user`; `None` before the login is complete.
    pub fn principal(&self) -> Option<&str> {
        match &self.inner {
            Inner::Ntlm(server) => server.principal(),
            Inner::Spnego(server) => server.principal(),
            Inner::Undecided(_) | Inner::Failed => None,
        }
    }

    /// The session that the login led to.
    ///
    /// # Errors
    /// [`Error::Incomplete`] before the login is complete.
    pub fn into_session(self) -> Result<Session, Error> {
        match self.inner {
            Inner::Ntlm(server) => server.into_session(),
            Inner::Spnego(server) => server.into_session(),
            Inner::Undecided(_) | Inner::Failed => Err(Error::Incomplete),
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("principal", &self.principal())
            .finish_non_exhaustive()
    }
}
