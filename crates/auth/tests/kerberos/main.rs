//! Kerberos against a real MIT KDC and acceptors of MIT's GSS library, which this project did not write.
//!
//! Runs where `CASGATE_ORACLE` and `CASGATE_ORACLE_VENV` are set and `krb5kdc` is installed.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod acceptor;
mod kdc;
mod login;

use auth::{Error, Scheme, Session};

use self::acceptor::Acceptor;
use self::kdc::{Kdc, PASSWORD, REALM};
use self::login::{Login, log_in, operator, realm};

/// Messages of every length around a block go both ways, and a long one.
fn talk(session: &mut Session, acceptor: &mut Acceptor, overhead: usize) {
    for length in [1, 15, 16, 17, 31, 32, 33, 1685, 150_000] {
        let plain: Vec<u8> = (0..length).map(|number: usize| (number % 251) as u8).collect();
        let sealed = session.seal(&plain).unwrap();
        assert_eq!(sealed.data.len(), plain.len() + overhead);
        // MIT leaves the padding in place where it has no buffer of its own.
        let padded = [&plain[..], &vec![1; overhead]].concat();
        assert_eq!(
            acceptor.unwrap(&sealed.signature, &sealed.data),
            padded,
            "{length} bytes out"
        );
        let (signature, data) = acceptor.wrap(&plain);
        assert_eq!(
            session.unseal(&signature, &data).unwrap(),
            plain,
            "{length} bytes in"
        );
    }
}

#[test]
fn kerberos_logs_in_and_seals() {
    let Some(kdc) = Kdc::start() else { return };
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    let mut session = log_in(&kdc, &mut acceptor, &Login::new(Scheme::Kerberos)).unwrap();
    assert_eq!(acceptor.principal(), format!("operator@{REALM}"));
    assert_eq!(session.protocol(), "application/HTTP-Kerberos-session-encrypted");
    assert_eq!(session.mechanism(), "kerberos");
    talk(&mut session, &mut acceptor, 0);
    assert_eq!(session.seal(b"x").unwrap().signature.len(), 60);
}

#[test]
fn negotiate_takes_kerberos_first() {
    let Some(kdc) = Kdc::start() else { return };
    let mut acceptor = Acceptor::start(&kdc, "negotiate", "HTTP", None);
    let mut session = log_in(&kdc, &mut acceptor, &Login::new(Scheme::Negotiate)).unwrap();
    assert_eq!(acceptor.principal(), format!("operator@{REALM}"));
    assert_eq!(session.protocol(), "application/HTTP-SPNEGO-session-encrypted");
    assert_eq!(session.mechanism(), "kerberos");
    talk(&mut session, &mut acceptor, 0);
}

#[test]
fn every_encryption_type_is_spoken() {
    let Some(kdc) = Kdc::start() else { return };
    for (kind, overhead) in [("aes128-cts-hmac-sha1-96", 0), ("arcfour-hmac", 1)] {
        let user = format!("user-{kind}");
        let service = format!("srv-{kind}/localhost");
        kdc.admin(&format!("addprinc -e {kind}:normal -pw {PASSWORD} {user}"));
        kdc.admin(&format!("addprinc -e {kind}:normal -randkey {service}"));
        // MIT gives out AES session keys for services that have none unless told otherwise.
        kdc.admin(&format!("setstr {service} session_enctypes {kind}"));
        kdc.admin(&format!("ktadd -norandkey -k {} {service}", kdc.keytab()));
        for (scheme, protocol) in [(Scheme::Kerberos, "kerberos"), (Scheme::Negotiate, "negotiate")] {
            let mut acceptor = Acceptor::start(&kdc, protocol, &format!("srv-{kind}"), None);
            let login = Login {
                credentials: operator(&user),
                target: service.clone(),
                ..Login::new(scheme)
            };
            let mut session = log_in(&kdc, &mut acceptor, &login).unwrap();
            assert_eq!(acceptor.principal(), format!("{user}@{REALM}"));
            talk(&mut session, &mut acceptor, overhead);
        }
    }
}

#[test]
fn an_nt_hash_logs_in_with_rc4() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin(&format!("addprinc -e arcfour-hmac:normal -pw {PASSWORD} hashed"));
    let hash = auth::NtHash::of_password(&auth::Secret::from(PASSWORD));
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    let login = Login {
        credentials: auth::Credentials::new("hashed", auth::Secret::from_nt_hash(&hash)),
        ..Login::new(Scheme::Kerberos)
    };
    let mut session = log_in(&kdc, &mut acceptor, &login).unwrap();
    assert_eq!(acceptor.principal(), format!("hashed@{REALM}"));
    talk(&mut session, &mut acceptor, 0);
}

#[test]
fn users_are_found_by_every_form_of_their_name() {
    let Some(kdc) = Kdc::start() else { return };
    for user in [
        "operator",
        r"CASGATE\operator",
        "operator@casgate.test",
        "operator@CASGATE.TEST",
    ] {
        let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
        let login = Login {
            credentials: operator(user),
            ..Login::new(Scheme::Kerberos)
        };
        log_in(&kdc, &mut acceptor, &login).unwrap();
        assert_eq!(acceptor.principal(), format!("operator@{REALM}"), "{user}");
    }
}

#[test]
fn letters_outside_ascii_are_no_obstacle() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("addprinc -pw Schlüssel müller");
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    let login = Login {
        credentials: auth::Credentials::new("müller", auth::Secret::from("Schlüssel")),
        ..Login::new(Scheme::Kerberos)
    };
    log_in(&kdc, &mut acceptor, &login).unwrap();
    assert_eq!(acceptor.principal(), format!("müller@{REALM}"));
}

#[test]
fn users_without_preauthentication_get_in_too() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("modprinc +requires_preauth operator");
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    log_in(&kdc, &mut acceptor, &Login::new(Scheme::Kerberos)).unwrap();
    kdc.admin("modprinc -requires_preauth operator");
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    log_in(&kdc, &mut acceptor, &Login::new(Scheme::Kerberos)).unwrap();
}

#[test]
fn refusals_keep_the_code_of_the_kdc() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("modprinc +requires_preauth operator");
    kdc.admin(&format!("addprinc -pw {PASSWORD} -expire 2001-01-01 expired"));
    kdc.admin(&format!("addprinc -pw {PASSWORD} -pwexpire 2001-01-01 stale"));
    let cases = [
        ("operator", "N0t-It", "HTTP/localhost", 24),
        ("nobody", PASSWORD, "HTTP/localhost", 6),
        ("nobody@casgate.test", PASSWORD, "HTTP/localhost", 6),
        ("operator", PASSWORD, "HTTP/unknown.casgate.test", 7),
        ("expired", PASSWORD, "HTTP/localhost", 1),
        ("stale", PASSWORD, "HTTP/localhost", 23),
    ];
    for (user, password, target, expected) in cases {
        let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
        let login = Login {
            credentials: auth::Credentials::new(user, auth::Secret::from(password)),
            target: target.to_owned(),
            ..Login::new(Scheme::Kerberos)
        };
        let error = log_in(&kdc, &mut acceptor, &login).err().unwrap();
        let Error::Kdc { code, realm, .. } = &error else {
            panic!("{user} {target}: {error}")
        };
        assert_eq!((*code, realm.as_str()), (expected, REALM), "{error}");
        assert!(!format!("{error} {error:?}").contains(password), "{error:?}");
    }
}

#[test]
fn a_wrong_password_is_told_without_preauthentication_too() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("modprinc -requires_preauth operator");
    let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
    let login = Login {
        credentials: auth::Credentials::new("operator", auth::Secret::from("wrong")),
        ..Login::new(Scheme::Kerberos)
    };
    let error = log_in(&kdc, &mut acceptor, &login).err().unwrap();
    assert!(matches!(error, Error::WrongPassword { .. }), "{error}");
}

#[test]
fn a_wrong_clock_is_told_in_seconds() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("modprinc +requires_preauth operator");
    for offset in [-1_000_i64, 1_000] {
        let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
        let login = Login {
            clock_offset: offset,
            ..Login::new(Scheme::Kerberos)
        };
        let error = log_in(&kdc, &mut acceptor, &login).err().unwrap();
        let Error::ClockSkew { seconds, .. } = error else {
            panic!("{error}")
        };
        assert!((seconds - offset).abs() < 10, "{seconds} instead of {offset}");
    }
}

#[test]
fn negotiate_falls_back_to_ntlm_but_never_after_a_wrong_password() {
    let Some(kdc) = Kdc::start() else { return };
    kdc.admin("modprinc +requires_preauth operator");
    // The service has no ticket; NTLM is what both sides are left with.
    let mut acceptor = Acceptor::start(&kdc, "negotiate", "HTTP", None);
    let login = Login {
        credentials: operator(r"CONTOSO\operator"),
        target: "HTTP/unknown.casgate.test".to_owned(),
        ..Login::new(Scheme::Negotiate)
    };
    let mut session = log_in(&kdc, &mut acceptor, &login).unwrap();
    assert_eq!(session.mechanism(), "ntlm");
    assert_eq!(acceptor.principal(), r"CONTOSO\operator");
    talk(&mut session, &mut acceptor, 0);

    let mut acceptor = Acceptor::start(&kdc, "negotiate", "HTTP", None);
    let login = Login {
        credentials: auth::Credentials::new("operator", auth::Secret::from("wrong")),
        ..Login::new(Scheme::Negotiate)
    };
    let error = log_in(&kdc, &mut acceptor, &login).err().unwrap();
    assert!(matches!(error, Error::Kdc { code: 24, .. }), "{error}");
}

#[test]
fn the_channel_binding_is_compared() {
    let Some(kdc) = Kdc::start() else { return };
    let binding = login::binding(b"");
    // MIT's library lets those in who bind to nothing; Windows does so unless it is told to be strict.
    let cases = [
        (Some(binding.clone()), true),
        (Some(login::binding(b"other")), false),
        (None, true),
    ];
    for (ours, accepted) in cases {
        for (scheme, protocol) in [(Scheme::Kerberos, "kerberos"), (Scheme::Negotiate, "negotiate")] {
            let mut acceptor = Acceptor::start(&kdc, protocol, "HTTP", Some(binding.application_data()));
            let login = Login {
                binding: ours.clone(),
                ..Login::new(scheme)
            };
            assert_eq!(
                log_in(&kdc, &mut acceptor, &login).is_ok(),
                accepted,
                "{scheme:?} {ours:?}"
            );
        }
    }
}

#[test]
fn a_reply_that_is_repeated_or_altered_ends_the_session() {
    let Some(kdc) = Kdc::start() else { return };
    for attack in ["repeat", "alter", "reorder"] {
        let mut acceptor = Acceptor::start(&kdc, "kerberos", "HTTP", None);
        let mut session = log_in(&kdc, &mut acceptor, &Login::new(Scheme::Kerberos)).unwrap();
        let (first, second, third) = (
            acceptor.wrap(b"one"),
            acceptor.wrap(b"two"),
            acceptor.wrap(b"three"),
        );
        assert_eq!(session.unseal(&first.0, &first.1).unwrap(), b"one");
        let (signature, mut data) = match attack {
            "repeat" => first,
            "reorder" => third,
            _ => second.clone(),
        };
        if attack == "alter" {
            data[0] ^= 1;
        }
        let error = session.unseal(&signature, &data).unwrap_err();
        match attack {
            "alter" => assert!(matches!(error, Error::Tampered { .. }), "{error}"),
            _ => assert!(matches!(error, Error::OutOfOrder { .. }), "{error}"),
        }
        assert!(matches!(session.unseal(&second.0, &second.1), Err(Error::Broken)));
    }
}

#[test]
fn tickets_are_found_across_realms() {
    let Some(home) = Kdc::start() else { return };
    let Some(away) = Kdc::start_named("AWAY.TEST") else {
        return;
    };
    for kdc in [&home, &away] {
        kdc.admin("addprinc -pw trust krbtgt/AWAY.TEST@CASGATE.TEST");
    }
    away.admin(&format!("addprinc -randkey {}", "HTTP/away.localhost"));
    away.admin(&format!(
        "ktadd -norandkey -k {} HTTP/away.localhost",
        away.keytab()
    ));
    let mut acceptor = Acceptor::start_as(&away, "kerberos", "HTTP", "away.localhost", None);
    let login = Login {
        target: "HTTP/away.localhost".to_owned(),
        realm: auth::Realm {
            server: Some("AWAY.TEST".to_owned()),
            ..realm()
        },
        ..Login::new(Scheme::Kerberos)
    };
    let mut session = login::log_in_among(&[&home, &away], &mut acceptor, &login).unwrap();
    assert_eq!(acceptor.principal(), format!("operator@{REALM}"));
    talk(&mut session, &mut acceptor, 0);
}
