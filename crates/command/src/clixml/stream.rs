//! CLIXML as it arrives: record after record, whatever the pieces that the network makes of it.
//!
//! Every byte is looked at a bounded number of times, however hostile the text and however small the pieces: what has been looked through and
//! is not decided is not looked through again ([`Look`]), and no look goes beyond the next marker.

use markup::Limits;

use super::look::{Found, Look};
use super::{MARKER, Record, record};

/// The most text that one record may have. A record that does not end is handed out raw.
const LONGEST_RECORD: usize = 1024 * 1024;

/// A decoder with the state between two pieces of one stream.
///
/// Nothing is ever lost: what is no CLIXML, and what is broken, comes out as [`Record::Plain`] as it stands.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Bytes of a character whose end has not arrived.
    bytes: Vec<u8>,
    /// Text of which the end is not decided yet.
    pending: String,
    /// Up to here it is.
    decided: usize,
    /// How far the undecided text has been looked through.
    look: Look,
    place: Place,
    has_begun: bool,
}

/// Where in the stream the undecided text begins.
#[derive(Debug, Default)]
enum Place {
    /// Outside of any document.
    #[default]
    Outside,
    /// A marker has been read, no document yet.
    Marked,
    /// Inside a document. Its beginning, as long as no record of it was understood.
    Inside(String),
    /// After a document: another one may follow without a marker.
    Behind,
}

/// What a look at the undecided text brought.
enum Step {
    /// Something was taken from it; look again.
    Taken,
    /// More text is needed.
    Wait,
}

impl Decoder {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece; returns the records that are complete by now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Record> {
        self.bytes.extend_from_slice(bytes);
        let taken = std::mem::take(&mut self.bytes);
        let mut chunks = taken.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.text(chunk.valid());
            let invalid = chunk.invalid();
            // The beginning of a character, if nothing follows; else what follows is not the rest of it.
            let is_cut = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && is_cut {
                self.bytes = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.text("\u{FFFD}");
            }
        }
        let mut records = Vec::new();
        self.decide(&mut records);
        records
    }

    /// The end of the stream: what is still undecided comes out as it stands.
    pub fn finish(mut self) -> Vec<Record> {
        if !std::mem::take(&mut self.bytes).is_empty() {
            self.text("\u{FFFD}");
        }
        let mut records = Vec::new();
        self.decide(&mut records);
        match std::mem::take(&mut self.place) {
            Place::Outside | Place::Behind => {}
            Place::Marked => plain(MARKER, &mut records),
            Place::Inside(head) => plain(&head, &mut records),
        }
        plain(self.undecided(), &mut records);
        records
    }

    fn text(&mut self, text: &str) {
        let text = if self.has_begun {
            text
        } else {
            text.strip_prefix('\u{FEFF}').unwrap_or(text)
        };
        self.has_begun |= !text.is_empty();
        self.pending.push_str(text);
    }

    fn undecided(&self) -> &str {
        &self.pending[self.decided..]
    }

    /// Takes so much of the undecided text.
    fn take(&mut self, length: usize) -> &str {
        let from = self.decided;
        self.decided += length;
        self.look = Look::default();
        &self.pending[from..self.decided]
    }

    fn decide(&mut self, records: &mut Vec<Record>) {
        loop {
            let step = match &self.place {
                Place::Outside => self.outside(records),
                Place::Marked | Place::Behind => self.between(records),
                Place::Inside(_) => self.inside(records),
            };
            if matches!(step, Step::Wait) {
                break;
            }
        }
        // Once for each piece, not once for each record.
        self.pending.drain(..self.decided);
        self.decided = 0;
    }

    fn outside(&mut self, records: &mut Vec<Record>) -> Step {
        let text = self.undecided();
        if let Some(at) = text.find(MARKER) {
            plain(self.take(at), records);
            self.take(MARKER.len());
            self.place = Place::Marked;
            return Step::Taken;
        }
        // The beginning of a marker may be all that has arrived of it.
        let held = (1..MARKER.len())
            .rev()
            .find(|n| text.ends_with(&MARKER[..*n]))
            .unwrap_or(0);
        let sure = text.len() - held;
        plain(self.take(sure), records);
        Step::Wait
    }

    fn between(&mut self, records: &mut Vec<Record>) -> Step {
        let mut look = std::mem::take(&mut self.look);
        match look.document(self.undecided(), LONGEST_RECORD) {
            Found::Whole(end) => {
                let marked = matches!(self.place, Place::Marked);
                let tag = self.take(end);
                self.place = if tag.ends_with("/>") {
                    Place::Behind
                } else if marked {
                    Place::Inside(MARKER.to_owned() + tag)
                } else {
                    Place::Inside(tag.to_owned())
                };
                Step::Taken
            }
            Found::Cut => {
                self.look = look;
                Step::Wait
            }
            Found::Other => {
                if matches!(self.place, Place::Marked) {
                    plain(MARKER, records);
                }
                self.place = Place::Outside;
                Step::Taken
            }
        }
    }

    fn inside(&mut self, records: &mut Vec<Record>) -> Step {
        const CLOSE: &str = "</Objs>";
        let mut look = std::mem::take(&mut self.look);
        let found = look.element(self.undecided(), LONGEST_RECORD);
        match found {
            Found::Whole(end) => {
                let xml = self.undecided()[..end].trim_start();
                if xml == CLOSE {
                    self.take(end);
                    self.place = Place::Behind;
                    return Step::Taken;
                }
                if let Ok(document) = markup::parse(xml, &Limits::default()) {
                    records.extend(record(document.root_element()));
                    self.take(end);
                    self.place = Place::Inside(String::new());
                    return Step::Taken;
                }
            }
            Found::Cut => {
                self.look = look;
                return Step::Wait;
            }
            Found::Other => {}
        }
        if let Place::Inside(head) = std::mem::take(&mut self.place) {
            plain(&head, records);
        }
        Step::Taken
    }
}

fn plain(text: &str, records: &mut Vec<Record>) {
    if text.is_empty() {
        return;
    }
    match records.last_mut() {
        Some(Record::Plain(last)) => last.push_str(text),
        _ => records.push(Record::Plain(text.to_owned())),
    }
}
