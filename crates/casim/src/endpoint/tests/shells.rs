//! Commands in shells.

use std::time::Duration;

use tokio::time::Instant;
use wsman::{
    CommandId, Fault, NewCommand, NewShell, Received, Request, Response, ShellId, Signal, SignalCode,
};

use super::client::{Client, start};
use crate::endpoint::{EndpointOptions, Limits};

async fn command(client: &mut Client, shell: &ShellId, line: &str) -> Result<CommandId, Fault> {
    let command = NewCommand {
        command: line.to_owned(),
        ..NewCommand::default()
    };
    let request = Request::Command {
        shell: shell.clone(),
        command,
    };
    match client.ask(request).await? {
        Response::CommandStarted { command_id } => Ok(command_id.unwrap()),
        other => panic!("{other:?}"),
    }
}

async fn receive(client: &mut Client, shell: &ShellId, command: &CommandId) -> Result<Received, Fault> {
    match client.ask(Request::receive(shell, command)).await? {
        Response::Received(received) => Ok(received),
        other => panic!("{other:?}"),
    }
}

async fn signal(
    client: &mut Client,
    shell: &ShellId,
    command: &CommandId,
    code: SignalCode,
) -> Result<(), Fault> {
    let signal = Signal {
        command_id: Some(command.clone()),
        code,
    };
    let shell = shell.clone();
    client.ask(Request::Signal { shell, signal }).await.map(|_| ())
}

/// Everything that a command says, and its exit code.
async fn finish(client: &mut Client, shell: &ShellId, command: &CommandId) -> (u32, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        let received = match receive(client, shell, command).await {
            Err(fault) if fault.is_timed_out() => continue,
            other => other.unwrap(),
        };
        for chunk in &received.chunks {
            let stream = if chunk.name == wsman::StreamName::Stdout {
                &mut out
            } else {
                &mut err
            };
            stream.extend_from_slice(&chunk.data);
        }
        if let Some(exit_code) = received.done(command) {
            let text = |bytes| String::from_utf8(bytes).unwrap();
            return (exit_code.unwrap(), text(out), text(err));
        }
    }
}

async fn run(client: &mut Client, shell: &ShellId, line: &str) -> (u32, String, String) {
    let id = command(client, shell, line).await.unwrap();
    let result = finish(client, shell, &id).await;
    signal(client, shell, &id, SignalCode::Terminate).await.unwrap();
    result
}

#[tokio::test]
async fn output_and_exit_code_come_back() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        run(&mut client, &shell, "echo Grüße & exit 7").await,
        (7, text("Grüße \r\n"), text(""))
    );
    let (code, out, err) = run(&mut client, &shell, "echo oops 1>&2").await;
    assert_eq!((code, out.as_str(), err.trim_end()), (0, "", "oops"));
    assert_eq!(machine.command_lines(), ["echo Grüße & exit 7", "echo oops 1>&2"]);
    assert_eq!(endpoint.record().commands, 2);
    client.ask(Request::Delete { shell }).await.unwrap();
    assert_eq!(endpoint.open_shells(), 0);
}

#[tokio::test]
async fn a_command_sees_environment_and_directory_of_its_shell() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = NewShell {
        environment: vec![("GREETING".to_owned(), "good day".to_owned())],
        working_directory: Some(r"C:\Windows".to_owned()),
        ..NewShell::plain()
    };
    let shell = client.create_as(shell).await.unwrap();
    let (_, out, _) = run(&mut client, &shell, "echo %GREETING% from %CD%").await;
    assert_eq!(out, "good day from C:\\Windows\r\n");
}

#[tokio::test]
async fn a_line_that_is_too_long_is_said_to_be_so_and_not_run() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let (code, out, err) = run(&mut client, &shell, &format!("echo {}", "x".repeat(8187))).await;
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "", "The command line is too long.\r\n")
    );
    assert!(machine.command_lines().is_empty());
    let (code, out, _) = run(&mut client, &shell, &format!("echo {}", "x".repeat(8186))).await;
    assert_eq!((code, out.len()), (0, 8188));
}

#[tokio::test]
async fn no_reply_is_larger_than_the_client_can_take() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    client.set_envelope_size(8192);
    let shell = client.create().await.unwrap();
    let line = format!("echo {}", "ü".repeat(8000));
    let id = command(&mut client, &shell, &line).await.unwrap();
    let mut whole = Vec::new();
    let mut replies = 0;
    loop {
        let (message, request) = client.write(&Request::receive(&shell, &id));
        let answer = client.exchange(message.as_bytes()).await.unwrap();
        assert!(answer.body.len() <= 8192, "{} bytes", answer.body.len());
        let Ok(Response::Received(received)) = Response::parse(&answer.body, Some(&request)) else {
            panic!("no output")
        };
        replies += 1;
        for chunk in &received.chunks {
            whole.extend_from_slice(&chunk.data);
        }
        if received.done(&id).is_some() {
            break;
        }
    }
    assert!(
        String::from_utf8(whole).unwrap().trim_end() == "ü".repeat(8000),
        "something was lost"
    );
    assert!(replies >= 4, "{replies} replies");
}

#[tokio::test]
async fn standard_input_reaches_the_command_and_its_end_ends_it() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let id = command(&mut client, &shell, "more").await.unwrap();
    for (data, end) in [("first\r\n", false), ("second\r\n", false), ("", true)] {
        let sent = client.ask(Request::send(&shell, &id, data.as_bytes(), end)).await;
        assert_eq!(sent, Ok(Response::Sent));
    }
    let (code, out, _) = finish(&mut client, &shell, &id).await;
    assert_eq!(code, 0);
    assert!(out.starts_with("first\r\nsecond\r\n"), "{out:?}");
}

#[tokio::test]
async fn a_receive_waits_for_operation_timeout_and_then_faults() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    client.set_operation_timeout(Duration::from_millis(300));
    let shell = client.create().await.unwrap();
    let id = command(&mut client, &shell, "more").await.unwrap();
    let began = Instant::now();
    let fault = receive(&mut client, &shell, &id).await.unwrap_err();
    assert_eq!(fault.error_code(), Some(2_150_858_793));
    assert_eq!(fault.subcode.as_deref(), Some("w:TimedOut"));
    assert!(began.elapsed() >= Duration::from_millis(300));
    // Nothing is lost by it.
    client
        .ask(Request::send(&shell, &id, b"late", true))
        .await
        .unwrap();
    let (code, out, _) = finish(&mut client, &shell, &id).await;
    assert_eq!((code, out.trim_end()), (0, "late"));
}

#[tokio::test]
async fn the_server_bounds_the_timeout_itself() {
    let limits = Limits {
        operation: Duration::from_millis(200),
        ..Limits::default()
    };
    let options = EndpointOptions {
        limits,
        ..EndpointOptions::default()
    };
    let (_, endpoint) = start(options).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let id = command(&mut client, &shell, "more").await.unwrap();
    assert!(
        receive(&mut client, &shell, &id)
            .await
            .unwrap_err()
            .is_timed_out()
    );
}

#[tokio::test]
async fn ctrl_c_ends_the_process_and_terminate_forgets_the_command() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let id = command(&mut client, &shell, "more").await.unwrap();
    signal(&mut client, &shell, &id, SignalCode::CtrlC).await.unwrap();
    assert_eq!(finish(&mut client, &shell, &id).await.0, 3_221_225_786);
    // All was told: there is no second time.
    assert!(receive(&mut client, &shell, &id).await.unwrap_err().is_gone());
    signal(&mut client, &shell, &id, SignalCode::Terminate)
        .await
        .unwrap();
    assert!(
        signal(&mut client, &shell, &id, SignalCode::Terminate)
            .await
            .unwrap_err()
            .is_gone()
    );

    let id = command(&mut client, &shell, "more").await.unwrap();
    signal(&mut client, &shell, &id, SignalCode::Terminate)
        .await
        .unwrap();
    assert!(receive(&mut client, &shell, &id).await.unwrap_err().is_gone());
}

#[tokio::test]
async fn deleting_the_shell_ends_a_receive_on_another_connection() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let mut other = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let id = command(&mut client, &shell, "more").await.unwrap();
    let waiting = receive(&mut client, &shell, &id);
    let deleting = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.ask(Request::Delete { shell: shell.clone() }).await
    };
    let (received, deleted) = tokio::join!(waiting, deleting);
    assert_eq!(received.unwrap_err().error_code(), Some(995));
    assert_eq!(deleted, Ok(Response::Deleted));
}

#[tokio::test]
async fn a_lost_reply_does_not_undo_the_command() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    machine.faults().drop_after_command.set(1);
    let chosen = CommandId::from("0c7e1a52-0000-4000-8000-00000000abcd");
    let lost = Request::Command {
        shell: shell.clone(),
        command: NewCommand {
            command_id: Some(chosen.clone()),
            command: "echo once".to_owned(),
            ..NewCommand::default()
        },
    };
    assert_eq!(client.try_ask(lost).await, None);
    // Who chose the command's name can find out on another connection.
    let mut client = Client::open(endpoint.address()).await;
    assert_eq!(finish(&mut client, &shell, &chosen).await.1, "once\r\n");
    assert_eq!(machine.command_lines(), ["echo once"]);
    run(&mut client, &shell, "echo twice").await;
    // A chosen command's reply is lost, and no other one's.
    machine.faults().drop_after_command_with.set("chosen");
    run(&mut client, &shell, "echo another").await;
    let lost = Request::Command {
        shell: shell.clone(),
        command: NewCommand {
            command: "echo chosen".to_owned(),
            ..NewCommand::default()
        },
    };
    assert_eq!(client.try_ask(lost).await, None);
    let mut client = Client::open(endpoint.address()).await;
    run(&mut client, &shell, "echo chosen").await;
}

#[tokio::test]
async fn requests_that_name_no_command_or_no_program_are_refused_by_the_plugin() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let nameless = Request::Receive {
        shell: shell.clone(),
        receive: wsman::Receive::default(),
    };
    let fault = client.ask(nameless).await.unwrap_err();
    assert_eq!(fault.error_code(), Some(87));
    assert_eq!(fault.message(), "The parameter is incorrect.");
    let missing = Request::Command {
        shell,
        command: NewCommand {
            command: "ver".to_owned(),
            skip_cmd_shell: Some(true),
            ..NewCommand::default()
        },
    };
    assert_eq!(
        client.ask(missing).await.unwrap_err().error_code(),
        Some(2_147_942_402)
    );
}

#[tokio::test]
async fn a_shell_has_room_for_so_many_processes() {
    let limits = Limits {
        processes_per_shell: 2,
        ..Limits::default()
    };
    let options = EndpointOptions {
        limits,
        ..EndpointOptions::default()
    };
    let (_, endpoint) = start(options).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    let first = command(&mut client, &shell, "more").await.unwrap();
    command(&mut client, &shell, "more").await.unwrap();
    let fault = command(&mut client, &shell, "more").await.unwrap_err();
    assert_eq!(fault.subcode.as_deref(), Some("w:QuotaLimit"));
    signal(&mut client, &shell, &first, SignalCode::CtrlC)
        .await
        .unwrap();
    command(&mut client, &shell, "more").await.unwrap();
}
