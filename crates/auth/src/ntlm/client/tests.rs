use ntlmclient::{Flags, TargetInfoType};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::acceptor::{Accounts, BindingPolicy};
use crate::credentials::NtHash;
use crate::ntlm::authenticate::Received;
use crate::ntlm::av_pairs::AvPairs;
use crate::ntlm::digest::utf16;
use crate::ntlm::{Names, Server, response};
use crate::secret::Secret;

const NOW: FileTime = FileTime::from_ticks(133_000_000_000_000_000);
const SERVER_TIME: FileTime = FileTime::from_ticks(133_000_000_123_456_789);

fn operator() -> Credentials {
    Credentials::new(r"CONTOSO\operator", Secret::from("Opera+Pass1!"))
}

fn accounts(_: &str, _: &str) -> Option<NtHash> {
    Some(NtHash::of_password(&operator().password))
}

fn client() -> Client {
    Client::new(
        &operator(),
        "HTTP/cas01",
        None,
        &mut StdRng::seed_from_u64(1),
        NOW,
    )
}

fn server() -> Server {
    let name = || "CONTOSO".to_owned();
    let names = Names {
        netbios_domain: name(),
        netbios_computer: name(),
        dns_domain: name(),
        dns_computer: name(),
    };
    Server::new(names, BindingPolicy::Ignore, &mut StdRng::seed_from_u64(2), NOW)
}

fn challenge(change: impl FnOnce(&mut AvPairs)) -> Vec<u8> {
    let mut pairs = AvPairs::default();
    pairs.set(TargetInfoType::NtDomain, utf16("CONTOSO"));
    change(&mut pairs);
    challenge::write(flags::chosen(flags::OFFERED), "CONTOSO", [7; 8], &pairs).unwrap()
}

/// The client's answer to a CHALLENGE, and whether the client says that it holds a MIC.
fn answer(challenge: &[u8]) -> (Vec<u8>, bool) {
    let mut client = client();
    client.step(None).unwrap();
    let step = client.step(Some(challenge)).unwrap();
    assert!(step.done);
    (step.token, client.mic_sent())
}

fn lm_response(token: &[u8]) -> &[u8] {
    let length = usize::from(u16::from_le_bytes([token[12], token[13]]));
    let offset = usize::from(u16::from_le_bytes([token[16], token[17]]));
    &token[offset..offset + length]
}

#[test]
fn with_a_timestamp_there_is_a_mic_and_no_lm_response() {
    let (token, mic_sent) = answer(&challenge(|pairs| {
        pairs.set(TargetInfoType::Flags, 1_u32.to_le_bytes().to_vec());
        pairs.set(
            TargetInfoType::Timestamp,
            SERVER_TIME.ticks().to_le_bytes().to_vec(),
        );
    }));
    assert!(mic_sent);
    assert_eq!(lm_response(&token), [0; 24]);
    assert_ne!(token[72..88], [0; 16]);
    let message = Received::read(&token).unwrap();
    let response = response::Received::read(message.nt_response).unwrap();
    assert_eq!(response.time, SERVER_TIME, "the server's clock counts");
    assert_eq!(
        response.pairs.get(TargetInfoType::Flags),
        Some(&[3, 0, 0, 0][..]),
        "the server's flags are kept"
    );
    assert_eq!(
        response.pairs.get(TargetInfoType::NtDomain),
        Some(utf16("CONTOSO").as_slice())
    );
    assert_eq!(
        response.pairs.get(TargetInfoType::TargetName),
        Some(utf16("HTTP/cas01").as_slice())
    );
    assert_eq!(
        response.pairs.get(TargetInfoType::ChannelBindings),
        Some(&[0; 16][..])
    );
    assert_eq!(message.flags.bits(), 0xe288_8235);
}

#[test]
fn without_a_timestamp_there_is_an_lm_response_and_no_mic() {
    let (token, mic_sent) = answer(&challenge(|_| {}));
    assert!(!mic_sent);
    assert_eq!(lm_response(&token).len(), 24);
    assert_ne!(lm_response(&token)[..16], [0; 16]);
    assert_eq!(token[72..88], [0; 16], "the room for the MIC stays empty");
    let message = Received::read(&token).unwrap();
    let response = response::Received::read(message.nt_response).unwrap();
    assert_eq!(response.time, NOW, "the own clock counts");
    assert!(!response.pairs.announces_mic("test").unwrap());
}

#[test]
fn malformed_pairs_of_the_server_are_refused() {
    for (id, length) in [(TargetInfoType::Timestamp, 6), (TargetInfoType::Timestamp, 10)] {
        let mut client = client();
        client.step(None).unwrap();
        let error = client
            .step(Some(&challenge(|pairs| pairs.set(id, vec![1; length]))))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(&format!("expected a timestamp of 8 bytes, found {length} bytes")),
            "{error}"
        );
    }
    let token = challenge(|pairs| {
        pairs.set(TargetInfoType::Timestamp, vec![1; 8]);
        pairs.set(TargetInfoType::Flags, vec![1; 2]);
    });
    let mut client = client();
    client.step(None).unwrap();
    let error = client.step(Some(&token)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed CHALLENGE: expected AV flags of 4 bytes, found 2 bytes"
    );
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let mut long = operator();
    long.user = "x".repeat(40_000);
    let mut client = Client::new(&long, "HTTP/cas01", None, &mut StdRng::seed_from_u64(1), NOW);
    client.step(None).unwrap();
    let error = client.step(Some(&challenge(|_| {}))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "user is too long: 80000 bytes, the message has room for 65535"
    );
}

/// The tokens of a login in which `change` alters the CHALLENGE that the client sees, and the server's verdict.
fn verdict(
    change_challenge: impl FnOnce(&mut Vec<u8>),
    change_proof: impl FnOnce(&mut Vec<u8>),
) -> Result<(), Error> {
    let (mut client, mut server) = (client(), server());
    let accounts: &dyn Accounts = &accounts;
    let mut challenge = server.step(&client.step(None).unwrap().token, accounts).unwrap();
    change_challenge(&mut challenge);
    let mut proof = client.step(Some(&challenge)).unwrap().token;
    change_proof(&mut proof);
    server.step(&proof, accounts).map(|_| ())
}

/// Taking the timestamp out of the CHALLENGE would make a client go without MIC.
#[test]
fn acceptor_refuses_a_client_that_was_talked_out_of_its_mic() {
    let without_timestamp = |challenge: &mut Vec<u8>| {
        let at = challenge
            .windows(4)
            .position(|head| head == [7, 0, 8, 0])
            .unwrap();
        challenge[at] = 0x33;
    };
    assert!(matches!(
        verdict(without_timestamp, |_| {}),
        Err(Error::MicMissing { what: "MIC" })
    ));
}

#[test]
fn acceptor_refuses_a_message_without_room_for_the_announced_mic() {
    let without_room = |proof: &mut Vec<u8>| {
        proof.drain(72..88);
        for pair in [12, 20, 28, 36, 44, 52] {
            let offset = u16::from_le_bytes([proof[pair + 4], proof[pair + 5]]) - 16;
            proof[pair + 4..pair + 6].copy_from_slice(&offset.to_le_bytes());
        }
    };
    assert!(matches!(
        verdict(|_| {}, without_room),
        Err(Error::MicMissing { what: "MIC" })
    ));
    assert!(matches!(
        verdict(|_| {}, |proof| proof[72] ^= 1),
        Err(Error::MicWrong { what: "MIC" })
    ));
    verdict(|_| {}, |_| {}).unwrap();
}

#[test]
fn acceptor_refuses_what_is_weaker_than_ntlmv2_and_sealing() {
    let with_nt_response_of =
        |length: u8| move |proof: &mut Vec<u8>| proof[20..22].copy_from_slice(&[length, 0]);
    let weak = |length, words| {
        let error = verdict(|_| {}, with_nt_response_of(length)).unwrap_err();
        assert!(
            matches!(error, Error::WeakResponse { found } if found == words),
            "{error}"
        );
    };
    weak(0, "no response (anonymous)");
    weak(24, "an NTLMv1 response");
    assert!(matches!(
        verdict(|_| {}, with_nt_response_of(43)),
        Err(Error::Malformed {
            message: "NTLMv2 response",
            ..
        })
    ));

    let without_key_exchange = |proof: &mut Vec<u8>| proof[63] &= !0x40;
    let error = verdict(|_| {}, without_key_exchange).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AUTHENTICATE lacks NEGOTIATE_KEY_EXCHANGE, which sealed messages need"
    );

    let mut weak = client().step(None).unwrap().token;
    weak[12] &= !0x20;
    let error = server().step(&weak, &accounts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "NEGOTIATE lacks NEGOTIATE_SEAL, which sealed messages need"
    );
}

#[test]
fn flags_of_the_server_are_not_repeated_blindly() {
    let agreed = flags::agreed(Flags::all());
    assert!(agreed.contains(Flags::NEGOTIATE_TARGET_INFO));
    for unwanted in [
        Flags::NEGOTIATE_OEM,
        Flags::NEGOTIATE_LANMAN_KEY,
        Flags::NEGOTIATE_DATAGRAM,
        Flags::TARGET_TYPE_DOMAIN,
    ] {
        assert!(!agreed.contains(unwanted), "{unwanted:?}");
    }
}
