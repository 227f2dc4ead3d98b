//! Tokens of logins, and the certificate that they are bound to.

use auth::{
    Acceptor, AcceptorOptions, ChannelBinding, Credentials, FileTime, Initiator, NtHash, Scheme, Secret,
    basic, channel_binding,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::short;
use crate::bytes::Bytes;

const PASSWORD: &str = "Opera+Pass1!";

/// A client that always makes the same tokens.
pub(crate) fn initiator(scheme: Scheme, binding: Option<&ChannelBinding>) -> Initiator {
    let operator = Credentials::new(r"CONTOSO\operator", Secret::from(PASSWORD));
    let now = FileTime::from_unix_nanoseconds(1_700_000_000_000_000_000);
    let mut entropy = StdRng::seed_from_u64(7);
    Initiator::new(
        scheme,
        &operator,
        "HTTP/cas01.contoso.example",
        binding,
        &mut entropy,
        now,
    )
}

/// A server that always makes the same challenge.
pub(crate) fn acceptor() -> Acceptor {
    let now = FileTime::from_unix_nanoseconds(1_700_000_000_000_000_000);
    let options = AcceptorOptions::named("CONTOSO", "CAS01");
    Acceptor::new(options, accounts, &mut StdRng::seed_from_u64(8), now)
}

pub(crate) fn accounts(domain: &str, user: &str) -> Option<NtHash> {
    let known = domain.eq_ignore_ascii_case("CONTOSO") && user.eq_ignore_ascii_case("operator");
    known.then(|| NtHash::of_password(&Secret::from(PASSWORD)))
}

/// A CHALLENGE for a client that has sent its NEGOTIATE.
pub(crate) fn challenge(input: &[u8]) -> bool {
    let mut client = initiator(Scheme::Ntlm, None);
    client.step(None).expect("a first token");
    match client.step(Some(input)) {
        Ok(step) => {
            assert!(step.done && step.token.starts_with(b"NTLMSSP\0\x03"));
            let mut session = client.into_session().expect("the login is complete");
            session.seal(b"message").expect("a fresh session seals");
            assert!(
                session.unseal(input, input).is_err(),
                "a message that nobody sealed"
            );
            true
        }
        Err(error) => {
            short(&error);
            assert!(client.into_session().is_err(), "no session after a refusal");
            false
        }
    }
}

/// Tokens for a server, raw or in SPNEGO: as they stand, and as the answer to the server's CHALLENGE.
pub(crate) fn authenticate(input: &[u8]) -> bool {
    let mut first = acceptor();
    let _ = first.step(input).inspect_err(short);
    assert_eq!(first.principal(), None, "one token is no login");

    let mut server = acceptor();
    let negotiate = initiator(Scheme::Ntlm, None)
        .step(None)
        .expect("a first token")
        .token;
    server.step(&negotiate).expect("an honest NEGOTIATE");
    let answer = server.step(input).inspect_err(short);
    logged_in(&server, answer.is_ok_and(|step| step.done))
}

/// Whether somebody is logged in; if so, it is who the seeds say, and there is a session.
fn logged_in(server: &Acceptor, done: bool) -> bool {
    assert_eq!(server.principal().is_some(), done);
    if let Some(principal) = server.principal() {
        assert!(
            principal.eq_ignore_ascii_case(r"CONTOSO\operator"),
            "{principal} has no password here"
        );
    }
    done
}

/// Several tokens, for each side of a negotiation. The first byte says which side.
pub(crate) fn negotiation(input: &[u8]) -> bool {
    let mut input = Bytes(input);
    if input.byte() & 1 == 0 {
        let mut server = acceptor();
        let mut done = false;
        while let Some(token) = input.piece() {
            match server.step(token) {
                Ok(step) => done = step.done,
                Err(error) => {
                    short(&error);
                    assert_eq!(server.principal(), None, "nobody is logged in after an error");
                    assert!(server.step(token).is_err(), "an error ends the negotiation");
                    return false;
                }
            }
        }
        logged_in(&server, done)
    } else {
        let mut client = initiator(Scheme::Negotiate, None);
        client.step(None).expect("a first token");
        let mut done = false;
        while let Some(token) = input.piece() {
            match client.step(Some(token)) {
                Ok(step) => done = step.done,
                Err(error) => {
                    short(&error);
                    assert!(client.step(Some(token)).is_err(), "an error ends the negotiation");
                    assert!(client.into_session().is_err(), "no session after an error");
                    return false;
                }
            }
        }
        assert_eq!(client.into_session().is_ok(), done);
        done
    }
}

/// A certificate in DER, and the same bytes as a header of Basic.
pub(crate) fn certificate(input: &[u8]) -> bool {
    let _ = basic::read(&String::from_utf8_lossy(input));
    match channel_binding(input) {
        Ok(binding) => {
            let mut client = initiator(Scheme::Ntlm, binding.as_ref());
            client.step(None).expect("a first token");
            binding.is_some()
        }
        Err(error) => {
            short(&error);
            false
        }
    }
}
