//! AUTHENTICATE, the client's second message (MS-NLMP 2.2.1.3).

use ntlmclient::Flags;

use super::digest::{hmac_md5, same_bytes, utf16};
use super::fields::{Message, Payloads};
use super::negotiate::VERSION;
use crate::credentials::UserName;
use crate::error::Error;

pub(super) const NAME: &str = "AUTHENTICATE";

/// Signature, type, six pairs, flags.
const HEAD_WITHOUT_VERSION: usize = 64;
const HEAD: usize = HEAD_WITHOUT_VERSION + 8;
const MIC: usize = 16;

/// What the client has to say.
pub(super) struct Authenticate<'a> {
    pub(super) flags: Flags,
    pub(super) lm_response: &'a [u8],
    pub(super) nt_response: &'a [u8],
    pub(super) name: &'a UserName,
    pub(super) encrypted_session_key: &'a [u8],
}

impl Authenticate<'_> {
    /// The message with room for the MIC, which is still zero. Windows always leaves the room.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut payloads = Payloads::behind(HEAD + MIC);
        let domain = payloads.add("domain", &utf16(&self.name.domain))?;
        let user = payloads.add("user", &utf16(&self.name.user))?;
        let workstation = payloads.add("workstation", &[])?;
        let lm = payloads.add("LM response", self.lm_response)?;
        let nt = payloads.add("NT response", self.nt_response)?;
        let key = payloads.add("session key", self.encrypted_session_key)?;
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(super::SIGNATURE);
        bytes.extend_from_slice(&3_u32.to_le_bytes());
        for pair in [lm, nt, domain, user, workstation, key] {
            bytes.extend_from_slice(&pair);
        }
        bytes.extend_from_slice(&self.flags.bits().to_le_bytes());
        bytes.extend_from_slice(&VERSION.to_bytes());
        bytes.extend_from_slice(&[0; MIC]);
        bytes.extend_from_slice(&payloads.into_bytes());
        Ok(bytes)
    }
}

/// What the acceptor reads.
pub(super) struct Received<'a> {
    bytes: &'a [u8],
    mic_at: Option<usize>,
    pub(super) flags: Flags,
    pub(super) nt_response: &'a [u8],
    pub(super) name: UserName,
    pub(super) encrypted_session_key: &'a [u8],
}

impl<'a> Received<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let message = Message::open(NAME, 3, bytes)?;
        let flags = Flags::from_bits_retain(message.u32_at(60)?);
        let payloads = [12, 20, 28, 36, 44, 52].map(|at| message.payload_at(at));
        let [lm, nt, domain, user, workstation, key] = payloads;
        let all = [lm?, nt?, domain?, user?, workstation?, key?];
        let first = all.iter().filter_map(|(at, _)| *at).min().unwrap_or(bytes.len());
        if first < HEAD_WITHOUT_VERSION {
            return Err(message.malformed("payloads behind the head", format!("one at {first}")));
        }
        let [
            _,
            (_, nt_response),
            (_, domain),
            (_, user),
            _,
            (_, encrypted_session_key),
        ] = all;
        let text = |bytes: &[u8]| match flags.contains(Flags::NEGOTIATE_UNICODE) {
            true => message.utf16(bytes),
            false => Err(message.malformed("names in UTF-16", "names in an OEM code page")),
        };
        Ok(Self {
            bytes,
            // Only the payloads tell whether there is room for a version, a MIC, both or neither.
            mic_at: match first {
                _ if first >= HEAD + MIC => Some(HEAD),
                _ if first >= HEAD_WITHOUT_VERSION + MIC => Some(HEAD_WITHOUT_VERSION),
                _ => None,
            },
            flags,
            nt_response,
            name: UserName {
                domain: text(domain)?,
                user: text(user)?,
            },
            encrypted_session_key,
        })
    }

    /// Verifies the MIC over the three messages.
    pub(super) fn verify_mic(
        &self,
        session_key: &[u8; 16],
        negotiate: &[u8],
        challenge: &[u8],
    ) -> Result<(), Error> {
        let missing = || Error::MicMissing { what: "MIC" };
        let at = self.mic_at.ok_or_else(missing)?;
        let (head, rest) = self.bytes.split_at_checked(at).ok_or_else(missing)?;
        let (found, tail) = rest.split_at_checked(MIC).ok_or_else(missing)?;
        let expected = hmac_md5(session_key, &[negotiate, challenge, head, &[0; MIC], tail]);
        match same_bytes(&expected, found) {
            true => Ok(()),
            false => Err(Error::MicWrong { what: "MIC" }),
        }
    }
}

/// Puts the MIC into a message that [`Authenticate::to_bytes`] wrote.
pub(super) fn insert_mic(bytes: &mut [u8], session_key: &[u8; 16], negotiate: &[u8], challenge: &[u8]) {
    let mic = hmac_md5(session_key, &[negotiate, challenge, bytes]);
    if let Some(room) = bytes.get_mut(HEAD..HEAD + MIC) {
        room.copy_from_slice(&mic);
    }
}
