//! CLIXML: what powershell.exe writes to its standard error when nobody watches (MS-PSRP 2.2.5, "Serialized object").
//!
//! After the marker `#< CLIXML` comes an `Objs` document with one element for each record; strings hold UTF-16 units as `_xHHHH_`. Several markers
//! may come, with plain text before, between and after them. Nothing is ever lost: what cannot be decoded stays as it is.

use roxmltree::{Document, Node};

use crate::output::text;

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

/// Decodes a whole standard error. Text without a marker comes back in `rest` and `text` unchanged.
pub fn decode(bytes: &[u8]) -> Decoded {
    let text = text(bytes);
    let mut decoded = Decoded::default();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(MARKER) {
        decoded.plain(&rest[..at]);
        let mut raw = &rest[at..];
        let mut tail = &raw[MARKER.len()..];
        let mut documents = 0;
        while let Some((document, after)) = next_document(tail) {
            if !decoded.document(document) {
                decoded.plain(&raw[..raw.len() - after.len()]);
            }
            documents += 1;
            (raw, tail) = (after, after);
        }
        if documents == 0 {
            decoded.plain(MARKER);
        }
        rest = tail;
    }
    decoded.plain(rest);
    decoded
}

/// The `Objs` element that stands next, and what follows it.
fn next_document(text: &str) -> Option<(&str, &str)> {
    const END: &str = "</Objs>";
    let start = text.trim_start();
    let is_objs = start
        .strip_prefix("<Objs")
        .is_some_and(|t| t.starts_with([' ', '>', '\t', '\r', '\n', '/']));
    if !is_objs {
        return None;
    }
    let tag_end = start.find('>')? + 1;
    if start[..tag_end].ends_with("/>") {
        return Some(start.split_at(tag_end));
    }
    // A document that was cut off must not swallow the next one.
    let end = start.find(END)? + END.len();
    let cut = start.find(MARKER).is_some_and(|marker| marker < end);
    (!cut).then(|| start.split_at(end))
}

impl Decoded {
    fn plain(&mut self, text: &str) {
        self.rest.push_str(text);
        self.text.push_str(text);
    }

    /// Takes the records of one document; false when it is not XML.
    fn document(&mut self, xml: &str) -> bool {
        let Ok(document) = Document::parse(xml) else {
            return false;
        };
        for record in document.root_element().children().filter(Node::is_element) {
            let Some(content) = content(record) else { continue };
            match record
                .attribute("S")
                .unwrap_or("output")
                .to_ascii_lowercase()
                .as_str()
            {
                "error" => {
                    self.errors.push_str(&content);
                    self.text.push_str(&content);
                }
                "warning" => self.warnings.push(content),
                "verbose" => self.verbose.push(content),
                "debug" => self.debug.push(content),
                "output" => self.output.push(content),
                // Progress and information are for a console that nobody sees.
                _ => {}
            }
        }
        true
    }
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
