//! Tokens of a login that succeeds, and messages that were sealed after it.

use auth::multipart;

use super::{Seed, seed};
use crate::bytes::pieces;
use crate::targets::{acceptor, initiator, session_pair};

pub(super) fn seeds() -> Vec<Seed> {
    let [negotiate, challenge, authenticate, _] = tokens(auth::Scheme::Ntlm);
    let [init, choice, proof, end] = tokens(auth::Scheme::Negotiate);
    let (mut client, _) = session_pair();
    let (kind, body) = client.seal_body(b"<s:Envelope/>").expect("a fresh session seals");
    let (other_kind, other_body) =
        multipart::write("application/HTTP-Kerberos-session-encrypted", 3, &[7; 60], b"abc");
    vec![
        seed("challenge", "honest", challenge.clone()),
        seed("challenge", "bad-empty", b"NTLMSSP\0\x02\0\0\0".to_vec()),
        seed("authenticate", "honest", authenticate.clone()),
        seed("authenticate", "bad-negotiate", negotiate.clone()),
        seed("authenticate", "bad-init", init.clone()),
        seed(
            "negotiation",
            "server-raw",
            [vec![0], pieces(&[&negotiate, &authenticate])].concat(),
        ),
        seed(
            "negotiation",
            "server",
            [vec![0], pieces(&[&init, &proof])].concat(),
        ),
        seed(
            "negotiation",
            "client",
            [vec![1], pieces(&[&choice, &end])].concat(),
        ),
        seed("certificate", "sha256", certificate()),
        seed("certificate", "bad-basic", b"Basic b3BlcmF0b3I6cGFzcw==".to_vec()),
        seed("multipart", "ntlm", [kind.as_bytes(), b"\n", &body].concat()),
        seed(
            "multipart",
            "kerberos",
            [other_kind.as_bytes(), b"\n", &other_body].concat(),
        ),
        // Three messages sealed, two taken; then the first again, and one damaged.
        seed("session", "order", b"\x20abcd\x28abcde\0\x04\x04".to_vec()),
        seed("session", "replay", b"\x20abcd\x20efgh\x04\x02\x04".to_vec()),
        seed(
            "session",
            "damage",
            b"\x20abcd\x20efgh\x04\x07\x01\x02\x04".to_vec(),
        ),
    ]
}

/// The tokens of both sides in turn; the last is empty where the server's yes needs none.
fn tokens(scheme: auth::Scheme) -> [Vec<u8>; 4] {
    let (mut client, mut server) = (initiator(scheme, None), acceptor());
    let first = client.step(None).expect("a first token").token;
    let second = server.step(&first).expect("an honest client").token;
    let third = client.step(Some(&second)).expect("an honest server").token;
    let fourth = server.step(&third).expect("the right password").token;
    [first, second, third, fourth]
}

/// As much of a certificate as the channel binding looks at: something, an algorithm (sha256WithRSAEncryption), something.
fn certificate() -> Vec<u8> {
    let algorithm = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
    ];
    let content = [
        &[0x30, 0x03, 0x02, 0x01, 0x01],
        &algorithm[..],
        &[0x03, 0x02, 0x00, 0xff],
    ]
    .concat();
    [&[0x30, u8::try_from(content.len()).expect("short")], &content[..]].concat()
}
