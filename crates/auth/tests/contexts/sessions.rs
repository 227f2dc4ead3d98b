//! Sealed messages after the login.

use auth::{Error, Scheme, Sealed, Session, multipart};
use proptest::prelude::*;

use super::{SEALING, sessions};

fn unseal(session: &mut Session, sealed: &Sealed) -> Result<Vec<u8>, Error> {
    session.unseal(&sealed.signature, &sealed.data)
}

fn schemes() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(SEALING.to_vec())
}

proptest! {
    #[test]
    fn messages_of_both_directions_come_back(
        scheme in schemes(),
        messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)), 1..20),
    ) {
        let (mut client, mut server) = sessions(scheme);
        for (to_server, plain) in messages {
            let (from, to) = if to_server { (&mut client, &mut server) } else { (&mut server, &mut client) };
            let sealed = from.seal(&plain).unwrap();
            prop_assert_eq!(sealed.signature.len(), 16);
            prop_assert_eq!(sealed.data.len(), plain.len());
            prop_assert_eq!(unseal(to, &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn any_change_is_detected_and_ends_the_session(
        scheme in schemes(),
        before in 0..3_usize,
        plain in proptest::collection::vec(any::<u8>(), 0..60),
        bit in any::<usize>(),
    ) {
        let (mut client, mut server) = sessions(scheme);
        for _ in 0..before {
            let sealed = client.seal(b"an honest message").unwrap();
            unseal(&mut server, &sealed).unwrap();
        }
        let mut sealed = client.seal(&plain).unwrap();
        let bit = bit % ((16 + plain.len()) * 8);
        let place = sealed.signature.iter_mut().chain(&mut sealed.data).nth(bit / 8).unwrap();
        *place ^= 1 << (bit % 8);
        prop_assert!(unseal(&mut server, &sealed).is_err());
        let next = client.seal(b"an honest message").unwrap();
        prop_assert!(matches!(unseal(&mut server, &next), Err(Error::Broken)));
    }

    #[test]
    fn only_the_message_that_is_due_is_taken(scheme in schemes(), count in 2..8_usize, chosen in any::<usize>()) {
        let (mut client, mut server) = sessions(scheme);
        let sealed: Vec<_> = (0..count).map(|_| client.seal(b"the same text").unwrap()).collect();
        let chosen = chosen % count;
        match unseal(&mut server, &sealed[chosen]) {
            Ok(plain) => {
                prop_assert_eq!(chosen, 0);
                prop_assert_eq!(plain, b"the same text");
                // A repetition is as bad as a gap.
                let again = unseal(&mut server, &sealed[0]);
                prop_assert!(matches!(again, Err(Error::OutOfOrder { .. })), "{:?}", again);
            }
            Err(Error::OutOfOrder { expected, found }) => {
                prop_assert_eq!(usize::try_from(found - expected).unwrap(), chosen);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_message(
        scheme in schemes(),
        signature in proptest::collection::vec(any::<u8>(), 0..40),
        data in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (mut client, mut server) = sessions(scheme);
        prop_assert!(client.unseal(&signature, &data).is_err());
        prop_assert!(server.unseal(&signature, &data).is_err());
    }
}

/// The same on the wire: whole bodies, as a client gets them, each of which ends the session.
#[test]
fn a_body_that_is_broken_repeated_late_or_reflected_ends_the_session() {
    type Attack = fn(&[(String, Vec<u8>)], &(String, Vec<u8>)) -> (String, Vec<u8>);
    let attacks: [(&str, Attack); 6] = [
        ("broken signature", |replies, _| {
            let (kind, mut body) = replies[1].clone();
            let signature = body.windows(4).position(|bytes| bytes == [16, 0, 0, 0]).unwrap() + 8;
            body[signature] ^= 1;
            (kind, body)
        }),
        ("broken content", |replies, _| {
            let (kind, mut body) = replies[1].clone();
            let last = body.len() - "--Encrypted Boundary--\r\n".len() - 1;
            body[last] ^= 1;
            (kind, body)
        }),
        ("replayed", |replies, _| replies[0].clone()),
        ("out of order", |replies, _| replies[2].clone()),
        ("our own request", |_, request| request.clone()),
        ("another signature", |replies, _| {
            let ((kind, mut body), (_, other)) = (replies[1].clone(), &replies[2]);
            let from = body.windows(4).position(|bytes| bytes == [16, 0, 0, 0]).unwrap() + 4;
            body[from..from + 12].copy_from_slice(&other[from..from + 12]);
            (kind, body)
        }),
    ];
    for scheme in SEALING {
        for (name, attack) in attacks {
            let (mut client, mut server) = sessions(scheme);
            let request = client.seal_body(b"request").unwrap();
            let replies: Vec<_> = (0..3)
                .map(|n| server.seal_body(&[b'a' + n; 40]).unwrap())
                .collect();
            assert_eq!(
                client.unseal_body(&replies[0].0, &replies[0].1).unwrap(),
                [b'a'; 40]
            );
            let (kind, body) = attack(&replies, &request);
            let error = client.unseal_body(&kind, &body).unwrap_err();
            let expected = match name {
                "replayed" | "out of order" | "our own request" => matches!(error, Error::OutOfOrder { .. }),
                _ => matches!(error, Error::Tampered { .. }),
            };
            assert!(expected, "{name}: {error}");
            // The honest reply comes too late.
            assert!(matches!(
                client.unseal_body(&replies[1].0, &replies[1].1),
                Err(Error::Broken)
            ));
        }
    }
}

#[test]
fn a_forged_sequence_number_does_not_help() {
    for scheme in SEALING {
        let (mut client, mut server) = sessions(scheme);
        let first = client.seal(b"one").unwrap();
        let mut second = client.seal(b"two").unwrap();
        second.signature[12..].copy_from_slice(&first.signature[12..]);
        assert!(matches!(
            unseal(&mut server, &second),
            Err(Error::Tampered { .. })
        ));
    }
}

#[test]
fn a_message_is_not_taken_by_its_own_sender() {
    for scheme in SEALING {
        let (mut client, _) = sessions(scheme);
        let sealed = client.seal(b"reflected").unwrap();
        assert!(matches!(
            unseal(&mut client, &sealed),
            Err(Error::Tampered { .. })
        ));
    }
}

#[test]
fn bodies_are_framed_and_read_back() {
    for scheme in SEALING {
        let (mut client, mut server) = sessions(scheme);
        for plain in [b"<s:Envelope/>".as_slice(), b"", &[0xff; 100_000]] {
            let (content_type, body) = client.seal_body(plain).unwrap();
            assert!(multipart::is_sealed(&content_type));
            assert_eq!(server.unseal_body(&content_type, &body).unwrap(), plain);
        }
        assert_eq!(client.protocol(), "application/HTTP-SPNEGO-session-encrypted");
    }
}

#[test]
fn a_body_in_clear_or_of_another_protocol_ends_the_session() {
    let (mut client, mut server) = sessions(Scheme::Ntlm);
    let error = client
        .unseal_body("application/soap+xml;charset=UTF-8", b"<s:Envelope/>")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"malformed sealed body: expected content type multipart/encrypted, found "application/soap+xml;charset=UTF-8""#
    );
    let (content_type, body) = server.seal_body(b"honest").unwrap();
    assert!(matches!(
        client.unseal_body(&content_type, &body),
        Err(Error::Broken)
    ));
    assert!(matches!(client.seal(b"request"), Err(Error::Broken)));

    let sealed = server.seal(b"reply").unwrap();
    let kerberos = "application/HTTP-Kerberos-session-encrypted";
    let (content_type, body) = multipart::write(kerberos, 5, &sealed.signature, &sealed.data);
    let (mut client, _) = sessions(Scheme::Ntlm);
    assert!(matches!(
        client.unseal_body(&content_type, &body),
        Err(Error::Protocol { .. })
    ));
    assert!(matches!(client.seal(b"request"), Err(Error::Broken)));
}

/// Windows starts the cipher anew after the mechListMIC and counts on: the same keys give the same cipher text as
/// without SPNEGO, under the next sequence number.
#[test]
fn the_cipher_starts_anew_after_the_mech_list_mic() {
    let [(mut client, mut server), (mut wrapped_client, mut wrapped_server)] = SEALING.map(sessions);
    for (raw, wrapped) in [
        (&mut client, &mut wrapped_client),
        (&mut server, &mut wrapped_server),
    ] {
        let (raw, wrapped) = (
            raw.seal(b"the same message").unwrap(),
            wrapped.seal(b"the same message").unwrap(),
        );
        assert_eq!(raw.data, wrapped.data);
        assert_eq!((raw.signature[12], wrapped.signature[12]), (0, 1));
    }
}
