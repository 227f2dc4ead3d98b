//! Tokens of RFC 4121 4.2, for AES.
//!
//! ```text
//! signature (60 bytes): 05 04 flags ff | EC = 0 | RRC = 28 | sequence (8) | sealed header (16) + checksum (12) | confounder (16)
//! data:                 the sealed message, as long as the plain one
//! ```
//! The sealed bytes are confounder, message, header, checksum, rotated right by RRC. So everything that is not the
//! message stands in front of it, which is what `gss_wrap_iov` makes and WinRM expects.

use rand::RngCore;

use super::key::Key;
use super::sealing::Side;
use crate::error::Error;
use crate::session::Sealed;

const WRAP: [u8; 2] = [5, 4];
const MIC: [u8; 2] = [4, 4];
const HEADER: usize = 16;
const CONFOUNDER: usize = 16;
const CHECKSUM: usize = 12;
/// What is rotated to the front: the sealed header and the checksum.
const ROTATION: u16 = 28;

const SENT_BY_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;
const ACCEPTOR_SUBKEY: u8 = 4;

/// The flags of a sender's tokens.
pub(super) fn flags(side: Side, acceptor_subkey: bool) -> u8 {
    let sender = match side {
        Side::Initiator => 0,
        Side::Acceptor => SENT_BY_ACCEPTOR,
    };
    sender | if acceptor_subkey { ACCEPTOR_SUBKEY } else { 0 }
}

fn side(flags: u8) -> Side {
    match flags & SENT_BY_ACCEPTOR {
        0 => Side::Initiator,
        _ => Side::Acceptor,
    }
}

fn header(flags: u8, extra: u16, rotation: u16, sequence: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let parts = [
        &WRAP[..],
        &[flags | SEALED, 0xff],
        &extra.to_be_bytes(),
        &rotation.to_be_bytes(),
        &sequence.to_be_bytes(),
    ];
    for (to, from) in header.iter_mut().zip(parts.concat()) {
        *to = from;
    }
    header
}

pub(super) fn seal(
    key: &Key,
    flags: u8,
    sequence: u64,
    plain: &[u8],
    entropy: &mut dyn RngCore,
) -> Result<Sealed, Error> {
    let message = [plain, &header(flags, 0, 0, sequence)].concat();
    let mut sealed = key.encrypt(side(flags).seal_usage(), &message, entropy)?;
    let rotation = usize::from(ROTATION).min(sealed.len());
    sealed.rotate_right(rotation);
    let data = sealed.split_off((rotation + CONFOUNDER).min(sealed.len()));
    let signature = [&header(flags, 0, ROTATION, sequence)[..], &sealed].concat();
    Ok(Sealed { signature, data })
}

/// The sequence number and the message; `None` where it does not verify.
pub(super) fn unseal(
    key: &Key,
    flags: u8,
    signature: &[u8],
    data: &[u8],
) -> Result<Option<(u32, Vec<u8>)>, Error> {
    let malformed = |expected, found: String| Error::Malformed {
        message: "Kerberos wrap token",
        expected,
        found,
    };
    let Some((head, rest)) = signature.split_first_chunk::<HEADER>() else {
        return Err(malformed(
            "16 bytes and more",
            format!("{} bytes", signature.len()),
        ));
    };
    let [
        a,
        b,
        found_flags,
        filler,
        ec_high,
        ec_low,
        rrc_high,
        rrc_low,
        high @ ..,
        s0,
        s1,
        s2,
        s3,
    ] = *head;
    if [a, b] != WRAP || filler != 0xff {
        return Err(malformed(
            "a wrap token of RFC 4121",
            format!("{a:#04x} {b:#04x}"),
        ));
    }
    if found_flags & 7 != flags | SEALED {
        return Err(malformed(
            "the peer's sealed token under the agreed key",
            format!("flags {found_flags:#04x}"),
        ));
    }
    if high != [0; 4] {
        return Err(malformed(
            "a sequence number of 32 bits",
            "a larger one".to_owned(),
        ));
    }
    let sequence = u32::from_be_bytes([s0, s1, s2, s3]);
    let extra = u16::from_be_bytes([ec_high, ec_low]);
    let rotation = u16::from_be_bytes([rrc_high, rrc_low]);
    let mut sealed = [rest, data].concat();
    if sealed.len() < CONFOUNDER + HEADER + CHECKSUM + usize::from(extra) {
        return Err(malformed("a whole token", format!("{} bytes", sealed.len())));
    }
    let turn = usize::from(rotation) % sealed.len();
    sealed.rotate_left(turn);
    let mut opened = key.decrypt(side(flags).seal_usage(), &sealed);
    if opened.is_none() && extra != 0 {
        // [MS-KILE] 3.4.5.4.1: Windows rotates by EC too where it uses EC at all.
        let more = usize::from(extra) % sealed.len();
        sealed.rotate_left(more);
        opened = key.decrypt(side(flags).seal_usage(), &sealed);
    }
    let Some(opened) = opened else { return Ok(None) };
    // The header within is the one outside, with a rotation of 0.
    let length = opened.len().saturating_sub(HEADER);
    let (message, inner) = opened.split_at(length);
    let mut expected = *head;
    expected[6] = 0;
    expected[7] = 0;
    if inner != expected {
        return Ok(None);
    }
    let message = message.get(..length.saturating_sub(usize::from(extra)));
    Ok(message.map(|message| (sequence, message.to_vec())))
}

/// GSS_GetMIC.
pub(super) fn sign(key: &Key, flags: u8, sequence: u64, data: &[u8]) -> Result<Vec<u8>, Error> {
    let header = [&MIC[..], &[flags], &[0xff; 5], &sequence.to_be_bytes()].concat();
    let sum = key.checksum(side(flags).sign_usage(), &[data, &header].concat())?;
    Ok([header, sum].concat())
}

/// GSS_VerifyMIC.
pub(super) fn verify(key: &Key, flags: u8, data: &[u8], mic: &[u8]) -> Result<bool, Error> {
    let malformed = |found: String| Error::Malformed {
        message: "Kerberos MIC token",
        expected: "the peer's MIC of RFC 4121 under the agreed key",
        found,
    };
    let Some((header, sum)) = mic.split_first_chunk::<HEADER>() else {
        return Err(malformed(format!("{} bytes", mic.len())));
    };
    let [a, b, found_flags, 0xff, 0xff, 0xff, 0xff, 0xff, ..] = *header else {
        return Err(malformed("another filler".to_owned()));
    };
    if [a, b] != MIC || found_flags & 7 != flags {
        return Err(malformed(format!("{a:#04x} {b:#04x}, flags {found_flags:#04x}")));
    }
    Ok(key.verifies(side(flags).sign_usage(), &[data, header].concat(), sum))
}
