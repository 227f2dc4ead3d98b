//! XML that somebody else wrote, read within bounds.
//!
//! roxmltree refuses document types, so entities cannot multiply. Two of its costs still grow with the square of the input: it compares each
//! attribute of an element with all those before it, and copies all namespaces in scope wherever a new one is declared. Some hundred kilobytes
//! are enough to keep it busy for a minute. [`parse`] therefore looks over the text first and counts, without recursion and in one pass.
//!
//! ```
//! use markup::{Error, Limits, parse};
//!
//! assert_eq!(parse("<a b='1'/>", &Limits::default())?.root_element().attribute("b"), Some("1"));
//!
//! let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
//! let error = parse(&deep, &Limits::default()).unwrap_err();
//! assert_eq!(error.to_string(), "expected at most 64 elements inside each other, found more");
//! # Ok::<(), Error>(())
//! ```
//!
//! Neighbours: `wsman`, `command` and `iis`, which read what servers say.

mod limits;
mod scan;

use roxmltree::{Document, ParsingOptions};

pub use limits::{Error, Limits};

/// Parses a document that keeps the limits and has no document type.
///
/// # Errors
/// [`Error::Excess`], [`Error::NotXml`].
pub fn parse<'text>(text: &'text str, limits: &Limits) -> Result<Document<'text>, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Excess {
            limit: limits.bytes,
            what: "bytes",
        });
    }
    scan::check(text, limits)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: limits.nodes,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|source| match source {
        roxmltree::Error::NodesLimitReached => Error::Excess {
            limit: usize::try_from(limits.nodes).unwrap_or(usize::MAX),
            what: "nodes",
        },
        source => Error::NotXml {
            reason: shortened(source.to_string()),
        },
    })
}

/// The beginning of what the parser says, without characters that a terminal obeys: it quotes the document.
fn shortened(reason: String) -> String {
    const LONGEST: usize = 200;
    let (head, tail) = reason.split_at(reason.floor_char_boundary(LONGEST));
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = head.chars().map(shown).collect();
    if !tail.is_empty() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
