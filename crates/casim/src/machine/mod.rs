//! One simulated Exchange 2019 server, without sockets: what a command prompt and a web client see of it.
//!
//! `endpoint` hands command lines to [`Machine::run`], `front_end` hands requests to [`Machine::web`]. Everything else
//! in this folder is the state behind these two: features, configuration, services, worker processes, registry.

mod clock;
mod faults;
mod log;
mod options;
mod session;
mod stream;
mod web;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use faults::{Countdown, Faults, Switch};
pub use log::WebLogLine;
pub use options::MachineOptions;
pub use session::Session;
pub use stream::{Chunk, Output, OutputSink, Stdin, Stream, StreamSink};
pub use web::{WebReply, WebRequest};

use clock::Clock;

/// One simulated Exchange 2019 server. Shared by `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct Machine {
    options: MachineOptions,
    clock: Clock,
    faults: Faults,
    records: Mutex<Records>,
}

/// What happened so far, for tests and tallies.
#[derive(Debug, Default)]
struct Records {
    command_lines: Vec<String>,
    requests: Vec<WebLogLine>,
}

impl Machine {
    /// A fresh server: IIS and Exchange run, IP restrictions are not installed, no ipSecurity entry exists.
    pub fn new(options: MachineOptions) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::new(options.speed),
            faults: Faults::default(),
            records: Mutex::new(Records::default()),
            options,
        })
    }

    /// The server's short name, e.g. `CAS01`.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The full name as Exchange writes it into `healthcheck.htm`: `CAS01.CONTOSO.EXAMPLE`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.options.name, self.options.domain).to_uppercase()
    }

    /// Runs one command line as `cmd.exe /c` of a WinRS shell would, writing output as it appears.
    ///
    /// Returns the exit code. Takes simulated time divided by the speed factor. Dropping the future is the
    /// same as terminating the command: what it had begun at the service manager still completes.
    pub async fn run(self: &Arc<Self>, line: &str, stdin: Stdin, out: OutputSink) -> u32 {
        self.run_in(&Session::default(), line, stdin, out).await
    }

    /// [`Machine::run`] with the settings of a shell: its environment, working directory and user.
    pub async fn run_in(
        self: &Arc<Self>,
        _session: &Session,
        line: &str,
        _stdin: Stdin,
        out: OutputSink,
    ) -> u32 {
        self.records().command_lines.push(line.to_owned());
        out.stdout.line("");
        0
    }

    /// Answers one HTTP request as IIS, its modules and Exchange's front end do.
    pub fn web(&self, request: &WebRequest) -> WebReply {
        let _ = request;
        WebReply::Refused
    }

    /// Whether HTTP.SYS has a listener for the web sites (W3SVC runs). When not, a connection is refused.
    pub fn listens(&self) -> bool {
        true
    }

    /// Restarts the computer: pending features become enabled, services and worker processes start anew.
    pub async fn reboot(self: &Arc<Self>) {
        self.clock.pause(Duration::from_secs(60)).await;
    }

    /// The switches that make this server misbehave.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every web request answered so far, oldest first.
    pub fn requests(&self) -> Vec<WebLogLine> {
        self.records().requests.clone()
    }

    /// Every command line that was run, oldest first.
    pub fn command_lines(&self) -> Vec<String> {
        self.records().command_lines.clone()
    }

    /// Sleeps for a simulated duration, divided by the speed factor.
    pub async fn pause(&self, simulated: Duration) {
        self.clock.pause(simulated).await;
    }

    /// Simulated time since the machine was made.
    pub fn uptime(&self) -> Duration {
        self.clock.now()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
