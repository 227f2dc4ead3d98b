//! Both sides of a login against each other, through the public interface alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod handshake;
mod hostile;
mod ranges;
mod secrecy;
mod sessions;

use auth::{
    Acceptor, AcceptorOptions, ChannelBinding, Credentials, Error, FileTime, Initiator, NtHash, Scheme,
    Secret, Session,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The password of every account here.
const PASSWORD: &str = "Opera+Pass1! пароль";

/// The schemes that lead to a session.
const SEALING: [Scheme; 2] = [Scheme::Ntlm, Scheme::Negotiate];

const NOW: i128 = 1_700_000_000_000_000_000;

fn now() -> FileTime {
    FileTime::from_unix_nanoseconds(NOW)
}

/// `CONTOSO\operator`, `operator@contoso.example` and the local `operator`, with or without regard to case.
fn accounts(domain: &str, user: &str) -> Option<NtHash> {
    let known = [
        ("CONTOSO", "operator"),
        ("", "operator@contoso.example"),
        ("", "operator"),
    ];
    known
        .iter()
        .any(|(d, u)| domain.eq_ignore_ascii_case(d) && user.eq_ignore_ascii_case(u))
        .then(|| NtHash::of_password(&Secret::from(PASSWORD)))
}

fn operator() -> Credentials {
    Credentials::new(r"CONTOSO\operator", Secret::from(PASSWORD))
}

fn initiator(scheme: Scheme, credentials: &Credentials, binding: Option<&ChannelBinding>) -> Initiator {
    Initiator::new(
        scheme,
        credentials,
        "HTTP/cas01.contoso.example",
        binding,
        &mut StdRng::seed_from_u64(7),
        now(),
    )
}

fn acceptor(options: AcceptorOptions) -> Acceptor {
    Acceptor::new(options, accounts, &mut StdRng::seed_from_u64(8), now())
}

fn cas01() -> AcceptorOptions {
    AcceptorOptions::named("CONTOSO", "CAS01")
}

/// A whole login; `on_the_way` may change each token (and is told its number, from 0).
fn log_in_through(
    client: &mut Initiator,
    server: &mut Acceptor,
    mut on_the_way: impl FnMut(usize, &mut Vec<u8>),
) -> Result<(), Error> {
    let mut step = client.step(None)?;
    for number in 0..4 {
        on_the_way(2 * number, &mut step.token);
        let mut answer = server.step(&step.token)?;
        let client_done = step.done;
        if answer.done && answer.token.is_empty() {
            return if client_done {
                Ok(())
            } else {
                Err(Error::Incomplete)
            };
        }
        on_the_way(2 * number + 1, &mut answer.token);
        step = client.step(Some(&answer.token))?;
        if answer.done {
            return if step.done && step.token.is_empty() {
                Ok(())
            } else {
                Err(Error::Incomplete)
            };
        }
    }
    panic!("the login does not end");
}

fn log_in(client: &mut Initiator, server: &mut Acceptor) -> Result<(), Error> {
    log_in_through(client, server, |_, _| {})
}

/// Client's and server's session after a login that must succeed.
fn sessions(scheme: Scheme) -> (Session, Session) {
    let (mut client, mut server) = (initiator(scheme, &operator(), None), acceptor(cas01()));
    log_in(&mut client, &mut server).unwrap();
    (client.into_session().unwrap(), server.into_session().unwrap())
}
