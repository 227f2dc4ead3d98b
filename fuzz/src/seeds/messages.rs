//! Envelopes, and scripts of output.

use std::time::Duration;

use wsman::{
    CommandId, CommandState, Config, Fault, Identity, MessageId, NewCommand, NewShell, ProviderFault,
    Received, Request, Response, Session, SessionId, ShellCreated, ShellDetails, ShellId, Signal, SignalCode,
    State, StreamChunk, StreamName, WmiError, WsmanFault, code,
};

use super::{Seed, seed};
use crate::targets::REQUEST;

const COMMAND: &str = "5F4C7D1A-0E8B-4E6E-9C39-0B6F5E1A2C11";
const SHELL: &str = "CCF84E0D-D0B5-4CFB-95B5-BCF3BFE15F36";

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, reply) in replies() {
        let bytes = reply
            .write(&MessageId::from("uuid:2"), Some(REQUEST))
            .expect("a reply can be written");
        seeds.push(seed("reply", name, bytes));
    }
    let session = Session {
        to: "http://cas01:5985/wsman".to_owned(),
        session_id: SessionId::from("uuid:3"),
        locale: "en-US".to_owned(),
        max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
        operation_timeout: Duration::from_secs(20),
    };
    for (name, request) in requests() {
        let bytes = request
            .write(&session, &MessageId::from(REQUEST))
            .expect("a request can be written");
        seeds.push(seed("request", name, bytes));
    }
    seeds.push(seed(
        "reply",
        "bad-depth",
        [b"<a>".repeat(100), b"</a>".repeat(100)].concat(),
    ));
    seeds.push(seed(
        "reply",
        "bad-doctype",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    ));
    seeds.extend(scripts());
    seeds
}

fn replies() -> Vec<(&'static str, Response)> {
    let command_id = || Some(CommandId::from(COMMAND));
    let chunk = |name, data: &str, end| StreamChunk {
        name,
        command_id: command_id(),
        data: data.as_bytes().to_vec(),
        end,
    };
    let details = ShellDetails {
        owner: Some("operator".to_owned()),
        client_ip: Some("192.0.2.1".to_owned()),
        environment: vec![("A".to_owned(), "b".to_owned())],
        idle_time_out: Some(Duration::from_millis(7_200_500)),
        input_streams: vec![StreamName::Stdin],
        output_streams: vec![StreamName::Stdout, StreamName::Stderr],
        ..ShellDetails::default()
    };
    let provider = ProviderFault {
        provider: Some("Shell cmd plugin".to_owned()),
        path: Some(r"%systemroot%\system32\winrscmd.dll".to_owned()),
        message: "The system cannot find the file specified. ".to_owned(),
        faults: vec![WsmanFault {
            code: Some(2),
            ..WsmanFault::default()
        }],
        extended: vec![("Code".to_owned(), "2".to_owned())],
    };
    let fault = Fault {
        wsman: Some(Box::new(WsmanFault {
            code: Some(2_147_942_402),
            machine: Some("cas01".to_owned()),
            message: String::new(),
            provider: Some(provider),
        })),
        ..Fault::new(
            2,
            "w:InternalError",
            "The system cannot find the file specified. ",
        )
    };
    let quota = Fault {
        wmi: Some(Box::new(WmiError {
            code: Some(code::SHELL_QUOTA),
            message: "Too many.".to_owned(),
            ..WmiError::default()
        })),
        ..Fault::default()
    };
    vec![
        (
            "identity",
            Response::Identity(Identity {
                vendor: Some("Microsoft Corporation".to_owned()),
                version: Some("OS: 10.0.17763 SP: 0.0 Stack: 3.0".to_owned()),
                ..Identity::default()
            }),
        ),
        (
            "config",
            Response::Config(Config {
                max_envelope_size_kb: Some(500),
                max_timeout_ms: Some(60_000),
                allow_remote_shell_access: Some(true),
                ..Config::default()
            }),
        ),
        (
            "created",
            Response::ShellCreated(ShellCreated {
                shell_id: ShellId::from(SHELL),
                resource_uri: Some(wsman::namespace::CMD_RESOURCE.to_owned()),
                details: Some(details),
            }),
        ),
        (
            "started",
            Response::CommandStarted {
                command_id: command_id(),
            },
        ),
        (
            "received",
            Response::Received(Received {
                chunks: vec![
                    chunk(StreamName::Stdout, "hello\r\n", false),
                    chunk(StreamName::Stderr, "", true),
                ],
                states: vec![CommandState {
                    command_id: command_id(),
                    state: State::Done,
                    exit_code: Some(0xC000_013A),
                }],
            }),
        ),
        ("deleted", Response::Deleted),
        ("fault", Response::Fault(Box::new(fault))),
        ("quota", Response::Fault(Box::new(quota))),
    ]
}

fn requests() -> Vec<(&'static str, Request)> {
    let shell = || ShellId::from(SHELL);
    let command = CommandId::from(COMMAND);
    vec![
        ("identify", Request::Identify),
        ("get", Request::GetConfig),
        ("list", Request::ListShells),
        (
            "create",
            Request::Create(NewShell {
                shell_id: Some(shell()),
                no_profile: Some(true),
                code_page: Some(65001),
                idle_time_out: Some(Duration::from_secs(300)),
                environment: vec![("A".to_owned(), "b".to_owned())],
                ..NewShell::plain()
            }),
        ),
        (
            "command",
            Request::Command {
                shell: shell(),
                command: NewCommand {
                    command_id: Some(command.clone()),
                    command: "echo a & echo b".to_owned(),
                    arguments: vec!["<&\">".to_owned()],
                    console_mode_stdin: Some(true),
                    skip_cmd_shell: Some(false),
                },
            },
        ),
        ("receive", Request::receive(&shell(), &command)),
        ("send", Request::send(&shell(), &command, b"input", true)),
        (
            "signal",
            Request::Signal {
                shell: shell(),
                signal: Signal {
                    command_id: Some(command),
                    code: SignalCode::Terminate,
                },
            },
        ),
    ]
}

/// What `targets::receive` reads: output in two streams, cut in the middle of a character and of a marker, then the end.
fn scripts() -> Vec<Seed> {
    let chunk =
        |step: u8, data: &[u8]| [&[step | 3 << 5, u8::try_from(data.len()).expect("short")], data].concat();
    let (reply, running, done) = (
        vec![4 << 1],
        vec![5 << 1],
        vec![6 << 1 | 3 << 5, 0x3a, 1, 0, 0xc0],
    );
    let stderr =
        b"#< CLIXML\r\n<Objs><S S=\"Error\">Gr\xc3\xb6\xc3\x9fe_x000D_</S><S S=\"warning\">w</S></Objs>";
    let (first, second) = stderr.split_at(35);
    let plain = [
        chunk(0, b"Gr\xc3"),
        running,
        reply.clone(),
        chunk(0, b"\xb6\xc3\x9fe\r\n"),
        chunk(0x10, b""),
        done.clone(),
    ];
    let errors = [
        chunk(1, first),
        chunk(0, b"out"),
        reply.clone(),
        chunk(1, second),
        reply,
        done,
    ];
    vec![
        seed("receive", "plain", plain.concat()),
        seed("receive", "errors", errors.concat()),
    ]
}
