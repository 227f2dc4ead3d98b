//! A canary: a password that must turn up in nothing that can be printed.

use std::error::Error as _;
use std::fmt::Write;

use auth::{Credentials, Error, NtHash, Scheme, Secret, basic};

use super::{SEALING, acceptor, cas01, initiator, log_in_through};

const CANARY: &str = "c4n4ry-Passw0rd";

/// Everything that the canary looks like once it is encoded or hashed.
fn traces() -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let list = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let wide: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = Secret::from_nt_hash(&NtHash::of_password(&Secret::from(CANARY)));
    let header = basic::authorization(&Credentials::new("user", Secret::from(CANARY))).unwrap();
    let encoded = header.expose().trim_start_matches("Basic ").to_owned();
    vec![
        CANARY.to_owned(),
        hex(CANARY.as_bytes()),
        hex(&wide),
        list(CANARY.as_bytes()),
        list(&wide),
        hash.expose().to_owned(),
        encoded,
    ]
}

/// All that an error, with its chain, can print.
fn words(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        write!(text, "{inner} {inner:?}").unwrap();
        cause = inner.source();
    }
    text
}

#[test]
fn nothing_that_can_be_printed_holds_the_password() {
    let password = Secret::from(CANARY);
    let hash = Secret::from_nt_hash(&NtHash::of_password(&password));
    let mut printed = String::new();
    let mut errors = 0;
    for secret in [password, hash] {
        let known = Credentials::new(r"CONTOSO\operator", secret.clone());
        let with_colon = Credentials::new("oper:ator", secret);
        write!(printed, "{known:?} {known:#?} {:?}", known.user_name()).unwrap();
        for scheme in [Scheme::Ntlm, Scheme::Negotiate, Scheme::Basic] {
            for credentials in [&known, &with_colon] {
                let mut client = initiator(scheme, credentials, None);
                write!(printed, "{client:?}").unwrap();
                match client.step(None) {
                    Ok(step) => write!(printed, "{step:?} {client:?}").unwrap(),
                    Err(error) => {
                        errors += 1;
                        printed.push_str(&words(&error));
                    }
                }
            }
        }
        for scheme in SEALING {
            // Refused by the acceptor, which has another password, and with every token damaged in turn.
            for damaged in 0..4 {
                let (mut client, mut server) = (initiator(scheme, &known, None), acceptor(cas01()));
                let result = log_in_through(&mut client, &mut server, |number, token| {
                    if number == damaged {
                        token.truncate(token.len() / 2);
                    }
                });
                errors += 1;
                write!(printed, "{} {client:?} {server:?}", words(&result.unwrap_err())).unwrap();
                let error = client.into_session().map(|session| format!("{session:?}"));
                write!(printed, "{error:?}").unwrap();
            }
        }
    }
    assert!(errors > 16, "{errors} errors were seen");
    assert!(printed.contains("operator"), "the user's name may be seen");
    for trace in traces() {
        assert!(trace.len() > 10, "{trace}");
        assert!(!printed.contains(&trace), "{trace} was printed");
    }
}

#[test]
fn a_bad_hash_is_not_repeated() {
    let Err(error) = NtHash::from_hex(CANARY) else {
        panic!("no hash, and accepted")
    };
    let text = words(&error);
    assert!(
        text.contains("15") && traces().iter().all(|trace| !text.contains(trace)),
        "{text}"
    );
}

/// Tokens go over the wire: no token but that of Basic may hold the password or its hash.
#[test]
fn tokens_do_not_hold_the_password() {
    for scheme in SEALING {
        let credentials = Credentials::new(r"CONTOSO\operator", Secret::from(CANARY));
        let (mut client, mut server) = (initiator(scheme, &credentials, None), acceptor(cas01()));
        let mut hexadecimal = String::new();
        let result = log_in_through(&mut client, &mut server, |_, token| {
            for byte in token.iter() {
                write!(hexadecimal, "{byte:02x}").unwrap();
            }
        });
        assert!(matches!(result, Err(Error::WrongPassword { .. })));
        assert!(hexadecimal.len() > 1000);
        assert!(traces().iter().all(|trace| !hexadecimal.contains(trace)));
    }
}
