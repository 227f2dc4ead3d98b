//! The frame of GSS tokens (RFC 2743 3.1, RFC 4121 4.1) and the checksum of the first one.

use super::{KRB5, MS_KRB5};
use crate::channel_binding::ChannelBinding;
use crate::der::{self, Reader};
use crate::error::Error;

pub(super) const AP_REQ_TOKEN: [u8; 2] = [1, 0];
pub(super) const AP_REP_TOKEN: [u8; 2] = [2, 0];
pub(super) const ERROR_TOKEN: [u8; 2] = [3, 0];

/// Mutual authentication, detection of repeated and reordered messages, sealing and signing.
const FLAGS: u32 = 0x02 | 0x04 | 0x08 | 0x10 | 0x20;

/// A message in its frame.
pub(super) fn frame(token: [u8; 2], message: &[u8]) -> Vec<u8> {
    der::value(
        der::APPLICATION_0,
        &[&der::value(der::OBJECT_IDENTIFIER, &[KRB5]), &token, message],
    )
}

/// The message in a frame, and which one it is.
pub(super) fn unframe(bytes: &[u8]) -> Result<([u8; 2], &[u8]), Error> {
    let mut outer = Reader::new("Kerberos token", bytes);
    let mut inner = outer.inside(der::APPLICATION_0, "a GSS token")?;
    outer.end()?;
    let mechanism = inner
        .one(der::OBJECT_IDENTIFIER, "the mechanism's identifier")?
        .content;
    if ![KRB5, MS_KRB5].contains(&mechanism) {
        return Err(Error::Mechanism {
            found: der::dotted(mechanism),
        });
    }
    match inner.rest().split_first_chunk::<2>() {
        Some((token, message)) => Ok((*token, message)),
        None => Err(inner.malformed("a token identifier", "nothing")),
    }
}

/// The checksum of the authenticator (RFC 4121 4.1.1): the channel binding's hash, or zeros, and the flags.
pub(super) fn checksum(binding: Option<&ChannelBinding>) -> Vec<u8> {
    let hash = binding.map_or([0; 16], ChannelBinding::hash);
    [&16_u32.to_le_bytes()[..], &hash, &FLAGS.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let bytes = frame(AP_REP_TOKEN, b"message");
        assert_eq!(unframe(&bytes).unwrap(), (AP_REP_TOKEN, &b"message"[..]));
        let other = der::value(
            der::APPLICATION_0,
            &[&der::value(der::OBJECT_IDENTIFIER, &[&[0x2b]]), b"xy"],
        );
        assert!(matches!(unframe(&other), Err(Error::Mechanism { .. })));
        let empty = der::value(
            der::APPLICATION_0,
            &[&der::value(der::OBJECT_IDENTIFIER, &[KRB5])],
        );
        assert!(unframe(&empty).is_err());
    }

    #[test]
    fn the_checksum_is_the_one_of_rfc_4121() {
        let sum = checksum(None);
        assert_eq!(sum.len(), 24);
        assert_eq!(sum[..4], [16, 0, 0, 0]);
        assert!(sum[4..20].iter().all(|&byte| byte == 0));
        assert_eq!(sum[20..], [0x3e, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = unframe(&bytes);
        }
    }
}
