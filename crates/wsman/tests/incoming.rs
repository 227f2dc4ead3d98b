//! What a server says to requests that it cannot carry out, and how it takes the dialects of other clients.

use wsman::{
    Action, CommandId, CommandState, IncomingBody, IncomingRequest, Received, Response, State, code,
};

fn envelope(header: &str, body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
            xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
            xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
            xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
            ><s:Header><a:MessageID>uuid:1</a:MessageID>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

fn action(word: &str) -> String {
    format!("<a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/{word}</a:Action>")
}

#[test]
fn what_is_wrong_is_told_with_the_message_it_relates_to() {
    let table = [
        (envelope("", ""), "the request has no Action"),
        (
            envelope(&action("Command"), ""),
            "expected CommandLine in the body, found nothing",
        ),
        (
            envelope(&action("Command"), "<Shell/>"),
            "expected CommandLine in the body, found `Shell` of no namespace",
        ),
        (
            envelope(&action("Receive"), "<r:Receive/>"),
            "expected DesiredStream in Receive, found none",
        ),
        (
            envelope(&action("Signal"), "<r:Signal/>"),
            "expected Code in Signal, found none",
        ),
        (
            envelope(
                &action("Send"),
                "<r:Send><r:Stream Name='stdin'>?</r:Stream></r:Send>",
            ),
            "expected base64 in stream stdin, found Invalid symbol 63, offset 0.",
        ),
        (
            envelope(
                &format!("{}<w:OperationTimeout>20</w:OperationTimeout>", action("Receive")),
                "",
            ),
            "OperationTimeout is `20`",
        ),
        (
            envelope(
                &format!("{}<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize>", action("Delete")),
                "",
            ),
            "MaxEnvelopeSize is `big`",
        ),
    ];
    for (request, text) in table {
        let refused = IncomingRequest::parse(request.as_bytes()).unwrap_err();
        assert_eq!(refused.relates_to.as_deref(), Some("uuid:1"));
        assert_eq!(refused.fault.error_code(), Some(code::SCHEMA));
        assert_eq!(refused.fault.reason, text);
    }
}

#[test]
fn what_is_no_soap_relates_to_nothing() {
    for bytes in [b"".as_slice(), b"<html/>", b"\xff\xfe", b"<!DOCTYPE x><x/>"] {
        let refused = IncomingRequest::parse(bytes).unwrap_err();
        assert_eq!(refused.relates_to, None);
        assert!(!refused.fault.reason.is_empty());
    }
}

#[test]
fn a_header_that_must_be_understood_and_is_not_is_a_fault() {
    let strange = r#"<x:Robust xmlns:x="urn:x" s:mustUnderstand="1"/>"#;
    let refused = IncomingRequest::parse(envelope(&format!("{}{strange}", action("Delete")), "").as_bytes())
        .unwrap_err();
    assert_eq!(refused.fault.code, "MustUnderstand");
    assert!(
        refused.fault.reason.contains("`Robust` of urn:x"),
        "{}",
        refused.fault.reason
    );

    // The same header without the demand is ignored, and so is a demand without a namespace, as pywinrm writes it.
    for tolerated in [
        r#"<x:Robust xmlns:x="urn:x"/>"#,
        r#"<x:Robust xmlns:x="urn:x" mustUnderstand="true"/>"#,
    ] {
        let request = envelope(&format!("{}{tolerated}", action("Get")), "");
        assert!(IncomingRequest::parse(request.as_bytes()).is_ok(), "{tolerated}");
    }
}

#[test]
fn identify_needs_no_header() {
    let request = r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
        <i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/></s:Body></s:Envelope>"#;
    let incoming = IncomingRequest::parse(request.as_bytes()).unwrap();
    assert_eq!(
        (incoming.action, incoming.body),
        (Action::Identify, IncomingBody::Identify)
    );
}

#[test]
fn unknown_actions_are_read_and_left_to_the_server() {
    let request = envelope(
        "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/enumeration/Renew</a:Action>",
        "<n:Renew xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration'/>",
    );
    let incoming = IncomingRequest::parse(request.as_bytes()).unwrap();
    assert_eq!(incoming.action.word(), "Renew");
    assert_eq!(incoming.body, IncomingBody::Other(Some("Renew".to_owned())));
}

/// Several states in one reply, states without a command, and codes with a sign.
#[test]
fn the_end_of_a_command_is_found() {
    let ours = CommandId::from("C-1");
    let state = |id: Option<&str>, state, exit_code| CommandState {
        command_id: id.map(CommandId::from),
        state,
        exit_code,
    };
    let done = |states: Vec<CommandState>| {
        Received {
            chunks: vec![],
            states,
        }
        .done(&ours)
    };
    assert_eq!(done(vec![]), None);
    assert_eq!(done(vec![state(Some("C-1"), State::Running, None)]), None);
    assert_eq!(done(vec![state(Some("C-2"), State::Done, Some(1))]), None);
    assert_eq!(done(vec![state(None, State::Done, None)]), Some(None));
    assert_eq!(
        done(vec![
            state(Some("c-1"), State::Running, None),
            state(Some("c-1"), State::Done, None),
            state(Some("c-1"), State::Done, Some(3_221_225_786)),
        ]),
        Some(Some(3_221_225_786))
    );

    let reply = |code: &str| {
        let body = format!(
            "<r:ReceiveResponse><r:CommandState State='http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done'>\
             <r:ExitCode>{code}</r:ExitCode></r:CommandState></r:ReceiveResponse>"
        );
        Response::parse(
            envelope("<a:RelatesTo>uuid:1</a:RelatesTo>", &body).as_bytes(),
            None,
        )
    };
    for (text, expected) in [
        ("3221225786", 3_221_225_786),
        ("-1073741510", 3_221_225_786),
        ("2147943401", 0x8007_03e9),
        (" 0 ", 0),
    ] {
        match reply(text).unwrap() {
            Response::Received(received) => assert_eq!(received.done(&ours), Some(Some(expected))),
            other => panic!("{other:?}"),
        }
    }
    assert!(reply("4294967296").is_err());
    assert!(reply("seven").is_err());
}
