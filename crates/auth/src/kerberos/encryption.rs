//! The encryption types that are spoken, the strongest first.

use std::fmt;

/// An encryption type of RFC 3961.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum EncryptionType {
    /// aes256-cts-hmac-sha1-96 (RFC 3962).
    Aes256,
    /// aes128-cts-hmac-sha1-96 (RFC 3962).
    Aes128,
    /// rc4-hmac (RFC 4757), of accounts whose password is older than the domain's AES keys.
    Rc4,
}

impl EncryptionType {
    /// What a request offers, in this order.
    pub(crate) const ALL: [Self; 3] = [Self::Aes256, Self::Aes128, Self::Rc4];

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The number in messages (RFC 3961 8).
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Aes256 => 18,
            Self::Aes128 => 17,
            Self::Rc4 => 23,
        }
    }

    /// The number of its keyed checksum.
    pub(crate) fn checksum_number(self) -> i64 {
        match self {
            Self::Aes256 => 16,
            Self::Aes128 => 15,
            Self::Rc4 => -138,
        }
    }

    pub(crate) fn key_length(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes128 | Self::Rc4 => 16,
        }
    }
}

impl fmt::Display for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes256 => "aes256-cts-hmac-sha1-96",
            Self::Aes128 => "aes128-cts-hmac-sha1-96",
            Self::Rc4 => "rc4-hmac",
        })
    }
}

/// What a key is used for (RFC 4120 7.5.1, RFC 4121 2); the number goes into the derived keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Usage {
    PaEncTimestamp,
    AsReply,
    TgsRequestChecksum,
    TgsAuthenticator,
    TgsReply,
    ApAuthenticator,
    ApReply,
    AcceptorSeal,
    AcceptorSign,
    InitiatorSeal,
    InitiatorSign,
}

impl Usage {
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::PaEncTimestamp => 1,
            Self::AsReply => 3,
            Self::TgsRequestChecksum => 6,
            Self::TgsAuthenticator => 7,
            Self::TgsReply => 8,
            Self::ApAuthenticator => 11,
            Self::ApReply => 12,
            Self::AcceptorSeal => 22,
            Self::AcceptorSign => 23,
            Self::InitiatorSeal => 24,
            Self::InitiatorSign => 25,
        }
    }

    /// RFC 4757 3 has a number of its own for replies of the AS.
    pub(crate) fn rc4_number(self) -> i32 {
        match self {
            Self::AsReply => 8,
            other => other.number(),
        }
    }
}
