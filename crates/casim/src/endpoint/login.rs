//! Who is at the other end of one connection.

use auth::{
    Acceptor, AcceptorOptions, BindingPolicy, Error, FileTime, NtHash, Session, basic, channel_binding,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::OsRng;

use super::EndpointOptions;
use crate::machine::Machine;

/// The state of the login on one connection.
pub(super) enum Login {
    /// Nobody yet, or somebody who was refused.
    Nobody,
    /// In the middle of the exchange.
    Underway(Box<Acceptor>),
    /// Somebody, with keys for sealed messages.
    Negotiated { user: String, session: Box<Session> },
    /// Somebody with a password in clear, under TLS.
    Basic { user: String },
}

/// What to do with the request that carried an `Authorization` header.
pub(super) enum Verdict {
    /// Answer 401 and this challenge.
    Continue(String),
    /// Logged in: go on with the request; the header, if any, goes with its answer.
    Welcome(Option<String>),
    /// Answer 401 and what is on offer.
    Refused,
}

impl Login {
    /// Who is logged in.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Negotiated { user, .. } | Self::Basic { user } => Some(user),
            Self::Nobody | Self::Underway(_) => None,
        }
    }

    /// Takes the value of an `Authorization` header.
    pub(super) fn step(&mut self, header: &str, options: &EndpointOptions, machine: &Machine) -> Verdict {
        let verdict = self.try_step(header, options, machine);
        verdict.unwrap_or_else(|| {
            *self = Self::Nobody;
            Verdict::Refused
        })
    }

    fn try_step(&mut self, header: &str, options: &EndpointOptions, machine: &Machine) -> Option<Verdict> {
        let (scheme, token) = header.trim().split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Basic") {
            let user = log_in_with_password(header, options)?;
            *self = Self::Basic { user };
            return Some(Verdict::Welcome(None));
        }
        if !scheme.eq_ignore_ascii_case("Negotiate") {
            return None;
        }
        let token = STANDARD.decode(token.trim()).ok()?;
        let mut acceptor = match std::mem::replace(self, Self::Nobody) {
            Self::Underway(acceptor) => acceptor,
            _ => Box::new(acceptor(options, machine).ok()?),
        };
        let step = acceptor.step(&token).ok()?;
        let challenge =
            (!step.token.is_empty()).then(|| format!("Negotiate {}", STANDARD.encode(&step.token)));
        if !step.done {
            *self = Self::Underway(acceptor);
            return Some(Verdict::Continue(challenge.unwrap_or_default()));
        }
        let session = acceptor.into_session().ok()?;
        *self = Self::Negotiated {
            user: account(options),
            session: Box::new(session),
        };
        Some(Verdict::Welcome(challenge))
    }
}

/// Basic is on offer under TLS only.
fn log_in_with_password(header: &str, options: &EndpointOptions) -> Option<String> {
    options.tls.as_ref()?;
    let credentials = basic::read(header)?;
    let name = credentials.user_name();
    let known = matches(options, &name.domain, &name.user);
    (known && credentials.password.same_as(&options.password)).then(|| account(options))
}

/// The one account in the one form that shells are owned under, however the client wrote it.
fn account(options: &EndpointOptions) -> String {
    format!(r"{}\{}", options.domain, options.user)
}

/// Whether the one account is meant, in any of the ways to write it.
fn matches(options: &EndpointOptions, domain: &str, user: &str) -> bool {
    let (user, domain) = match user.split_once('@') {
        Some((user, suffix)) if domain.is_empty() => (user, suffix.split('.').next().unwrap_or(suffix)),
        _ => (user, domain),
    };
    let ours = domain.is_empty() || domain == "." || domain.eq_ignore_ascii_case(&options.domain);
    ours && user.eq_ignore_ascii_case(&options.user)
}

fn acceptor(options: &EndpointOptions, machine: &Machine) -> Result<Acceptor, Error> {
    let mut names = AcceptorOptions::named(&options.domain, machine.name());
    if let Some(identity) = &options.tls
        && let Some(binding) = channel_binding(&identity.certificate)?
    {
        names.binding = match options.strict_binding {
            true => BindingPolicy::Strict(binding),
            false => BindingPolicy::Relaxed(binding),
        };
    }
    let known = options.clone();
    let hash = NtHash::of_password(&options.password);
    let accounts = move |domain: &str, user: &str| matches(&known, domain, user).then(|| hash.clone());
    Ok(Acceptor::new(names, accounts, &mut OsRng, now()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server tells its own time in the challenge"
)]
fn now() -> FileTime {
    FileTime::from(std::time::SystemTime::now())
}
