//! Messages of a peer that means no good: each is refused with an error that says why and is short, whatever the message's length.

use std::error::Error as _;

use wsman::{Error, IncomingRequest, MAX_BYTES, MessageId, Response};

const REQUEST: &str = "uuid:81154310-1C68-4690-9BD0-EA693328825B";

fn request() -> MessageId {
    MessageId::from(REQUEST)
}

/// A reply of ours, with what stands in its header and body.
fn reply(header: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
         xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn relates_to(id: &str) -> String {
    format!("<a:RelatesTo>{id}</a:RelatesTo>")
}

/// The error and its causes in one line.
fn refusal(text: &str) -> String {
    let Err(error) = Response::parse(text.as_bytes(), Some(&request())) else {
        return "accepted".to_owned();
    };
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    assert!(chain.len() < 1000, "{} bytes: {}", chain.len(), &chain[..200]);
    chain
}

#[test]
fn a_reply_to_another_message_is_refused() {
    let received = "<r:ReceiveResponse/>";
    assert!(Response::parse(reply(&relates_to(REQUEST), received).as_bytes(), Some(&request())).is_ok());
    assert!(
        Response::parse(
            reply(&relates_to(&format!("\n {REQUEST} ")), received).as_bytes(),
            Some(&request())
        )
        .is_ok(),
        "blanks around it are none of it"
    );
    for (header, found) in [
        (
            relates_to("uuid:00000000-0000-0000-0000-000000000000"),
            "`uuid:00000000-0000-0000-0000-000000000000`",
        ),
        (
            relates_to(&REQUEST.to_lowercase()),
            "`uuid:81154310-1c68-4690-9bd0-ea693328825b`",
        ),
        (
            relates_to(&format!("{REQUEST}x")),
            "`uuid:81154310-1C68-4690-9BD0-EA693328825Bx`",
        ),
        (relates_to(""), "no message at all"),
        (format!("<RelatesTo>{REQUEST}</RelatesTo>"), "no message at all"),
        (
            format!("<a:MessageID>{REQUEST}</a:MessageID>"),
            "no message at all",
        ),
        (String::new(), "no message at all"),
    ] {
        for body in [
            received,
            "<r:SendResponse/>",
            "<r:CommandResponse><r:CommandId>C</r:CommandId></r:CommandResponse>",
        ] {
            assert_eq!(
                refusal(&reply(&header, body)),
                format!("expected a reply to message `{REQUEST}`, found one to {found}")
            );
        }
    }
    let endless = refusal(&reply(&relates_to(&"x".repeat(1_000_000)), received));
    assert!(endless.ends_with("x…`"), "{endless}");
}

/// Some faults relate to nothing, and are taken; one to another message is not.
#[test]
fn only_a_fault_may_relate_to_nothing() {
    let fault = "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault>";
    let parsed = Response::parse(reply("", fault).as_bytes(), Some(&request())).unwrap();
    assert!(matches!(parsed, Response::Fault(_)));
    let error =
        Response::parse(reply(&relates_to("uuid:1"), fault).as_bytes(), Some(&request())).unwrap_err();
    assert!(matches!(error, Error::OtherMessage { found: Some(id), .. } if id == "uuid:1"));
}

#[test]
fn truncated_messages_are_refused() {
    let whole = reply(
        &relates_to(REQUEST),
        "<r:ReceiveResponse><r:Stream Name='stdout' CommandId='C'>aGVsbG8=</r:Stream></r:ReceiveResponse>",
    );
    assert!(Response::parse(whole.as_bytes(), Some(&request())).is_ok());
    for end in 0..whole.len() {
        assert!(
            Response::parse(&whole.as_bytes()[..end], Some(&request())).is_err(),
            "{end} bytes"
        );
        assert!(
            IncomingRequest::parse(&whole.as_bytes()[..end]).is_err(),
            "{end} bytes"
        );
    }
}

#[test]
fn oversized_messages_are_refused() {
    let largest = reply(&relates_to(REQUEST), "<r:SendResponse/>");
    let largest = format!("{largest}{}", " ".repeat(MAX_BYTES - largest.len()));
    assert!(Response::parse(largest.as_bytes(), Some(&request())).is_ok());
    assert_eq!(
        refusal(&format!("{largest} ")),
        "expected a message of at most 4194304 bytes, found 4194305"
    );
    let refused = IncomingRequest::parse(format!("{largest} ").as_bytes()).unwrap_err();
    assert_eq!(
        refused.fault.message(),
        "expected a message of at most 4194304 bytes, found 4194305"
    );
}

#[test]
fn more_of_anything_than_a_message_has_is_refused() {
    let header = relates_to(REQUEST);
    let table = [
        (
            "<a>".repeat(1_000_000),
            "expected a message in XML: expected at most 64 elements inside each other, found more",
        ),
        (
            format!(
                "<a {}/>",
                (0..200_000).map(|n| format!("b{n}='' ")).collect::<String>()
            ),
            "expected a message in XML: expected at most 128 attributes of one element, found more",
        ),
        (
            (0..60)
                .map(|n| format!("<a xmlns:n{n}='{n}' xmlns:m{n}='{n}'>"))
                .collect(),
            "expected a message in XML: expected at most 64 namespaces at one place, found more",
        ),
        (
            format!(
                "<r:ReceiveResponse>{}</r:ReceiveResponse>",
                "<r:Stream/>".repeat(300_000)
            ),
            "expected a message in XML: expected at most 200000 nodes, found more",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(&reply(&header, &body)), expected);
    }
}

#[test]
fn document_types_and_entities_are_refused() {
    let body = "<r:CommandResponse><r:CommandId>&a;</r:CommandId></r:CommandResponse>";
    for doctype in [
        "",
        "<!DOCTYPE s:Envelope [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
        "<!DOCTYPE s:Envelope [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE s:Envelope SYSTEM 'http://192.0.2.1/a.dtd'>",
        "<?xml version='1.0'?><!DOCTYPE s:Envelope [<!ENTITY % a SYSTEM 'http://192.0.2.1/'> %a;]>",
    ] {
        let text = format!("{doctype}{}", reply(&relates_to(REQUEST), body));
        let why = match doctype {
            "" => "unknown entity reference 'a'",
            _ => "XML with DTD detected",
        };
        let found = refusal(&text);
        let expected = format!(
            "expected a message in XML: expected well-formed XML without a document type, found {why}"
        );
        assert!(found.starts_with(&expected), "{found}");
    }
}

/// Whatever a request was, the fault that says so can be written and is short.
#[test]
fn every_refusal_can_be_answered() {
    let long = "x".repeat(1_000_000);
    let action = "<a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Receive</a:Action>";
    let requests = [
        "\u{1}".to_owned(),
        "<\u{1}".to_owned(),
        "<a b='\u{8}'/>".to_owned(),
        "<a>\u{ffff}</a>".to_owned(),
        "<a>&#1;</a>".to_owned(),
        "<a>\u{1b}[31m</a>".to_owned(),
        "<a \u{6}b=''/>".to_owned(),
        "\u{6}".to_owned(),
        "<a></a\u{6}>".to_owned(),
        format!("<{long}></{long}y>"),
        format!("<{long}/>"),
        format!("<a xmlns='{long}'/>"),
        reply(action, &format!("<{long}/>")),
        reply(&format!("<{long} s:mustUnderstand='true'/>"), ""),
        reply(
            &format!(
                "{action}<w:OperationTimeout xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>{long}</w:OperationTimeout>"
            ),
            "",
        ),
        reply(&format!("<a:MessageID>{long}</a:MessageID>"), ""),
    ];
    for request in requests {
        let name: String = request.chars().take(40).collect();
        let refused = IncomingRequest::parse(request.as_bytes()).unwrap_err();
        let length = refused.fault.to_string().len();
        assert!(length < 1000, "{name}: {length} bytes");
        let written = Response::Fault(Box::new(refused.fault.clone()))
            .write(&MessageId::from("uuid:1"), refused.relates_to.as_deref())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = Response::parse(&written, None).unwrap();
        assert_eq!(read, Response::Fault(Box::new(refused.fault)), "{name}");
    }
}

#[test]
fn a_chain_of_faults_is_read_to_its_end() {
    let chain = |length: usize| {
        format!(
            "<s:Fault><s:Detail xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault'>{}\
             <f:WSManFault><f:Message>the innermost</f:Message></f:WSManFault>{}</s:Detail></s:Fault>",
            "<f:WSManFault Code='5'><f:Message><f:ProviderFault>".repeat(length),
            "</f:ProviderFault></f:Message></f:WSManFault>".repeat(length)
        )
    };
    match Response::parse(reply("", &chain(19)).as_bytes(), Some(&request())).unwrap() {
        Response::Fault(fault) => {
            assert!(fault.is_access_denied());
            assert_eq!(fault.message(), "the innermost");
        }
        other => panic!("{other:?}"),
    }
    assert!(refusal(&reply("", &chain(20))).contains("at most 64 elements inside each other"));
    assert!(refusal(&reply("", &chain(10_000))).contains("at most 64 elements inside each other"));
}
