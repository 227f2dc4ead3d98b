//! The SHA-256 fingerprint of a certificate, as people compare it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// From its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// `sha256:AB:CD:…`, as [`FromStr`] reads it.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256")?;
        self.0.iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected `sha256:` and 64 hexadecimal digits, with or without `:` or `-` between the bytes")]
pub struct BadFingerprint;

/// `sha256:` and 64 hexadecimal digits in either case; `:` or `-` between bytes mean nothing.
impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let prefix = text.get(..7).ok_or(BadFingerprint)?;
        if !prefix.eq_ignore_ascii_case("sha256:") {
            return Err(BadFingerprint);
        }
        let digits: Vec<u32> = text[7..]
            .chars()
            .filter(|c| !matches!(c, ':' | '-'))
            .map(|c| c.to_digit(16).ok_or(BadFingerprint))
            .collect::<Result<_, _>>()?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok())
            .collect();
        match (digits.len(), bytes.try_into()) {
            (64, Ok(bytes)) => Ok(Self(bytes)),
            _ => Err(BadFingerprint),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_the_sha256_of_the_certificate() {
        // FIPS 180-4: the digest of "abc".
        assert_eq!(
            Fingerprint::of(b"abc").to_string(),
            "sha256:BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let good = Fingerprint::of(b"abc").to_string();
        for bad in [
            "",
            "sha256:",
            &good[7..],
            &good[..good.len() - 1],
            &format!("{good}:00"),
            &good.replace("sha256", "sha1__"),
            &good.replace("BA", "BG"),
            "sha256\u{e9}BA",
        ] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(BadFingerprint), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_means_the_same(bytes: [u8; 32]) {
            let fingerprint = Fingerprint::new(bytes);
            let text = fingerprint.to_string();
            let bare = format!("sha256:{}", text[7..].replace(':', ""));
            for spelling in [&text, &bare, &text.to_ascii_lowercase(), &text.replace(':', "-").replacen('-', ":", 1)] {
                prop_assert_eq!(spelling.parse::<Fingerprint>(), Ok(fingerprint));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(sha256:)?[0-9a-fA-F:\\-\u{0}-\u{ffff}]{0,100}") {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
