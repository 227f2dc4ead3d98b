//! Messages of NTLM with every field out of its range: refused, or harmless where nobody looks at the field.

use auth::Scheme;

use super::hostile::{honest, neg_token_resp};
use super::{SEALING, acceptor, cas01, initiator, operator};

/// Values at which arithmetic goes wrong, beside those of the message's own length.
fn edges(length: usize) -> Vec<u32> {
    let length = u32::try_from(length).unwrap();
    let mut edges = vec![
        0,
        1,
        7,
        8,
        0x7f,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX - 1,
        u32::MAX,
    ];
    edges.extend([length - 1, length, length + 1, 0u32.wrapping_sub(length)]);
    edges
}

/// A copy with a number of `width` bytes written at a place.
fn with_number(token: &[u8], at: usize, width: usize, value: u32) -> Vec<u8> {
    let mut token = token.to_vec();
    token[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    token
}

/// The fields of a CHALLENGE behind its signature (MS-NLMP 2.2.1.2): name, place, bytes.
const CHALLENGE_FIELDS: [(&str, usize, usize); 12] = [
    ("MessageType", 8, 4),
    ("TargetNameLen", 12, 2),
    ("TargetNameMaxLen", 14, 2),
    ("TargetNameBufferOffset", 16, 4),
    ("NegotiateFlags", 20, 4),
    ("ServerChallenge", 24, 4),
    ("Reserved", 32, 4),
    ("TargetInfoLen", 40, 2),
    ("TargetInfoMaxLen", 42, 2),
    ("TargetInfoBufferOffset", 44, 4),
    ("ProductVersion", 48, 4),
    ("NTLMRevisionCurrent", 52, 4),
];

/// One field after the other, each at every edge; then two lengths or offsets at once.
#[test]
fn a_challenge_with_a_field_out_of_range_is_refused_or_harmless() {
    // What nobody has to look at, and what may be anything.
    const FREE: [&str; 6] = [
        "TargetNameMaxLen",
        "ServerChallenge",
        "Reserved",
        "TargetInfoMaxLen",
        "ProductVersion",
        "NTLMRevisionCurrent",
    ];
    for scheme in SEALING {
        let challenge = honest(Scheme::Ntlm).swap_remove(1);
        let answer_to = |token: &[u8]| {
            let mut client = initiator(scheme, &operator(), None);
            client.step(None).unwrap();
            let wrapped = match scheme {
                Scheme::Negotiate => neg_token_resp(token),
                _ => token.to_vec(),
            };
            client.step(Some(&wrapped)).map(|step| step.token.len())
        };
        assert!(answer_to(&challenge).unwrap() > 88);
        for (name, at, width) in CHALLENGE_FIELDS {
            let own = challenge[at..at + width].to_vec();
            for value in edges(challenge.len()) {
                let token = with_number(&challenge, at, width, value);
                let answer = answer_to(&token);
                let unchanged = token[at..at + width] == own;
                if FREE.contains(&name) || unchanged {
                    assert!(answer.is_ok(), "{name} = {value:#x}: {answer:?}");
                } else if name == "MessageType" {
                    assert!(answer.is_err(), "{name} = {value:#x}");
                } else if let Err(error) = answer {
                    assert!(error.to_string().len() < 200, "{error}");
                }
            }
            for (_, other_at, other_width) in CHALLENGE_FIELDS {
                for value in edges(challenge.len()) {
                    let token = with_number(&challenge, at, width, value);
                    let token = with_number(&token, other_at, other_width, value);
                    if let Err(error) = answer_to(&token) {
                        assert!(error.to_string().len() < 200, "{error}");
                    }
                }
            }
        }
    }
}

/// A CHALLENGE around a list of AV pairs.
fn challenge_with(information: &[u8]) -> Vec<u8> {
    let honest = honest(Scheme::Ntlm).swap_remove(1);
    let mut token = honest[..56].to_vec();
    token[12..20].copy_from_slice(&[0; 8]);
    let length = u16::try_from(information.len()).unwrap().to_le_bytes();
    token[40..42].copy_from_slice(&length);
    token[42..44].copy_from_slice(&length);
    token[44..48].copy_from_slice(&56_u32.to_le_bytes());
    token.extend_from_slice(information);
    token
}

fn pair(id: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&id.to_le_bytes(), &length.to_le_bytes(), data].concat()
}

#[test]
fn av_pairs_out_of_range_are_refused_or_harmless() {
    let end = pair(0, &[]);
    let time = pair(7, &1_700_000_000_u64.to_le_bytes());
    let lying = |length: u16| [&7_u16.to_le_bytes()[..], &length.to_le_bytes(), &[0; 8]].concat();
    let table: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("none at all", vec![], None),
        ("only the end", end.clone(), None),
        ("no end", time.clone(), None),
        (
            "an end with content",
            [time.clone(), pair(0, &[1; 9])].concat(),
            Some("a CHALLENGE"),
        ),
        (
            "bytes behind the end",
            [time.clone(), end.clone(), vec![0xff; 40]].concat(),
            Some("a CHALLENGE"),
        ),
        (
            "unknown kinds",
            [pair(0xffff, b"??"), pair(11, b""), time.clone(), end.clone()].concat(),
            None,
        ),
        (
            "the same kind twice",
            [
                time.clone(),
                time.clone(),
                pair(2, b"AB"),
                pair(2, b"CD"),
                end.clone(),
            ]
            .concat(),
            None,
        ),
        (
            "names that are no UTF-16",
            [pair(1, &[0, 0xd8, 1]), time.clone(), end.clone()].concat(),
            Some("a CHALLENGE"),
        ),
        (
            "ten thousand pairs",
            [pair(9, b"").repeat(10_000), time.clone(), end.clone()].concat(),
            None,
        ),
        ("a cut pair", vec![1, 0, 0], Some("a complete AV pair")),
        (
            "a pair longer than the list by one",
            lying(9),
            Some("an AV pair inside the list"),
        ),
        (
            "a pair of the greatest length",
            lying(0xffff),
            Some("an AV pair inside the list"),
        ),
        (
            "a short time",
            [pair(7, &[0; 6]), end.clone()].concat(),
            Some("a timestamp of 8 bytes"),
        ),
        (
            "a long time",
            [pair(7, &[0; 10]), end.clone()].concat(),
            Some("a timestamp of 8 bytes"),
        ),
        (
            "the greatest time",
            [pair(7, &[0xff; 8]), end.clone()].concat(),
            None,
        ),
        ("time zero", [pair(7, &[0; 8]), end.clone()].concat(), None),
        (
            "short flags",
            [time.clone(), pair(6, &[0; 2]), end.clone()].concat(),
            Some("AV flags of 4 bytes"),
        ),
        (
            "all flags",
            [time.clone(), pair(6, &[0xff; 4]), end.clone()].concat(),
            None,
        ),
        (
            "more than an answer can repeat",
            [time, pair(2, &[b'A'; 65_400]), end].concat(),
            Some("NT response is too long"),
        ),
    ];
    for (name, information, refused) in table {
        for scheme in SEALING {
            let mut client = initiator(scheme, &operator(), None);
            client.step(None).unwrap();
            let token = challenge_with(&information);
            let token = match scheme {
                Scheme::Negotiate => neg_token_resp(&token),
                _ => token,
            };
            let answer = client
                .step(Some(&token))
                .map(|step| step.token.len())
                .map_err(|error| error.to_string());
            match (&answer, refused) {
                (Ok(length), None) => assert!(*length > 88, "{name}"),
                (Err(error), Some(why)) => {
                    assert!(error.contains(why) && error.len() < 200, "{name}: {error}")
                }
                _ => panic!("{name}: {answer:?}, expected {refused:?}"),
            }
        }
    }
}

/// NEGOTIATE and AUTHENTICATE as the server reads them: every number of the head at every edge.
#[test]
fn a_clients_message_with_a_field_out_of_range_never_logs_in() {
    let tokens = honest(Scheme::Ntlm);
    for at in (8..40).step_by(2) {
        for value in edges(tokens[0].len()) {
            let mut server = acceptor(cas01());
            if let Ok(step) = server.step(&with_number(&tokens[0], at, 2, value)) {
                assert!(!step.done);
            }
        }
    }
    for at in (8..88).step_by(2) {
        for value in edges(tokens[2].len()) {
            let token = with_number(&tokens[2], at, 2, value);
            let mut server = acceptor(cas01());
            server.step(&tokens[0]).unwrap();
            let answer = server.step(&token);
            assert_eq!(answer.is_ok(), token == tokens[2], "{at}: {value:#x}");
            assert_eq!(
                server.principal().is_some(),
                token == tokens[2],
                "{at}: {value:#x}"
            );
        }
    }
}
