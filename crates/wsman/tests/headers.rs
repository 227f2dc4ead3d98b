//! What every request has in its header, whatever it asks.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use roxmltree::{Document, Node};
use wsman::{
    CommandId, IncomingRequest, MessageId, NewCommand, NewShell, Request, Response, Session, SessionId,
    ShellId, Signal, SignalCode, namespace,
};

fn session() -> Session {
    Session {
        to: "https://server.example:5986/wsman".to_owned(),
        session_id: SessionId::from("uuid:031B57A0-39D0-4573-A35A-05765F6C6B27"),
        locale: "de-DE".to_owned(),
        max_envelope_size: 512_000,
        operation_timeout: Duration::from_millis(2_500),
    }
}

/// One of each kind, but `Identify`, which has no header.
fn requests() -> Vec<Request> {
    let (shell, command) = (ShellId::from("S"), CommandId::from("C"));
    vec![
        Request::GetConfig,
        Request::ListShells,
        Request::ListMoreShells {
            context: "uuid:L".to_owned(),
        },
        Request::Create(NewShell {
            code_page: Some(65001),
            no_profile: Some(true),
            ..NewShell::plain()
        }),
        Request::Command {
            shell: shell.clone(),
            command: NewCommand {
                command: "hostname".to_owned(),
                console_mode_stdin: Some(true),
                skip_cmd_shell: Some(false),
                ..NewCommand::default()
            },
        },
        Request::receive(&shell, &command),
        Request::send(&shell, &command, b"input", true),
        Request::Signal {
            shell: shell.clone(),
            signal: Signal {
                command_id: Some(command),
                code: SignalCode::CtrlC,
            },
        },
        Request::Delete { shell },
    ]
}

fn written(request: &Request) -> String {
    let bytes = request.write(&session(), &MessageId::from("uuid:1")).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_settings_of_the_session_are_in_each_request() {
    for request in requests() {
        let read = IncomingRequest::parse(written(&request).as_bytes()).unwrap();
        let session = session();
        assert_eq!(read.action, request.action());
        assert_eq!(read.to, Some(session.to));
        assert_eq!(read.session_id.as_deref(), Some(session.session_id.as_str()));
        assert_eq!(read.locale, Some(session.locale));
        assert_eq!(read.max_envelope_size, Some(session.max_envelope_size));
        assert_eq!(read.operation_timeout, Some(session.operation_timeout));
        assert_eq!(read.shell_id().as_ref(), request.shell());
    }
}

/// `DataLocale` too has the language: it decides how numbers and times are written.
#[test]
fn both_languages_are_the_sessions() {
    for request in requests() {
        let text = written(&request);
        assert_eq!(text.matches(r#"xml:lang="de-DE""#).count(), 2, "{text}");
    }
}

/// Options beside the header never arrive, and `mustUnderstand` without a namespace demands nothing.
#[test]
fn options_stand_in_the_header_and_demands_in_the_namespace_of_soap() {
    for request in requests() {
        let text = written(&request);
        let document = Document::parse(&text).unwrap();
        let envelope = document.root_element();
        let parts: Vec<_> = envelope.children().map(|node| node.tag_name().name()).collect();
        assert_eq!(parts, ["Header", "Body"]);
        let header = envelope.first_child().unwrap();
        let is = |node: &Node<'_, '_>, name: &str| node.has_tag_name((namespace::WSMAN, name));
        for set in envelope
            .descendants()
            .filter(|node| is(node, "OptionSet") || is(node, "SelectorSet"))
        {
            assert_eq!(set.parent(), Some(header), "{text}");
        }
        let mut demands = 0;
        for attribute in envelope
            .descendants()
            .flat_map(|node| node.attributes().collect::<Vec<_>>())
        {
            if attribute.name() == "mustUnderstand" {
                assert_eq!(attribute.namespace(), Some(namespace::SOAP), "{text}");
                demands += 1;
            }
        }
        assert!(demands >= 7, "{text}");
    }
}

/// WS-Enumeration: a list is gone on with where it was begun.
#[test]
fn both_halves_of_a_list_name_the_same_resource() {
    let resource = |request: &Request| {
        IncomingRequest::parse(written(request).as_bytes())
            .unwrap()
            .resource_uri
    };
    let context = "uuid:L".to_owned();
    assert_eq!(
        resource(&Request::ListMoreShells { context }),
        resource(&Request::ListShells)
    );
}

/// MS-WSMV 2.2.4.38 spells `Terminate`; clients write `terminate`, which Windows takes.
#[test]
fn signals_are_written_as_clients_do_and_read_in_both_spellings() {
    for (code, word) in [
        (SignalCode::Terminate, "terminate"),
        (SignalCode::CtrlC, "ctrl_c"),
        (SignalCode::CtrlBreak, "ctrl_break"),
    ] {
        let uri = format!("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/{word}");
        assert_eq!(code.uri(), uri);
        assert_eq!(SignalCode::from_uri(&uri), code);
    }
    let specified = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/Terminate";
    assert_eq!(SignalCode::from_uri(specified), SignalCode::Terminate);
    // PowerShell's own, whose spelling is Windows'.
    let other = "http://schemas.microsoft.com/powershell/signal/crtl_c";
    assert_eq!(SignalCode::from_uri(other).uri(), other);
}

/// What is a fault is told by its body: faults of addressing come under another action than those of WS-Management.
#[test]
fn faults_come_under_either_action() {
    for action in [
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
    ] {
        let text = format!(
            "<s:Envelope xmlns:s='{}' xmlns:a='{}'><s:Header><a:Action>{action}</a:Action><a:RelatesTo>uuid:1</a:RelatesTo></s:Header>\
             <s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:DestinationUnreachable</s:Value></s:Subcode></s:Code>\
             <s:Reason><s:Text xml:lang='en-US'>nobody there</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>",
            namespace::SOAP,
            namespace::ADDRESSING
        );
        match Response::parse(text.as_bytes(), Some(&MessageId::from("uuid:1"))).unwrap() {
            Response::Fault(fault) => assert_eq!(
                fault.to_string(),
                "fault (a:DestinationUnreachable): nobody there"
            ),
            other => unreachable!("{other:?}"),
        }
    }
}
