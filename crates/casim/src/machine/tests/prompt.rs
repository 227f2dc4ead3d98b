//! cmd.exe: chains, variables, redirections, input, and that nothing makes it panic.

use proptest::prelude::*;

use super::{Ran, fresh, run, run_with};
use crate::machine::{MachineOptions, OutputSink, Session, Stdin};

fn ran(code: u32, stdout: &str, stderr: &str) -> Ran {
    Ran {
        code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn lines_end_as_cmd_ends_them() {
    let machine = fresh();
    for (line, expected) in [
        ("echo hello", ran(0, "hello\r\n", "")),
        ("echo.", ran(0, "\r\n", "")),
        ("echo", ran(0, "ECHO is on.\r\n", "")),
        ("@echo off & echo  two ", ran(0, " two \r\n", "")),
        ("echo \"a & b\" ^& c", ran(0, "\"a & b\" & c\r\n", "")),
        (
            "echo %windir% %nosuch% %COMPUTERNAME%",
            ran(0, "C:\\Windows %nosuch% CAS01\r\n", ""),
        ),
        ("exit", ran(0, "", "")),
        ("exit /b 3", ran(3, "", "")),
        ("exit -1", ran(u32::MAX, "", "")),
        ("exit 4294967295", ran(u32::MAX, "", "")),
        ("cmd /c exit 5 && echo no || echo yes", ran(0, "yes\r\n", "")),
        ("cmd /c exit 5 & exit", ran(5, "", "")),
        (
            "cmd.exe /s /c \"echo \"quoted\" & exit 2\"",
            ran(2, "\"quoted\" \r\n", ""),
        ),
        ("hostname 2>&1", ran(0, "CAS01\r\n", "")),
        ("hostname >nul", ran(0, "", "")),
        ("whoami", ran(0, "contoso\\operator\r\n", "")),
        (
            "ver",
            ran(0, "\r\nMicrosoft Windows [Version 10.0.17763.6054]\r\n", ""),
        ),
        (
            "set nosuch",
            ran(1, "", "Environment variable nosuch not defined\r\n"),
        ),
        (
            "set A=1 & set a",
            ran(0, "A=1 \r\nALLUSERSPROFILE=C:\\ProgramData\r\n", ""),
        ),
        (
            "cd /d %windir%\\system32\\inetsrv && appcmd list wp 1 >nul",
            ran(1168, "", ""),
        ),
        (
            "cd C:\\nosuch",
            ran(1, "", "The system cannot find the path specified.\r\n"),
        ),
        (
            "dir",
            ran(
                50,
                "",
                "casim: the simulator does not do the command 'dir' of cmd.exe.\r\n",
            ),
        ),
        (
            "taskkill /v",
            ran(
                50,
                "",
                "casim: the simulator does not do 'taskkill', which exists on Windows.\r\n",
            ),
        ),
    ] {
        assert_eq!(run(&machine, line).await, expected, "{line}");
    }
    assert_eq!(machine.command_lines().len(), 23);
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_refused_not_guessed() {
    let ran = run(&fresh(), "hostname | more").await;
    assert_eq!(ran.code, 50);
    assert!(
        ran.stderr.starts_with("casim: the simulator does not do this:"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(start_paused = true)]
async fn input_reaches_the_program_that_reads_it() {
    let machine = fresh();
    let (input, stdin) = Stdin::channel();
    input.send(b"one\r\n".to_vec()).expect("open");
    input.send("zwö\r\n".as_bytes().to_vec()).expect("open");
    drop(input);
    assert_eq!(
        run_with(&machine, "more", stdin).await,
        ran(0, "one\r\nzwö\r\n", "")
    );

    let key = r"HKLM\SOFTWARE\Contoso";
    assert_eq!(run(&machine, &format!("reg add {key} /v Run /d 1")).await.code, 0);
    let (input, stdin) = Stdin::channel();
    input.send(b"maybe\r\n".to_vec()).expect("open");
    input.send(b"y\r\n".to_vec()).expect("open");
    let question = "Value Run exists, overwrite(Yes/No)? ";
    let answered = run_with(&machine, &format!("reg add {key} /v Run /d 2"), stdin).await;
    assert_eq!(
        answered,
        ran(
            0,
            &format!("{question}{question}The operation completed successfully.\r\n"),
            ""
        )
    );
    assert_eq!(
        run(&machine, &format!("reg delete {key} /v Run")).await.code,
        1,
        "the end of input is a no"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_brings_its_own_variables_directory_and_user() {
    let machine = fresh();
    let session = Session {
        user: r"CONTOSO\anna".to_owned(),
        working_directory: Some(r"C:\Windows\System32\inetsrv".to_owned()),
        environment: vec![("RUN".to_owned(), "r1".to_owned())],
    };
    let (out, mut output) = OutputSink::channel();
    let line = "echo %RUN% %USERNAME% %cd%&whoami&appcmd list site \"Default Web Site\" /text:id";
    assert_eq!(machine.run_in(&session, line, Stdin::empty(), out).await, 0);
    let mut text = String::new();
    while let Some(chunk) = output.recv().await {
        text.push_str(&String::from_utf8_lossy(&chunk.bytes));
    }
    assert_eq!(
        text,
        "r1 anna C:\\Windows\\System32\\inetsrv\r\ncontoso\\anna\r\n1\r\n"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_simulated_seconds() {
    let machine = fresh();
    let before = machine.uptime();
    assert_eq!(run(&machine, "ping -n 6 127.0.0.1 >nul").await.code, 0);
    assert!(machine.uptime() - before >= std::time::Duration::from_secs(5));
}

/// Words that programs know, so that random lines get far.
const WORDS: &[&str] = &[
    "%windir%\\system32\\inetsrv\\appcmd.exe",
    "list",
    "set",
    "clear",
    "config",
    "app",
    "wps",
    "apppool",
    "backup",
    "add",
    "delete",
    "restore",
    "recycle",
    "unlock",
    "\"Default Web Site/Microsoft-Server-ActiveSync\"",
    "/xml",
    "/config:*",
    "/section:system.webServer/security/ipSecurity",
    "/+\"[ipAddress='192.0.2.1',allowed='True']\"",
    "/-[ipAddress='']",
    "/[ipAddress='x'].allowed:true",
    "/commit:apphost",
    "/text:*",
    "/allowUnlisted:false",
    "sc",
    "queryex",
    "W3SVC",
    "reg",
    "query",
    "HKLM\\SOFTWARE",
    "/s",
    "/v",
    "dism",
    "/online",
    "/get-features",
    "netsh",
    "interface",
    "ipv6",
    "show",
    "addresses",
    "powershell",
    "-enc",
    "-Command",
    "exit",
    "echo",
    "&",
    "&&",
    "||",
    "2>&1",
    ">nul",
    "\"",
    "^",
    "%",
    "'",
    "iisreset",
    "/status",
    "cmd",
    "/c",
    "ping",
    "-n",
    "0",
    "127.0.0.1",
    "more",
    "ü",
    "=",
    ";",
    "(",
    ")",
    "/",
    "-",
    ":",
];

/// With these somebody who types a line wants its failure to be silent.
const HUSHING: [&str; 2] = ["exit", ">nul"];

/// Runs the lines one after the other; those of them that fail and say nothing about it, with their codes.
fn silent_failures(lines: &[String]) -> Vec<(String, u32)> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let machine = crate::machine::Machine::new(MachineOptions::named("CAS01"));
        let mut silent = Vec::new();
        for line in lines {
            let ran = run(&machine, line).await;
            if ran.code != 0 && ran.stdout.is_empty() && ran.stderr.is_empty() {
                silent.push((line.clone(), ran.code));
            }
        }
        silent
    })
}

/// Whether the interpreter itself reads a word in the line that makes failures silent, and not text that looks like one.
fn hushes(line: &str) -> bool {
    let commands = command::cmd::parse(line).unwrap_or_default();
    commands.iter().any(|simple| {
        let nul = simple.stdout_to_nul || simple.stderr_to_nul;
        nul || simple.text.split_whitespace().any(|word| HUSHING.contains(&word))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_fails_says_so(words in prop::collection::vec(prop::sample::select(WORDS), 0..9), noise in any::<String>()) {
        let words: Vec<&str> = words.into_iter().filter(|word| !HUSHING.contains(word)).collect();
        let lines = [words.join(" "), noise.clone(), format!("{} {noise}", words.join(" "))];
        prop_assert_eq!(silent_failures(&lines), Vec::new());
    }

    #[test]
    fn only_a_line_that_hushes_fails_in_silence(words in prop::collection::vec(prop::sample::select(WORDS), 0..7), hushing in prop::sample::select(&HUSHING[..]), at in any::<prop::sample::Index>()) {
        let mut words = words;
        words.insert(at.index(words.len() + 1), hushing);
        let line = words.join(" ");
        let silent = silent_failures(std::slice::from_ref(&line));
        prop_assert!(silent.is_empty() || hushes(&line), "{silent:?}");
    }
}
