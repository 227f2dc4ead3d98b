//! PowerShell through standard input: long scripts, and the receiver of uploads.

use command::{CommandLine, Output, powershell, upload};

use super::{Ran, fresh, run, run_with};
use crate::machine::{Machine, Stdin};

/// Feeds `input` in pieces of `size` bytes.
async fn feed(machine: &std::sync::Arc<Machine>, line: &CommandLine, input: &[u8], size: usize) -> Ran {
    let (sender, stdin) = Stdin::channel();
    for piece in input.chunks(size) {
        sender.send(piece.to_vec()).expect("the machine listens");
    }
    drop(sender);
    run_with(machine, line.as_str(), stdin).await
}

#[tokio::test(start_paused = true)]
async fn a_long_script_is_decoded_from_its_input_and_carried_out() {
    let machine = fresh();
    let script = format!("# {}\nWrite-Output 'Größe'\nexit 7", "x".repeat(40_000));
    let call = powershell::Call::new(&script).unwrap();
    let input = call.stdin().expect("it is too long for the line");
    let ran = feed(&machine, call.line(), input, 1000).await;
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (7, "Größe\r\n", "")
    );

    let script = format!("# {}\nthrow 'no'", "x".repeat(40_000));
    let call = powershell::Call::new(&script).unwrap();
    let ran = feed(&machine, call.line(), call.stdin().unwrap(), 70_000).await;
    let said = command::clixml::decode(ran.stderr.as_bytes());
    assert_eq!(ran.code, 1);
    assert!(said.errors.starts_with("no\r\n"), "{said:?}");

    let ran = feed(&machine, call.line(), b"%%%", 70_000).await;
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("FromBase64String"), "{}", ran.stderr);
}

/// The input of an upload with the hash that the client expects.
fn input(path: &str, bytes: &[u8], expected: &str) -> Vec<u8> {
    let mut input = upload::header(path, expected);
    for piece in bytes.chunks(upload::PIECE) {
        input.extend(upload::piece(piece));
    }
    input
}

fn output(ran: &Ran) -> Output {
    Output {
        exit_code: ran.code,
        stdout: ran.stdout.clone().into_bytes(),
        stderr: ran.stderr.clone().into_bytes(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_comes_in_whole_or_not_at_all() {
    let machine = fresh();
    let line = upload::line().unwrap();
    let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    // As Python's hashlib computes it.
    let hash = "20ff50e632cc575386b15d7fcd9c3842ef435388ed29ae8c30617158ee907dc5";
    let other = "0".repeat(64);
    let wrong = feed(
        &machine,
        &line,
        &input(r"C:\Windows\Temp\a.bin", &bytes, &other),
        9_999,
    )
    .await;
    let error = upload::parse(&output(&wrong)).unwrap_err().to_string();
    assert!(
        error.contains(&format!("expected SHA-256 {other}, found {hash} of 400000 bytes")),
        "{error}"
    );
    assert_eq!(machine.files(), Vec::<String>::new(), "nothing stays behind");

    let right = feed(&machine, &line, &input(r"%TEMP%\a.bin", &bytes, hash), 9_999).await;
    let received = upload::parse(&output(&right)).unwrap();
    assert_eq!(received.path, r"C:\Users\operator\AppData\Local\Temp\a.bin");
    assert_eq!((received.sha256.as_str(), received.length), (hash, 400_000));
    assert_eq!(machine.file(&received.path.to_uppercase()), Some(bytes));
    assert_eq!(machine.files(), [received.path]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_file_is_refused() {
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let machine = fresh();
    let line = upload::line().unwrap();
    for (input, expected) in [
        (Vec::new(), "empty input"),
        (input(r"C:\Windows\", b"", EMPTY), "found the folder"),
        (input(r"C:\a|b", b"", EMPTY), "Illegal characters"),
        (b"hello\r\n".to_vec(), "expected a path"),
        (
            [upload::header(r"C:\a", EMPTY), b"%%\r\n".to_vec()].concat(),
            "not a valid Base-64 string",
        ),
    ] {
        let ran = feed(&machine, &line, &input, 10).await;
        let error = upload::parse(&output(&ran)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(machine.files(), Vec::<String>::new());
    let ran = feed(&machine, &line, &input("empty.txt", b"", EMPTY), 10).await;
    let received = upload::parse(&output(&ran)).unwrap();
    assert_eq!(
        (received.sha256.as_str(), received.length, received.path.as_str()),
        (EMPTY, 0, r"C:\Users\operator\empty.txt")
    );
}

#[tokio::test(start_paused = true)]
async fn the_groups_of_an_administrator_are_listed() {
    let ran = run(&fresh(), "whoami /groups").await;
    assert!(ran.stdout.contains("S-1-16-12288"), "{}", ran.stdout);
    assert!(ran.stdout.contains(r"BUILTIN\Administrators"), "{}", ran.stdout);
}
