//! Tokens of RFC 4757 7, for RC4: those of RFC 1964 with checksums and keys of their own.
//!
//! ```text
//! signature: 60 length 06 09 OID | 02 01 11 00 10 00 ff ff | sealed sequence (8) | checksum (8) | sealed confounder (8)
//! data:      the sealed message and one byte of padding
//! ```
//! The length in the frame counts the data too.

use rand::RngCore;
use zeroize::Zeroizing;

use super::KRB5;
use super::key::Key;
use super::rc4_hmac::{apply, checksum};
use super::sealing::Side;
use crate::der::{self, Reader};
use crate::error::Error;
use crate::ntlm::{hmac_md5, same_bytes};
use crate::session::Sealed;

/// TOK_ID of GSS_Wrap, SGN_ALG HMAC, SEAL_ALG RC4, filler.
const WRAP: [u8; 8] = [2, 1, 0x11, 0, 0x10, 0, 0xff, 0xff];
/// TOK_ID of GSS_GetMIC, SGN_ALG HMAC, filler.
const MIC: [u8; 8] = [1, 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff];
/// The numbers that go into the checksums (RFC 4757 7.2 and 7.3).
const WRAP_USAGE: i32 = 13;
const MIC_USAGE: i32 = 15;
/// Header, sequence, checksum, confounder.
const WRAP_LENGTH: usize = 32;

pub(super) fn seal(
    key: &Key,
    side: Side,
    sequence: u32,
    plain: &[u8],
    entropy: &mut dyn RngCore,
) -> Result<Sealed, Error> {
    let key = key.rc4()?;
    let mut confounder = [0; 8];
    entropy.fill_bytes(&mut confounder);
    // RC4 needs no padding; RFC 1964 wants at least one byte.
    let mut message = [&confounder[..], plain, &[1]].concat();
    let sum = first_half(checksum(&key, WRAP_USAGE, &[&WRAP, &message]));
    apply(&data_key(&key, sequence), &mut message);
    let number = sequence_field(&key, side, sequence, &sum);
    let data = message.split_off(8);
    let inner = [&WRAP[..], &number, &sum, &message].concat();
    Ok(Sealed {
        signature: frame(&inner, data.len()),
        data,
    })
}

/// The sequence number and the message; `None` where it does not verify.
pub(super) fn unseal(
    key: &Key,
    from: Side,
    signature: &[u8],
    data: &[u8],
) -> Result<Option<(u32, Vec<u8>)>, Error> {
    let key = key.rc4()?;
    let whole = [signature, data].concat();
    let inner = unframe(&whole)?;
    let malformed = |expected, found: String| Error::Malformed {
        message: "Kerberos wrap token",
        expected,
        found,
    };
    let (Some((head, rest)), true) = (inner.split_first_chunk::<8>(), inner.len() > WRAP_LENGTH) else {
        return Err(malformed("a whole token", format!("{} bytes", inner.len())));
    };
    if *head != WRAP {
        return Err(malformed("a wrap token of RFC 4757", "another one".to_owned()));
    }
    let (Some((number, rest)), sum) = (rest.split_first_chunk::<8>(), rest.get(8..16).unwrap_or_default())
    else {
        return Ok(None);
    };
    let Some(sequence) = open_sequence(&key, from, number, sum) else {
        return Ok(None);
    };
    let mut message = rest.get(8..).unwrap_or_default().to_vec();
    apply(&data_key(&key, sequence), &mut message);
    if !same_bytes(&first_half(checksum(&key, WRAP_USAGE, &[&WRAP, &message])), sum) {
        return Ok(None);
    }
    let padding = message.last().map_or(0, |&padding| usize::from(padding));
    let plain = message
        .len()
        .checked_sub(padding)
        .and_then(|end| message.get(8..end));
    match plain.filter(|_| (1..=8).contains(&padding)) {
        Some(plain) => Ok(Some((sequence, plain.to_vec()))),
        None => Err(malformed("1 to 8 bytes of padding", format!("{padding}"))),
    }
}

/// GSS_GetMIC.
pub(super) fn sign(key: &Key, side: Side, sequence: u32, data: &[u8]) -> Result<Vec<u8>, Error> {
    let key = key.rc4()?;
    let sum = first_half(checksum(&key, MIC_USAGE, &[&MIC, data]));
    let number = sequence_field(&key, side, sequence, &sum);
    Ok(frame(&[&MIC[..], &number, &sum].concat(), 0))
}

/// GSS_VerifyMIC.
pub(super) fn verify(key: &Key, from: Side, data: &[u8], mic: &[u8]) -> Result<bool, Error> {
    let key = key.rc4()?;
    let inner = unframe(mic)?;
    let Some((head, rest)) = inner.split_first_chunk::<8>().filter(|(head, _)| **head == MIC) else {
        return Err(Error::Malformed {
            message: "Kerberos MIC token",
            expected: "a MIC of RFC 4757",
            found: format!("{} bytes", inner.len()),
        });
    };
    let Some((number, sum)) = rest.split_first_chunk::<8>() else {
        return Ok(false);
    };
    let expected = first_half(checksum(&key, MIC_USAGE, &[head, data]));
    Ok(same_bytes(&expected, sum) && open_sequence(&key, from, number, sum).is_some())
}

/// The key that seals the message with this number.
fn data_key(key: &[u8; 16], sequence: u32) -> Zeroizing<[u8; 16]> {
    let local = Zeroizing::new(key.map(|byte| byte ^ 0xf0));
    let base = Zeroizing::new(hmac_md5(&local, &[&[0; 4]]));
    Zeroizing::new(hmac_md5(&base, &[&sequence.to_be_bytes()]))
}

/// The number and the direction, sealed under a key that depends on the checksum.
fn sequence_field(key: &[u8; 16], side: Side, sequence: u32, sum: &[u8]) -> [u8; 8] {
    let [a, b, c, d] = sequence.to_be_bytes();
    let e = direction(side);
    let mut field = [a, b, c, d, e, e, e, e];
    apply(&sequence_key(key, sum), &mut field);
    field
}

/// The number in a field; `None` where the direction is not the peer's.
fn open_sequence(key: &[u8; 16], from: Side, field: &[u8; 8], sum: &[u8]) -> Option<u32> {
    let mut field = *field;
    apply(&sequence_key(key, sum), &mut field);
    let [a, b, c, d, direction_bytes @ ..] = field;
    (direction_bytes == [direction(from); 4]).then(|| u32::from_be_bytes([a, b, c, d]))
}

fn sequence_key(key: &[u8; 16], sum: &[u8]) -> Zeroizing<[u8; 16]> {
    let base = Zeroizing::new(hmac_md5(key, &[&[0; 4]]));
    Zeroizing::new(hmac_md5(&base, &[sum]))
}

fn direction(side: Side) -> u8 {
    match side {
        Side::Initiator => 0,
        Side::Acceptor => 0xff,
    }
}

fn first_half(sum: [u8; 16]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sum;
    [a, b, c, d, e, f, g, h]
}

/// The frame of RFC 2743 around `inner` and `more` bytes that follow elsewhere.
fn frame(inner: &[u8], more: usize) -> Vec<u8> {
    let oid = der::value(der::OBJECT_IDENTIFIER, &[KRB5]);
    let mut framed = der::value(der::APPLICATION_0, &[&oid, inner, &vec![0; more]]);
    framed.truncate(framed.len() - more);
    framed
}

fn unframe(bytes: &[u8]) -> Result<&[u8], Error> {
    let mut outer = Reader::new("Kerberos token", bytes);
    let mut inner = outer.inside(der::APPLICATION_0, "a GSS token")?;
    outer.end()?;
    let mechanism = inner
        .one(der::OBJECT_IDENTIFIER, "the mechanism's identifier")?
        .content;
    match mechanism == KRB5 {
        true => Ok(inner.rest()),
        false => Err(Error::Mechanism {
            found: der::dotted(mechanism),
        }),
    }
}
