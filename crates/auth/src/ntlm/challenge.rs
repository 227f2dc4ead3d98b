//! CHALLENGE, the server's message (MS-NLMP 2.2.1.2).

use ntlmclient::Flags;

use super::av_pairs::AvPairs;
use super::digest::utf16;
use super::fields::{Message, Payloads};
use super::negotiate::VERSION;
use crate::error::Error;

pub(super) const NAME: &str = "CHALLENGE";

/// Signature, type, target name, flags, challenge, reserved, target information, version.
const HEAD: usize = 56;

/// What a CHALLENGE says.
pub(super) struct Challenge {
    pub(super) flags: Flags,
    pub(super) server_challenge: [u8; 8],
    pub(super) pairs: AvPairs,
}

/// Parses with `ntlmclient`, after every length that its parser relies on has been checked here.
pub(super) fn read(bytes: &[u8]) -> Result<Challenge, Error> {
    let message = Message::open(NAME, 2, bytes)?;
    let flags = Flags::from_bits_retain(message.u32_at(20)?);
    let (_, name) = message.payload_at(12)?;
    let (_, information) = message.payload_at(40)?;
    if flags.contains(Flags::NEGOTIATE_UNICODE) {
        message.utf16(name)?;
    }
    AvPairs::read(NAME, information)?;
    match ntlmclient::Message::try_from(bytes) {
        Ok(ntlmclient::Message::Challenge(parsed)) => Ok(Challenge {
            flags: parsed.flags,
            server_challenge: parsed.challenge,
            pairs: AvPairs::from_entries(parsed.target_information),
        }),
        Ok(_) => Err(message.malformed("a CHALLENGE", "another message")),
        // Its text is bounded: it quotes bytes only for texts that are not valid, which were checked above.
        Err(error) if flags.contains(Flags::NEGOTIATE_UNICODE) => {
            Err(message.malformed("a CHALLENGE", error.to_string()))
        }
        Err(_) => Err(message.malformed("a CHALLENGE in UTF-16", "one in another encoding")),
    }
}

/// The server's CHALLENGE. (`ntlmclient` would put the reserved bytes into the payload.)
pub(super) fn write(
    flags: Flags,
    target: &str,
    server_challenge: [u8; 8],
    pairs: &AvPairs,
) -> Result<Vec<u8>, Error> {
    let mut payloads = Payloads::behind(HEAD);
    let target = payloads.add("target name", &utf16(target))?;
    let information = payloads.add("target information", &pairs.to_bytes()?)?;
    let mut bytes = Vec::with_capacity(HEAD + 256);
    bytes.extend_from_slice(super::SIGNATURE);
    bytes.extend_from_slice(&2_u32.to_le_bytes());
    bytes.extend_from_slice(&target);
    bytes.extend_from_slice(&flags.bits().to_le_bytes());
    bytes.extend_from_slice(&server_challenge);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&information);
    bytes.extend_from_slice(&VERSION.to_bytes());
    bytes.extend_from_slice(&payloads.into_bytes());
    Ok(bytes)
}
