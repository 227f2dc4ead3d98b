//! `casgate exec`: one command line on servers, output as it comes, the worst exit code at the end.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use command::CommandLine;
use driver::{Clock, StopRequest};
use futures::stream::{self, StreamExt};
use inventory::ServerName;
use rollout::RunId;
use winrm::{Endpoint, Shell, Stream};

use crate::args::{Common, Exec};
use crate::engine;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;

pub(crate) async fn run(common: &Common, args: &Exec, printer: &Printer) -> Result<ExitCode, Error> {
    let fleet = Fleet::read(common)?;
    let servers = fleet.select(&args.selector)?;
    let line = CommandLine::raw(args.command.join(" ")).map_err(|source| Error::CommandLine { source })?;
    let world = fleet.world(&servers, Clock::real(), RunId::new("exec"), printer)?;
    let limit = Duration::try_from(args.timeout).unwrap_or(Duration::from_secs(300));
    let prefixed = servers.len() > 1;
    let mut stop = engine::signals()?;
    let line = &line;
    let mut endpoints = Vec::new();
    for server in servers {
        let endpoint = world
            .endpoint(&server)
            .map_err(|source| Error::Driver { source })?;
        endpoints.push((server, endpoint));
    }
    let mut ends = stream::iter(endpoints)
        .map(|(server, endpoint)| async move {
            let end = one(&endpoint, &server, line, limit, prefixed).await;
            (server, end)
        })
        .buffer_unordered(usize::from(args.parallel));
    let mut worst = 0u32;
    let mut failed = false;
    loop {
        let (server, end) = tokio::select! {
            next = ends.next() => match next { Some(end) => end, None => break },
            Some(StopRequest::Soft | StopRequest::Hard) = stop.recv() => {
                printer.note("stopped: remote commands are ended and their shells deleted");
                drop(ends);
                winrm::reap(Duration::from_secs(10)).await;
                return Ok(ExitCode::Aborted);
            }
        };
        match end {
            Ok(code) => {
                worst = worst.max(code);
                if code != 0 || prefixed {
                    printer.note(&format!("{server}: exit code {code}"));
                }
                printer.json(&serde_json::json!({ "server": server, "exit_code": code }));
            }
            Err(error) => {
                failed = true;
                printer.note(&format!("{server}: {error}"));
                let mut cause = std::error::Error::source(&error);
                let mut causes = Vec::new();
                while let Some(inner) = cause {
                    printer.note(&format!("  because: {inner}"));
                    causes.push(inner.to_string());
                    cause = inner.source();
                }
                if let Some(hint) = error.hint() {
                    printer.note(&format!("  hint: {hint}"));
                }
                printer.json(
                    &serde_json::json!({ "server": server, "error": error.to_string(), "causes": causes }),
                );
            }
        }
    }
    winrm::reap(Duration::from_secs(10)).await;
    Ok(match u8::try_from(worst) {
        _ if failed => ExitCode::Failure,
        Ok(code @ 0..=125) => ExitCode::Remote(code),
        _ => ExitCode::Failure,
    })
}

async fn one(
    endpoint: &Arc<Endpoint>,
    server: &ServerName,
    line: &CommandLine,
    limit: Duration,
    prefixed: bool,
) -> Result<u32, winrm::Error> {
    let mut shell = Shell::open(Arc::clone(endpoint)).await?;
    let mut out = Prefixed::new(server, prefixed);
    let mut err = Prefixed::new(server, prefixed);
    let result = shell
        .execute(line, None, limit, &mut |stream, bytes| match stream {
            Stream::Stdout => out.write(&mut std::io::stdout().lock(), bytes),
            Stream::Stderr => err.write(&mut std::io::stderr().lock(), bytes),
        })
        .await;
    out.finish(&mut std::io::stdout().lock());
    err.finish(&mut std::io::stderr().lock());
    let closed = shell.close().await;
    let code = result?.exit_code;
    closed?;
    Ok(code)
}

/// Whole lines with the server's name in front when several servers answer; bytes as they come when it is one.
struct Prefixed {
    prefix: Option<String>,
    pending: Vec<u8>,
}

impl Prefixed {
    fn new(server: &ServerName, prefixed: bool) -> Self {
        Self {
            prefix: prefixed.then(|| format!("{server} | ")),
            pending: Vec::new(),
        }
    }

    fn write(&mut self, to: &mut dyn Write, bytes: &[u8]) {
        let Some(prefix) = &self.prefix else {
            // A closed pipe must not end the remote command half-way.
            let _ = to.write_all(bytes).and_then(|()| to.flush());
            return;
        };
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let _ = to.write_all(prefix.as_bytes()).and_then(|()| to.write_all(&line));
        }
    }

    fn finish(&mut self, to: &mut dyn Write) {
        if let (Some(prefix), false) = (&self.prefix, self.pending.is_empty()) {
            let _ = to
                .write_all(prefix.as_bytes())
                .and_then(|()| to.write_all(&self.pending))
                .and_then(|()| to.write_all(b"\n"));
        }
    }
}
