//! rc4-hmac (RFC 4757 3 to 5), as the messages of RFC 4120 use it.

use rc4::consts::U16;
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::Zeroizing;

use super::encryption::Usage;
use crate::ntlm::{hmac_md5, md5, same_bytes};

/// The checksum and the confounder in front of the data.
const OVERHEAD: usize = 24;

/// `ENCRYPT` of RFC 4757 5: checksum, then confounder and data under a key made from both.
pub(super) fn encrypt(key: &[u8; 16], usage: Usage, confounder: [u8; 8], plain: &[u8]) -> Vec<u8> {
    let base = Zeroizing::new(hmac_md5(key, &[&usage.rc4_number().to_le_bytes()]));
    let checksum = hmac_md5(&base, &[&confounder, plain]);
    let mut out = Vec::with_capacity(OVERHEAD + plain.len());
    out.extend_from_slice(&checksum);
    out.extend_from_slice(&confounder);
    out.extend_from_slice(plain);
    apply(
        &hmac_md5(&base, &[&checksum]),
        out.get_mut(16..).unwrap_or_default(),
    );
    out
}

/// `DECRYPT` of RFC 4757 5; `None` when the checksum does not verify.
pub(super) fn decrypt(key: &[u8; 16], usage: Usage, sealed: &[u8]) -> Option<Vec<u8>> {
    let (checksum, data) = sealed.split_first_chunk::<16>()?;
    let base = Zeroizing::new(hmac_md5(key, &[&usage.rc4_number().to_le_bytes()]));
    let mut data = data.to_vec();
    apply(&hmac_md5(&base, &[checksum]), &mut data);
    let plain = data.get(8..)?.to_vec();
    same_bytes(checksum, &hmac_md5(&base, &[&data])).then_some(plain)
}

/// HMAC_MD5_ARCFOUR of RFC 4757 4, over the concatenation of `parts`. `usage` is its number there.
pub(super) fn checksum(key: &[u8; 16], usage: i32, parts: &[&[u8]]) -> [u8; 16] {
    let signing = Zeroizing::new(hmac_md5(key, &[b"signaturekey\0"]));
    let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
    let usage = usage.to_le_bytes();
    all.push(&usage);
    all.extend_from_slice(parts);
    hmac_md5(&signing, &[&md5(&all)])
}

/// RC4 with a fresh key over `data`, in place.
pub(super) fn apply(key: &[u8; 16], data: &mut [u8]) {
    Rc4::<U16>::new(key.into()).apply_keystream(data);
}
