//! CLIXML as it arrives: record after record, whatever the pieces that the network makes of it.

use roxmltree::Document;

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
    /// Text that is not decided yet.
    pending: String,
    place: Place,
    has_begun: bool,
}

/// Where in the stream the pending text begins.
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

/// What a look at the pending text brought.
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
        for chunk in taken.utf8_chunks() {
            self.text(chunk.valid());
            let invalid = chunk.invalid();
            match std::str::from_utf8(invalid) {
                _ if invalid.is_empty() => {}
                // Only the last chunk can be the beginning of a character.
                Err(error) if error.error_len().is_none() => self.bytes = invalid.to_vec(),
                _ => self.text("\u{FFFD}"),
            }
        }
        let mut records = Vec::new();
        while matches!(self.step(&mut records), Step::Taken) {}
        records
    }

    /// The end of the stream: what is still undecided comes out as it stands.
    pub fn finish(mut self) -> Vec<Record> {
        if !std::mem::take(&mut self.bytes).is_empty() {
            self.text("\u{FFFD}");
        }
        let mut records = Vec::new();
        while matches!(self.step(&mut records), Step::Taken) {}
        let before = match std::mem::take(&mut self.place) {
            Place::Outside | Place::Behind => String::new(),
            Place::Marked => MARKER.to_owned(),
            Place::Inside(head) => head,
        };
        plain(before + &self.pending, &mut records);
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

    fn step(&mut self, records: &mut Vec<Record>) -> Step {
        match &self.place {
            Place::Outside => self.outside(records),
            Place::Marked | Place::Behind => self.between(records),
            Place::Inside(_) => self.inside(records),
        }
    }

    fn outside(&mut self, records: &mut Vec<Record>) -> Step {
        if let Some(at) = self.pending.find(MARKER) {
            plain(self.take(at), records);
            self.take(MARKER.len());
            self.place = Place::Marked;
            return Step::Taken;
        }
        // The beginning of a marker may be all that has arrived of it.
        let held = (1..MARKER.len())
            .rev()
            .find(|n| self.pending.ends_with(&MARKER[..*n]))
            .unwrap_or(0);
        let sure = self.take(self.pending.len() - held);
        plain(sure, records);
        Step::Wait
    }

    fn between(&mut self, records: &mut Vec<Record>) -> Step {
        const OPEN: &str = "<Objs";
        let start = self.pending.trim_start();
        let blank = self.pending.len() - start.len();
        if start.len() <= OPEN.len() && OPEN.starts_with(start) {
            return Step::Wait;
        }
        let is_objs = start
            .strip_prefix(OPEN)
            .is_some_and(|rest| rest.starts_with([' ', '>', '\t', '\r', '\n', '/']));
        let is_cut = start
            .find(MARKER)
            .is_some_and(|marker| start.find('>').is_none_or(|end| marker < end));
        if !is_objs || is_cut || start.len() > LONGEST_RECORD && !start.contains('>') {
            if matches!(self.place, Place::Marked) {
                plain(MARKER.to_owned(), records);
            }
            self.place = Place::Outside;
            return Step::Taken;
        }
        let Some(end) = start.find('>') else {
            return Step::Wait;
        };
        let is_whole = start[..end].ends_with('/');
        let tag = self.take(blank + end + 1);
        let head = match self.place {
            Place::Marked => MARKER.to_owned() + &tag,
            _ => tag,
        };
        self.place = if is_whole {
            Place::Behind
        } else {
            Place::Inside(head)
        };
        Step::Taken
    }

    fn inside(&mut self, records: &mut Vec<Record>) -> Step {
        const CLOSE: &str = "</Objs>";
        let start = self.pending.trim_start();
        let blank = self.pending.len() - start.len();
        if start.starts_with(CLOSE) {
            self.take(blank + CLOSE.len());
            self.place = Place::Behind;
            return Step::Taken;
        }
        if start.is_empty() || CLOSE.starts_with(start) {
            return Step::Wait;
        }
        match element_end(start) {
            Element::Whole(end) if !start[..end].contains(MARKER) => {
                let xml = &start[..end];
                if let Ok(document) = Document::parse(xml) {
                    records.extend(record(document.root_element()));
                    self.take(blank + end);
                    self.place = Place::Inside(String::new());
                    return Step::Taken;
                }
            }
            // A document that was cut off must not swallow the next one.
            Element::Cut if !start.contains(MARKER) && start.len() <= LONGEST_RECORD => return Step::Wait,
            _ => {}
        }
        if let Place::Inside(head) = std::mem::take(&mut self.place) {
            plain(head, records);
        }
        Step::Taken
    }

    fn take(&mut self, length: usize) -> String {
        let rest = self.pending.split_off(length);
        std::mem::replace(&mut self.pending, rest)
    }
}

fn plain(text: String, records: &mut Vec<Record>) {
    if text.is_empty() {
        return;
    }
    match records.last_mut() {
        Some(Record::Plain(last)) => last.push_str(&text),
        _ => records.push(Record::Plain(text)),
    }
}

/// How far the element at the beginning of a text goes.
enum Element {
    /// So many bytes.
    Whole(usize),
    /// Its end has not arrived.
    Cut,
    /// It is none.
    Broken,
}

/// Finds the end of an element without reading it: tags are counted, whatever their names.
fn element_end(text: &str) -> Element {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        let rest = &text[at..];
        let Some(open) = rest.find('<') else {
            return Element::Cut;
        };
        if depth == 0 && open > 0 || rest[open..].starts_with("<!") || rest[open..].starts_with("<?") {
            return Element::Broken;
        }
        let Some(length) = tag_length(&rest[open..]) else {
            return Element::Cut;
        };
        let tag = &rest[open..open + length];
        at += open + length;
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with("/>") {
            depth += 1;
        }
        if depth == 0 {
            return Element::Whole(at);
        }
    }
}

/// The length of a tag; what stands in quotes does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return Some(at + 1),
            _ => {}
        }
    }
    None
}
