//! A file for a server, through the standard input of one PowerShell process.
//!
//! The script is always the same; everything that differs stands in the first line of its input, so nothing has to be quoted. The other lines
//! are base64 that each stand for themselves: the process writes them as they come and holds one at a time. The file appears under its
//! name only when its bytes, read back from the disk, have the expected SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{CommandLine, Error, Output, powershell};

/// Bytes of the file in one line of the input: a whole number of base64 groups. PowerShell handles one object for each line.
pub const PIECE: usize = 48 * 1024;

/// The receiving script. PowerShell 2 and later.
///
/// `$input` is named on purpose: PowerShell may hand over standard input only to scripts that do. In a `process` block it holds the one line
/// of the moment. Relative paths start where the shell does; `%NAME%` is expanded.
pub const SCRIPT: &str = r#"begin{
$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue'
$f=$null;$t=$null;$p=$null;$want=$null
function Hex($h){[BitConverter]::ToString($h).Replace('-','').ToLowerInvariant()}
function Drop{if($script:f){$script:f.Close()};if($script:t -and [IO.File]::Exists($script:t)){[IO.File]::Delete($script:t)}}
}
process{
foreach($l in $input){try{
if(-not $p){
$a=([string]$l).Split(' ')
$want=$a[1]
$p=[Environment]::ExpandEnvironmentVariables([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($a[0])))
$p=$ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($p)
if([IO.Directory]::Exists($p)){throw "expected a file name, found the folder $p"}
$t=$p+'.'+[Guid]::NewGuid().ToString('N')+'.part'
$f=[IO.File]::Create($t)
}else{
$b=[Convert]::FromBase64String($l)
$f.Write($b,0,$b.Length)
}}catch{$e=$_;Drop;throw $e}}
}
end{
try{
if(-not $f){throw 'expected a file, found an empty input'}
$f.Close()
try{$s=New-Object Security.Cryptography.SHA256CryptoServiceProvider}catch{$s=[Security.Cryptography.SHA256]::Create()}
$f=[IO.File]::OpenRead($t);$n=$f.Length;$h=Hex($s.ComputeHash($f));$f.Close()
if($h -ne $want){throw "expected SHA-256 $want, found $h of $n bytes"}
if([IO.File]::Exists($p)){[IO.File]::Delete($p)}
[IO.File]::Move($t,$p)
Write-Output "$h $n $p"
}catch{$e=$_;Drop;throw $e}
}"#;

/// What the receiver says in the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// SHA-256 of the file on the server's disk, lower-case hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its full path there.
    pub path: String,
}

/// The line that starts the receiver.
///
/// # Errors
/// None in practice: the script is constant and short enough, which a test shows.
pub fn line() -> Result<CommandLine, Error> {
    CommandLine::powershell(SCRIPT)
}

/// The first line of the input: where to, and what SHA-256 (lower-case hexadecimal) the file must have.
pub fn header(path: &str, sha256: &str) -> Vec<u8> {
    format!("{} {sha256}\r\n", STANDARD.encode(path)).into_bytes()
}

/// The path and the SHA-256 of a [`header`]; `None` where it is none.
pub fn read_header(line: &str) -> Option<(String, String)> {
    let (path, sha256) = line.trim().split_once(' ')?;
    let path = String::from_utf8(STANDARD.decode(path).ok()?).ok()?;
    Some((path, sha256.to_owned()))
}

/// One line of the input for at most [`PIECE`] bytes of the file.
pub fn piece(bytes: &[u8]) -> Vec<u8> {
    let mut line = STANDARD.encode(bytes).into_bytes();
    line.extend_from_slice(b"\r\n");
    line
}

/// What the receiver said; the text of its errors where it failed.
///
/// # Errors
/// [`Error::UploadFailed`].
pub fn parse(output: &Output) -> Result<Received, Error> {
    let failed = || {
        let (stderr, stdout) = (output.stderr_text(), output.stdout_text());
        let said = if stderr.trim().is_empty() { stdout } else { stderr };
        Error::UploadFailed {
            exit_code: output.exit_code,
            said: said.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    };
    if output.exit_code != 0 {
        return Err(failed());
    }
    let text = output.stdout_text();
    let mut words = text.trim().splitn(3, ' ');
    let sha256 = words
        .next()
        .filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
        .ok_or_else(failed)?;
    let length = words.next().and_then(|n| n.parse().ok()).ok_or_else(failed)?;
    Ok(Received {
        sha256: sha256.to_ascii_lowercase(),
        length,
        path: words.next().unwrap_or_default().to_owned(),
    })
}

/// Whether a decoded `-EncodedCommand` is the receiver.
pub fn is_receiver(encoded: &str) -> bool {
    powershell::decode(encoded).is_ok_and(|script| script == SCRIPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote;

    #[test]
    fn the_receiver_fits_a_line() {
        let line = line().unwrap();
        assert!(
            line.as_str().len() <= powershell::LONGEST,
            "{}",
            line.as_str().len()
        );
        assert!(is_receiver(&quote::split(line.as_str())[4]));
        assert!(!is_receiver("ZQB4AGkAdAA="));
    }

    #[test]
    fn a_header_carries_any_path() {
        let header = header(r"C:\Größe 50%\it's.txt", "ab12");
        let text = String::from_utf8(header).unwrap();
        assert_eq!(
            read_header(&text),
            Some((r"C:\Größe 50%\it's.txt".to_owned(), "ab12".to_owned()))
        );
        assert_eq!(read_header("no header"), None);
        assert_eq!(read_header(""), None);
    }

    #[test]
    fn pieces_stand_for_themselves() {
        assert_eq!(piece(b"abc"), b"YWJj\r\n");
        assert_eq!(piece(&[0; PIECE]).len(), PIECE / 3 * 4 + 2);
    }

    #[test]
    fn the_answer_is_read_or_its_errors_are_told() {
        let hash = "0f".repeat(32);
        let output = |exit_code, stdout: String, stderr: &str| Output {
            exit_code,
            stdout: stdout.into_bytes(),
            stderr: stderr.into(),
        };
        assert_eq!(
            parse(&output(
                0,
                format!("{} 12 C:\\a b.txt\r\n", hash.to_uppercase()),
                ""
            )),
            Ok(Received {
                sha256: hash,
                length: 12,
                path: r"C:\a b.txt".to_owned(),
            })
        );
        assert_eq!(
            parse(&output(1, String::new(), "Access to the path\r\nis denied.")),
            Err(Error::UploadFailed {
                exit_code: 1,
                said: "Access to the path is denied.".to_owned()
            })
        );
        assert!(parse(&output(0, "hello".to_owned(), "")).is_err());
    }
}
