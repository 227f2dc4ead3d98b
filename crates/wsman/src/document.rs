//! The one place that reads XML: no document type, bounded size, bounded depth.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::Error;
use crate::namespace;

/// The most bytes that are read as one message. The largest `MaxEnvelopeSizekb` that is seen in practice is 4096; a reply to a
/// request of ours is bounded by our own `MaxEnvelopeSize`, which is far less.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The most elements inside each other. Real messages stay below 16.
const MAX_DEPTH: usize = 64;

/// The most nodes. A `Stream` element of one byte takes two of them.
const MAX_NODES: u32 = 200_000;

/// Checks what can be checked before parsing.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge {
            limit: MAX_BYTES,
            found: bytes.len(),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|source| Error::NotUtf8 { source })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Parses a SOAP envelope.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Error> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|source| Error::NotXml { source })?;
    check_depth(&document)?;
    let root = document.root_element();
    if !root.has_tag_name((namespace::SOAP, "Envelope")) {
        return Err(Error::unexpected("a SOAP 1.2 envelope", name(root)));
    }
    Ok(document)
}

/// Walks without recursion, since the depth is what is in doubt.
fn check_depth(document: &Document<'_>) -> Result<(), Error> {
    let (mut node, mut depth) = (document.root(), 0);
    loop {
        if let Some(child) = node.first_child() {
            (node, depth) = (child, depth + 1);
            if depth > MAX_DEPTH {
                return Err(Error::TooDeep { limit: MAX_DEPTH });
            }
            continue;
        }
        loop {
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            match node.parent() {
                Some(parent) => (node, depth) = (parent, depth - 1),
                None => return Ok(()),
            }
        }
    }
}

/// The child element of that name.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, uri: &str, name: &str) -> Option<Node<'a, 'i>> {
    node.children()
        .find(|n| n.is_element() && n.has_tag_name((uri, name)))
}

/// The child elements of that name.
pub(crate) fn children<'a, 'i>(
    node: Node<'a, 'i>,
    uri: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children()
        .filter(move |n| n.is_element() && n.has_tag_name((uri, name)))
}

/// The first child that is an element at all.
pub(crate) fn first_element<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    node.children().find(Node::is_element)
}

/// All the text that stands directly in an element, as it stands.
pub(crate) fn raw_text(node: Node<'_, '_>) -> String {
    node.children()
        .filter(|n| n.is_text())
        .filter_map(|n| n.text())
        .collect()
}

/// The text that stands directly in an element, without white space around it.
pub(crate) fn trimmed(node: Node<'_, '_>) -> String {
    raw_text(node).trim().to_owned()
}

/// The trimmed text of a child element, `None` where there is no such child or no text in it.
pub(crate) fn child_text(node: Node<'_, '_>, uri: &str, name: &str) -> Option<String> {
    child(node, uri, name)
        .map(trimmed)
        .filter(|text| !text.is_empty())
}

/// `xs:boolean`, as generously as clients write it.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// An element's name for an error: with its namespace, since that is what is wrong most often.
pub(crate) fn name(node: Node<'_, '_>) -> String {
    match node.tag_name().namespace() {
        Some(uri) => format!("`{}` of {uri}", node.tag_name().name()),
        None => format!("`{}` of no namespace", node.tag_name().name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(inside: &str) -> String {
        format!("<s:Envelope xmlns:s='{}'>{inside}</s:Envelope>", namespace::SOAP)
    }

    #[test]
    fn a_document_type_is_refused() {
        let bomb = format!("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>{}", envelope("&a;"));
        assert!(matches!(parse(&bomb), Err(Error::NotXml { .. })));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| envelope(&format!("{}{}", "<a>".repeat(n), "</a>".repeat(n)));
        assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert!(matches!(parse(&nested(MAX_DEPTH)), Err(Error::TooDeep { .. })));
        assert!(matches!(parse(&nested(100_000)), Err(Error::TooDeep { .. })));
    }

    #[test]
    fn size_and_encoding_are_checked_first() {
        assert!(matches!(
            text(&vec![b' '; MAX_BYTES + 1]),
            Err(Error::TooLarge { .. })
        ));
        assert!(matches!(text(b"\xff"), Err(Error::NotUtf8 { .. })));
        assert_eq!(text("\u{feff}x".as_bytes()).unwrap(), "x");
    }

    #[test]
    fn another_root_is_named() {
        assert_eq!(
            parse("<html/>").unwrap_err().to_string(),
            "expected a SOAP 1.2 envelope, found `html` of no namespace"
        );
    }
}
