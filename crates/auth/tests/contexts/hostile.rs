//! Bytes from a hostile peer: whatever they are, they lead to an error or to nothing, never to a panic.

use auth::{Scheme, basic, channel_binding};
use proptest::prelude::*;

use super::{SEALING, acceptor, cas01, initiator, log_in_through, operator};

/// The tokens of a login that succeeds.
pub(super) fn honest(scheme: Scheme) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    let (mut client, mut server) = (initiator(scheme, &operator(), None), acceptor(cas01()));
    log_in_through(&mut client, &mut server, |_, token| tokens.push(token.clone())).unwrap();
    tokens
}

/// A NegTokenResp of a server that chose NTLM, around this token.
pub(super) fn neg_token_resp(token: &[u8]) -> Vec<u8> {
    let value = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let state = value(0xa0, &value(0x0a, &[1]));
    let token = value(0xa2, &value(0x04, token));
    value(0xa1, &value(0x30, &[state, token].concat()))
}

/// Hostile variations of one message: bytes overwritten, cut, or followed by more.
fn damage() -> impl Strategy<Value = (Vec<(usize, u8)>, usize, Vec<u8>)> {
    let writes = proptest::collection::vec((0..1024_usize, any::<u8>()), 0..12);
    (
        writes,
        0..1024_usize,
        proptest::collection::vec(any::<u8>(), 0..40),
    )
}

fn damaged(token: &[u8], (writes, cut, more): &(Vec<(usize, u8)>, usize, Vec<u8>)) -> Vec<u8> {
    let mut token = token.to_vec();
    for (at, with) in writes {
        let at = at % token.len();
        token[at] = *with;
    }
    if cut % 3 == 0 {
        token.truncate(token.len() - cut % token.len());
    }
    if cut % 3 == 1 {
        token.extend_from_slice(more);
    }
    token
}

proptest! {
    #[test]
    fn arbitrary_first_tokens_are_refused(token in proptest::collection::vec(any::<u8>(), 0..200), magic in 0..4_u8) {
        let mut token = token;
        if magic > 0 {
            let mut head = b"NTLMSSP\0".to_vec();
            head.extend_from_slice(&[magic, 0, 0, 0]);
            head.append(&mut token);
            token = head;
        }
        for scheme in SEALING {
            let mut client = initiator(scheme, &operator(), None);
            client.step(None).unwrap();
            prop_assert!(client.step(Some(&token)).is_err());
        }
        if let Ok(step) = acceptor(cas01()).step(&token) {
            prop_assert!(!step.done);
        }
        prop_assert!(channel_binding(&token).is_err());
    }

    #[test]
    fn damaged_tokens_never_panic(which in 0..4_usize, damage in damage()) {
        for scheme in SEALING {
            let tokens = honest(scheme);
            let which = which % tokens.len();
            let (mut client, mut server) = (initiator(scheme, &operator(), None), acceptor(cas01()));
            let mut changed = false;
            let result = log_in_through(&mut client, &mut server, |number, token| {
                if number == which {
                    *token = damaged(token, &damage);
                    changed = *token != tokens[which];
                }
            });
            if scheme == Scheme::Ntlm {
                prop_assert_eq!(result.is_err(), changed, "{:?}", result);
            }
        }
    }

    #[test]
    fn arbitrary_headers_are_no_basic_login(header in ".{0,60}") {
        if let Some(credentials) = basic::read(&header) {
            prop_assert!(header.trim_start()[..5].eq_ignore_ascii_case("basic"));
            prop_assert!(!credentials.user.contains(':'));
        }
    }
}

/// A CHALLENGE that names far more than it holds, and one that is far too large.
#[test]
fn lies_about_lengths_are_refused() {
    let challenge = honest(Scheme::Ntlm).swap_remove(1);
    let answer_to = |token: &[u8]| {
        let mut client = initiator(Scheme::Ntlm, &operator(), None);
        client.step(None).unwrap();
        client
            .step(Some(token))
            .map(|step| step.token.len())
            .map_err(|error| error.to_string())
    };
    assert!(answer_to(&challenge).unwrap() > 88);
    for (at, bytes) in [
        (12, [0xff, 0xff]),
        (16, [0xff, 0xff]),
        (18, [0xff, 0xff]),
        (40, [0xff, 0xff]),
        (46, [0xff, 0xff]),
    ] {
        let mut lying = challenge.clone();
        lying[at..at + 2].copy_from_slice(&bytes);
        let text = answer_to(&lying).unwrap_err();
        assert!(
            text.starts_with("malformed CHALLENGE: expected every payload inside the message"),
            "{text}"
        );
    }
    let mut huge = challenge;
    huge.resize(70_000, 0);
    assert_eq!(
        answer_to(&huge).unwrap_err(),
        "malformed CHALLENGE: expected at most 65536 bytes, found 70000 bytes"
    );
}

/// Each flag that sealing needs, taken out of the CHALLENGE.
#[test]
fn a_challenge_without_sealing_is_refused() {
    let challenge = honest(Scheme::Ntlm).swap_remove(1);
    let required = [
        ("NEGOTIATE_UNICODE", 0x0000_0001_u32),
        ("NEGOTIATE_SIGN", 0x0000_0010),
        ("NEGOTIATE_SEAL", 0x0000_0020),
        ("NEGOTIATE_NTLM", 0x0000_0200),
        ("NEGOTIATE_NTLM2_KEY", 0x0008_0000),
        ("NEGOTIATE_128BIT", 0x2000_0000),
        ("NEGOTIATE_KEY_EXCHANGE", 0x4000_0000),
    ];
    for (name, flag) in required {
        let mut weak = challenge.clone();
        let flags = u32::from_le_bytes(weak[20..24].try_into().unwrap());
        assert_eq!(flags & flag, flag, "{name} is in an honest CHALLENGE");
        weak[20..24].copy_from_slice(&(flags & !flag).to_le_bytes());
        let mut client = initiator(Scheme::Ntlm, &operator(), None);
        client.step(None).unwrap();
        let text = client.step(Some(&weak)).unwrap_err().to_string();
        match name {
            "NEGOTIATE_UNICODE" => assert!(text.contains("another encoding"), "{text}"),
            _ => assert_eq!(
                text,
                format!("CHALLENGE lacks {name}, which sealed messages need")
            ),
        }
        assert!(client.into_session().is_err());
    }
}
