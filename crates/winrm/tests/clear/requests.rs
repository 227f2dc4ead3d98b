//! What stands in the requests, which of them are made again, and what their refusals are told as.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use winrm::{Connection, Error, ErrorKind, Shell};
use wsman::{Action, Config, Fault, IncomingBody, IncomingRequest, Response, ShellId, code};

use crate::{Answer, Server, fault, line, received};

/// A server that keeps every request that it was sent.
async fn keeping(
    script: impl Fn(&IncomingRequest, usize) -> Option<Answer> + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<IncomingRequest>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&kept);
    let server = Server::start(move |request, before| {
        all.lock().unwrap().push(request.clone());
        script(request, before)
    })
    .await;
    (server, kept)
}

#[tokio::test]
async fn messages_have_names_of_their_own_and_a_shell_has_one_session() {
    let (server, kept) = keeping(|_, _| None).await;
    let mut endpoint = server.endpoint();
    endpoint.locale = "de-DE".to_owned();
    endpoint.timeouts.operation = Duration::from_secs(7);
    let endpoint = Arc::new(endpoint);
    for _ in 0..2 {
        let mut shell = Shell::open(Arc::clone(&endpoint)).await.unwrap();
        shell
            .execute(&line(), Some(b"input"), Duration::from_secs(60), &mut |_, _| {})
            .await
            .unwrap();
        shell.close().await.unwrap();
    }
    let kept = kept.lock().unwrap();
    let requests: Vec<_> = kept
        .iter()
        .filter(|request| request.action != Action::Identify)
        .collect();
    assert_eq!(requests.len(), 12);
    let different = |names: Vec<Option<&str>>| {
        assert!(names.iter().all(Option::is_some));
        names.into_iter().collect::<std::collections::BTreeSet<_>>().len()
    };
    let messages = requests.iter().map(|request| request.message_id.as_deref());
    assert_eq!(different(messages.collect()), 12);
    for one_shell in requests.chunks(6) {
        let sessions = one_shell.iter().map(|request| request.session_id.as_deref());
        assert_eq!(different(sessions.collect()), 1);
    }
    let sessions = requests.iter().map(|request| request.session_id.as_deref());
    assert_eq!(different(sessions.collect()), 2);
    for request in requests {
        assert_eq!(request.to.as_deref(), Some(endpoint.url.as_str()));
        assert_eq!(request.locale.as_deref(), Some("de-DE"));
        assert_eq!(request.max_envelope_size, Some(153_600));
        let name = request.message_id.as_deref().unwrap();
        assert!(
            name.starts_with("uuid:") && name[5..] == name[5..].to_uppercase(),
            "{name}"
        );
        // Cleaning up has ten seconds of its own, of which the server gets no more than it was given.
        assert_eq!(request.operation_timeout, Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn shells_and_commands_are_made_in_this_way() {
    let (server, kept) = keeping(|_, _| None).await;
    server.run().await.unwrap();
    let kept = kept.lock().unwrap();
    let mut made = 0;
    for request in kept.iter() {
        match &request.body {
            IncomingBody::Create(shell) => {
                assert_eq!((shell.no_profile, shell.code_page), (Some(true), Some(65001)));
                assert!(shell.shell_id.is_some());
                // From the 60 seconds that are the least on, and soon: what leaks heals by itself.
                assert_eq!(shell.idle_time_out, Some(Duration::from_secs(300)));
                made += 1;
            }
            IncomingBody::Command(command) => {
                assert!(command.command_id.is_some());
                assert_eq!(
                    (command.command.as_str(), command.arguments.len()),
                    ("do it", 0),
                    "one text: the server would join arguments without quoting them"
                );
                assert_eq!(
                    (command.console_mode_stdin, command.skip_cmd_shell),
                    (Some(true), Some(false))
                );
                made += 1;
            }
            IncomingBody::Receive(receive) => {
                assert_eq!((receive.keep_alive, receive.streams.len()), (true, 2));
                made += 1;
            }
            _ => {}
        }
    }
    assert_eq!(made, 3);
}

/// Nothing to say within OperationTimeout is no error: MS-WSMV has the client ask again.
#[tokio::test]
async fn a_receive_that_timed_out_is_made_again() {
    let server = Server::start(|request, before| match request.action {
        Action::Receive if before < 3 => fault(Fault::timed_out()),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(
        server.seen(),
        "| Identify Create Command Receive Receive Receive Receive Signal Delete"
    );
}

/// The bytes may have been taken. Nothing more is asked of the command, which might wait for the rest for ever.
#[tokio::test]
async fn input_that_was_lost_is_not_sent_again() {
    let server = Server::start(|request, _| match request.action {
        Action::Send => Some(Answer::Close),
        _ => None,
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    let error = shell
        .execute(&line(), Some(b"input"), Duration::from_secs(30), &mut |_, _| {})
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown { found: None, .. }),
        "{error}"
    );
    shell.close().await.unwrap();
    assert_eq!(
        server.seen(),
        "| Identify Create Command Send | Identify Signal Delete"
    );
}

#[tokio::test]
async fn a_shell_that_was_aborted_from_outside_is_closed() {
    let server = Server::start(|request, _| match request.action {
        Action::Signal | Action::Delete => fault(Fault::new(code::ABORTED, "w:InternalError", "aborted")),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(server.seen(), "| Identify Create Command Receive Signal Delete");
}

/// Each is told with its code and text, and nothing ran; the client does not try again.
#[tokio::test]
async fn other_faults_are_told_as_they_are() {
    for (number, hint) in [
        (87, None),
        (2_150_858_767, None),
        (2_147_943_418, None),
        (
            code::PROGRAM_NOT_FOUND,
            Some("the program does not exist on the server"),
        ),
    ] {
        let server = Server::start(move |request, _| match request.action {
            Action::Command => fault(Fault::new(number, "w:InternalError", "as the server says")),
            _ => None,
        })
        .await;
        let error = server.run().await.unwrap_err();
        assert!(
            error.to_string().ends_with(&format!(
                "Command was answered with fault {number} (w:InternalError): as the server says"
            )),
            "{error}"
        );
        assert_eq!(
            (error.kind(), error.hint().as_deref()),
            (ErrorKind::Refused, hint)
        );
        assert_eq!(server.seen(), "| Identify Create Command Delete");
    }
}

#[tokio::test]
async fn a_status_is_told_and_the_request_not_repeated() {
    for (status, kind, hint) in [
        (400, ErrorKind::Protocol, None),
        (404, ErrorKind::Protocol, Some("usually `/wsman`")),
        (407, ErrorKind::Protocol, Some("the proxy wants a login")),
        (413, ErrorKind::Protocol, None),
        (
            415,
            ErrorKind::Protocol,
            Some("does not take sealed messages of this kind"),
        ),
        (425, ErrorKind::Protocol, None),
        (429, ErrorKind::Protocol, None),
        (500, ErrorKind::Protocol, None),
        (503, ErrorKind::Unreachable, Some("stopped or overloaded")),
    ] {
        let reply = format!("HTTP/1.1 {status} Words\r\nContent-Length: 4\r\n\r\nnope");
        let server = Server::start(move |_, _| Some(Answer::Raw(reply.clone().into_bytes()))).await;
        let error = Connection::open(&server.endpoint()).await.unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(&format!("found HTTP status {status} (nope)")),
            "{error}"
        );
        assert_eq!(error.kind(), kind, "{status}");
        match (error.hint(), hint) {
            (Some(found), Some(part)) => assert!(found.contains(part), "{status}: {found}"),
            (found, expected) => assert_eq!(found.as_deref(), expected, "{status}"),
        }
        assert_eq!(server.seen(), "| Identify");
    }
}

/// What the service says of its envelopes is believed between 8 KiB, the least of DSP0226, and 2 MiB.
#[tokio::test]
async fn the_size_of_envelopes_is_believed_within_reason() {
    for (told, taken) in [(1, 8_192), (150, 153_600), (4_096, 2_097_152)] {
        let (server, kept) = keeping(move |request, _| match request.body {
            IncomingBody::Get => Some(Answer::Say(Response::Config(Config {
                max_envelope_size_kb: Some(told),
                ..Config::default()
            }))),
            _ => None,
        })
        .await;
        let mut shell = server.shell().await.unwrap();
        let input = vec![0; 200_000];
        shell
            .execute(&line(), Some(&input), Duration::from_secs(30), &mut |_, _| {})
            .await
            .unwrap();
        shell.close().await.unwrap();
        let kept = kept.lock().unwrap();
        let mut sends = 0;
        for request in kept.iter().filter(|request| request.action == Action::Send) {
            assert_eq!(
                request.max_envelope_size,
                Some(taken),
                "it bounds the replies too"
            );
            sends += 1;
        }
        assert!(sends > 0);
    }
}

/// WinRM 1 puts `uuid:` before the names of shells, and knows them by nothing else.
#[tokio::test]
async fn each_request_after_create_names_the_shell_as_the_server_did() {
    let name = "uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85";
    let (server, kept) = keeping(move |request, _| match request.action {
        Action::Create => Some(Answer::Say(Response::ShellCreated(wsman::ShellCreated {
            shell_id: ShellId::from(name),
            resource_uri: None,
            details: None,
        }))),
        _ => None,
    })
    .await;
    server.run().await.unwrap();
    let kept = kept.lock().unwrap();
    let later = kept
        .iter()
        .skip_while(|request| request.action != Action::Create)
        .skip(1);
    let names: Vec<_> = later.map(|request| request.selector("ShellId")).collect();
    assert_eq!(names, [Some(name); 4]);
}

/// What a command writes is kept up to 64 MiB; one that never stops is ended.
#[tokio::test]
async fn a_command_that_writes_without_end_is_ended() {
    let piece = vec![b'x'; 2 * 1024 * 1024];
    let server = Server::start(move |request, _| match &request.body {
        IncomingBody::Receive(receive) => {
            let state = wsman::State::Running;
            Some(Answer::Say(received(
                receive.command_id.as_ref(),
                &piece,
                state,
                None,
            )))
        }
        _ => None,
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    let mut heard = 0;
    let error = shell
        .execute(&line(), None, Duration::from_secs(120), &mut |_, bytes| {
            heard += bytes.len()
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::OutputTooLarge { .. }), "{error}");
    assert_eq!((error.kind(), heard), (ErrorKind::Unknown, 66 * 1024 * 1024));
    shell.close().await.unwrap();
    assert!(
        server.seen().ends_with("Receive Signal Delete"),
        "{}",
        server.seen()
    );
}

/// A shell belongs to one task at a time, and to any.
#[test]
fn shells_and_connections_can_be_handed_to_different_tasks() {
    fn check<T: Send + Sync + 'static>() -> &'static str {
        std::any::type_name::<T>()
    }
    let names = [
        check::<Shell>(),
        check::<Connection>(),
        check::<winrm::Service>(),
        check::<Error>(),
    ];
    assert!(names.iter().all(|name| name.starts_with("winrm::")), "{names:?}");
}
