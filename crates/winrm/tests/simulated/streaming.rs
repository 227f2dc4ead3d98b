//! Output that is taken piece by piece, and only as far as it is wanted.

use std::ops::ControlFlow;

use casim::endpoint::Limits;
use casim::machine::FormerTraffic;
use command::CommandLine;
use winrm::Shell;

use super::{LIMIT, server_with};

const LOG: &str = r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex251231.log";

/// Thirty-two megabytes of log, none of which is held anywhere.
fn former() -> FormerTraffic {
    FormerTraffic {
        bytes: 32 * 1024 * 1024,
        hours: 24,
        users: 10,
        clients: vec!["203.0.113.9".parse().unwrap()],
        probes_from: Vec::new(),
        others: 0,
        seed: 1,
    }
}

#[tokio::test]
async fn a_command_is_ended_when_its_output_is_enough() {
    let server = server_with(Limits::default(), Some(former())).await;
    let mut shell = Shell::open(server.endpoint).await.unwrap();
    let all = CommandLine::raw(format!(r#"findstr /l /c:" " "{LOG}""#)).unwrap();
    let mut taken = 0;
    let streamed = shell
        .stream(&all, LIMIT, &mut |bytes| {
            taken += bytes.len();
            match taken > 1_000_000 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
        .await
        .unwrap();
    assert_eq!(streamed.exit_code, None);
    assert!((1_000_000..3_000_000).contains(&taken), "{taken} bytes");
    // The shell is fit for the next command, and what came before has left nothing behind.
    let ver = CommandLine::raw("ver").unwrap();
    let next = shell.execute(&ver, None, LIMIT, &mut |_, _| {}).await.unwrap();
    assert!(next.stdout_text().contains("Windows"), "{}", next.stdout_text());
    shell.close().await.unwrap();
}

#[tokio::test]
async fn output_that_is_wanted_comes_whole_with_code_and_complaint() {
    let server = server_with(Limits::default(), Some(former())).await;
    let mut shell = Shell::open(server.endpoint).await.unwrap();
    let some = CommandLine::raw(format!(r#"findstr /r /c:"^2025-12-31 00:0[0-4]" "{LOG}""#)).unwrap();
    let mut text = Vec::new();
    let mut take = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        ControlFlow::Continue(())
    };
    let streamed = shell.stream(&some, LIMIT, &mut take).await.unwrap();
    assert_eq!(
        (streamed.exit_code, streamed.stderr.as_slice()),
        (Some(0), &b""[..])
    );
    // Five minutes of a day.
    assert_eq!(text.len() / 360, (32 * 1024 * 1024_usize / 360).div_ceil(288));
    let missing = CommandLine::raw(format!(r#"findstr /l /c:"x" "{LOG}x""#)).unwrap();
    let streamed = shell
        .stream(&missing, LIMIT, &mut |_| ControlFlow::Continue(()))
        .await
        .unwrap();
    assert_eq!(streamed.exit_code, Some(1));
    assert!(String::from_utf8_lossy(&streamed.stderr).starts_with("FINDSTR: Cannot open"));
    shell.close().await.unwrap();
}
