//! The one place that reads XML: no document type, bounded size, bounded depth.

use markup::Limits;
use roxmltree::{Document, Node};

use crate::error::Error;
use crate::namespace;

/// The most bytes that are read as one message. The largest `MaxEnvelopeSizekb` that is seen in practice is 4096; a reply to a
/// request of ours is bounded by our own `MaxEnvelopeSize`, which is far less.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Real messages nest less than 16 elements and declare less than 32 namespaces.
const LIMITS: Limits = Limits {
    bytes: MAX_BYTES,
    // A `Stream` element of one byte takes two of them.
    nodes: 200_000,
    depth: 64,
    attributes: 128,
    namespaces: 64,
};

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
    let document = markup::parse(text, &LIMITS).map_err(|source| Error::NotXml { source })?;
    let root = document.root_element();
    if !root.has_tag_name((namespace::SOAP, "Envelope")) {
        return Err(Error::unexpected("a SOAP 1.2 envelope", name(root)));
    }
    Ok(document)
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
        for bomb in [
            format!("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>{}", envelope("&a;")),
            format!("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>{}", envelope("")),
            envelope("&a;"),
        ] {
            assert_eq!(
                parse(&bomb).unwrap_err().to_string(),
                "expected a message in XML",
                "{bomb}"
            );
        }
    }

    #[test]
    fn depth_attributes_and_namespaces_are_bounded() {
        let why = |text: String| match parse(&text) {
            Ok(_) => None,
            Err(error) => std::error::Error::source(&error).map(ToString::to_string),
        };
        let nested = |n: usize| envelope(&format!("{}{}", "<a>".repeat(n), "</a>".repeat(n)));
        let too_deep = Some("expected at most 64 elements inside each other, found more".to_owned());
        assert_eq!(why(nested(63)), None);
        assert_eq!(why(nested(64)), too_deep);
        assert_eq!(why(nested(100_000)), too_deep);
        // Without the limit this takes minutes.
        let attributes: String = (0..100_000).map(|n| format!("a{n}='' ")).collect();
        assert_eq!(
            why(envelope(&format!("<a {attributes}/>"))),
            Some("expected at most 128 attributes of one element, found more".to_owned())
        );
        let namespaces: String = (0..65).map(|n| format!("xmlns:n{n}='{n}' ")).collect();
        assert_eq!(
            why(envelope(&format!("<a {namespaces}/>"))),
            Some("expected at most 64 namespaces at one place, found more".to_owned())
        );
        assert_eq!(
            why(envelope(&"<a/>".repeat(200_000))),
            Some("expected at most 200000 nodes, found more".to_owned())
        );
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
