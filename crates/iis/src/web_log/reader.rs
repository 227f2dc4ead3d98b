//! The log as it arrives, piece by piece: lines are cut out, directives obeyed, and every request handed on.

use super::entry::Entry;
use super::fields::{Fields, parse_date};

/// A line longer than this is counted and passed over. HTTP.SYS takes requests of 16 KiB by default, and logs no more than 64 KiB of one.
const LONGEST: usize = 64 * 1024;

/// What was passed over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Faults {
    /// Lines that the last `#Fields:` does not describe, or that came before the first one.
    pub malformed: u64,
    /// Lines longer than 64 KiB.
    pub too_long: u64,
}

/// Reads a log in the W3C format from pieces that may end anywhere. Holds one unfinished line at most, and never more than 64 KiB of it.
#[derive(Debug, Default)]
pub struct Reader {
    fields: Fields,
    date: Option<jiff::civil::Date>,
    pending: Vec<u8>,
    /// In the middle of a line that is too long.
    skipping: bool,
    faults: Faults,
}

impl Reader {
    /// Takes the next piece and hands every request on whose line ends in it.
    pub fn push(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&Entry<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.skipping {
                self.skipping = false;
            } else if self.pending.is_empty() {
                self.line(line, take);
            } else {
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(line);
                self.line(&whole, take);
                whole.clear();
                self.pending = whole;
            }
        }
        if self.skipping {
            return;
        }
        if self.pending.len() + bytes.len() > LONGEST {
            self.faults.too_long += 1;
            self.skipping = true;
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    /// The output was cut off or has ended: an unfinished line is dropped. The columns are known until the next `#Fields:`.
    pub fn end(&mut self) {
        self.pending.clear();
        self.skipping = false;
    }

    /// The columns that the last `#Fields:` named; empty before the first one.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What was passed over so far.
    pub fn faults(&self) -> Faults {
        self.faults
    }

    fn line(&mut self, line: &[u8], take: &mut dyn FnMut(&Entry<'_>)) {
        if line.len() > LONGEST {
            self.faults.too_long += 1;
            return;
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\r');
        match text.strip_prefix('#') {
            Some(directive) => self.directive(directive),
            // Windows fills a log with zeros where it was writing when the power went.
            None if text.trim_matches(['\0', ' ']).is_empty() => {}
            None => match self.fields.read(text, self.date) {
                Some(entry) => take(&entry),
                None => self.faults.malformed += 1,
            },
        }
    }

    fn directive(&mut self, text: &str) {
        if let Some(names) = text.strip_prefix("Fields:") {
            self.fields = Fields::parse(names);
        } else if let Some(date) = text.strip_prefix("Date:") {
            self.date = date.split_whitespace().next().and_then(parse_date);
        }
    }
}

#[cfg(test)]
mod tests;
