//! What a command left behind.

use crate::clixml;

/// What a command left behind: its exit code and the bytes of both streams.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Output {
    /// Exit code, unsigned as WinRM reports it (0xC000013A is 3221225786).
    pub exit_code: u32,
    /// Everything the command wrote to its standard output.
    pub stdout: Vec<u8>,
    /// Everything the command wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// The standard output as text. The shell's code page is 65001, so it is UTF-8; what is not (some programs write OEM bytes anyway)
    /// becomes U+FFFD rather than an error.
    pub fn stdout_text(&self) -> String {
        text(&self.stdout)
    }

    /// The standard error as text: CLIXML of powershell.exe is decoded to what a person would have read (see [`clixml`]).
    pub fn stderr_text(&self) -> String {
        clixml::decode(&self.stderr).text
    }
}

/// UTF-8, lossily, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Output;

    #[test]
    fn bytes_that_are_not_utf8_are_kept_readable() {
        let output = Output {
            exit_code: 0,
            stdout: b"\xEF\xBB\xBFGr\xC3\xBC\xC3\x9Fe \x81".to_vec(),
            stderr: Vec::new(),
        };
        assert_eq!(output.stdout_text(), "Grüße \u{FFFD}");
    }

    #[test]
    fn stderr_of_powershell_is_decoded() {
        let stderr = br#"#< CLIXML
<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><S S="Error">no_x000D__x000A_</S></Objs>"#;
        let output = Output {
            exit_code: 1,
            stdout: Vec::new(),
            stderr: stderr.to_vec(),
        };
        assert_eq!(output.stderr_text(), "no\r\n");
    }
}
