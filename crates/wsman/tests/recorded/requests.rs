//! Every recorded request is read, and written again as the same tree of XML.
//!
//! Differences that are meant: `TRUE` and `true` where the other client wrote `True`. Nothing else.

use std::fmt::Write as _;

use wsman::{
    Action, IncomingBody, IncomingRequest, MessageId, NewCommand, Request, Session, SessionId, SignalCode,
    StreamName,
};

use crate::exchanges;

/// The client's request that an incoming one came from.
fn reverse(incoming: &IncomingRequest) -> (Session, MessageId, Request) {
    let session = Session {
        to: incoming.to.clone().unwrap(),
        session_id: SessionId::from(incoming.session_id.as_deref().unwrap()),
        locale: incoming.locale.clone().unwrap(),
        max_envelope_size: incoming.max_envelope_size.unwrap(),
        operation_timeout: incoming.operation_timeout.unwrap(),
    };
    let shell = || incoming.shell_id().unwrap();
    let request = match incoming.body.clone() {
        IncomingBody::Identify => Request::Identify,
        IncomingBody::Get => Request::GetConfig,
        IncomingBody::Enumerate(_) => Request::ListShells,
        IncomingBody::Pull(context, _) => Request::ListMoreShells {
            context: context.unwrap(),
        },
        IncomingBody::Create(new) => Request::Create(new),
        IncomingBody::Command(command) => Request::Command {
            shell: shell(),
            command,
        },
        IncomingBody::Receive(receive) => Request::Receive {
            shell: shell(),
            receive,
        },
        IncomingBody::Send(chunks) => Request::Send {
            shell: shell(),
            chunks,
        },
        IncomingBody::Signal(signal) => Request::Signal {
            shell: shell(),
            signal,
        },
        IncomingBody::Delete => Request::Delete { shell: shell() },
        IncomingBody::Other(name) => panic!("unknown body {name:?}"),
    };
    (
        session,
        MessageId::from(incoming.message_id.as_deref().unwrap()),
        request,
    )
}

/// The document as indented lines: names with namespaces, attributes by name, text. Prefixes and their order do not count.
fn tree(xml: &str) -> String {
    fn walk(node: roxmltree::Node<'_, '_>, depth: usize, out: &mut String) {
        let name = node.tag_name();
        write!(
            out,
            "{:depth$}{{{}}}{}",
            "",
            name.namespace().unwrap_or_default(),
            name.name()
        )
        .unwrap();
        let mut attributes: Vec<_> = node
            .attributes()
            .map(|a| {
                format!(
                    " {{{}}}{}={:?}",
                    a.namespace().unwrap_or_default(),
                    a.name(),
                    truth(a.value())
                )
            })
            .collect();
        attributes.sort();
        let text: String = node
            .children()
            .filter(|n| n.is_text())
            .filter_map(|n| n.text())
            .collect();
        writeln!(out, "{} {:?}", attributes.concat(), truth(&text)).unwrap();
        for child in node.children().filter(roxmltree::Node::is_element) {
            walk(child, depth + 1, out);
        }
    }
    fn truth(text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        if lower == "true" || lower == "false" {
            lower
        } else {
            text.to_owned()
        }
    }
    let mut out = String::new();
    walk(
        roxmltree::Document::parse(xml).unwrap().root_element(),
        0,
        &mut out,
    );
    out
}

#[test]
fn requests_are_written_as_they_were_recorded() {
    let Some(exchanges) = exchanges() else { return };
    for exchange in &exchanges {
        let incoming = IncomingRequest::parse(exchange.request.as_bytes())
            .unwrap_or_else(|refused| panic!("{}: {}", exchange.place, refused.fault));
        let (session, id, request) = reverse(&incoming);
        let written = String::from_utf8(request.write(&session, &id).unwrap()).unwrap();
        assert_eq!(tree(&written), tree(&exchange.request), "{}", exchange.place);
    }
}

#[test]
fn the_facts_of_a_conversation_are_read() {
    let Some(exchanges) = exchanges() else { return };
    let read = |place: &str| {
        let exchange = exchanges.iter().find(|exchange| exchange.place == place).unwrap();
        IncomingRequest::parse(exchange.request.as_bytes()).unwrap()
    };
    let command = read("test_winrs_send[1]");
    assert_eq!(command.action, Action::Command);
    assert_eq!(command.option("winrs_skip_cmd_shell"), Some("False"));
    let expected = NewCommand {
        command: "powershell.exe".to_owned(),
        arguments: vec!["-".to_owned()],
        skip_cmd_shell: Some(false),
        ..NewCommand::default()
    };
    assert_eq!(expected.line(), "powershell.exe -");
    assert_eq!(command.body, IncomingBody::Command(expected));

    let IncomingBody::Send(chunks) = read("test_winrs_send[2]").body else {
        panic!("no Send")
    };
    assert_eq!(
        (chunks[0].data.as_slice(), chunks[0].end),
        (b"Write-Host \"output 1\";".as_slice(), false)
    );
    assert_eq!(chunks[0].name, StreamName::Stdin);
    let IncomingBody::Send(chunks) = read("test_winrs_send[3]").body else {
        panic!("no Send")
    };
    assert!(chunks[0].end);

    let IncomingBody::Receive(receive) = read("test_winrs_send[4]").body else {
        panic!("no Receive")
    };
    assert!(receive.keep_alive);
    assert_eq!(receive.streams, [StreamName::Stdout, StreamName::Stderr]);

    let IncomingBody::Signal(signal) = read("test_winrs_send[5]").body else {
        panic!("no Signal")
    };
    assert_eq!(signal.code, SignalCode::CtrlC);
}

/// Another client's dialect: other prefixes, `mustUnderstand` left out, empty lines everywhere.
#[test]
fn the_requests_of_the_windows_7_session_are_read() {
    let Some(folder) = crate::folder() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("session_windows7.xml")).unwrap();
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let mut requests = 0;
    for node in document.descendants().filter(|node| node.has_tag_name("request")) {
        let envelope = node.children().find(roxmltree::Node::is_element).unwrap();
        let incoming = IncomingRequest::parse(&text.as_bytes()[envelope.range()]).unwrap();
        assert_eq!(Some(incoming.action.uri().as_str()), node.attribute("action"));
        assert_eq!(incoming.message_id.as_deref(), Some("${messageId}"));
        assert_eq!(
            incoming.operation_timeout,
            Some(std::time::Duration::from_secs(60))
        );
        if let IncomingBody::Create(new) = &incoming.body {
            assert_eq!((new.no_profile, new.code_page), (Some(false), Some(437)));
        }
        requests += 1;
    }
    assert!(requests >= 5, "{requests}");
}
