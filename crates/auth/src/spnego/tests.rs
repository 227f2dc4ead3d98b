use rand::SeedableRng;
use rand::rngs::StdRng;

use super::NTLMSSP;
use super::token::{Init, Response, State, mech_types};
use super::{Client, Server};
use crate::acceptor::BindingPolicy;
use crate::credentials::{Credentials, NtHash};
use crate::der;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::ntlm;
use crate::secret::Secret;

/// 1.2.840.113554.1.2.2
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
const NOW: FileTime = FileTime::from_ticks(133_000_000_000_000_000);

fn operator() -> Credentials {
    Credentials::new(r"CONTOSO\operator", Secret::from("Opera+Pass1!"))
}

fn accounts(_: &str, user: &str) -> Option<NtHash> {
    (user == "operator").then(|| NtHash::of_password(&operator().password))
}

fn ntlm_client() -> ntlm::Client {
    ntlm::Client::new(
        &operator(),
        "HTTP/cas01",
        None,
        &mut StdRng::seed_from_u64(1),
        NOW,
    )
}

fn server() -> Server {
    let name = || "CONTOSO".to_owned();
    let names = ntlm::Names {
        netbios_domain: name(),
        netbios_computer: name(),
        dns_domain: name(),
        dns_computer: name(),
    };
    Server::new(ntlm::Server::new(
        names,
        BindingPolicy::Ignore,
        &mut StdRng::seed_from_u64(2),
        NOW,
    ))
}

/// A client and a server after `CHALLENGE`, and the server's token with it.
fn challenged() -> (Client, Server, Vec<u8>) {
    let (mut client, mut server) = (Client::new(None, ntlm_client()), server());
    let offer = client.step(None).unwrap().token;
    let answer = server.step(&offer, &accounts).unwrap();
    assert!(!answer.done && server.principal().is_none());
    (client, server, answer.token)
}

fn rewritten(token: &[u8], change: impl FnOnce(&mut Response<'_>)) -> Vec<u8> {
    let mut response = Response::read(token).unwrap();
    change(&mut response);
    response.to_bytes()
}

#[test]
fn tokens_of_windows_are_read_and_written_alike() {
    // The last token of a Windows server: accept-completed with a mechListMIC.
    let bytes = [
        0xa1, 0x1b, 0x30, 0x19, 0xa0, 3, 0x0a, 1, 0, 0xa3, 0x12, 4, 0x10, 1, 0, 0, 0, 0x43, 0x87, 0xe0, 0x88,
        0xc1, 0x36, 0xe3, 0xa9, 0, 0, 0, 0,
    ];
    let response = Response::read(&bytes).unwrap();
    assert_eq!(
        response,
        Response {
            state: Some(State::AcceptCompleted),
            mech_list_mic: Some(&bytes[13..]),
            ..Response::default()
        }
    );
    assert_eq!(response.to_bytes(), bytes);
    // The list that recorded clients signed.
    assert_eq!(
        mech_types(&[NTLMSSP]),
        *b"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"
    );
}

/// Windows 2000 repeats the token where the mechListMIC belongs.
#[test]
fn a_repeated_token_is_no_mech_list_mic() {
    let repeated = Response {
        token: Some(b"token"),
        mech_list_mic: Some(b"token"),
        ..Response::default()
    }
    .to_bytes();
    let expected = Response {
        token: Some(b"token"),
        ..Response::default()
    };
    assert_eq!(Response::read(&repeated).unwrap(), expected);
    let empty = Response {
        token: Some(b""),
        mech_list_mic: Some(b""),
        ..Response::default()
    }
    .to_bytes();
    assert_eq!(Response::read(&empty).unwrap(), Response::default());
}

#[test]
fn first_token_may_hold_flags_and_hints() {
    let list = mech_types(&[KERBEROS, NTLMSSP]);
    let hints = der::value(
        der::context(3),
        &[&der::value(
            der::SEQUENCE,
            &[&der::value(der::context(0), &[b"\x1b\x01a"])],
        )],
    );
    let fields = [
        der::value(der::context(0), &[&list]),
        der::value(der::context(1), &[b"\x03\x02\x01\x06"]),
        der::value(der::context(2), &[&der::value(der::OCTET_STRING, &[b"token"])]),
        hints,
    ]
    .concat();
    let choice = der::value(der::context(0), &[&der::value(der::SEQUENCE, &[&fields])]);
    let bytes = der::value(
        der::APPLICATION_0,
        &[b"\x06\x06\x2b\x06\x01\x05\x05\x02", &choice],
    );
    let init = Init::read(&bytes).unwrap();
    assert_eq!(
        init,
        Init {
            mechanisms: vec![KERBEROS, NTLMSSP],
            mech_types: &list,
            mech_token: Some(b"token")
        }
    );
}

#[test]
fn both_sides_finish_with_a_mech_list_mic() {
    let (mut client, mut server, challenge) = challenged();
    let step = client.step(Some(&challenge)).unwrap();
    assert!(!step.done, "the server owes its mechListMIC");
    let answer = server.step(&step.token, &accounts).unwrap();
    assert!(answer.done);
    assert_eq!(server.principal(), Some(r"CONTOSO\operator"));
    assert!(Response::read(&answer.token).unwrap().mech_list_mic.is_some());
    let last = client.step(Some(&answer.token)).unwrap();
    assert!(last.done && last.token.is_empty());

    let (mut client, mut server) = (client.into_session().unwrap(), server.into_session().unwrap());
    let sealed = client.seal(b"request").unwrap();
    assert_eq!(
        sealed.signature[12..],
        [1, 0, 0, 0],
        "the mechListMIC was message 0"
    );
    assert_eq!(
        server.unseal(&sealed.signature, &sealed.data).unwrap(),
        b"request"
    );
    let sealed = server.seal(b"reply").unwrap();
    assert_eq!(client.unseal(&sealed.signature, &sealed.data).unwrap(), b"reply");
}

#[test]
fn client_insists_on_the_mech_list_mic_of_the_server() {
    let finish = |change: fn(&mut Response<'_>)| {
        let (mut client, mut server, challenge) = challenged();
        let proof = client.step(Some(&challenge)).unwrap().token;
        let answer = server.step(&proof, &accounts).unwrap().token;
        let error = client.step(Some(&rewritten(&answer, change))).unwrap_err();
        assert!(matches!(client.into_session(), Err(Error::Incomplete)));
        error
    };
    assert!(matches!(
        finish(|token| token.mech_list_mic = None),
        Error::MicMissing { what: "mechListMIC" }
    ));
    assert!(matches!(
        finish(|token| token.mech_list_mic = Some(&[1, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0])),
        Error::MicWrong { what: "mechListMIC" }
    ));
    assert!(matches!(
        finish(|token| token.state = Some(State::Reject)),
        Error::Rejected
    ));
    assert!(matches!(
        finish(|token| token.state = Some(State::AcceptIncomplete)),
        Error::OutOfTurn { .. }
    ));
    assert!(matches!(
        finish(|token| token.token = Some(b"more")),
        Error::OutOfTurn { .. }
    ));
}

#[test]
fn client_refuses_other_offers() {
    let answer = |change: fn(&mut Response<'_>)| {
        let (mut client, _, challenge) = challenged();
        client.step(Some(&rewritten(&challenge, change))).unwrap_err()
    };
    let error = answer(|token| token.mechanism = Some(KERBEROS));
    assert_eq!(
        error.to_string(),
        "expected a mechanism that both sides know, found 1.2.840.113554.1.2.2"
    );
    assert!(matches!(
        answer(|token| token.state = Some(State::Reject)),
        Error::Rejected
    ));
    assert!(matches!(
        answer(|token| token.state = Some(State::AcceptCompleted)),
        Error::OutOfTurn { .. }
    ));
    assert!(matches!(
        answer(|token| token.token = None),
        Error::OutOfTurn {
            expected: "CHALLENGE",
            ..
        }
    ));
}

#[test]
fn server_refuses_an_altered_list_of_mechanisms() {
    let (mut client, mut server) = (Client::new(None, ntlm_client()), server());
    let offer = client.step(None).unwrap().token;
    let init = Init::read(&offer).unwrap();
    // Somebody adds a second mechanism on the way.
    let forged = Init::write(&mech_types(&[NTLMSSP, KERBEROS]), init.mech_token.unwrap());
    let challenge = server.step(&forged, &accounts).unwrap().token;
    let proof = client.step(Some(&challenge)).unwrap().token;
    let error = server.step(&proof, &accounts).unwrap_err();
    assert!(matches!(error, Error::MicWrong { what: "mechListMIC" }));
    assert_eq!(server.principal(), None);
}

/// What a Windows client in a domain does: Kerberos first, NTLM when the server wants it.
#[test]
fn server_takes_ntlm_as_second_choice_only_with_a_mech_list_mic() {
    let run = |with_mic: bool| {
        let list = mech_types(&[KERBEROS, NTLMSSP]);
        let (mut client, mut server) = (ntlm_client(), server());
        let answer = server
            .step(&Init::write(&list, b"a ticket"), &accounts)
            .unwrap()
            .token;
        let answer = Response::read(&answer).unwrap();
        assert_eq!(
            (answer.state, answer.mechanism, answer.token),
            (Some(State::RequestMic), Some(NTLMSSP), None)
        );

        let negotiate = client.step(None).unwrap().token;
        let token = Response {
            token: Some(&negotiate),
            ..Response::default()
        }
        .to_bytes();
        let answer = server.step(&token, &accounts).unwrap();
        assert!(!answer.done);
        let challenge = Response::read(&answer.token).unwrap().token.unwrap().to_vec();
        let proof = client.step(Some(&challenge)).unwrap().token;
        let mic = client.sign_mech_list(&list).unwrap();
        let mech_list_mic = with_mic.then_some(mic.as_slice());
        let token = Response {
            token: Some(&proof),
            mech_list_mic,
            ..Response::default()
        }
        .to_bytes();
        let answer = server.step(&token, &accounts)?;
        let mic = Response::read(&answer.token)?.mech_list_mic.map(<[u8]>::to_vec);
        client.verify_mech_list(&list, &mic.unwrap())
    };
    run(true).unwrap();
    assert!(matches!(
        run(false),
        Err(Error::MicMissing { what: "mechListMIC" })
    ));
}

#[test]
fn server_refuses_clients_without_ntlm() {
    let offer = Init::write(&mech_types(&[KERBEROS]), b"a ticket");
    let error = server().step(&offer, &accounts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a mechanism that both sides know, found 1.2.840.113554.1.2.2"
    );
    let error = server()
        .step(&Init::write(&mech_types(&[]), b""), &accounts)
        .unwrap_err();
    assert!(matches!(error, Error::Mechanism { .. }));
}

#[test]
fn nothing_goes_on_after_a_failure() {
    let (mut client, mut server, challenge) = challenged();
    assert!(server.step(b"\xa1\x02\x30\x00", &accounts).is_err());
    assert!(matches!(server.step(&challenge, &accounts), Err(Error::Broken)));
    assert!(client.step(Some(b"garbage")).is_err());
    assert!(matches!(client.step(Some(&challenge)), Err(Error::Broken)));
    assert!(matches!(server.into_session(), Err(Error::Incomplete)));
}

/// A server without a clock in its CHALLENGE gets no MIC, and so no mechListMIC unless it asks.
#[test]
fn without_a_mic_the_client_is_done_unless_the_server_asks_for_one() {
    let run = |request_mic: bool| {
        let (mut client, _, token) = challenged();
        let mut challenge = Response::read(&token).unwrap().token.unwrap().to_vec();
        let at = challenge
            .windows(4)
            .position(|head| head == [7, 0, 8, 0])
            .unwrap();
        challenge[at] = 0x33;
        let state = if request_mic {
            State::RequestMic
        } else {
            State::AcceptIncomplete
        };
        let offer = Response {
            state: Some(state),
            token: Some(&challenge),
            ..Response::default()
        };
        let step = client.step(Some(&offer.to_bytes())).unwrap();
        let mic = Response::read(&step.token).unwrap().mech_list_mic.is_some();
        assert_eq!((mic, step.done), (request_mic, !request_mic));
        client
    };
    assert!(matches!(run(true).into_session(), Err(Error::Incomplete)));
    run(false).into_session().unwrap();
    // The server may say yes all the same, or no.
    let yes = Response {
        state: Some(State::AcceptCompleted),
        ..Response::default()
    }
    .to_bytes();
    let mut client = run(false);
    assert!(client.step(Some(&yes)).unwrap().done);
    client.into_session().unwrap();
    let no = Response {
        state: Some(State::Reject),
        ..Response::default()
    }
    .to_bytes();
    let mut client = run(false);
    assert!(matches!(client.step(Some(&no)), Err(Error::Rejected)));
    assert!(client.into_session().is_err());
}
