//! `powershell.exe -EncodedCommand`: base64 of UTF-16LE, and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

/// What stands before the encoded script. No profile, so that nothing of the account's own runs; no prompts, since nobody can answer.
pub const PREFIX: &str = "powershell.exe -NoProfile -NonInteractive -EncodedCommand";

/// The script as the argument of `-EncodedCommand`.
pub fn encode(script: &str) -> String {
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    STANDARD.encode(bytes)
}

/// The script in an argument of `-EncodedCommand`.
///
/// # Errors
/// [`Error::NotBase64`] and [`Error::NotUtf16`].
pub fn decode(encoded: &str) -> Result<String, Error> {
    let bytes = STANDARD
        .decode(encoded.trim())
        .map_err(|source| Error::NotBase64 { source })?;
    let broken = Error::NotUtf16 { length: bytes.len() };
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(broken);
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16(&units).map_err(|_| broken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};
    use crate::{CommandLine, Error, quote};

    #[test]
    fn as_powershell_itself_encodes() {
        // The example of `powershell.exe -?`: `dir "c:\program files"`.
        assert_eq!(
            encode("dir \"c:\\program files\" "),
            "ZABpAHIAIAAiAGMAOgBcAHAAcgBvAGcAcgBhAG0AIABmAGkAbABlAHMAIgAgAA=="
        );
    }

    #[test]
    fn a_line_is_taken_apart_again() {
        let line = CommandLine::powershell("Write-Output \"50% & 'ü'\"").unwrap();
        let words = quote::split(line.as_str());
        assert_eq!(
            words[..4],
            [
                "powershell.exe",
                "-NoProfile",
                "-NonInteractive",
                "-EncodedCommand"
            ]
        );
        assert_eq!(decode(&words[4]).unwrap(), "Write-Output \"50% & 'ü'\"");
    }

    #[test]
    fn damage_is_an_error() {
        assert!(matches!(decode("%%%"), Err(Error::NotBase64 { .. })));
        assert_eq!(decode("YWJj"), Err(Error::NotUtf16 { length: 3 }));
        assert_eq!(
            decode("ANg="),
            Err(Error::NotUtf16 { length: 2 }),
            "a lone surrogate"
        );
    }

    proptest! {
        #[test]
        fn decode_is_the_inverse(script in any::<String>()) {
            prop_assert_eq!(decode(&encode(&script)).unwrap(), script);
        }
    }
}
