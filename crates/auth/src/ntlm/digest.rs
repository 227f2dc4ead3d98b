//! The hash functions of NTLM, with the intermediate secrets wiped.

use hmac::Mac;
use md4::{Digest, Md4};
use rc4::consts::U16;
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::{Zeroize, Zeroizing};

type HmacMd5 = hmac::Hmac<md5::Md5>;

/// HMAC-MD5 with a 16-byte key over the concatenation of `parts` (HMAC_MD5 of MS-NLMP 6).
pub(crate) fn hmac_md5(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    keyed(key, parts).finalize().into_bytes().into()
}

fn keyed(key: &[u8; 16], parts: &[&[u8]]) -> HmacMd5 {
    // HMAC pads a short key with zeros to the block size, so giving it padded changes nothing.
    let mut block = [0_u8; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = <HmacMd5 as Mac>::new((&block).into());
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    mac
}

/// MD5 over the concatenation of `parts`.
pub(crate) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = md5::Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// NTOWFv1: MD4 over the password in UTF-16.
///
/// `ntlmclient::ntlm_v1_password_func` computes the same but leaves the password in freed memory.
pub(crate) fn nt_hash(password: &str) -> Zeroizing<[u8; 16]> {
    let mut hash = Md4::new();
    for unit in password.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    Zeroizing::new(hash.finalize().into())
}

/// RC4 with a fresh key (RC4K of MS-NLMP 6), for the random session key.
pub(crate) fn rc4k(key: &[u8; 16], data: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let mut out = Zeroizing::new(*data);
    Rc4::<U16>::new(key.into()).apply_keystream(out.as_mut_slice());
    out
}

/// A text in UTF-16, little endian.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Upper case as Windows does it for user names: one UTF-16 unit to one unit, no letter becomes an ASCII one.
///
/// `str::to_uppercase` turns `ß` into `SS` and dotless `ı` into `I`; Windows keeps both, and so a name with them
/// would give another NTLMv2 hash than the server's.
pub(crate) fn upper_case(text: &str) -> String {
    text.chars()
        .map(|letter| {
            let mut upper = letter.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None)
                    if letter.len_utf16() == 1 && (letter.is_ascii() || !one.is_ascii()) && letter != 'µ' =>
                {
                    one
                }
                _ => letter,
            }
        })
        .collect()
}

/// Whether two byte strings are equal, in a time that does not tell where they differ.
pub(crate) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b));
    left.len() == right.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_md5_is_the_one_of_rfc_2104() {
        let expected = [
            0x92, 0x94, 0x72, 0x7a, 0x36, 0x38, 0xbb, 0x1c, 0x13, 0xf4, 0x8e, 0xf8, 0x15, 0x8b, 0xfc, 0x9d,
        ];
        assert_eq!(hmac_md5(&[0x0b; 16], &[b"Hi ", b"There"]), expected);
    }

    #[test]
    fn nt_hash_is_the_one_of_ntlmclient() {
        for password in ["", "Password", "Opera+Pass1!", "пароль", "😀"] {
            assert_eq!(*nt_hash(password), ntlmclient::ntlm_v1_password_func(password));
        }
    }

    #[test]
    fn upper_case_keeps_the_number_of_units() {
        let cases = [
            ("User", "USER"),
            ("müller", "MÜLLER"),
            ("straße", "STRAßE"),
            ("ıſµ", "ıſµ"),
            ("ÿ", "Ÿ"),
            ("да", "ДА"),
            ("𐐨", "𐐨"),
        ];
        for (text, upper) in cases {
            assert_eq!(upper_case(text), upper);
        }
    }

    #[test]
    fn equality_sees_every_byte_and_the_length() {
        assert!(same_bytes(b"abc", b"abc"));
        for other in [&b"abd"[..], b"bbc", b"ab", b"abcd", b""] {
            assert!(!same_bytes(b"abc", other));
        }
    }
}
