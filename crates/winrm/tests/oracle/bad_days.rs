//! Lost replies, forged replies, refusals.

use std::sync::Arc;
use std::time::Duration;

use winrm::{AuthMethod, Error, ErrorKind, Shell, reap};

use crate::{LIMIT, Oracle, line, run};

#[tokio::test]
async fn a_lost_reply_to_a_command_is_unknown_and_never_a_second_command() {
    let Some(oracle) = Oracle::start(&["--fault", "drop-after-command"]) else {
        return;
    };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let error = shell
        .execute(&line("sleep 1; echo ran; exit 3"), None, LIMIT, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    match &error {
        Error::OutcomeUnknown {
            line, found, source, ..
        } => {
            assert_eq!(line, "sleep 1; echo ran; exit 3");
            assert!(
                matches!(**source, Error::ConnectionLost { step: "Command", .. }),
                "{source}"
            );
            // This endpoint keeps the client's CommandId, so it could be asked. The command was not cut short.
            let found = found.as_deref().unwrap();
            assert_eq!(
                (found.exit_code, found.stdout.as_slice()),
                (3, b"ran\n".as_slice())
            );
        }
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains("outcome unknown"), "{error}");
    assert_eq!(oracle.count("SIGNAL terminate"), 1);
    drop(shell);
    reap(Duration::from_secs(10)).await;
    assert_eq!(oracle.count("COMMAND"), 1, "{:#?}", oracle.lines());
    oracle.expect_clean();
}

#[tokio::test]
async fn output_after_a_lost_reply_is_not_trusted() {
    let Some(oracle) = Oracle::start(&["--fault", "drop-in-receive"]) else {
        return;
    };
    let error = run(&oracle, AuthMethod::Ntlm, "echo all; exit 4")
        .await
        .unwrap_err();
    match &error {
        Error::OutputGap { output, .. } => assert_eq!(
            (output.exit_code, output.stdout.as_slice()),
            (4, b"all\n".as_slice())
        ),
        other => panic!("{other}"),
    }
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!((oracle.count("COMMAND"), oracle.count("LOGIN")), (1, 2));
    oracle.expect_clean();
}

#[tokio::test]
async fn a_401_on_a_sealed_request_is_one_more_login_and_the_same_request_once() {
    let Some(oracle) = Oracle::start(&["--fault", "unauthenticate-once"]) else {
        return;
    };
    let output = run(&oracle, AuthMethod::Ntlm, "echo hello").await.unwrap();
    assert_eq!(output.stdout, b"hello\n");
    assert_eq!(
        (
            oracle.count("CONNECT"),
            oracle.count("LOGIN"),
            oracle.count("COMMAND")
        ),
        (2, 2, 1)
    );
    assert_eq!(oracle.count("REFUSED plain body"), 0);
    oracle.expect_clean();
}

#[tokio::test]
async fn a_success_in_clear_on_a_sealed_session_is_refused() {
    let Some(oracle) = Oracle::start(&["--fault", "clear-reply"]) else {
        return;
    };
    let error = oracle.shell(AuthMethod::Ntlm).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ClearReply {
                step: "Create",
                status: 200,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Protocol);
    reap(Duration::from_secs(10)).await;
    assert_eq!(oracle.count("COMMAND"), 0);
    assert_eq!(oracle.count("REFUSED plain body"), 0);
    oracle.expect_well_formed();
}

#[tokio::test]
async fn a_quota_is_told_with_its_code() {
    let Some(oracle) = Oracle::start(&["--fault", "quota"]) else {
        return;
    };
    let error = oracle.shell(AuthMethod::Ntlm).await.unwrap_err();
    match &error {
        Error::Fault { fault, .. } => assert!(fault.is_quota(), "{fault}"),
        other => panic!("{other}"),
    }
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.hint().unwrap().contains("too many shells"));
    oracle.expect_well_formed();
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_as_such() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let endpoint = Arc::new(oracle.endpoint(AuthMethod::Ntlm));
    let mut shell = Shell::open(Arc::clone(&endpoint)).await.unwrap();
    drop(oracle);
    let error = shell
        .execute(&line("echo hello"), None, LIMIT, &mut |_, _| {})
        .await
        .unwrap_err();
    // The connection was closed before the command was sent, and no other could be opened: nothing ran.
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let error = Shell::open(endpoint).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}
