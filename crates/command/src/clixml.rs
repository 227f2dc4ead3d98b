//! CLIXML: what powershell.exe writes to its standard error when nobody watches (MS-PSRP 2.2.5, "Serialized object").
//!
//! After the marker `#< CLIXML` comes an `Objs` document with one element for each record; strings hold UTF-16 units as `_xHHHH_`. Several markers
//! may come, with plain text before, between and after them. Nothing is ever lost: what cannot be decoded stays as it is. [`Decoder`] takes the
//! stream in pieces, as it arrives; [`decode`] takes it whole.

mod look;
mod stream;

use roxmltree::Node;

pub use stream::Decoder;

/// What precedes each document.
const MARKER: &str = "#< CLIXML";

/// The records of a standard error, sorted by stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decoded {
    /// Error records, joined as they came: PowerShell breaks one message into several.
    pub errors: String,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Verbose records.
    pub verbose: Vec<String>,
    /// Debug records.
    pub debug: Vec<String>,
    /// Objects of the success stream that were written as strings.
    pub output: Vec<String>,
    /// Plain text around the documents, and documents that are broken.
    pub rest: String,
    /// Errors and `rest` in the order in which they came: what a person would have read.
    pub text: String,
}

/// One thing that the stream said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Record {
    /// A piece of an error: PowerShell breaks one message into several.
    Error(String),
    /// A warning.
    Warning(String),
    /// A verbose record.
    Verbose(String),
    /// A debug record.
    Debug(String),
    /// An object of the success stream that was written as a string.
    Output(String),
    /// Text that is no CLIXML, or broken CLIXML as it stands.
    Plain(String),
}

/// Decodes a whole standard error. Text without a marker comes back in `rest` and `text` unchanged.
pub fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut decoder = Decoder::new();
    let records = decoder.push(bytes);
    for record in records.into_iter().chain(decoder.finish()) {
        decoded.take(record);
    }
    decoded
}

impl Decoded {
    fn take(&mut self, record: Record) {
        match record {
            Record::Error(text) => {
                self.errors.push_str(&text);
                self.text.push_str(&text);
            }
            Record::Warning(text) => self.warnings.push(text),
            Record::Verbose(text) => self.verbose.push(text),
            Record::Debug(text) => self.debug.push(text),
            Record::Output(text) => self.output.push(text),
            Record::Plain(text) => {
                self.rest.push_str(&text);
                self.text.push_str(&text);
            }
        }
    }
}

/// What an element of a document says. Progress and information are for a console that nobody sees.
fn record(element: Node<'_, '_>) -> Option<Record> {
    let content = content(element)?;
    let stream = element.attribute("S").unwrap_or("output").to_ascii_lowercase();
    Some(match stream.as_str() {
        "error" => Record::Error(content),
        "warning" => Record::Warning(content),
        "verbose" => Record::Verbose(content),
        "debug" => Record::Debug(content),
        "output" => Record::Output(content),
        _ => return None,
    })
}

/// A record as text: a string's own, or an object's `ToString`.
fn content(record: Node<'_, '_>) -> Option<String> {
    let text = match record.tag_name().name() {
        "S" => record.text().unwrap_or_default(),
        "Obj" => record
            .children()
            .find(|n| n.tag_name().name() == "ToString")?
            .text()
            .unwrap_or_default(),
        _ => return None,
    };
    Some(unescape(text))
}

/// Turns `_xHHHH_` into the UTF-16 unit that it stands for, pairs of surrogates included; half a pair becomes U+FFFD.
pub fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        units.extend(rest[..at].encode_utf16());
        let tail = &rest[at..];
        match escaped_unit(tail) {
            Some(unit) => {
                units.push(unit);
                rest = &tail[7..];
            }
            None => {
                units.push(u16::from(b'_'));
                rest = &tail[1..];
            }
        }
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text
        .get(2..6)
        .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    text.get(6..7).filter(|end| *end == "_")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
