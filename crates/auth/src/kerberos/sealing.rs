//! Sealed and signed messages under the key that both sides agreed on (GSS_Wrap and GSS_GetMIC).

use rand::rngs::StdRng;

use super::encryption::{EncryptionType, Usage};
use super::key::Key;
use super::{wrap_cfx, wrap_rc4};
use crate::error::Error;
use crate::session::Sealed;

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Initiator,
    Acceptor,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Acceptor,
            Self::Acceptor => Self::Initiator,
        }
    }

    pub(super) fn seal_usage(self) -> Usage {
        match self {
            Self::Initiator => Usage::InitiatorSeal,
            Self::Acceptor => Usage::AcceptorSeal,
        }
    }

    pub(super) fn sign_usage(self) -> Usage {
        match self {
            Self::Initiator => Usage::InitiatorSign,
            Self::Acceptor => Usage::AcceptorSign,
        }
    }
}

/// The state of both directions.
pub(crate) struct Sealing {
    key: Key,
    /// Whether the key is the acceptor's subkey, which every token says.
    acceptor_subkey: bool,
    side: Side,
    outgoing: Option<u32>,
    incoming: Incoming,
    chance: StdRng,
}

/// The sequence number of the next message from the peer.
///
/// The first sealed message sets it: Windows and MIT count their mechListMIC differently, and before it nothing of
/// this session's keys can have been sent that would be worth repeating. From there on every number is fixed.
#[derive(Clone, Copy)]
enum Incoming {
    First,
    Next(Option<u32>),
}

impl Sealing {
    pub(crate) fn new(key: Key, acceptor_subkey: bool, side: Side, outgoing: u32, chance: StdRng) -> Self {
        Self {
            key,
            acceptor_subkey,
            side,
            outgoing: Some(outgoing),
            incoming: Incoming::First,
            chance,
        }
    }

    /// Encrypts and signs one message.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Result<Sealed, Error> {
        let sequence = self.count()?;
        match self.key.kind() {
            EncryptionType::Rc4 => wrap_rc4::seal(&self.key, self.side, sequence, plain, &mut self.chance),
            _ => wrap_cfx::seal(
                &self.key,
                wrap_cfx::flags(self.side, self.acceptor_subkey),
                u64::from(sequence),
                plain,
                &mut self.chance,
            ),
        }
    }

    /// Decrypts and verifies one message, and its place in the sequence.
    pub(crate) fn unseal(&mut self, signature: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
        let due = match self.incoming {
            Incoming::First => None,
            Incoming::Next(Some(number)) => Some(number),
            Incoming::Next(None) => return Err(Error::Exhausted),
        };
        let from = self.side.other();
        let altered = Error::Tampered {
            sequence: due.unwrap_or_default(),
        };
        let (found, plain) = match self.key.kind() {
            EncryptionType::Rc4 => wrap_rc4::unseal(&self.key, from, signature, data)?,
            _ => {
                let flags = wrap_cfx::flags(from, self.acceptor_subkey);
                wrap_cfx::unseal(&self.key, flags, signature, data)?
            }
        }
        .ok_or(altered)?;
        match due {
            Some(expected) if expected != found => Err(Error::OutOfOrder { expected, found }),
            _ => {
                self.incoming = Incoming::Next(found.checked_add(1));
                Ok(plain)
            }
        }
    }

    /// Signs without encrypting, as the mechListMIC needs it.
    pub(crate) fn sign(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let sequence = self.count()?;
        match self.key.kind() {
            EncryptionType::Rc4 => wrap_rc4::sign(&self.key, self.side, sequence, data),
            _ => {
                let flags = wrap_cfx::flags(self.side, self.acceptor_subkey);
                wrap_cfx::sign(&self.key, flags, u64::from(sequence), data)
            }
        }
    }

    /// Verifies the peer's signature over data in clear. Its number is not looked at: Windows signs the mechListMIC
    /// with a zero.
    pub(crate) fn verify(&self, data: &[u8], mic: &[u8]) -> Result<bool, Error> {
        let from = self.side.other();
        match self.key.kind() {
            EncryptionType::Rc4 => wrap_rc4::verify(&self.key, from, data, mic),
            _ => wrap_cfx::verify(&self.key, wrap_cfx::flags(from, self.acceptor_subkey), data, mic),
        }
    }

    fn count(&mut self) -> Result<u32, Error> {
        let sequence = self.outgoing.ok_or(Error::Exhausted)?;
        self.outgoing = sequence.checked_add(1);
        Ok(sequence)
    }
}
