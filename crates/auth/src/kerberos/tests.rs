//! The exchanges with a KDC and a server that do as they are told. The real ones are in `tests/kerberos.rs`.

mod fake;
mod vectors;

use proptest::prelude::*;

use self::fake::{
    Introduced, REALM, SERVICE, asked, chance, client, client_of, credentials, field, give_ticket, krb_error,
    reply, user_key, wants_proof, with_ticket,
};
use super::client::Client;
use super::encryption::EncryptionType::{self, Aes128, Aes256, Rc4};
use super::key::Key;
use super::principal::Principal;
use super::{ap, failure};
use crate::acceptor::BindingPolicy;
use crate::credentials::{Credentials, NtHash};
use crate::der;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::initiator::Realm;
use crate::ntlm;
use crate::secret::Secret;
use crate::session::Session;
use crate::{multipart, spnego};

fn key(kind: EncryptionType) -> Key {
    Key::random(kind, &mut chance())
}

fn refused(client: &mut Client, bytes: &[u8]) -> Error {
    let error = client.reply(bytes).unwrap_err();
    assert!(
        client.request().is_none(),
        "after an error nothing is asked any more"
    );
    error
}

#[test]
fn every_kind_of_session_seals_both_ways() {
    for kind in EncryptionType::ALL {
        for subkey in [None, Some(Key::random(kind, &mut chance()))] {
            let session = key(kind);
            let mut client = with_ticket(&session);
            let token = client.step(None).unwrap().token;
            let server = Introduced::read(&token, &session);
            assert_eq!((server.seconds, server.micros), (1_700_000_000, 123_456));
            assert_eq!(server.checksum, ap::checksum(None));
            let step = client
                .step(Some(&server.answer(&session, subkey.as_ref())))
                .unwrap();
            assert!(step.done && step.token.is_empty());
            let mut ours = Session::kerberos(client.into_sealing().unwrap(), multipart::KERBEROS);
            let mut theirs = Session::kerberos(server.sealing(subkey.as_ref()), multipart::KERBEROS);
            for plain in [&b""[..], b"<s:Envelope/>", &[7; 5_000]] {
                let (content_type, body) = ours.seal_body(plain).unwrap();
                assert!(content_type.contains("HTTP-Kerberos-session-encrypted"));
                let length = plain.len() + usize::from(kind == Rc4);
                assert!(
                    body.windows(40)
                        .any(|part| part.ends_with(format!("Length={length}\r\n").as_bytes()))
                );
                assert_eq!(theirs.unseal_body(&content_type, &body).unwrap(), plain);
                let (content_type, body) = theirs.seal_body(plain).unwrap();
                assert_eq!(ours.unseal_body(&content_type, &body).unwrap(), plain);
            }
            // What one side sealed does not come back as the other's.
            let own = ours.seal(b"mirror").unwrap();
            assert!(ours.unseal(&own.signature, &own.data).is_err());
        }
    }
}

#[test]
fn the_kdc_chooses_type_and_salt_of_the_proof() {
    for (hints, kind) in [
        (&[(18, Some("salt")), (17, Some("salt"))][..], 18),
        (&[(17, Some("salt")), (18, None)], 17),
        (&[(3, None), (23, None), (18, None)], 23),
    ] {
        let mut client = client();
        let first = client.request().unwrap();
        assert_eq!(first.realm, REALM);
        let question = asked(&first.message);
        assert_eq!(
            (question.proof, question.kinds.as_slice()),
            (None, &[18, 17, 23][..])
        );
        assert_eq!(question.server, ["krbtgt", REALM]);
        client.reply(&wants_proof(hints)).unwrap();
        let question = asked(&client.request().unwrap().message);
        assert_eq!(question.proof, Some(kind));
        let kind = EncryptionType::from_number(kind).unwrap();
        let granting = key(Aes256);
        let tgt = Principal::ticket_granting(REALM);
        client
            .reply(&reply(
                false,
                &user_key(kind, b"salt"),
                question.nonce,
                &tgt,
                &granting,
            ))
            .unwrap();
        let question = asked(&client.request().unwrap().message);
        assert_eq!(question.server, SERVICE.split('/').collect::<Vec<_>>());
    }
}

#[test]
fn a_kdc_without_a_common_type_is_told_from_a_wrong_password() {
    let mut client = client();
    let error = refused(&mut client, &wants_proof(&[(3, None)]));
    assert!(matches!(error, Error::Kdc { code: 14, .. }), "{error}");
    assert!(error.hint().unwrap().contains("AES"));

    let mut client = fake::client();
    client.reply(&wants_proof(&[(18, None)])).unwrap();
    let error = refused(&mut client, &krb_error(24, 0, &[]));
    assert_eq!(
        error.to_string(),
        "the KDC of CONTOSO.EXAMPLE refuses \"operator\": wrong password (KDC_ERR_PREAUTH_FAILED, 24)"
    );
    assert!(matches!(refused_hash(), Error::Kdc { code: 14, .. }));
}

/// A KDC that offers AES alone to somebody who has no password.
fn refused_hash() -> Error {
    let hash = NtHash::of_password(&Secret::from("a pass phrase"));
    let credentials = Credentials::new("operator", Secret::from_nt_hash(&hash));
    let realm = Realm {
        user: Some(REALM.to_owned()),
        server: None,
    };
    let mut client = client_of(&credentials, &realm);
    assert_eq!(asked(&client.request().unwrap().message).kinds, [23]);
    client.reply(&krb_error(14, 0, &[])).unwrap();
    assert_eq!(asked(&client.request().unwrap().message).kinds, [23, 18, 17]);
    refused(&mut client, &wants_proof(&[(18, None)]))
}

#[test]
fn a_proof_is_not_asked_for_for_ever() {
    let mut client = client();
    client.reply(&wants_proof(&[(18, None)])).unwrap();
    let error = refused(&mut client, &wants_proof(&[(18, None)]));
    assert!(matches!(error, Error::Kdc { code: 25, .. }), "{error}");
}

#[test]
fn clocks_are_compared_in_both_directions() {
    for (ahead, text) in [
        (
            600,
            "this machine's clock is 600 s behind that of the KDC of CONTOSO.EXAMPLE (KRB_AP_ERR_SKEW, 37)",
        ),
        (
            -600,
            "this machine's clock is 600 s ahead of that of the KDC of CONTOSO.EXAMPLE (KRB_AP_ERR_SKEW, 37)",
        ),
    ] {
        let mut client = client();
        client.reply(&wants_proof(&[(18, None)])).unwrap();
        assert_eq!(refused(&mut client, &krb_error(37, ahead, &[])).to_string(), text);
    }
}

#[test]
fn users_are_followed_to_their_realm_but_not_in_circles() {
    let mut client = client();
    let to = |realm: &str| {
        krb_error(
            68,
            0,
            &[field(7, &der::value(der::GENERAL_STRING, &[realm.as_bytes()]))],
        )
    };
    client.reply(&to("EU.CONTOSO.EXAMPLE")).unwrap();
    assert_eq!(client.request().unwrap().realm, "EU.CONTOSO.EXAMPLE");
    assert_eq!(
        asked(&client.request().unwrap().message).realm,
        "EU.CONTOSO.EXAMPLE"
    );
    let mut realms = ["A", "B"].into_iter().cycle();
    let error = loop {
        if let Err(error) = client.reply(&to(realms.next().unwrap())) {
            break error;
        }
    };
    assert!(error.to_string().contains("an end after 10 realms"), "{error}");
}

#[test]
fn a_name_with_a_suffix_is_looked_up_where_it_is_no_account() {
    let named = Credentials::new("operator@contoso.example", credentials().password);
    let mut client = client_of(&named, &Realm::default());
    assert_eq!(client.request().unwrap().realm, REALM);
    client.reply(&krb_error(6, 0, &[])).unwrap();
    let whole = b"operator@contoso.example";
    let message = client.request().unwrap().message;
    assert!(message.windows(whole.len()).any(|part| part == whole));
    assert!(matches!(
        refused(&mut client, &krb_error(6, 0, &[])),
        Error::Kdc { code: 6, .. }
    ));
}

/// A client with a ticket-granting ticket, and the key in it.
fn granted(realm: &Realm) -> (Client, Key) {
    let (mut client, granting) = (client_of(&credentials(), realm), key(Aes128));
    let nonce = asked(&client.request().unwrap().message).nonce;
    let user = user_key(Aes256, b"CONTOSO.EXAMPLEoperator");
    let tgt = Principal::ticket_granting(REALM);
    client
        .reply(&reply(false, &user, nonce, &tgt, &granting))
        .unwrap();
    (client, granting)
}

fn home() -> Realm {
    Realm {
        user: Some(REALM.to_owned()),
        server: None,
    }
}

#[test]
fn servers_are_found_through_other_realms() {
    let (mut client, granting) = granted(&home());
    let nonce = asked(&client.request().unwrap().message).nonce;
    let (next, away) = (Principal::ticket_granting("FABRIKAM.EXAMPLE"), key(Aes256));
    client
        .reply(&reply(true, &granting, nonce, &next, &away))
        .unwrap();
    let request = client.request().unwrap();
    assert_eq!(request.realm, "FABRIKAM.EXAMPLE");
    let question = asked(&request.message);
    assert_eq!(question.server.join("/"), SERVICE);
    // The same realm once more leads nowhere.
    let error = refused(&mut client, &reply(true, &away, question.nonce, &next, &away));
    assert!(error.to_string().contains("FABRIKAM.EXAMPLE again"), "{error}");
}

#[test]
fn a_realm_that_is_not_reached_by_name_is_asked_for_the_server_itself() {
    let (mut client, _) = granted(&Realm {
        server: Some("FABRIKAM.EXAMPLE".to_owned()),
        ..home()
    });
    let question = asked(&client.request().unwrap().message);
    assert_eq!(question.server, ["krbtgt", "FABRIKAM.EXAMPLE"]);
    client.reply(&krb_error(7, 0, &[])).unwrap();
    assert_eq!(
        asked(&client.request().unwrap().message).server.join("/"),
        SERVICE
    );
    let error = refused(&mut client, &krb_error(7, 0, &[]));
    let Error::Kdc {
        code: 7, principal, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(principal, SERVICE);
    assert!(error.hint().unwrap().contains("setspn"));
}

#[test]
fn replies_that_do_not_belong_to_the_request_are_refused() {
    let tgt = Principal::ticket_granting(REALM);
    let user = user_key(Aes256, b"CONTOSO.EXAMPLEoperator");
    let nonce = |client: &Client| asked(&client.request().unwrap().message).nonce;
    let mut other_nonce = client();
    let bytes = reply(false, &user, nonce(&other_nonce) ^ 1, &tgt, &key(Aes256));
    assert!(refused(&mut other_nonce, &bytes).to_string().contains("nonce"));
    let mut other_key = client();
    let bytes = reply(false, &key(Aes256), nonce(&other_key), &tgt, &key(Aes256));
    assert!(matches!(
        refused(&mut other_key, &bytes),
        Error::WrongPassword { .. }
    ));
    let mut other_server = client();
    let service = Principal::service(SERVICE);
    let bytes = reply(false, &user, nonce(&other_server), &service, &key(Aes256));
    assert!(
        refused(&mut other_server, &bytes)
            .to_string()
            .contains("ticket-granting")
    );
    let mut other_kind = client();
    let bytes = reply(true, &user, nonce(&other_kind), &tgt, &key(Aes256));
    assert!(matches!(
        refused(&mut other_kind, &bytes),
        Error::Malformed { .. }
    ));
    let mut endless = client();
    let bytes = vec![0x30; super::LONGEST_MESSAGE + 1];
    assert!(matches!(refused(&mut endless, &bytes), Error::TooLong { .. }));
}

#[test]
fn a_server_that_cannot_read_the_ticket_is_not_believed() {
    let session = key(Aes256);
    let mut client = with_ticket(&session);
    let server = Introduced::read(&client.step(None).unwrap().token, &session);
    let other = Key::random(
        Aes256,
        &mut <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(8),
    );
    let error = client.step(Some(&server.answer(&other, None))).unwrap_err();
    assert!(matches!(error, Error::ServerUnproven { .. }), "{error}");
    assert!(matches!(client.step(None), Err(Error::Broken)));

    let mut client = with_ticket(&session);
    let mut server = Introduced::read(&client.step(None).unwrap().token, &session);
    server.micros += 1;
    let error = client.step(Some(&server.answer(&session, None))).unwrap_err();
    assert!(matches!(error, Error::ServerUnproven { .. }), "{error}");

    let mut client = with_ticket(&session);
    client.step(None).unwrap();
    assert!(matches!(client.step(None), Err(Error::OutOfTurn { .. })));
    assert!(matches!(client.into_sealing(), Err(Error::Incomplete)));
}

#[test]
fn a_server_that_refuses_the_ticket_says_why() {
    let session = key(Aes256);
    for (code, found) in [
        (41, "KRB_AP_ERR_MODIFIED, 41"),
        (37, "600 s behind that of HTTP/cas01"),
    ] {
        let mut client = with_ticket(&session);
        client.step(None).unwrap();
        let token = ap::frame(ap::ERROR_TOKEN, &krb_error(code, 600, &[]));
        let error = client.step(Some(&token)).unwrap_err();
        assert!(error.to_string().contains(found), "{error}");
        assert!(error.hint().is_some() && error.is_of_kerberos());
    }
}

#[test]
fn no_token_is_made_without_a_ticket() {
    let mut client = client();
    assert!(matches!(client.step(None), Err(Error::NoTicket { .. })));
    assert!(
        Client::new(
            &credentials(),
            &Realm::default(),
            SERVICE,
            None,
            &mut chance(),
            NOW
        )
        .is_none()
    );
}

const NOW: FileTime = FileTime::from_ticks(133_444_736_000_000_000);

fn negotiation(session: Option<&Key>) -> spnego::Client {
    let mut kerberos = client();
    if let Some(session) = session {
        give_ticket(&mut kerberos, session);
    }
    let ntlm = ntlm::Client::new(&credentials(), SERVICE, None, &mut chance(), NOW);
    spnego::Client::new(Some(kerberos), ntlm)
}

/// NegTokenInit's mechToken, found by its frame.
fn first_token(offer: &[u8]) -> &[u8] {
    let start = offer.windows(2).rposition(|pair| pair == [0x60, 0x82]).unwrap();
    &offer[start..]
}

/// NegTokenResp.
fn response(state: u8, token: &[u8], mic: Option<&[u8]>) -> Vec<u8> {
    let octets = |bytes: &[u8]| der::value(der::OCTET_STRING, &[bytes]);
    let fields = [
        field(0, &der::value(der::ENUMERATED, &[&[state]])),
        field(1, &der::value(der::OBJECT_IDENTIFIER, &[super::MS_KRB5])),
        field(2, &octets(token)),
        mic.map_or_else(Vec::new, |mic| field(3, &octets(mic))),
    ];
    der::value(der::context(1), &[&fake::sequence(&fields)])
}

/// SEQUENCE of the identifiers of Kerberos and NTLM.
const OFFERED: &[u8] = &[
    0x30, 0x17, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2,
    0x0a,
];

#[test]
fn a_server_that_asks_for_the_mech_list_mic_gets_it_and_gives_it() {
    for kind in EncryptionType::ALL {
        let session = key(kind);
        for forged in [false, true] {
            let mut client = negotiation(Some(&session));
            let offer = client.step(None).unwrap().token;
            assert!(offer.windows(OFFERED.len()).any(|part| part == OFFERED));
            let server = Introduced::read(first_token(&offer), &session);
            let mut theirs = server.sealing(None);
            let answer = response(1, &server.answer(&session, None), None);
            let step = client.step(Some(&answer)).unwrap();
            assert!(!step.done);
            let sent = &step.token[step
                .token
                .windows(2)
                .position(|pair| pair == [0xa3, pair[1]] && pair[1] > 20)
                .unwrap()
                + 4..];
            assert!(theirs.verify(OFFERED, sent).unwrap(), "{kind}");
            let mut mic = theirs.sign(OFFERED).unwrap();
            if forged {
                *mic.last_mut().unwrap() ^= 1;
            }
            let last = client.step(Some(&response(0, &[], Some(&mic))));
            match forged {
                true => assert!(matches!(last, Err(Error::MicWrong { .. }))),
                false => {
                    assert!(last.unwrap().done);
                    let mut ours = client.into_session().unwrap();
                    assert_eq!(
                        (ours.mechanism(), ours.protocol()),
                        ("kerberos", multipart::SPNEGO)
                    );
                    let sealed = ours.seal(b"after the MIC").unwrap();
                    let mut theirs = Session::kerberos(theirs, multipart::SPNEGO);
                    assert_eq!(
                        theirs.unseal(&sealed.signature, &sealed.data).unwrap(),
                        b"after the MIC"
                    );
                }
            }
        }
    }
}

#[test]
fn kerberos_without_the_server_s_proof_is_no_login() {
    let session = key(Aes256);
    let mut client = negotiation(Some(&session));
    client.step(None).unwrap();
    let error = client.step(Some(&response(0, &[], None))).unwrap_err();
    assert!(
        matches!(
            error,
            Error::OutOfTurn {
                expected: "AP-REP",
                ..
            }
        ),
        "{error}"
    );
    assert!(client.into_session().is_err());
}

#[test]
fn a_server_without_kerberos_turns_to_ntlm_under_a_mech_list_mic() {
    let mut client = negotiation(Some(&key(Aes256)));
    let names = ntlm::Names {
        netbios_domain: "CONTOSO".to_owned(),
        netbios_computer: "CAS01".to_owned(),
        dns_domain: "contoso.example".to_owned(),
        dns_computer: "cas01.contoso.example".to_owned(),
    };
    let ntlm = ntlm::Server::new(names, BindingPolicy::Ignore, &mut chance(), NOW);
    let mut server = spnego::Server::new(ntlm);
    let accounts = |_: &str, _: &str| Some(NtHash::of_password(&credentials().password));
    let mut step = client.step(None).unwrap();
    let mut legs = 0;
    loop {
        let answer = server.step(&step.token, &accounts).unwrap();
        step = client.step(Some(&answer.token)).unwrap();
        legs += 1;
        if answer.done {
            break;
        }
    }
    assert!(step.done);
    assert_eq!(legs, 3);
    let (mut ours, mut theirs) = (client.into_session().unwrap(), server.into_session().unwrap());
    assert_eq!(ours.mechanism(), "ntlm");
    let sealed = ours.seal(b"hello").unwrap();
    assert_eq!(theirs.unseal(&sealed.signature, &sealed.data).unwrap(), b"hello");
}

#[test]
fn ntlm_takes_over_unless_the_account_was_judged() {
    for (code, takes_over) in [
        (6, true),
        (7, true),
        (14, true),
        (37, true),
        (18, false),
        (23, false),
        (24, false),
    ] {
        let mut client = negotiation(None);
        let result = client.kdc_reply(&krb_error(code, 0, &[]));
        assert_eq!(result.is_ok(), takes_over, "{code}");
        assert_eq!(failure::Code::is_about_the_account(code), !takes_over);
        if takes_over {
            assert!(client.kdc_request().is_none());
            assert!(client.kerberos_failure().is_some());
            let offer = client.step(None).unwrap().token;
            assert!(offer.windows(8).any(|part| part == b"NTLMSSP\0"));
        }
    }
}

fn altered(bytes: &[u8], position: prop::sample::Index, change: u8, cut: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let position = position.index(bytes.len());
    match cut {
        true => bytes.truncate(position),
        false => bytes[position] ^= change,
    }
    bytes
}

proptest! {
    #[test]
    fn altered_answers_of_a_kdc_never_panic(position: prop::sample::Index, change in 1_u8.., cut: bool) {
        let mut client = client();
        let nonce = asked(&client.request().unwrap().message).nonce;
        let user = user_key(Rc4, b"");
        let tgt = Principal::ticket_granting(REALM);
        let answers = [
            wants_proof(&[(18, Some("salt")), (23, None)]),
            krb_error(68, 0, &[field(7, &der::value(der::GENERAL_STRING, &[b"X"]))]),
            reply(false, &user, nonce, &tgt, &key(Aes256)),
        ];
        for answer in answers {
            let _ = client.reply(&altered(&answer, position, change, cut));
            client = fake::client();
        }
    }

    #[test]
    fn altered_tokens_of_a_server_never_log_in(position: prop::sample::Index, change in 1_u8.., cut: bool) {
        let session = key(Aes128);
        let mut client = with_ticket(&session);
        let server = Introduced::read(&client.step(None).unwrap().token, &session);
        let answer = server.answer(&session, None);
        let bad = altered(&answer, position, change, cut);
        // The message type and the identifier's variant of Windows 2000 are not looked at.
        if let Ok(step) = client.step(Some(&bad)) {
            prop_assert!(step.done && bad.len() == answer.len());
        }
    }

    #[test]
    fn altered_messages_never_open(position: prop::sample::Index, change in 1_u8.., cut: bool, kind in 0..3_usize) {
        let session = key(EncryptionType::ALL[kind]);
        let mut client = with_ticket(&session);
        let server = Introduced::read(&client.step(None).unwrap().token, &session);
        client.step(Some(&server.answer(&session, None))).unwrap();
        let mut ours = client.into_sealing().unwrap();
        let sealed = server.sealing(None).seal(b"a message").unwrap();
        let split = sealed.signature.len();
        let whole = [sealed.signature, sealed.data].concat();
        let bad = altered(&whole, position, change, cut);
        let (signature, data) = bad.split_at(split.min(bad.len()));
        if let Ok(plain) = ours.unseal(signature, data) {
            // RFC 4121 leaves the upper flags and the rotation open.
            prop_assert_eq!(plain, b"a message");
            prop_assert!(matches!(position.index(whole.len()), 2 | 6 | 7));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let session = key(Rc4);
        let _ = client().reply(&bytes);
        let (mut started, mut proven) = (with_ticket(&session), with_ticket(&session));
        let server = Introduced::read(&started.step(None).unwrap().token, &session);
        let _ = started.step(Some(&bytes));
        proven.step(None).unwrap();
        let _ = proven.step(Some(&server.answer(&session, None)));
        if let Ok(mut sealing) = proven.into_sealing() {
            prop_assert!(sealing.unseal(&bytes, &bytes).is_err());
            prop_assert!(!matches!(sealing.verify(b"x", &bytes), Ok(true)));
        }
    }
}
