//! A file for the server, in the form that the receiving script takes: a header line, then lines of base64.

use std::io::{self, Read};

use command::upload;

/// A file that is to be uploaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upload {
    /// Where to on the server. `%NAME%` is expanded there; a relative path starts in the user's profile folder.
    pub path: String,
    /// How many bytes there are.
    pub length: u64,
    /// Their SHA-256. The file appears under its name only if the bytes on the server's disk have it.
    pub sha256: [u8; 32],
}

impl Upload {
    /// The hash as the receiver writes it.
    pub(crate) fn hash(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// How many bytes of standard input it becomes.
    pub(crate) fn input_length(&self) -> u64 {
        let header = upload::header(&self.path, &self.hash()).len();
        let piece = u64::try_from(upload::PIECE).unwrap_or(u64::MAX);
        let rest = self.length % piece;
        let full = piece / 3 * 4 + 2;
        let last = if rest == 0 { 0 } else { rest.div_ceil(3) * 4 + 2 };
        u64::try_from(header).unwrap_or_default() + self.length / piece * full + last
    }
}

/// Turns the file's bytes into the receiver's lines, as they are read.
pub(crate) struct Lines<'a> {
    source: &'a mut (dyn Read + Send),
    on_progress: &'a mut (dyn FnMut(u64) + Send),
    taken: u64,
    line: Vec<u8>,
    /// How much of the line has been read.
    at: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(
        upload: &Upload,
        source: &'a mut (dyn Read + Send),
        on_progress: &'a mut (dyn FnMut(u64) + Send),
    ) -> Self {
        Self {
            source,
            on_progress,
            taken: 0,
            line: upload::header(&upload.path, &upload.hash()),
            at: 0,
        }
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            let mut bytes = Vec::with_capacity(upload::PIECE);
            let limit = u64::try_from(upload::PIECE).unwrap_or(u64::MAX);
            self.source.take(limit).read_to_end(&mut bytes)?;
            if bytes.is_empty() {
                return Ok(0);
            }
            self.taken += u64::try_from(bytes.len()).unwrap_or_default();
            (self.on_progress)(self.taken);
            self.line = upload::piece(&bytes);
            self.at = 0;
        }
        let read = (&self.line[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_as_long_as_said_and_progress_is_the_files_bytes() {
        let piece = u64::try_from(upload::PIECE).unwrap();
        for length in [0, 1, 2, 3, piece - 1, piece, piece + 1, 3 * piece + 7] {
            let upload = Upload {
                path: r"C:\Windows\Temp\x".to_owned(),
                length,
                sha256: [0xAB; 32],
            };
            let mut source = io::repeat(7).take(length);
            let mut seen = vec![0];
            let mut text = Vec::new();
            Lines::new(&upload, &mut source, &mut |bytes| seen.push(bytes))
                .read_to_end(&mut text)
                .unwrap();
            assert_eq!(
                u64::try_from(text.len()).unwrap(),
                upload.input_length(),
                "{length}"
            );
            assert_eq!(seen.last(), Some(&length));
            assert!(seen.is_sorted());
            assert!(text.ends_with(b"\r\n"));
        }
    }
}
