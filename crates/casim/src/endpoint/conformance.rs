//! What Windows refuses although the message could be read: checks that `wsman`'s tolerant reader does not make.

use roxmltree::{Document, Node, ParsingOptions};
use wsman::{Fault, namespace};

/// Refuses an `OptionSet` outside the header and a request without `ReplyTo`.
///
/// A client that puts its options beside the header believes that they arrive; Windows does not read them there. An
/// attribute `mustUnderstand` without its namespace is tolerated, as Windows does.
pub(super) fn check(message: &[u8]) -> Result<(), Fault> {
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    let Ok(text) = std::str::from_utf8(message) else {
        // Other encodings and broken texts are the reader's matter.
        return Ok(());
    };
    let Ok(document) = Document::parse_with_options(text, options) else {
        return Ok(());
    };
    let envelope = document.root_element();
    let is = |node: &Node<'_, '_>, uri: &str, name: &str| node.has_tag_name((uri, name));
    let header = envelope
        .children()
        .find(|node| is(node, namespace::SOAP, "Header"));
    let asks_who = envelope
        .descendants()
        .any(|node| is(&node, namespace::IDENTITY, "Identify"));
    if asks_who {
        return Ok(());
    }
    let misplaced = envelope
        .descendants()
        .filter(|node| is(node, namespace::WSMAN, "OptionSet"))
        .any(|node| node.parent() != header);
    if misplaced {
        return Err(Fault::bad_request(
            "OptionSet: expected in the header, found outside of it",
        ));
    }
    let answers_to = header
        .iter()
        .flat_map(Node::children)
        .find(|node| is(node, namespace::ADDRESSING, "ReplyTo"));
    let address = answers_to.and_then(|node| {
        node.children()
            .find(|node| is(node, namespace::ADDRESSING, "Address"))
    });
    match address.and_then(|node| node.text()).map(str::trim) {
        Some(namespace::ANONYMOUS) => Ok(()),
        Some(_) => Err(Fault::bad_request(
            "ReplyTo: expected the anonymous address, found another one",
        )),
        None => Err(Fault::bad_request("ReplyTo: expected in the header, found none")),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn message(header: &str, body: &str) -> Vec<u8> {
        format!(
            "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
             xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
             xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>\
             <s:Header>{header}</s:Header>{body}</s:Envelope>"
        )
        .into_bytes()
    }

    const REPLY_TO: &str = "<a:ReplyTo><a:Address mustUnderstand='true'>\
        http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>";

    #[test]
    fn what_windows_takes_is_taken() {
        let options = "<w:OptionSet><w:Option Name='WINRS_CODEPAGE'>65001</w:Option></w:OptionSet>";
        check(&message(&format!("{REPLY_TO}{options}"), "<s:Body/>")).unwrap();
        let identify = "<s:Body><i:Identify \
            xmlns:i='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'/></s:Body>";
        check(&message("", identify)).unwrap();
        check(b"no XML at all").unwrap();
    }

    #[test]
    fn what_windows_refuses_is_refused() {
        let options = "<w:OptionSet/>";
        for (header, body, expected) in [
            (REPLY_TO, "<w:OptionSet/><s:Body/>", "OptionSet"),
            (REPLY_TO, &*format!("<s:Body>{options}</s:Body>"), "OptionSet"),
            ("", "<s:Body/>", "ReplyTo"),
            ("<a:ReplyTo/>", "<s:Body/>", "ReplyTo"),
            (
                "<a:ReplyTo><a:Address>http://elsewhere.example/</a:Address></a:ReplyTo>",
                "<s:Body/>",
                "anonymous",
            ),
        ] {
            let fault = check(&message(header, body)).unwrap_err();
            assert!(fault.message().contains(expected), "{fault}");
        }
    }
}
