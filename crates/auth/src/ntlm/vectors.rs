//! The worked example of MS-NLMP 4.2.4: NTLMv2 with user `User`, domain `Domain`, password `Password`.

use super::av_pairs::AvPairs;
use super::digest::{rc4k, utf16};
use super::response::{Received, Response, ResponseKey};
use super::sealing::{Direction, Sealing};
use super::{authenticate, challenge, flags};
use crate::credentials::{NtHash, UserName};
use crate::error::Error;
use crate::file_time::FileTime;
use crate::secret::Secret;

const SERVER_CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const CLIENT_CHALLENGE: [u8; 8] = [0xaa; 8];
/// RandomSessionKey.
const SESSION_KEY: [u8; 16] = [0x55; 16];

/// CHALLENGE_MESSAGE of 4.2.4.3.
const CHALLENGE: &str = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef0000000000000000\
    240024004400000006007017000000\
    0f53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000";

/// AUTHENTICATE_MESSAGE of 4.2.4.3.
const AUTHENTICATE: &str = "4e544c4d5353500003000000180018006c00000054005400840000000c000c004800000008000800\
    5400000010001000\
    5c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e0055007300650072004300\
    4f004d0050005500540045005200\
    86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa\
    68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000\
    02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000\
    c5dad2544fc9799094ce1ce90bc9d03e";

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|d| u8::try_from(d).unwrap())
        .collect();
    assert_eq!(digits.len() % 2, 0);
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn response_key() -> ResponseKey {
    let name = UserName {
        domain: "Domain".to_owned(),
        user: "User".to_owned(),
    };
    ResponseKey::new(&NtHash::of_password(&Secret::from("Password")), &name)
}

fn response() -> Response {
    let pairs = challenge::read(&hex(CHALLENGE)).unwrap().pairs;
    response_key()
        .respond(
            SERVER_CHALLENGE,
            CLIENT_CHALLENGE,
            FileTime::from_ticks(0),
            &pairs,
        )
        .unwrap()
}

#[test]
fn challenge_is_parsed() {
    let parsed = challenge::read(&hex(CHALLENGE)).unwrap();
    assert_eq!(parsed.flags.bits(), 0xe28a_8233);
    assert_eq!(parsed.server_challenge, SERVER_CHALLENGE);
    assert_eq!(
        parsed.pairs.get(ntlmclient::TargetInfoType::NtDomain),
        Some(utf16("Domain").as_slice())
    );
    assert_eq!(
        parsed.pairs.get(ntlmclient::TargetInfoType::NtServer),
        Some(utf16("Server").as_slice())
    );
    assert_eq!(parsed.pairs.timestamp("CHALLENGE").unwrap(), None);
    assert!(flags::require("CHALLENGE", parsed.flags).is_ok());
    // It is written back as it was, apart from the version.
    let written = challenge::write(parsed.flags, "Server", SERVER_CHALLENGE, &parsed.pairs).unwrap();
    let mut expected = hex(CHALLENGE);
    expected[48..56].copy_from_slice(&written[48..56]);
    assert_eq!(written, expected);
}

/// 4.2.4.1.1 NTOWFv2, 4.2.4.2.1 LMv2 response, 4.2.4.2.2 NTLMv2 response.
#[test]
fn responses_are_those_of_the_specification() {
    assert_eq!(response_key().bytes(), *hex("0c868a403bfd7a93a3001ef22ef02e3f"));
    let response = response();
    assert_eq!(
        response.lm,
        hex("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa")
    );
    assert_eq!(response.nt[..16], hex("68cd0ab851e51c96aabc927bebef6a1c"));
    assert_eq!(response.nt, hex(AUTHENTICATE)[0x84..0xd8]);
}

/// 4.2.4.1.2 Session base key, 4.2.4.2.3 Encrypted session key.
#[test]
fn keys_are_those_of_the_specification() {
    let key = response().key_exchange_key;
    assert_eq!(*key, *hex("8de40ccadbc14a82f15cb0ad0de95ca3"));
    assert_eq!(
        *rc4k(&key, &SESSION_KEY),
        *hex("c5dad2544fc9799094ce1ce90bc9d03e")
    );
}

/// 4.2.4.3 AUTHENTICATE_MESSAGE, read as the acceptor reads it.
#[test]
fn authenticate_is_parsed_and_proves_the_password() {
    let bytes = hex(AUTHENTICATE);
    let message = authenticate::Received::read(&bytes).unwrap();
    assert_eq!(message.name.to_string(), r"Domain\User");
    assert_eq!(message.flags.bits(), 0xe288_8235);
    let response = Received::read(message.nt_response).unwrap();
    assert_eq!(response.time, FileTime::from_ticks(0));
    assert!(!response.pairs.announces_mic("AUTHENTICATE").unwrap());
    let key = response_key().verify(SERVER_CHALLENGE, &response).unwrap();
    let encrypted = message.encrypted_session_key.try_into().unwrap();
    assert_eq!(*rc4k(&key, encrypted), SESSION_KEY);
    assert!(
        response_key().verify([0; 8], &response).is_none(),
        "a replayed response must not verify"
    );
    // The example has a version and no room for a MIC.
    assert!(matches!(
        message.verify_mic(&SESSION_KEY, &[], &[]),
        Err(Error::MicMissing { what: "MIC" })
    ));
}

/// 4.2.4.4 GSS_WrapEx.
#[test]
fn sealed_message_is_that_of_the_specification() {
    let mut sealing = Sealing::new(&SESSION_KEY, Direction::ClientToServer);
    assert_eq!(sealing.keys().0, *hex("59f600973cc4960a25480a7c196e4c58"));
    assert_eq!(sealing.keys().1, *hex("4788dc861b4782f35d43fd98fe1a2d39"));
    let mut data = utf16("Plaintext");
    let signature = sealing.seal(&mut data).unwrap();
    assert_eq!(data, hex("54e50165bf1936dc996020c1811b0f06fb5f"));
    assert_eq!(signature, *hex("010000007fb38ec5c55d497600000000"));

    let mut receiver = Sealing::new(&SESSION_KEY, Direction::ClientToServer);
    assert_eq!(receiver.unseal(&signature, &data).unwrap(), utf16("Plaintext"));
    assert!(AvPairs::read("test", &[]).unwrap().to_bytes().unwrap() == [0; 4]);
}
