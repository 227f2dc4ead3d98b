//! What a command prompt and a web client see of a machine. Time is tokio's own clock, paused: it jumps, nothing waits.

mod against_iis;
mod availability;
mod concurrency;
mod enforcement;
mod faults;
mod logs;
mod menu;
mod oracle;
mod preflight;
mod prompt;
mod recordings;
mod releases;
mod restart;
mod scripts;
mod tasks;
mod transcripts;

use std::net::IpAddr;
use std::sync::Arc;

use super::{Machine, MachineOptions, OutputSink, Stdin, Stream, WebReply, WebRequest};

const APPCMD: &str = r"%windir%\system32\inetsrv\appcmd.exe";
const APP: &str = "Default Web Site/Microsoft-Server-ActiveSync";
const SECTION: &str = "system.webServer/security/ipSecurity";
const EAS: &str = "/Microsoft-Server-ActiveSync/";
const HEALTH: &str = "/Microsoft-Server-ActiveSync/healthcheck.htm";

/// What one line printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ran {
    code: u32,
    stdout: String,
    stderr: String,
}

fn fresh() -> Arc<Machine> {
    let addresses = ["127.0.0.1", "192.0.2.11", "::1", "fe80::de2:4f45:21dc:6c5a"];
    Machine::new(MachineOptions {
        addresses: addresses.iter().map(|a| a.parse().expect("an address")).collect(),
        seed: 42,
        ..MachineOptions::named("CAS01")
    })
}

async fn run(machine: &Arc<Machine>, line: &str) -> Ran {
    run_with(machine, line, Stdin::empty()).await
}

async fn run_with(machine: &Arc<Machine>, line: &str, stdin: Stdin) -> Ran {
    let (out, mut output) = OutputSink::channel();
    let code = machine.run(line, stdin, out).await;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(chunk) = output.recv().await {
        match chunk.stream {
            Stream::Stdout => stdout.extend(chunk.bytes),
            Stream::Stderr => stderr.extend(chunk.bytes),
        }
    }
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ran {
        code,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// Runs appcmd and expects it to succeed.
async fn appcmd(machine: &Arc<Machine>, rest: &str) -> String {
    let ran = run(machine, &format!("{APPCMD} {rest}")).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{rest}: {}", ran.stdout);
    ran.stdout
}

fn get(machine: &Machine, path: &str, client: &str) -> WebReply {
    machine.web(&WebRequest::get(
        path,
        client.parse::<IpAddr>().expect("an address"),
    ))
}

/// The status of a GET over TLS, 0 when nobody answers.
fn status(machine: &Machine, path: &str, client: &str) -> u16 {
    match get(machine, path, client) {
        WebReply::Reply { status, .. } => status,
        WebReply::Refused | WebReply::Aborted => 0,
    }
}

/// Waits until the path answers something else than 503 to the server itself.
async fn warm(machine: &Machine, path: &str) {
    for _ in 0..400 {
        if !matches!(status(machine, path, "127.0.0.1"), 0 | 503) {
            return;
        }
        machine.pause(std::time::Duration::from_millis(500)).await;
    }
    panic!("{path} did not come back");
}

/// Installs IP restrictions and makes all workers load them.
async fn with_ip_restrictions() -> Arc<Machine> {
    let machine = fresh();
    let installed = run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart",
    )
    .await;
    assert_eq!(installed.code, 0, "{}", installed.stdout);
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    warm(&machine, HEALTH).await;
    warm(&machine, "/owa/healthcheck.htm").await;
    machine
}
