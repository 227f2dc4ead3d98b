//! The look over a text before it is parsed.
//!
//! It does not judge whether the text is XML. All that it owes the parser: whatever the parser accepts up to some place has been counted up to
//! that place. Where it finds nothing that a tag could be, it stops, since the parser stops there too.

use crate::{Error, Limits};

/// Counts, and refuses at the first thing too many.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<(), Error> {
    // For each open element, the namespace declarations in force there.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(start) = rest.iter().position(|&byte| byte == b'<') {
        rest = rest.get(start..).unwrap_or_default();
        let skipped = match rest {
            [b'<', b'!', b'-', b'-', ..] => behind(rest, 4, b"-->"),
            [b'<', b'!', b'[', ..] => behind(rest, 3, b"]]>"),
            [b'<', b'?', ..] => behind(rest, 2, b"?>"),
            [b'<', b'!', ..] => None,
            [b'<', b'/', ..] => {
                open.pop();
                behind(rest, 2, b">")
            }
            _ => {
                let Some(tag) = Tag::read(rest) else { return Ok(()) };
                let in_force = open.last().copied().unwrap_or_default() + tag.namespaces;
                at_most(limits.attributes, tag.attributes, "attributes of one element")?;
                at_most(limits.namespaces, in_force, "namespaces at one place")?;
                at_most(limits.depth, open.len() + 1, "elements inside each other")?;
                if !tag.is_empty {
                    open.push(in_force);
                }
                Some(tag.length)
            }
        };
        let Some(skipped) = skipped else { return Ok(()) };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    Ok(())
}

fn at_most(limit: usize, found: usize, what: &'static str) -> Result<(), Error> {
    match found <= limit {
        true => Ok(()),
        false => Err(Error::Excess { limit, what }),
    }
}

/// How far `end` reaches, looked for from `from` on.
fn behind(text: &[u8], from: usize, end: &[u8]) -> Option<usize> {
    let at = text
        .get(from..)?
        .windows(end.len())
        .position(|window| window == end)?;
    Some(from + at + end.len())
}

/// What is counted of a start tag.
struct Tag {
    length: usize,
    attributes: usize,
    namespaces: usize,
    is_empty: bool,
}

impl Tag {
    /// Reads up to the `>` that stands in no quotes. Every attribute has one `=` outside of quotes.
    fn read(text: &[u8]) -> Option<Self> {
        let mut quote = None;
        // Where the word that is being read begins.
        let mut word = 0;
        let (mut attributes, mut namespaces) = (0, 0);
        for (at, &byte) in text.iter().enumerate() {
            match (quote, byte) {
                (Some(open), byte) if byte == open => {
                    quote = None;
                    word = at + 1;
                }
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => {
                    attributes += 1;
                    let name = text.get(word..at).unwrap_or_default().trim_ascii();
                    namespaces += usize::from(name.starts_with(b"xmlns"));
                }
                (None, b'>') => {
                    let is_empty = at > 0 && text.get(at - 1) == Some(&b'/');
                    return Some(Self {
                        length: at + 1,
                        attributes,
                        namespaces,
                        is_empty,
                    });
                }
                (None, b' ' | b'\t' | b'\r' | b'\n') => {
                    // Blanks may also stand between a name and its `=`.
                    if text
                        .get(at + 1)
                        .is_some_and(|next| !next.is_ascii_whitespace() && *next != b'=')
                    {
                        word = at + 1;
                    }
                }
                (None, _) => {}
            }
        }
        None
    }
}
