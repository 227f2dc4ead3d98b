//! Commands, their input and their output.

use std::time::Duration;

use command::{Invocation, Output};
use winrm::{AuthMethod, Error, ErrorKind, Stream, reap};

use crate::{LIMIT, Oracle, line, run};

#[tokio::test]
async fn output_arrives_while_the_command_runs_and_once_more_as_a_whole() {
    let Some(oracle) = Oracle::start(&["--fault", "one-byte-chunks"]) else {
        return;
    };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let mut pieces = Vec::new();
    let text = "printf 'gr\u{fc}\u{df}e \u{20ac}'; printf e\u{301} >&2";
    let output = shell
        .execute(&line(text), None, LIMIT, &mut |stream, piece| {
            pieces.push((stream, piece.to_vec()))
        })
        .await
        .unwrap();
    shell.close().await.unwrap();
    assert_eq!(output.stdout_text(), "gr\u{fc}\u{df}e \u{20ac}");
    assert_eq!(output.stderr, "e\u{301}".as_bytes());
    assert!(pieces.iter().all(|(_, piece)| piece.len() == 1), "{pieces:?}");
    let of = |wanted| {
        pieces
            .iter()
            .filter(|(stream, _)| *stream == wanted)
            .flat_map(|(_, piece)| piece.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (of(Stream::Stdout), of(Stream::Stderr)),
        (output.stdout, output.stderr)
    );
    oracle.expect_clean();
}

#[tokio::test]
async fn exit_codes_have_no_sign() {
    let Some(oracle) = Oracle::start(&["--fault", "exit-code-3221225786"]) else {
        return;
    };
    assert_eq!(
        run(&oracle, AuthMethod::Ntlm, "true").await.unwrap().exit_code,
        3_221_225_786
    );
    oracle.expect_clean();
}

#[tokio::test]
async fn a_silent_command_is_waited_for() {
    let Some(oracle) = Oracle::start(&["--fault", "silent-receive"]) else {
        return;
    };
    let output = run(&oracle, AuthMethod::Ntlm, "sleep 3; echo awake")
        .await
        .unwrap();
    assert_eq!(
        (output.exit_code, output.stdout.as_slice()),
        (0, b"awake\n".as_slice())
    );
    assert!(oracle.count("ACTION Receive") >= 3, "{:#?}", oracle.lines());
    assert_eq!(oracle.count("COMMAND"), 1);
    oracle.expect_clean();
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_and_what_it_said_is_kept() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let limit = Duration::from_secs(2);
    let started = tokio::time::Instant::now();
    let error = shell
        .execute(&line("echo begun; exec sleep 50"), None, limit, &mut |_, _| {})
        .await
        .unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    match &error {
        Error::Deadline {
            partial, limit: told, ..
        } => assert_eq!((partial.stdout.as_slice(), *told), (b"begun\n".as_slice(), limit)),
        other => panic!("{other}"),
    }
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(oracle.count("SIGNAL terminate"), 1);
    // The shell is as good as before.
    let output = shell
        .execute(&line("echo next"), None, LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(output.stdout, b"next\n");
    shell.close().await.unwrap();
    assert_eq!(oracle.count("CONNECT"), 1);
    oracle.expect_clean();
}

#[tokio::test]
async fn standard_input_reaches_the_command_with_its_end() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let echoed = shell
        .execute(&line("cat; echo END"), Some(b"one\ntwo"), LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(echoed.stdout, b"one\ntwoEND\n");
    let nothing = shell
        .execute(&line("wc -c"), Some(b""), LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(nothing.stdout_text().trim(), "0");
    // More than one envelope holds, and every byte value.
    let large: Vec<u8> = (0..300_000u32)
        .map(|i| i.to_le_bytes()[usize::from(i % 3 == 0)])
        .collect();
    let sends = oracle.count("ACTION Send");
    let back = shell
        .execute(&line("cat"), Some(&large), LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    assert!(back.stdout == large, "{} bytes came back", back.stdout.len());
    assert_eq!(oracle.count("ACTION Send") - sends, 3);
    shell.close().await.unwrap();
    oracle.wait_for("DELETED shells left 0");
    // The endpoint knows no resource but shells: the one question for the service's configuration, before the large input, is refused by it.
    let complaints: Vec<String> = oracle
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("BAD REQUEST"))
        .collect();
    assert_eq!(complaints, ["BAD REQUEST ResourceURI"]);
}

#[tokio::test]
async fn an_invocation_is_parsed() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let invocation = Invocation::new(line("echo 42"), |output: &Output| {
        output.stdout_text().trim().parse::<u32>()
    });
    assert_eq!(shell.run(&invocation, LIMIT).await.unwrap(), Ok(42));
    let before = shell.requests();
    assert_eq!(shell.run(&invocation, LIMIT).await.unwrap(), Ok(42));
    let one = shell.requests() - before;
    // Command, Signal, and as many Receives as the output took.
    assert!((3..=5).contains(&one), "{one}");
    shell.close().await.unwrap();
    assert_eq!(oracle.count("LOGIN"), 1);
    oracle.expect_clean();
}

#[tokio::test]
async fn a_dropped_shell_is_deleted() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    drop(oracle.shell(AuthMethod::Ntlm).await.unwrap());
    reap(Duration::from_secs(10)).await;
    oracle.expect_clean();
}

#[tokio::test]
async fn a_cancelled_command_is_terminated_and_its_shell_deleted() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut shell = oracle.shell(AuthMethod::Ntlm).await.unwrap();
    let command = line("echo begun; exec sleep 50");
    let (begun, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut on_output = |_: Stream, _: &[u8]| {
        let _ = begun.send(());
    };
    tokio::select! {
        ended = shell.execute(&command, None, LIMIT, &mut on_output) => panic!("{ended:?}"),
        _ = heard.recv() => {}
    }
    drop(shell);
    reap(Duration::from_secs(10)).await;
    assert_eq!(oracle.count("SIGNAL terminate"), 1);
    assert_eq!(oracle.count("COMMAND"), 1);
    oracle.expect_clean();
}
