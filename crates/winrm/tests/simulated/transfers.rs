//! Long scripts and files: that they arrive, and how many requests they take.

use casim::endpoint::Limits;
use command::powershell;
use tokio::time::Instant;
use winrm::{Shell, Stream, Upload};

use super::{LIMIT, measured, server};

#[tokio::test]
async fn a_script_of_40_000_characters_takes_a_handful_of_requests() {
    let server = server(Limits::default()).await;
    let began = Instant::now();
    let mut shell = Shell::open(server.endpoint.clone()).await.unwrap();
    let tail = "\nWrite-Output 'Größe'\nexit 7";
    let script = format!("# {}{tail}", "x".repeat(40_000 - 2 - tail.chars().count()));
    assert_eq!(script.chars().count(), 40_000);
    assert!(powershell::Call::new(&script).unwrap().stdin().is_some());
    let mut seen = Vec::new();
    let output = shell
        .powershell(&script, LIMIT, &mut |stream, bytes| {
            if stream == Stream::Stdout {
                seen.extend_from_slice(bytes);
            }
        })
        .await
        .unwrap();
    assert_eq!(
        (output.exit_code, output.stdout_text().as_str()),
        (7, "Größe\r\n")
    );
    assert_eq!(seen, output.stdout);
    shell.close().await.unwrap();
    let requests = server.simulated.record().requests;
    measured("a script of 40,000 characters", requests, began);
    // Login 2 or 3, Create, Command, Send, Receive 1 or 2, Signal, Delete.
    assert!(requests <= 10, "{requests} requests");
    assert_eq!(server.simulated.open_shells(), 0);
}

#[tokio::test]
async fn errors_of_powershell_are_read_from_its_clixml() {
    let server = server(Limits::default()).await;
    let mut shell = Shell::open(server.endpoint.clone()).await.unwrap();
    let output = shell
        .powershell("throw 'no such thing'", LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    shell.close().await.unwrap();
    assert_eq!(output.exit_code, 1);
    assert!(output.stderr.starts_with(b"#< CLIXML"));
    assert!(
        output.stderr_text().starts_with("no such thing\r\n"),
        "{}",
        output.stderr_text()
    );
}

/// Bytes that do not compress and do not repeat.
fn noise(length: u32) -> Vec<u8> {
    let mut state = 1u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

fn upload(bytes: &[u8]) -> Upload {
    use sha2::Digest as _;
    Upload {
        path: r"C:\Windows\Temp\five.bin".to_owned(),
        length: u64::try_from(bytes.len()).unwrap(),
        sha256: sha2::Sha256::digest(bytes).into(),
    }
}

#[tokio::test]
async fn five_megabytes_take_as_many_requests_as_the_envelope_makes_of_them() {
    let bytes = noise(5_000_000);
    // Windows Server 2012 and later take 500 KiB; what is said to take 150 KiB is not sent more.
    for (envelope, most) in [(512_000, 30), (153_600, 72)] {
        let server = server(Limits {
            envelope,
            ..Limits::default()
        })
        .await;
        let began = Instant::now();
        let mut shell = Shell::open(server.endpoint.clone()).await.unwrap();
        let mut told = 0;
        let received = shell
            .upload(&upload(&bytes), &mut bytes.as_slice(), LIMIT, &mut |done| {
                told = done
            })
            .await
            .unwrap();
        shell.close().await.unwrap();
        assert_eq!((received.length, told), (5_000_000, 5_000_000));
        assert!(server.machine.file(r"C:\Windows\Temp\five.bin") == Some(bytes.clone()));
        let requests = server.simulated.record().requests;
        measured(&format!("5 MB in envelopes of {envelope} bytes"), requests, began);
        assert!(requests <= most, "{requests} requests");
        assert_eq!(server.simulated.record().commands, 1, "one process");
    }
}

#[tokio::test]
async fn a_file_that_changed_on_its_way_is_not_stored() {
    let server = server(Limits::default()).await;
    let bytes = noise(100_000);
    let mut shell = Shell::open(server.endpoint.clone()).await.unwrap();
    let mut changed = bytes.clone();
    changed[77_777] ^= 1;
    let error = shell
        .upload(&upload(&bytes), &mut changed.as_slice(), LIMIT, &mut |_| {})
        .await
        .unwrap_err();
    shell.close().await.unwrap();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("expected SHA-256"), "{cause}");
    assert_eq!(server.machine.files(), Vec::<String>::new());
}
