//! Nothing that arrives makes a reader panic, and what is written is read back.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wsman::{
    CommandId, CommandState, Fault, IncomingRequest, MessageId, ProviderFault, Received, Request, Response,
    Session, SessionId, ShellCreated, ShellDetails, ShellId, State, StreamChunk, StreamName, WmiError,
    WsmanFault,
};

const SEEDS: [&str; 4] = [
    r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Header><a:RelatesTo>uuid:1</a:RelatesTo></s:Header><s:Body><rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="C">aGk=</rsp:Stream><rsp:CommandState CommandId="C" State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse></s:Body></s:Envelope>"#,
    r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Detail><f:WSManFault Code="5"><f:Message>no<f:ProviderFault provider="p"><f:WSManFault Code="6"/></f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>"#,
    r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Header><a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send</a:Action><w:OperationTimeout>PT20S</w:OperationTimeout></s:Header><s:Body><rsp:Send><rsp:Stream Name="stdin" End="true">aGk=</rsp:Stream></rsp:Send></s:Body></s:Envelope>"#,
    r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Body><x:ResourceCreated/><rsp:Shell><rsp:ShellId>S</rsp:ShellId><rsp:IdleTimeOut>PT1S</rsp:IdleTimeOut></rsp:Shell></s:Body></s:Envelope>"#,
];

/// A valid message with some bytes cut, changed or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0u8..4);
    (0..SEEDS.len(), vec(edit, 0..6)).prop_map(|(seed, edits)| {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (place, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
                _ => {
                    let copy = bytes[at..].to_vec();
                    bytes.extend(copy);
                }
            }
        }
        bytes
    })
}

/// Text without white space at its ends, which readers trim, and without what XML cannot carry.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß漢€]{0,20}".prop_map(|text: String| text.trim().to_owned())
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    option::of(text().prop_filter("blank", |text| !text.is_empty()))
}

fn command_id() -> impl Strategy<Value = Option<CommandId>> {
    option::of("[A-F0-9-]{1,36}".prop_map(|id: String| CommandId::from(id.as_str())))
}

fn wsman_fault() -> impl Strategy<Value = WsmanFault> {
    let plain =
        (option::of(any::<u32>()), some_text(), text()).prop_map(|(code, machine, message)| WsmanFault {
            code,
            machine,
            message,
            provider: None,
        });
    plain.prop_recursive(3, 8, 2, |inner| {
        let provider = (some_text(), some_text(), text(), vec(inner.clone(), 0..2)).prop_map(
            |(provider, path, message, faults)| ProviderFault {
                provider,
                path,
                message,
                faults,
                extended: vec![],
            },
        );
        (inner, provider).prop_map(|(fault, provider)| WsmanFault {
            provider: Some(provider),
            ..fault
        })
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    let wmi = (
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        some_text(),
        text(),
    )
        .prop_map(|(code, cim_status, message_id, message)| WmiError {
            code,
            cim_status,
            message_id,
            message,
        });
    (
        "[A-Za-z]{1,10}",
        some_text(),
        text(),
        some_text(),
        option::of(wsman_fault()),
        option::of(wmi),
    )
        .prop_map(|(code, subcode, reason, fault_detail, wsman, wmi)| Fault {
            code,
            subcode,
            reason,
            fault_detail,
            wsman: wsman.map(Box::new),
            wmi: wmi.map(Box::new),
        })
}

fn response() -> impl Strategy<Value = Response> {
    let stream = prop_oneof![
        Just(StreamName::Stdout),
        Just(StreamName::Stderr),
        Just(StreamName::Other("pr".to_owned()))
    ];
    let chunk = (stream, command_id(), vec(any::<u8>(), 0..40), any::<bool>()).prop_map(
        |(name, command_id, data, end)| StreamChunk {
            name,
            command_id,
            data,
            end,
        },
    );
    let state = prop_oneof![Just(State::Running), Just(State::Pending), Just(State::Done)];
    let state = (command_id(), state, option::of(any::<u32>())).prop_map(|(command_id, state, exit_code)| {
        CommandState {
            command_id,
            state,
            exit_code,
        }
    });
    let details = (
        some_text(),
        some_text(),
        vec((text(), text()), 0..3),
        option::of(0u64..1 << 40),
    )
        .prop_map(|(owner, client_ip, environment, millis)| ShellDetails {
            owner,
            client_ip,
            environment,
            idle_time_out: millis.map(Duration::from_millis),
            input_streams: vec![StreamName::Stdin],
            ..ShellDetails::default()
        });
    prop_oneof![
        (vec(chunk, 0..4), vec(state, 0..3))
            .prop_map(|(chunks, states)| Response::Received(Received { chunks, states })),
        fault().prop_map(|fault| Response::Fault(Box::new(fault))),
        option::of(details).prop_map(|details| Response::ShellCreated(ShellCreated {
            shell_id: ShellId::from("uuid:AB"),
            resource_uri: Some(wsman::namespace::CMD_RESOURCE.to_owned()),
            details,
        })),
        command_id().prop_map(|command_id| Response::CommandStarted { command_id }),
        Just(Response::Sent),
        Just(Response::Signalled),
        Just(Response::Deleted),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readers_never_panic(bytes in damaged(), noise in vec(any::<u8>(), 0..200)) {
        for input in [bytes, noise] {
            let _ = Response::parse(&input, None);
            let _ = Response::parse(&input, Some(&MessageId::from("uuid:1")));
            let _ = IncomingRequest::parse(&input);
        }
    }

    #[test]
    fn a_response_is_read_back_as_it_was_written(response in response()) {
        let (own, request) = (MessageId::from("uuid:REPLY"), MessageId::from("uuid:REQUEST"));
        let written = response.write(&own, Some(request.as_str())).unwrap();
        prop_assert_eq!(Response::parse(&written, Some(&request)).unwrap(), response);
    }

    #[test]
    fn a_command_line_arrives_as_it_was_sent(line in any::<String>(), data in vec(any::<u8>(), 0..2000)) {
        let session = Session {
            to: "http://localhost:5985/wsman".to_owned(),
            session_id: SessionId::from("uuid:S"),
            locale: "en-US".to_owned(),
            max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
            operation_timeout: Duration::from_secs(20),
        };
        let shell = ShellId::from("S");
        let command = wsman::NewCommand { command: line, ..wsman::NewCommand::default() };
        let request = Request::Command { shell: shell.clone(), command: command.clone() };
        if let Ok(written) = request.write(&session, &MessageId::from("uuid:1")) {
            let incoming = IncomingRequest::parse(&written).unwrap();
            prop_assert_eq!(incoming.body.clone(), wsman::IncomingBody::Command(command));
            prop_assert_eq!(incoming.selector("shellid"), Some("S"));
        }
        let send = Request::send(&shell, &CommandId::from("C"), &data, true).write(&session, &MessageId::from("uuid:1"));
        match IncomingRequest::parse(&send.unwrap()).unwrap().body {
            wsman::IncomingBody::Send(chunks) => prop_assert_eq!(&chunks[0].data, &data),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
