//! How TLS to a server is spoken, and the one certificate that it may be pinned to.

use std::fmt;

/// With what TLS is spoken to a server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tls {
    /// Not said: rustls, and the second backend where the server has nothing in common with it.
    #[default]
    Automatic,
    /// `"rustls"` only.
    Rustls,
    /// `"native"` only: OpenSSL, where casgate was built with it.
    Native,
}

impl Tls {
    /// The word in the inventory; `None` where there is none to write.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Automatic => None,
            Self::Rustls => Some("rustls"),
            Self::Native => Some("native"),
        }
    }
}

/// The SHA-256 of a server's certificate, in DER.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Its bytes.
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// Reads `sha256:` and 64 hexadecimal digits, with or without `:` or `-` between the bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (algorithm, digits) = text.split_once(':')?;
        if !algorithm.eq_ignore_ascii_case("sha256") {
            return None;
        }
        let nibbles: Vec<u8> = digits
            .chars()
            .filter(|c| !matches!(c, ':' | '-'))
            .map(|c| c.to_digit(16).and_then(|nibble| u8::try_from(nibble).ok()))
            .collect::<Option<_>>()?;
        if nibbles.len() != 64 {
            return None;
        }
        let bytes: Vec<u8> = nibbles
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        bytes.try_into().ok().map(Self)
    }
}

/// `sha256:AB:CD:…`
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_means_the_same() {
        let bare = format!("sha256:{}", "0aF5".repeat(16));
        let read = Fingerprint::parse(&bare).unwrap();
        assert_eq!(read.bytes()[..4], [0x0A, 0xF5, 0x0A, 0xF5]);
        let shown = read.to_string();
        assert_eq!(shown.len(), 6 + 32 * 3);
        for spelling in [
            &shown,
            &shown.to_ascii_lowercase(),
            &shown.replace(':', "-").replacen('-', ":", 1),
        ] {
            assert_eq!(Fingerprint::parse(spelling), Some(read), "{spelling}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let bare = "0aF5".repeat(16);
        for bad in [
            "",
            &bare,
            &format!("sha1:{bare}"),
            &format!("sha256:{bare}00"),
            &format!("sha256:{}", &bare[..63]),
            &format!("sha256:{}g", &bare[..63]),
        ] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }
}
