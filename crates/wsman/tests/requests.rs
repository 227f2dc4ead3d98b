//! Requests as they leave: read the snapshots to see every message that a client sends.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use wsman::{
    CommandId, Error, MessageId, NewCommand, NewShell, Request, Session, SessionId, ShellId, Signal,
    SignalCode, input_chunk_size,
};

fn session() -> Session {
    Session {
        to: "http://cas01.contoso.example:5985/wsman".to_owned(),
        session_id: SessionId::from("uuid:031B57A0-39D0-4573-A35A-05765F6C6B27"),
        locale: "en-US".to_owned(),
        max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
        operation_timeout: Duration::from_secs(20),
    }
}

fn shell() -> ShellId {
    ShellId::from("CCF84E0D-D0B5-4CFB-95B5-BCF3BFE15F36")
}

fn command() -> CommandId {
    CommandId::from("644983A8-4292-4922-97E9-D569C2170784")
}

/// One element per line.
fn lines(request: &Request) -> String {
    let id = MessageId::from("uuid:81154310-1C68-4690-9BD0-EA693328825B");
    String::from_utf8(request.write(&session(), &id).unwrap())
        .unwrap()
        .replace("><", ">\n<")
}

#[test]
fn identify() {
    insta::assert_snapshot!(lines(&Request::Identify));
}

#[test]
fn create() {
    insta::assert_snapshot!(lines(&Request::Create(NewShell {
        shell_id: Some(shell()),
        no_profile: Some(true),
        code_page: Some(65001),
        idle_time_out: Some(Duration::from_secs(300)),
        ..NewShell::plain()
    })));
}

#[test]
fn start_a_command() {
    insta::assert_snapshot!(lines(&Request::Command {
        shell: shell(),
        command: NewCommand {
            command_id: Some(command()),
            command: r#"dir "C:\Program Files" & echo <done>"#.to_owned(),
            arguments: Vec::new(),
            console_mode_stdin: Some(false),
            skip_cmd_shell: Some(false),
        },
    }));
}

#[test]
fn receive() {
    insta::assert_snapshot!(lines(&Request::receive(&shell(), &command())));
}

#[test]
fn send_the_end_of_the_input() {
    insta::assert_snapshot!(lines(&Request::send(&shell(), &command(), b"Y\r\n", true)));
}

#[test]
fn terminate() {
    insta::assert_snapshot!(lines(&Request::Signal {
        shell: shell(),
        signal: Signal {
            command_id: Some(command()),
            code: SignalCode::Terminate
        },
    }));
}

#[test]
fn delete() {
    insta::assert_snapshot!(lines(&Request::Delete { shell: shell() }));
}

#[test]
fn list_shells() {
    insta::assert_snapshot!(lines(&Request::ListShells));
}

#[test]
fn a_control_character_never_leaves() {
    let new = NewCommand {
        command: "echo \u{1b}[2J".to_owned(),
        ..NewCommand::default()
    };
    let request = Request::Command {
        shell: shell(),
        command: new,
    };
    let error = request.write(&session(), &MessageId::from("uuid:0")).unwrap_err();
    assert!(
        matches!(error, Error::ForbiddenCharacter { character: 0x1b, .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "rsp:Command holds the character U+001B, which XML cannot carry"
    );
}

#[test]
fn a_full_chunk_of_input_fits_the_envelope_and_uses_most_of_it() {
    for max_envelope_size in [8_192, 153_600, 512_000] {
        let session = Session {
            max_envelope_size,
            ..session()
        };
        let size = input_chunk_size(&session, &shell(), &command()).unwrap();
        let full = Request::send(&shell(), &command(), &vec![0xff; size], true);
        let written = full
            .write(
                &session,
                &MessageId::from("uuid:81154310-1C68-4690-9BD0-EA693328825B"),
            )
            .unwrap();
        let limit = usize::try_from(max_envelope_size).unwrap();
        assert!(written.len() <= limit, "{} of {limit}", written.len());
        assert!(written.len() + 512 > limit, "{} of {limit}", written.len());
    }
}
