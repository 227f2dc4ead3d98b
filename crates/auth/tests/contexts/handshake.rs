//! Who is let in, and who is not.

use auth::{BindingPolicy, Credentials, Error, FileTime, Initiator, NtHash, Scheme, Secret, channel_binding};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{NOW, PASSWORD, SEALING, acceptor, cas01, initiator, log_in, log_in_through, operator, sessions};

/// `SEQUENCE { SEQUENCE {}, SEQUENCE { ecdsa-with-SHA256 }, BIT STRING }`, told apart by the last byte.
fn certificate(last: u8) -> Vec<u8> {
    [
        b"\x30\x12\x30\x00\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x03\x02\x00".as_slice(),
        &[last],
    ]
    .concat()
}

#[test]
fn every_form_of_the_user_logs_in_with_every_scheme() {
    for scheme in SEALING {
        for user in [
            r"CONTOSO\operator",
            r"contoso\OPERATOR",
            "operator@contoso.example",
            "operator",
        ] {
            let by_password = Secret::from(PASSWORD);
            let by_hash = Secret::from_nt_hash(&NtHash::of_password(&by_password));
            for secret in [by_password, by_hash] {
                let mut client = initiator(scheme, &Credentials::new(user, secret), None);
                let mut server = acceptor(cas01());
                assert_eq!(server.principal(), None);
                log_in(&mut client, &mut server).unwrap_or_else(|error| panic!("{scheme:?} {user}: {error}"));
                assert_eq!(server.principal(), Some(user));
                let mut client = client.into_session().unwrap();
                let mut server = server.into_session().unwrap();
                let sealed = client.seal(b"request").unwrap();
                assert_eq!(
                    server.unseal(&sealed.signature, &sealed.data).unwrap(),
                    b"request"
                );
            }
        }
    }
}

#[test]
fn wrong_passwords_and_unknown_users_are_refused() {
    for scheme in SEALING {
        let log_in_as = |user: &str, password: &str| {
            let mut client = initiator(scheme, &Credentials::new(user, Secret::from(password)), None);
            let mut server = acceptor(cas01());
            let error = log_in(&mut client, &mut server).unwrap_err();
            assert_eq!(server.principal(), None);
            assert!(matches!(server.into_session(), Err(Error::Incomplete)));
            error.to_string()
        };
        assert_eq!(
            log_in_as(r"CONTOSO\operator", "opera+pass1!"),
            r#"wrong password for "CONTOSO\\operator""#
        );
        assert_eq!(
            log_in_as(r"CONTOSO\operator", ""),
            r#"wrong password for "CONTOSO\\operator""#
        );
        assert_eq!(
            log_in_as(r"CONTOSO\nobody", PASSWORD),
            r#"no account named "CONTOSO\\nobody""#
        );
        assert_eq!(
            log_in_as(r"FABRIKAM\operator", PASSWORD),
            r#"no account named "FABRIKAM\\operator""#
        );
        assert_eq!(log_in_as("", PASSWORD), r#"no account named """#);
    }
}

#[test]
fn basic_gives_user_and_password_and_no_session() {
    let mut client = initiator(
        Scheme::Basic,
        &Credentials::new("Aladdin", Secret::from("open sesame")),
        None,
    );
    let step = client.step(None).unwrap();
    assert!(step.done && step.token == b"Aladdin:open sesame");
    assert_eq!(Scheme::Basic.http_scheme(), "Basic");
    assert!(matches!(
        client.step(Some(b"token")),
        Err(Error::OutOfTurn { .. })
    ));
    assert!(matches!(client.into_session(), Err(Error::NoSession)));
}

#[test]
fn channel_binding_decides_with_hardening() {
    let ours = channel_binding(&certificate(1)).unwrap().unwrap();
    let other = channel_binding(&certificate(2)).unwrap().unwrap();
    assert_ne!(ours, other);
    for scheme in SEALING {
        let verdict = |sent, policy: &BindingPolicy| {
            let mut options = cas01();
            options.binding = policy.clone();
            log_in(&mut initiator(scheme, &operator(), sent), &mut acceptor(options))
        };
        let (relaxed, strict) = (
            BindingPolicy::Relaxed(ours.clone()),
            BindingPolicy::Strict(ours.clone()),
        );
        for policy in [&BindingPolicy::Ignore, &relaxed, &strict] {
            verdict(Some(&ours), policy).unwrap();
        }
        verdict(Some(&other), &BindingPolicy::Ignore).unwrap();
        verdict(None, &relaxed).unwrap();
        assert!(matches!(
            verdict(None, &strict),
            Err(Error::ChannelBindingMissing)
        ));
        assert!(matches!(
            verdict(Some(&other), &relaxed),
            Err(Error::ChannelBindingWrong)
        ));
        assert!(matches!(
            verdict(Some(&other), &strict),
            Err(Error::ChannelBindingWrong)
        ));
    }
}

/// The MIC covers all three messages, so not one bit of a raw NTLM login may change on the way.
#[test]
fn no_bit_of_an_ntlm_login_can_be_changed() {
    let mut lengths = [0; 3];
    let (mut client, mut server) = (initiator(Scheme::Ntlm, &operator(), None), acceptor(cas01()));
    log_in_through(&mut client, &mut server, |number, token| {
        lengths[number] = token.len()
    })
    .unwrap();
    for (message, length) in lengths.into_iter().enumerate() {
        for bit in 0..length * 8 {
            let (mut client, mut server) = (initiator(Scheme::Ntlm, &operator(), None), acceptor(cas01()));
            let result = log_in_through(&mut client, &mut server, |number, token| {
                if number == message {
                    token[bit / 8] ^= 1 << (bit % 8);
                }
            });
            assert!(result.is_err(), "bit {bit} of message {message}");
            assert_eq!(server.principal(), None);
        }
    }
}

/// The wrapping of SPNEGO is not covered bit by bit; what still goes through must end in a working session.
#[test]
fn a_changed_bit_of_a_negotiation_never_changes_the_outcome() {
    let mut lengths = [0; 4];
    let (mut client, mut server) = (initiator(Scheme::Negotiate, &operator(), None), acceptor(cas01()));
    log_in_through(&mut client, &mut server, |number, token| {
        lengths[number] = token.len()
    })
    .unwrap();
    let (mut refused, mut tried) = (0, 0);
    for (message, length) in lengths.into_iter().enumerate() {
        for bit in 0..length * 8 {
            let (mut client, mut server) =
                (initiator(Scheme::Negotiate, &operator(), None), acceptor(cas01()));
            let result = log_in_through(&mut client, &mut server, |number, token| {
                if number == message {
                    token[bit / 8] ^= 1 << (bit % 8);
                }
            });
            tried += 1;
            if result.is_err() {
                refused += 1;
                continue;
            }
            let (mut client, mut server) = (client.into_session().unwrap(), server.into_session().unwrap());
            let sealed = client.seal(b"request").unwrap();
            assert_eq!(
                server.unseal(&sealed.signature, &sealed.data).unwrap(),
                b"request"
            );
            let sealed = server.seal(b"reply").unwrap();
            assert_eq!(client.unseal(&sealed.signature, &sealed.data).unwrap(), b"reply");
        }
    }
    assert!(tried - refused < 100, "{refused} of {tried} refused");
}

#[test]
fn a_replayed_login_is_refused() {
    for scheme in SEALING {
        let mut tokens = Vec::new();
        let (mut client, mut server) = (initiator(scheme, &operator(), None), acceptor(cas01()));
        log_in_through(&mut client, &mut server, |_, token| tokens.push(token.clone())).unwrap();

        // Another login has another server challenge.
        let mut chance = StdRng::seed_from_u64(99);
        let mut other = auth::Acceptor::new(cas01(), super::accounts, &mut chance, super::now());
        other.step(&tokens[0]).unwrap();
        assert!(matches!(other.step(&tokens[2]), Err(Error::WrongPassword { .. })));

        // The same login takes no further token, and no AUTHENTICATE first.
        assert!(server.step(&tokens[2]).is_err());
        assert!(acceptor(cas01()).step(&tokens[2]).is_err());
    }
}

#[test]
fn a_very_old_response_is_refused() {
    // The client's clock counts only where the server sends none, so the server's own clock is moved: its challenge
    // says 1970, and the client repeats that.
    let mut tokens = Vec::new();
    let day = 86_400_000_000_000;
    let clock = |days: i128| FileTime::from_unix_nanoseconds(NOW + days * day);
    let server_at = |time| auth::Acceptor::new(cas01(), super::accounts, &mut StdRng::seed_from_u64(8), time);
    let mut client = initiator(Scheme::Ntlm, &operator(), None);
    log_in_through(&mut client, &mut server_at(clock(0)), |_, token| {
        tokens.push(token.clone())
    })
    .unwrap();

    let mut later = server_at(clock(2));
    later.step(&tokens[0]).unwrap();
    let error = later.step(&tokens[2]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Stale {
                seconds: 172_800,
                allowed: 129_600
            }
        ),
        "{error}"
    );
}

#[test]
fn tokens_out_of_turn_are_refused() {
    for scheme in SEALING {
        let mut client = initiator(scheme, &operator(), None);
        assert!(matches!(
            client.step(Some(b"NTLMSSP\0")),
            Err(Error::OutOfTurn { .. })
        ));
        let mut client = initiator(scheme, &operator(), None);
        client.step(None).unwrap();
        assert!(matches!(client.step(None), Err(Error::OutOfTurn { .. })));
        let mut client = initiator(scheme, &operator(), None);
        client.step(None).unwrap();
        // Some servers answer a refused first token with an empty header.
        assert!(matches!(client.step(Some(b"")), Err(Error::OutOfTurn { .. })));
        assert!(matches!(client.into_session(), Err(Error::Incomplete)));
    }
}

#[test]
fn every_login_has_keys_of_its_own() {
    let (mut first, _) = sessions(Scheme::Ntlm);
    let mut chance = StdRng::seed_from_u64(1234);
    let mut client = Initiator::new(
        Scheme::Ntlm,
        &operator(),
        "HTTP/cas01",
        None,
        &mut chance,
        super::now(),
    );
    log_in(&mut client, &mut acceptor(cas01())).unwrap();
    let mut second = client.into_session().unwrap();
    assert_ne!(
        first.seal(b"the same message").unwrap(),
        second.seal(b"the same message").unwrap()
    );
}
