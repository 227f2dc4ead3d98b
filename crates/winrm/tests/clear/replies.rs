//! Replies that servers give on odd days, and what becomes of the command.

use std::sync::Mutex;
use std::time::Duration;

use winrm::{Error, ErrorKind, Shell};
use wsman::{Action, CommandState, Fault, IncomingBody, Received, Response, State, code};

use crate::{Answer, Server, fault, line, received, usual};

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn one_command_takes_these_requests() {
    let server = Server::start(|_, _| None).await;
    let output = assert_send(server.run()).await.unwrap();
    assert_eq!(
        (output.exit_code, output.stdout.as_slice()),
        (0, b"ok".as_slice())
    );
    assert_eq!(server.seen(), "| Identify Create Command Receive Signal Delete");
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_a_login_and_nothing_else() {
    let server = Server::start(|request, _| {
        let last = matches!(request.action, Action::Create | Action::Signal);
        last.then(|| Answer::SayAndClose(usual(request)))
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(
        server.seen(),
        "| Identify Create | Identify Command Receive Signal | Identify Delete"
    );
}

#[tokio::test]
async fn a_shell_that_the_server_ended_is_made_anew() {
    let server = Server::start(|request, before| match request.action {
        Action::Command if before == 0 => fault(Fault::no_such_shell("S")),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(
        server.seen(),
        "| Identify Create Command Create Command Receive Signal Delete"
    );
}

#[tokio::test]
async fn a_refused_command_did_not_run() {
    let server = Server::start(|request, _| match request.action {
        Action::Command => fault(Fault::new(
            code::OPERATION_QUOTA,
            "w:QuotaLimit",
            "too many operations",
        )),
        _ => None,
    })
    .await;
    let error = server.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error
            .to_string()
            .ends_with("Command was answered with fault 2150859174 (w:QuotaLimit): too many operations"),
        "{error}"
    );
    // Nothing started, so nothing is signalled.
    assert_eq!(server.seen(), "| Identify Create Command Delete");
}

#[tokio::test]
async fn a_lost_command_is_asked_after_by_name_and_not_sent_again() {
    let server = Server::start(|request, _| match request.action {
        Action::Command => Some(Answer::Close),
        Action::Receive => fault(Fault::no_such_command()),
        _ => None,
    })
    .await;
    let error = server.run().await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown { found: None, .. }),
        "{error}"
    );
    assert_eq!(
        server.seen(),
        "| Identify Create Command | Identify Receive Signal Delete"
    );
}

#[tokio::test]
async fn a_command_that_timed_out_may_have_started() {
    let server = Server::start(|request, _| match request.action {
        Action::Command => fault(Fault::timed_out()),
        _ => None,
    })
    .await;
    let error = server.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    assert_eq!(server.seen().matches("Command").count(), 1);
}

#[tokio::test]
async fn output_is_asked_for_once_more_and_not_for_ever() {
    let server =
        Server::start(|request, _| (request.action == Action::Receive).then_some(Answer::Close)).await;
    let error = server.run().await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error}");
    assert_eq!(
        server.seen(),
        "| Identify Create Command Receive | Identify Receive | Identify Signal Delete"
    );
}

#[tokio::test]
async fn a_command_that_vanishes_has_an_unknown_outcome() {
    let server = Server::start(|request, before| match (&request.action, &request.body) {
        (Action::Receive, IncomingBody::Receive(receive)) if before == 0 => Some(Answer::Say(received(
            receive.command_id.as_ref(),
            b"begun",
            State::Running,
            None,
        ))),
        (Action::Receive, _) => fault(Fault::new(
            code::ABORTED,
            "w:InternalError",
            "The I/O operation has been aborted",
        )),
        _ => None,
    })
    .await;
    let error = server.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("fault 995"), "{source}");
}

#[tokio::test]
async fn omi_names_no_command_and_tells_no_exit_code() {
    let server = Server::start(|request, _| match request.action {
        Action::Command => Some(Answer::Say(Response::CommandStarted { command_id: None })),
        Action::Receive => Some(Answer::Say(received(None, b"ok", State::Done, Some(5)))),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().exit_code, 5);

    let server = Server::start(|request, _| match request.action {
        Action::Receive => Some(Answer::Say(received(None, b"ok", State::Done, None))),
        _ => None,
    })
    .await;
    let error = server.run().await.unwrap_err();
    assert!(matches!(error, Error::NoExitCode { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unknown);
}

#[tokio::test]
async fn several_states_in_one_reply_are_one_end() {
    let server = Server::start(|request, _| match &request.body {
        IncomingBody::Receive(receive) => {
            let state = |state, exit_code| CommandState {
                command_id: receive.command_id.clone(),
                state,
                exit_code,
            };
            let states = vec![
                state(State::Running, None),
                state(State::Done, None),
                state(State::Done, Some(9)),
            ];
            Some(Answer::Say(Response::Received(Received {
                chunks: vec![],
                states,
            })))
        }
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().exit_code, 9);
}

#[tokio::test]
async fn the_output_of_another_command_is_not_ours() {
    let server = Server::start(|request, before| match &request.body {
        IncomingBody::Receive(_) if before == 0 => Some(Answer::Say(received(
            Some(&"OTHER".into()),
            b"theirs",
            State::Done,
            Some(1),
        ))),
        _ => None,
    })
    .await;
    let output = server.run().await.unwrap();
    assert_eq!(
        (output.exit_code, output.stdout.as_slice()),
        (0, b"ok".as_slice())
    );
}

#[tokio::test]
async fn input_that_timed_out_was_taken_and_is_not_sent_again() {
    let sent = std::sync::Arc::new(Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&sent);
    let server = Server::start(move |request, before| match &request.body {
        IncomingBody::Send(chunks) => {
            kept.lock()
                .unwrap()
                .extend(chunks.iter().flat_map(|chunk| chunk.data.clone()));
            if before == 0 {
                fault(Fault::timed_out())
            } else {
                None
            }
        }
        _ => None,
    })
    .await;
    let input: Vec<u8> = (0..200_000u32).map(|i| i.to_le_bytes()[0]).collect();
    let mut shell = server.shell().await.unwrap();
    shell
        .execute(&line(), Some(&input), Duration::from_secs(30), &mut |_, _| {})
        .await
        .unwrap();
    shell.close().await.unwrap();
    assert!(*sent.lock().unwrap() == input);
    assert_eq!(
        server.seen(),
        "| Identify Create Get Command Send Send Receive Signal Delete"
    );
}

#[tokio::test]
async fn the_input_of_a_command_that_has_ended_is_left_unsent() {
    let server = Server::start(|request, _| match request.action {
        Action::Send => fault(Fault::no_such_command()),
        _ => None,
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    let input = vec![0; 400_000];
    let output = shell
        .execute(&line(), Some(&input), Duration::from_secs(30), &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(output.stdout, b"ok");
    shell.close().await.unwrap();
    assert_eq!(
        server.seen(),
        "| Identify Create Get Command Send Receive Signal Delete"
    );
}

#[tokio::test]
async fn cleaning_up_is_repeated_and_forgiving() {
    let server = Server::start(|request, before| match request.action {
        Action::Signal if before == 0 => Some(Answer::Close),
        Action::Signal => fault(Fault::no_such_command()),
        Action::Delete if before == 0 => Some(Answer::Close),
        Action::Delete => fault(Fault::no_such_shell("S")),
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
    assert_eq!(
        server.seen(),
        "| Identify Create Command Receive Signal | Identify Signal Delete | Identify Delete"
    );
}

#[tokio::test]
async fn a_shell_whose_making_was_lost_is_deleted_by_the_name_chosen_for_it() {
    let names = std::sync::Arc::new(Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&names);
    let server = Server::start(move |request, _| match &request.body {
        IncomingBody::Create(new) => {
            kept.lock().unwrap().extend(new.shell_id.clone());
            Some(Answer::Close)
        }
        IncomingBody::Delete => {
            kept.lock().unwrap().extend(request.shell_id());
            None
        }
        _ => None,
    })
    .await;
    let error = server.shell().await.unwrap_err();
    assert!(
        matches!(error, Error::ConnectionLost { step: "Create", .. }),
        "{error}"
    );
    winrm::reap(Duration::from_secs(10)).await;
    assert_eq!(server.seen(), "| Identify Create | Identify Delete");
    let names = names.lock().unwrap();
    assert!(names.len() == 2 && names[0].same(&names[1]), "{names:?}");
}

#[tokio::test]
async fn a_refused_shell_is_not_deleted_but_a_late_one_is() {
    let server = Server::start(|request, _| match request.action {
        Action::Create => fault(Fault::new(
            code::ACCESS_DENIED,
            "w:AccessDenied",
            "Access is denied.",
        )),
        _ => None,
    })
    .await;
    let error = server.shell().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.hint().unwrap().contains("administrator"), "{error}");
    winrm::reap(Duration::from_secs(10)).await;
    assert_eq!(server.seen(), "| Identify Create");

    let server = Server::start(|request, _| match request.action {
        Action::Create => fault(Fault::timed_out()),
        _ => None,
    })
    .await;
    assert_eq!(server.shell().await.unwrap_err().kind(), ErrorKind::TimedOut);
    winrm::reap(Duration::from_secs(10)).await;
    assert_eq!(server.seen(), "| Identify Create Delete");
}

#[tokio::test]
async fn a_name_that_the_server_chose_is_used_as_it_stands() {
    let server = Server::start(|request, _| match request.action {
        Action::Create => Some(Answer::Say(Response::ShellCreated(wsman::ShellCreated {
            shell_id: "uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85".into(),
            resource_uri: None,
            details: None,
        }))),
        Action::Command
            if request.selector("ShellId") != Some("uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85") =>
        {
            fault(Fault::bad_request("another shell"))
        }
        _ => None,
    })
    .await;
    assert_eq!(server.run().await.unwrap().stdout, b"ok");
}

#[test]
fn a_shell_dropped_outside_of_a_runtime_is_deleted_by_the_next_reaping() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let server = first.block_on(Server::start(|_, _| None));
    let shell: Shell = first.block_on(server.shell()).unwrap();
    drop(shell);
    let second = runtime();
    second.block_on(winrm::reap(Duration::from_secs(10)));
    assert_eq!(server.seen(), "| Identify Create Delete");
}
