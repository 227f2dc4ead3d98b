//! Much input: how large messages get, what is asked before, and what becomes of a source that breaks. And the service's own answers.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use command::{powershell, upload};
use winrm::{Error, ErrorKind, Service, Upload};
use wsman::{
    Action, Config, Fault, IncomingBody, ListedShell, Received, Response, ShellDetails, ShellId, ShellList,
    StreamChunk, StreamName,
};

use crate::{Answer, Server, fault, line, received, usual};

const LIMIT: Duration = Duration::from_secs(30);

/// A server that tells its configuration; the sizes of the pieces that it was sent.
async fn server_with(kilobytes: Option<u32>) -> (Server, Arc<Mutex<Vec<usize>>>) {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    let server = Server::start(move |request, _| match &request.body {
        IncomingBody::Get => Some(Answer::Say(Response::Config(Config {
            max_envelope_size_kb: kilobytes,
            ..Config::default()
        }))),
        IncomingBody::Send(chunks) => {
            seen.lock()
                .unwrap()
                .extend(chunks.iter().map(|chunk| chunk.data.len()));
            None
        }
        _ => None,
    })
    .await;
    (server, sizes)
}

#[tokio::test]
async fn the_size_of_messages_is_asked_once_and_only_before_much_input() {
    let (server, sizes) = server_with(Some(500)).await;
    let mut shell = server.shell().await.unwrap();
    for length in [1000, 1_000_000, 1_000_000] {
        let input = vec![b'x'; length];
        shell
            .execute(&line(), Some(&input), LIMIT, &mut |_, _| {})
            .await
            .unwrap();
    }
    shell.close().await.unwrap();
    assert_eq!(
        server.seen(),
        "| Identify Create Command Send Receive Signal Get Command Send Send Send Receive Signal \
         Command Send Send Send Receive Signal Delete"
    );
    let sizes = sizes.lock().unwrap();
    assert_eq!(sizes.iter().sum::<usize>(), 2_001_000);
    let largest = sizes.iter().max().unwrap();
    assert!(
        (360_000..=384_000).contains(largest),
        "{largest} bytes are three quarters of 500 KiB"
    );
}

#[tokio::test]
async fn a_smaller_limit_is_kept_as_well() {
    let (server, sizes) = server_with(Some(32)).await;
    let mut shell = server.shell().await.unwrap();
    let input = vec![b'x'; 200_000];
    shell
        .execute(&line(), Some(&input), LIMIT, &mut |_, _| {})
        .await
        .unwrap();
    shell.close().await.unwrap();
    let sizes = sizes.lock().unwrap();
    assert!(sizes.iter().all(|size| size / 3 * 4 < 32 * 1024), "{sizes:?}");
}

/// A source that breaks off after some bytes.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.0);
        self.0 -= length;
        match length {
            0 => Err(io::Error::other("the disk is gone")),
            length => Ok(length),
        }
    }
}

#[tokio::test]
async fn a_source_that_breaks_ends_the_command() {
    let server = Server::start(|_, _| None).await;
    let mut shell = server.shell().await.unwrap();
    let error = shell
        .execute_reading(&line(), &mut Broken(200_000), LIMIT, &mut |_, _| {})
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InputUnreadable { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unknown);
    shell.close().await.unwrap();
    assert!(
        !server.seen().contains("Receive") && server.seen().ends_with("Signal Delete"),
        "{}",
        server.seen()
    );
}

#[tokio::test]
async fn a_long_script_goes_through_the_input_and_a_short_one_does_not() {
    let script = format!("Write-Output 'ü' # {}", "x".repeat(40_000));
    let texts = Arc::new(Mutex::new((String::new(), Vec::new())));
    let seen = Arc::clone(&texts);
    let server = Server::start(move |request, _| {
        match &request.body {
            IncomingBody::Command(command) => {
                seen.lock().unwrap().0 = format!("{} {:?}", command.command, command.console_mode_stdin);
            }
            IncomingBody::Send(chunks) => {
                let bytes = chunks.iter().flat_map(|chunk| chunk.data.clone());
                seen.lock().unwrap().1.extend(bytes);
                assert!(chunks.last().unwrap().end);
            }
            _ => {}
        }
        None
    })
    .await;
    let mut shell = server.shell().await.unwrap();
    shell.powershell("exit 3", LIMIT, &mut |_, _| {}).await.unwrap();
    assert!(
        texts.lock().unwrap().0.ends_with("Some(true)"),
        "no input, no pipe"
    );
    shell.powershell(&script, LIMIT, &mut |_, _| {}).await.unwrap();
    shell.close().await.unwrap();
    let (line, input) = &*texts.lock().unwrap();
    assert!(
        line.len() < 1000 && line.ends_with(" Some(false)"),
        "a pipe: {line}"
    );
    assert_eq!(powershell::decode_stdin(input).unwrap(), script);
    assert_eq!(
        server.seen(),
        "| Identify Create Command Receive Signal Command Send Receive Signal Delete"
    );
}

/// Answers an upload with `said` and this exit code.
async fn receiver(said: &'static str, exit_code: u32) -> Server {
    Server::start(move |request, _| match &request.body {
        IncomingBody::Receive(receive) => {
            let Response::Received(done) = received(
                receive.command_id.as_ref(),
                said.as_bytes(),
                wsman::State::Done,
                Some(exit_code),
            ) else {
                return None;
            };
            let name = match exit_code {
                0 => StreamName::Stdout,
                _ => StreamName::Stderr,
            };
            let chunks = done
                .chunks
                .into_iter()
                .map(|chunk| StreamChunk {
                    name: name.clone(),
                    ..chunk
                })
                .collect();
            Some(Answer::Say(Response::Received(Received { chunks, ..done })))
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn an_upload_is_what_the_server_says_of_it() {
    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let byte = |i: usize| u8::from_str_radix(&HASH[2 * i..2 * i + 2], 16).unwrap();
    let file = Upload {
        path: r"C:\Windows\Temp\abc.txt".to_owned(),
        length: 3,
        sha256: std::array::from_fn(byte),
    };
    let server = receiver(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 C:\\Windows\\Temp\\abc.txt\r\n",
        0,
    )
    .await;
    let mut shell = server.shell().await.unwrap();
    let mut progress = Vec::new();
    let received = shell
        .upload(&file, &mut &b"abc"[..], LIMIT, &mut |bytes| progress.push(bytes))
        .await
        .unwrap();
    shell.close().await.unwrap();
    assert_eq!(
        received,
        upload::Received {
            sha256: HASH.to_owned(),
            length: 3,
            path: r"C:\Windows\Temp\abc.txt".to_owned()
        }
    );
    assert_eq!(progress, [3]);

    let other = Upload {
        sha256: [0; 32],
        ..file.clone()
    };
    let mut shell = server.shell().await.unwrap();
    let error = shell
        .upload(&other, &mut &b"abc"[..], LIMIT, &mut |_| {})
        .await
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(&format!("found {HASH} of 3")), "{cause}");
    shell.close().await.unwrap();

    let server = receiver("Access to the path is denied.", 1).await;
    let mut shell = server.shell().await.unwrap();
    let error = shell
        .upload(&file, &mut &b"abc"[..], LIMIT, &mut |_| {})
        .await
        .unwrap_err();
    shell.close().await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("Access to the path is denied."), "{cause}");
}

fn listed(id: &str) -> ListedShell {
    ListedShell {
        shell_id: ShellId::from(id),
        name: None,
        resource_uri: None,
        state: None,
        details: ShellDetails::default(),
    }
}

#[tokio::test]
async fn shells_are_listed_to_the_end_and_ours_are_known() {
    let part = |shells: Vec<ListedShell>, context: Option<&str>, is_pulled| {
        Some(Answer::Say(Response::Shells(ShellList {
            shells,
            context: context.map(str::to_owned),
            is_pulled,
        })))
    };
    let server = Server::start(move |request, _| match &request.body {
        IncomingBody::Enumerate(_) => part(
            vec![listed("47131C3A-4B2E-4E6A-8A6B-6A4B3C4A1D11")],
            Some("uuid:C"),
            false,
        ),
        IncomingBody::Pull(context, _) => {
            assert_eq!(context.as_deref(), Some("uuid:C"));
            part(vec![listed("CA56A7E0-4B2E-4E6A-8A6B-6A4B3C4A1D11")], None, true)
        }
        IncomingBody::Delete => fault(Fault::no_such_shell("S")),
        IncomingBody::Get => fault(Fault::new(5, "w:AccessDenied", "Access is denied.")),
        _ => None,
    })
    .await;
    let mut service = Service::open(Arc::new(server.endpoint())).await.unwrap();
    let shells = service.shells().await.unwrap();
    assert_eq!(
        shells.iter().map(|shell| shell.is_ours).collect::<Vec<_>>(),
        [false, true]
    );
    // One that is gone by now is what was wanted.
    service.end_shell(&shells[1].shell.shell_id).await.unwrap();
    let error = service.config().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(server.seen(), "| Identify Enumerate Pull Delete Get");
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    let server = Server::start(|request, _| match request.action {
        Action::Enumerate | Action::Pull => Some(Answer::Say(Response::Shells(ShellList {
            context: Some("uuid:C".to_owned()),
            is_pulled: request.action == Action::Pull,
            ..ShellList::default()
        }))),
        _ => Some(Answer::Say(usual(request))),
    })
    .await;
    let mut service = Service::open(Arc::new(server.endpoint())).await.unwrap();
    let error = service.shells().await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedReply { .. }), "{error}");
}
