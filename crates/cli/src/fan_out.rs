//! The same work on many servers, so many at a time, until the last one or Ctrl-C.

use std::sync::Arc;
use std::time::Duration;

use driver::{Clock, StopRequest};
use futures::stream::{self, StreamExt};
use inventory::ServerName;
use rollout::RunId;
use winrm::Endpoint;

use crate::args::Common;
use crate::engine;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;

/// How long the deleting of shells may hold up the end of the process.
const CLEANING: Duration = Duration::from_secs(10);

/// Which servers, and how many at a time.
pub(crate) struct FanOut<'a> {
    pub(crate) common: &'a Common,
    pub(crate) selector: &'a str,
    pub(crate) parallel: u16,
    /// Whether the exit code of each server is a result of its own.
    pub(crate) tells_codes: bool,
    pub(crate) printer: &'a Printer,
}

impl FanOut<'_> {
    /// Works on each server; `work` gets the server, how to reach it, and whether it is one of several. It returns an exit code.
    pub(crate) async fn run<W>(
        &self,
        name: &str,
        work: impl Fn(ServerName, Arc<Endpoint>, bool) -> W,
    ) -> Result<ExitCode, Error>
    where
        W: Future<Output = Result<u32, winrm::Error>>,
    {
        let fleet = Fleet::read(self.common)?;
        let servers = fleet.select(self.selector)?;
        let world = fleet.world(&servers, Clock::real(), RunId::new(name), self.printer)?;
        let is_one_of_several = servers.len() > 1;
        let mut stop = engine::signals()?;
        let mut endpoints = Vec::new();
        for server in servers {
            let endpoint = world
                .endpoint(&server)
                .map_err(|source| Error::Driver { source })?;
            endpoints.push((server, endpoint));
        }
        let work = &work;
        let mut ends = stream::iter(endpoints)
            .map(|(server, endpoint)| async move {
                let end = work(server.clone(), endpoint, is_one_of_several).await;
                (server, end)
            })
            .buffer_unordered(usize::from(self.parallel));
        let mut worst = Worst::default();
        loop {
            let (server, end) = tokio::select! {
                next = ends.next() => match next { Some(end) => end, None => break },
                Some(StopRequest::Soft | StopRequest::Hard) = stop.recv() => {
                    self.printer.note("stopped: remote commands are ended and their shells deleted");
                    drop(ends);
                    winrm::reap(CLEANING).await;
                    return Ok(ExitCode::Aborted);
                }
            };
            match end {
                Ok(code) => {
                    worst.code(code);
                    if self.tells_codes {
                        if code != 0 || is_one_of_several {
                            self.printer.note(&format!("{server}: exit code {code}"));
                        }
                        let end = serde_json::json!({ "server": server, "exit_code": code });
                        self.printer.json(&end);
                    }
                }
                Err(error) => {
                    worst.failure();
                    tell(self.printer, &server, &error);
                }
            }
        }
        winrm::reap(CLEANING).await;
        Ok(worst.exit_code())
    }
}

/// The worst of several ends.
#[derive(Debug, Default)]
struct Worst {
    code: u32,
    has_failed: bool,
}

impl Worst {
    fn code(&mut self, code: u32) {
        self.code = self.code.max(code);
    }

    fn failure(&mut self) {
        self.has_failed = true;
    }

    /// docs/exit-codes.md, `exec`.
    fn exit_code(&self) -> ExitCode {
        match u8::try_from(self.code) {
            _ if self.has_failed => ExitCode::Failure,
            Ok(code @ 0..=125) => ExitCode::Remote(code),
            _ => ExitCode::Failure,
        }
    }
}

/// Says what went wrong on a server: the error, its causes, what to do.
pub(crate) fn tell(printer: &Printer, server: &ServerName, error: &winrm::Error) {
    printer.note(&format!("{server}: {error}"));
    let mut cause = std::error::Error::source(error);
    let mut causes = Vec::new();
    while let Some(inner) = cause {
        printer.note(&format!("  because: {inner}"));
        causes.push(inner.to_string());
        cause = inner.source();
    }
    if let Some(hint) = error.hint() {
        printer.note(&format!("  hint: {hint}"));
    }
    printer.json(&serde_json::json!({
        "server": server, "error": error.to_string(), "causes": causes, "hint": error.hint(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_wins_and_a_failed_server_is_1() {
        let end = |codes: &[u32], has_failed| {
            let mut worst = Worst::default();
            codes.iter().for_each(|code| worst.code(*code));
            if has_failed {
                worst.failure();
            }
            worst.exit_code().number()
        };
        assert_eq!(end(&[], false), 0);
        assert_eq!(end(&[0, 7, 3], false), 7);
        assert_eq!(end(&[125], false), 125);
        assert_eq!(end(&[126], false), 1, "126 and more mean something to shells");
        assert_eq!(end(&[7, 3_221_225_786], false), 1);
        assert_eq!(end(&[7], true), 1);
    }
}
