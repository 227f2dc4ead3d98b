//! `fsutil.exe`: room on the system's disk, where IIS keeps its configuration, its history and its backups.

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;

/// Bytes that are free for this user on the disk that Windows is on.
///
/// fsutil prints three lines: free, all, free for this user (with a quota, less). Their words are translated and have changed, their order has
/// not; new versions write `43,270,029,312 ( 40.3 GB)`, old ones `43270029312`.
pub fn free() -> Invocation<Result<u64, Error>> {
    const LINE: CommandLine = CommandLine::literal("fsutil volume diskfree %SystemDrive%");
    Invocation::new(LINE, |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(LINE.as_str(), output));
        }
        let text = output.stdout_text();
        let numbers: Vec<u64> = text.lines().filter_map(number).collect();
        match numbers.as_slice() {
            [free, all, available, ..] if free <= all && available <= all => Ok(*free.min(available)),
            _ => Err(Error::Unreadable {
                program: LINE.to_string(),
                expected: "three lines: bytes that are free, all bytes, bytes that are free for this user",
                found: excerpt(&text),
            }),
        }
    })
}

/// The number behind a line's colon, grouped in whatever way, without what stands in parentheses.
fn number(line: &str) -> Option<u64> {
    let (_, value) = line.split_once(':')?;
    let value = value.split('(').next().unwrap_or_default();
    let is_grouping = |c: char| c.is_whitespace() || ",.'’\u{A0}\u{202F}\u{FFFD}".contains(c);
    if !value.chars().all(|c| c.is_ascii_digit() || is_grouping(c)) {
        return None;
    }
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::said;

    #[test]
    fn old_and_new_and_translated_forms() {
        for text in [
            "Total # of free bytes        : 43270029312\r\nTotal # of bytes             : 126951092224\r\nTotal # of avail free bytes  : 43270029312\r\n",
            "Total free bytes                :  43,270,029,312 ( 40.3 GB)\r\nTotal bytes                     : 126,951,092,224 (118.2 GB)\r\n\
             Total quota free bytes          :  43,270,029,312 ( 40.3 GB)\r\n",
            "Freie Bytes insgesamt : 43.270.029.312\r\nBytes insgesamt : 126.951.092.224\r\nVerfügbare freie Bytes : 43.270.029.312\r\n",
            "Nombre total d'octets libres :  43\u{A0}270\u{A0}029\u{A0}312 ( 40,3 Go)\r\nTotal :  126\u{202F}951\u{202F}092\u{202F}224\r\nQuota : 50\u{A0}270\u{A0}029\u{A0}312\r\n",
        ] {
            assert_eq!(free().parse(&said(0, text)), Ok(43_270_029_312), "{text}");
        }
    }

    #[test]
    fn a_quota_counts() {
        let text =
            "Total # of free bytes : 900\r\nTotal # of bytes : 1000\r\nTotal # of avail free bytes : 5\r\n";
        assert_eq!(free().parse(&said(0, text)), Ok(5));
    }

    #[test]
    fn what_does_not_fit_together_is_an_error() {
        for text in [
            "",
            "Error:  The system cannot find the path specified.",
            "a: 1\r\nb: 2\r\n",
            "a: 3\r\nb: 2\r\nc: 1\r\n",
            "a: x1\r\nb: 2\r\nc: 1\r\n",
            "a: 99999999999999999999\r\nb: 2\r\nc: 1\r\n",
        ] {
            assert!(free().parse(&said(0, text)).is_err(), "{text}");
        }
        assert_eq!(free().parse(&said(1, "")).unwrap_err().exit_code(), Some(1));
    }
}
