use std::time::{Duration, Instant};

use proptest::prelude::*;
use roxmltree::Document;

use super::{Error, Limits, parse};

fn refusal(text: &str) -> String {
    match parse(text, &Limits::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted: {}", &text[..text.len().min(80)]),
    }
}

#[test]
fn each_limit_is_kept() {
    let limits = Limits {
        bytes: 200,
        nodes: 10,
        depth: 3,
        attributes: 4,
        namespaces: 3,
    };
    let table = [
        ("<a><b><c/></b></a>", None),
        ("<a><b><c><d/></c></b></a>", Some("3 elements inside each other")),
        ("<a b='' c='' d='' e=''/>", None),
        (
            "<a b='' c='' d='' e = '' f\n=''/>",
            Some("4 attributes of one element"),
        ),
        (
            "<a xmlns='u' xmlns:b='v'><b xmlns:c = 'w'/><c xmlns:d='x'/></a>",
            None,
        ),
        (
            "<a xmlns='u' xmlns:b='v'><b xmlns:c='w'><c xmlns:d='x'/></b></a>",
            Some("3 namespaces at one place"),
        ),
        (
            "<a b='xmlns:c=1 xmlns:d=2 xmlns:e=3 xmlns:f=4'>xmlns:g='5'</a>",
            None,
        ),
        (
            "<a><!-- <b><c><d> --><![CDATA[<b><c><d>]]><?p <b><c><d> ?></a>",
            None,
        ),
        ("<a b='>'><c d=\"/>'\"><e/></c></a>", None),
        ("<a/><!-- -->", None),
        (
            "<a><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/></a>",
            Some("10 nodes"),
        ),
    ];
    for (text, refused) in table {
        let found = parse(text, &limits)
            .map(|_| ())
            .map_err(|error| error.to_string());
        let expected = refused.map_or(Ok(()), |what| Err(format!("expected at most {what}, found more")));
        assert_eq!(found, expected, "{text}");
    }
    let long = format!("<a>{}</a>", "x".repeat(200));
    assert_eq!(
        parse(&long, &limits).unwrap_err(),
        Error::Excess {
            limit: 200,
            what: "bytes"
        }
    );
}

#[test]
fn document_types_and_their_entities_are_refused() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<?xml version='1.0'?><!-- --><!DOCTYPE a [<!ENTITY b SYSTEM 'http://192.0.2.1/'>]><a>&b;</a>",
        "<a>&b;</a>",
        "<a><!DOCTYPE a></a>",
    ] {
        assert!(
            refusal(text).starts_with("expected well-formed XML without a document type, found "),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_xml_is_left_to_the_parser() {
    for text in [
        "",
        "<",
        "<a",
        "<a b='",
        "<a><!--",
        "<a></a></a>",
        "</a>",
        "text",
        "<a b=c/>",
        "<a>]]></a>",
        "<![x",
        "<?x",
    ] {
        assert!(
            refusal(text).starts_with("expected well-formed XML without a document type, found "),
            "{text}"
        );
    }
}

#[test]
fn errors_are_short() {
    let name = "ä".repeat(100_000);
    let error = refusal(&format!("<{name}></{name}b>"));
    assert!(error.len() < 300 && error.ends_with('…'), "{} bytes", error.len());
}

/// Each of these, of the size that is read at most, is answered at once. Without the limits, most would take hours.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time that parsing takes is what is tested"
)]
fn nothing_takes_long() {
    const SIZE: usize = 4 * 1024 * 1024;
    let fill = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::with_capacity(SIZE);
        for n in 0.. {
            let piece = piece(n);
            if text.len() + piece.len() > SIZE - 100_000 {
                break;
            }
            text.push_str(&piece);
        }
        text
    };
    let hundred: String = (0..100).map(|n| format!("xmlns:n{n}='{n}' ")).collect();
    let documents = [
        (
            "one element's attributes",
            format!("<a {}/>", fill(&|n| format!("a{n}='' "))),
        ),
        ("nested namespaces", fill(&|n| format!("<a xmlns:n{n}='{n}'>"))),
        (
            "namespaces of one element",
            format!("<a {}/>", fill(&|n| format!("xmlns:n{n}='{n}' "))),
        ),
        (
            "namespaces copied by siblings",
            format!("<a {hundred}>{}</a>", fill(&|_| "<b xmlns:n='n'/>".to_owned())),
        ),
        (
            "prefixed siblings",
            format!(
                "<a {hundred}>{}</a>",
                fill(&|_| "<n0:b n0:c='' n1:d=''/>".to_owned())
            ),
        ),
        ("open elements", fill(&|_| "<a>".to_owned())),
        ("unfinished tags", fill(&|_| "<a ".to_owned())),
        ("unfinished comments", fill(&|_| "<a/><!--".to_owned())),
        ("closing tags", fill(&|_| "</a>".to_owned())),
        ("quotes", format!("<a b='{}'/>", fill(&|_| "\"".to_owned()))),
        (
            "character references",
            format!("<a>{}</a>", fill(&|_| "&#65;".to_owned())),
        ),
        (
            "carriage returns",
            format!("<a>{}</a>", fill(&|_| "\r".to_owned())),
        ),
        (
            "texts and comments",
            format!("<a>{}</a>", fill(&|_| "x<!---->".to_owned())),
        ),
    ];
    for (name, text) in documents {
        assert!(text.len() <= SIZE, "{name}: {}", text.len());
        let started = Instant::now();
        let accepted = parse(&text, &Limits::default()).is_ok();
        let took = started.elapsed();
        println!("{name}: {took:?}, accepted: {accepted}");
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
}

/// What a parsed document has of everything, counted by walking it.
fn counted(document: &Document<'_>) -> Limits {
    let mut found = Limits {
        bytes: 0,
        nodes: 0,
        depth: 0,
        attributes: 0,
        namespaces: 0,
    };
    for node in document.descendants().filter(|node| node.is_element()) {
        found.depth = found
            .depth
            .max(node.ancestors().filter(|node| node.is_element()).count());
        let inherited: Vec<_> = node
            .parent_element()
            .map(|parent| parent.namespaces().map(|n| (n.name(), n.uri())).collect())
            .unwrap_or_default();
        let declared = node
            .namespaces()
            .filter(|n| !inherited.contains(&(n.name(), n.uri())))
            .count();
        found.attributes = found.attributes.max(node.attributes().len() + declared);
        found.namespaces = found.namespaces.max(node.namespaces().len());
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the parser takes has been counted in full: the look ahead never sees less than there is.
    #[test]
    fn no_accepted_document_exceeds_a_limit(text in "(<|</|/>|>|a|b|xmlns|:|=|'|\"| |\n|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?|\\?>|<a>|</a>|<a xmlns:b='c'>| d='e'){0,40}") {
        let limits = Limits { depth: 2, attributes: 2, namespaces: 1, ..Limits::default() };
        if let Ok(document) = parse(&text, &limits) {
            let found = counted(&document);
            prop_assert!(found.depth <= 2 && found.attributes <= 2 && found.namespaces <= 1, "{text}: {found:?}");
        }
    }

    /// And it refuses nothing that it should leave to the parser.
    #[test]
    fn generous_limits_change_nothing(text in "(<|</|/>|>|a|b|xmlns|:|=|'|\"| |<!--|-->|<a>|</a>|<a b='c'>|é|&amp;){0,40}") {
        prop_assert_eq!(parse(&text, &Limits::default()).is_ok(), Document::parse(&text).is_ok());
    }
}
