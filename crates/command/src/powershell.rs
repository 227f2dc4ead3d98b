//! `powershell.exe -EncodedCommand`: base64 of UTF-16LE, and back; and scripts of any length, which travel through standard input.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{CommandLine, Error};

/// What stands before the encoded script. No profile, so that nothing of the account's own runs; no prompts, since nobody can answer.
pub const PREFIX: &str = "powershell.exe -NoProfile -NonInteractive -EncodedCommand";

/// The longest line, in UTF-16 units, that still carries its script. cmd.exe takes 8191; the rest is left to what the server puts around it.
pub const LONGEST: usize = 8000;

/// What runs a script that is too long for a line: reads base64 of its UTF-8 text from standard input to the end, and runs it.
///
/// It reads `$input` and not `[Console]::In`: where PowerShell reads a redirected standard input itself (for `$input`, line by line, while the
/// script already runs), a script that reads the console as well gets only what is left.
/// Nothing follows the call, so that exit codes are those of a script on the line. PowerShell 2 and later.
pub const BOOTSTRAP: &str = "$ProgressPreference='SilentlyContinue'\n\
    $script=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String(-join @($input)))\n\
    &([ScriptBlock]::Create($script))";

/// Characters of one line of base64; bytes are three quarters of it.
const LINE: usize = 4096;

/// How a script is run: the line, and what goes to its standard input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    line: CommandLine,
    stdin: Option<Vec<u8>>,
}

impl Call {
    /// Puts the script on the line where it fits ([`LONGEST`]), and into the standard input of [`BOOTSTRAP`] where it does not.
    ///
    /// # Errors
    /// None in practice: both lines are made of letters that any line can carry, and the second one is short.
    pub fn new(script: &str) -> Result<Self, Error> {
        match CommandLine::powershell(script) {
            Ok(line) if line.as_str().len() <= LONGEST => Ok(Self { line, stdin: None }),
            Ok(_) | Err(Error::TooLong { .. }) => Ok(Self {
                line: CommandLine::powershell(BOOTSTRAP)?,
                stdin: Some(base64_lines(script.as_bytes())),
            }),
            Err(other) => Err(other),
        }
    }

    /// The command line.
    pub fn line(&self) -> &CommandLine {
        &self.line
    }

    /// The whole standard input; `None` where the script stands on the line.
    pub fn stdin(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }
}

/// Base64 in lines that each stand for themselves, as `FromBase64String` takes them, all together or one by one.
pub fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / (LINE / 4 * 3) * 2 + 16);
    for piece in bytes.chunks(LINE / 4 * 3) {
        lines.extend_from_slice(STANDARD.encode(piece).as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// The script that [`BOOTSTRAP`] finds in its standard input.
///
/// # Errors
/// [`Error::NotBase64`] and [`Error::NotUtf8`].
pub fn decode_stdin(stdin: &[u8]) -> Result<String, Error> {
    let letters: Vec<u8> = stdin
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = STANDARD
        .decode(letters)
        .map_err(|source| Error::NotBase64 { source })?;
    String::from_utf8(bytes).map_err(|source| Error::NotUtf8 {
        source: source.utf8_error(),
    })
}

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

    use super::{BOOTSTRAP, Call, LINE, LONGEST, PREFIX, decode, decode_stdin, encode};
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
    fn a_script_goes_through_the_input_exactly_where_the_line_gets_too_long() {
        let longest = (0..4000)
            .rev()
            .find(|n| PREFIX.len() + 1 + encode(&"x".repeat(*n)).len() <= LONGEST)
            .unwrap();
        let fits = Call::new(&"x".repeat(longest)).unwrap();
        assert_eq!(fits.stdin(), None);
        let long = "ü".repeat(longest + 1);
        let call = Call::new(&long).unwrap();
        assert_eq!(call.line(), &CommandLine::powershell(BOOTSTRAP).unwrap());
        assert_eq!(decode_stdin(call.stdin().unwrap()).unwrap(), long);
        assert!(call.line().as_str().len() < 1000);
        let lines = call.stdin().unwrap().split(|byte| *byte == b'\n');
        assert!(
            lines.into_iter().all(|line| line.len() <= LINE + 1),
            "lines stay short"
        );
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
        assert!(matches!(decode_stdin(b"%%"), Err(Error::NotBase64 { .. })));
        assert!(matches!(decode_stdin(b"/w=="), Err(Error::NotUtf8 { .. })));
    }

    proptest! {
        #[test]
        fn decode_is_the_inverse(script in any::<String>()) {
            prop_assert_eq!(decode(&encode(&script)).unwrap(), script);
        }

        #[test]
        fn a_long_script_arrives_as_it_is(part in "\\PC{1,40}", times in 300usize..2000) {
            let script = part.repeat(times);
            let call = Call::new(&script).unwrap();
            let arrived = match call.stdin() {
                Some(stdin) => decode_stdin(stdin).unwrap(),
                None => decode(&quote::split(call.line().as_str())[4]).unwrap(),
            };
            prop_assert_eq!(arrived, script);
        }
    }
}
