//! Sealed messages: their frame, and what a session does with them.

use auth::multipart::{self, SPNEGO};
use auth::{Error, Session};

use super::login::{acceptor, initiator};
use super::short;
use crate::bytes::Bytes;

/// The first line is the content type, the rest the body.
pub(crate) fn multipart(input: &[u8]) -> bool {
    let end = input
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(input.len());
    let (content_type, body) = input.split_at(end);
    let content_type = String::from_utf8_lossy(content_type);
    let body = body.get(1..).unwrap_or_default();
    let accepted = match multipart::read(&content_type, body) {
        Ok(part) => {
            assert!(multipart::is_sealed(&content_type));
            assert_eq!(part.length, part.data.len());
            assert!(part.signature.len() <= 256 && part.signature.len() + part.data.len() < body.len());
            true
        }
        Err(error) => {
            short(&error);
            false
        }
    };
    let (kind, framed) = multipart::write(SPNEGO, body.len(), b"0123456789abcdef", body);
    let part = multipart::read(&kind, &framed).expect("what this crate writes it reads");
    assert_eq!(
        (part.signature, part.data),
        (b"0123456789abcdef".as_slice(), body)
    );
    accepted
}

/// Both ends of a login.
pub(crate) fn session_pair() -> (Session, Session) {
    let (mut client, mut server) = (initiator(auth::Scheme::Ntlm, None), acceptor());
    let mut token = client.step(None).expect("a first token").token;
    for _ in 0..2 {
        let answer = server.step(&token).expect("an honest login");
        if answer.done {
            break;
        }
        token = client.step(Some(&answer.token)).expect("an honest server").token;
    }
    let sessions = (client.into_session(), server.into_session());
    (sessions.0.expect("logged in"), sessions.1.expect("logged in"))
}

/// Reads the input as what happens to the messages of a server on their way: taken as they are, twice, late, damaged, or made up.
/// Only the message that is due is ever taken, and after the first that is not, none.
pub(crate) fn session(input: &[u8]) -> bool {
    let mut script = Bytes(input);
    let (mut client, mut server) = session_pair();
    let (mut messages, mut due, mut broken) = (Vec::new(), 0, false);
    while !script.0.is_empty() {
        let step = script.byte();
        let (kind, body, honest) = match step & 7 {
            0 => {
                let plain = script.up_to(usize::from(step >> 3)).to_vec();
                let (kind, body) = server
                    .seal_body(&plain)
                    .expect("a server that never hears anything");
                messages.push((plain, kind, body));
                continue;
            }
            1 => (
                String::from(r#"multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted""#),
                script.up_to(200).to_vec(),
                None,
            ),
            other => {
                let chosen = match other {
                    2 | 3 => usize::from(step >> 3),
                    _ => due,
                };
                let Some((plain, kind, body)) = messages.get(chosen) else {
                    continue;
                };
                let mut body = body.clone();
                let mut honest = (chosen == due).then(|| plain.clone());
                if other == 7 {
                    let at = (usize::from(script.byte()) * 256 + usize::from(script.byte())) % body.len();
                    // The frame may be written in several ways; signature and content may not.
                    let sealed = body.len() - plain.len() - 16 - 24..body.len() - 24;
                    let at = sealed.start + at % sealed.len();
                    body[at] ^= 1 << (step >> 3 & 7);
                    honest = None;
                }
                (kind.clone(), body, honest)
            }
        };
        match (client.unseal_body(&kind, &body), honest) {
            (Ok(plain), Some(expected)) => {
                assert!(!broken, "taken after a message that was refused");
                assert_eq!(plain, expected);
                due += 1;
            }
            (Ok(_), None) => panic!("a message was taken that is not the one due"),
            (Err(Error::Broken), _) => assert!(broken, "refused for no reason"),
            (Err(error), Some(_)) => panic!("the message that is due was refused: {error}"),
            (Err(error), None) => {
                short(&error);
                broken = true;
            }
        }
    }
    due > 0
}
