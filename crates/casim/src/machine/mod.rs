//! One simulated Exchange server, without sockets: what a command prompt and a web client see of it.
//!
//! `endpoint` hands command lines to [`Machine::run`], `front_end` hands requests to [`Machine::web`]. Everything else
//! in this folder is the state behind these two: features, configuration, services, worker processes, registry.
//!
//! # Where Windows' behaviour is not on record
//!
//! The simulator refuses what Windows refuses and prints what Windows prints where a capture or documentation says so.
//! These are the most plausible choices where none does:
//!
//! - appcmd: the wrapping of the locked-section text and its exit code 33; the words of `clear config`,
//!   `lock config`, `delete backup`, `start` and `stop`; exit 1168 with an error for a list by identifier that finds
//!   nothing, silent exit 1 for a list by attribute; exit 87 for bad arguments and unknown attributes, 13 for bad
//!   values; key order in the text about duplicates; exit 32 with the text about the file that has changed on disk,
//!   after the line that says the change was applied (a captured sharing violation looks so); `/config:*` shows the
//!   schema's defaults too; several edits are made in the order of the command line.
//! - appcmd takes `%XX` and `%uXXXX` in arguments apart (on record), so a zone such as `%14` becomes a control
//!   character and the commit fails with `c00cee2b` (on record for other sections).
//! - iisreset: its behaviour after `/disable`, with `/reboot`, and with a time limit that is too short.
//! - dism: installing IP restrictions does not restart worker processes; the percentages of the progress bar.
//! - A child's own `allowUnlisted="true"` takes back a parent's `false`; `clear` elements are not modelled (documented is
//!   that a `clear` does not take it back).
//! - Web: the order of the checks (see `answer.rs`), proxy mode (see `ip_filter.rs`), the length of the warm-up.
//! - cmd.exe: exit code 1 for a syntax error. Output is UTF-8 whatever code page the shell asked for.

mod answer;
mod availability;
mod chance;
mod clock;
mod configuration;
mod environment;
mod faults;
mod features;
mod former;
mod held_request;
mod interfaces;
mod ip_filter;
mod log;
mod log_files;
mod options;
mod pools;
mod programs;
mod redirection;
mod registry;
mod release;
mod schema_file;
mod services;
mod session;
mod shell;
mod state;
mod stream;
mod tasks;
mod url;
mod web;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::civil::DateTime;

pub use availability::HealthSet;
pub use faults::{Countdown, Faults, Needle, Switch};
pub use former::FormerTraffic;
pub use held_request::HeldRequest;
pub use log::WebLogLine;
pub use options::{MachineOptions, MoreSite};
pub use release::{ExchangeRelease, WindowsRelease};
pub use session::Session;
pub(crate) use stream::Room;
pub use stream::{Chunk, Output, OutputSink, Stdin, Stream, StreamSink};
pub use web::{WebReply, WebRequest};

use answer::Identity;
use clock::Clock;
use held_request::Held;
use state::State;

/// How many web requests and command lines are remembered; older ones are forgotten.
const REMEMBERED: usize = 200_000;

/// The file that holds the configuration of the whole web server.
const APPLICATION_HOST: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";

/// One simulated Exchange server. Shared by `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct Machine {
    /// The machine itself, for what it does on its own.
    me: Weak<Machine>,
    options: MachineOptions,
    clock: Clock,
    faults: Faults,
    state: Mutex<State>,
    records: Mutex<Records>,
}

/// What happened so far, for tests and tallies.
#[derive(Debug, Default)]
struct Records {
    command_lines: VecDeque<String>,
    requests: VecDeque<WebLogLine>,
    held: BTreeMap<u64, Held>,
}

impl Machine {
    /// A fresh server: IIS and Exchange run, IP restrictions are not installed, no ipSecurity entry exists.
    pub fn new(options: MachineOptions) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            clock: Clock::new(options.speed),
            faults: Faults::default(),
            state: Mutex::new(State::fresh(&options)),
            records: Mutex::new(Records::default()),
            options,
        })
    }

    /// A server with this `applicationHost.config` instead of a fresh one: sites, pools, modules and sections as far as the simulator knows them.
    ///
    /// # Errors
    /// [`Error::Configuration`](crate::Error::Configuration) for what is no such file, or holds what cannot be simulated.
    pub fn with_application_host(options: MachineOptions, text: &str) -> Result<Arc<Self>, crate::Error> {
        let configuration = configuration::Configuration::from_application_host(text, options.windows)
            .map_err(|found| crate::Error::Configuration { found })?;
        let machine = Self::new(options);
        machine.state().take_over(configuration);
        Ok(machine)
    }

    /// The server's short name, e.g. `CAS01`.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Which Windows it runs.
    pub fn windows(&self) -> WindowsRelease {
        self.options.windows
    }

    /// Which Exchange it runs.
    pub fn exchange(&self) -> ExchangeRelease {
        self.options.exchange
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
        session: &Session,
        line: &str,
        mut stdin: Stdin,
        out: OutputSink,
    ) -> u32 {
        remember(&mut self.records().command_lines, line.to_owned());
        shell::run(self, session, line, &mut stdin, &out).await
    }

    /// Answers one HTTP request as IIS, its modules and Exchange's front end do.
    pub fn web(&self, request: &WebRequest) -> WebReply {
        let client = self
            .options
            .known_as
            .get(&request.client)
            .copied()
            .unwrap_or(request.client);
        let request = &WebRequest {
            client,
            ..request.clone()
        };
        let full_name = self.full_name();
        let now = self.clock.now();
        let answer = {
            let (mut state, identity) = self.watched(now, &full_name);
            answer::answer(&mut state, request, now, &identity)
        };
        if let Some((status, substatus)) = answer.logged {
            let line = WebLogLine {
                at: now,
                client: request.client,
                method: request.method.clone(),
                path: request.path.split('?').next().unwrap_or_default().to_owned(),
                query: request
                    .path
                    .split_once('?')
                    .map_or("", |(_, query)| query)
                    .to_owned(),
                user_agent: request.user_agent.clone().unwrap_or_default(),
                status,
                substatus,
            };
            remember(&mut self.records().requests, line);
        }
        answer.reply
    }

    /// What Managed Availability makes of ActiveSync now.
    pub fn health_set(&self) -> HealthSet {
        let full_name = self.full_name();
        let (state, _) = self.watched(self.clock.now(), &full_name);
        state.availability.health_set()
    }

    /// The state after every probe that was due, and who answers.
    fn watched<'a>(&'a self, now: Duration, full_name: &'a str) -> (MutexGuard<'a, State>, Identity<'a>) {
        let mut identity = Identity {
            name: &self.options.name,
            full_name,
            domain: &self.options.domain,
            exchange: self.options.exchange,
            unhealthy: self.faults.health_stays_503.is_on(),
            is_activesync_offline: false,
        };
        let mut state = self.state_at(now);
        availability::watch(&mut state, now, &identity);
        identity.is_activesync_offline = state.availability.health_set() == HealthSet::Offline;
        (state, identity)
    }

    /// Whether HTTP.SYS has a listener for the web sites (W3SVC runs). When not, a connection is refused.
    pub fn listens(&self) -> bool {
        self.state().services.web_runs()
    }

    /// Restarts the computer: pending features become enabled, services and worker processes start anew. Returns when
    /// Windows is up again; the web service needs some seconds more.
    pub async fn reboot(&self) {
        let now = self.clock.now();
        let restart = Duration::from_secs(60);
        self.state_at(now)
            .services
            .restart_internet_later(now, Duration::from_secs(5), restart);
        self.clock.pause(restart / 2).await;
        self.carry_out_pending_features();
        self.clock.pause(restart / 2).await;
        tasks::booted(self);
    }

    fn carry_out_pending_features(&self) {
        let mut state = self.state();
        let State {
            features,
            configuration,
            ..
        } = &mut *state;
        features.restart(configuration);
    }

    /// The switches that make this server misbehave.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Web requests answered so far, oldest first; the most recent ones where there were very many.
    pub fn requests(&self) -> Vec<WebLogLine> {
        self.records().requests.iter().cloned().collect()
    }

    /// Command lines that were run, oldest first; the most recent ones where there were very many.
    pub fn command_lines(&self) -> Vec<String> {
        self.records().command_lines.iter().cloned().collect()
    }

    /// The bytes of a file that was uploaded, by its full path without regard to letter case.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state
            .files
            .get(&path.to_lowercase())
            .map(|(_, bytes)| bytes.clone())
    }

    /// The bytes of a file as programs on the server see them: uploaded ones, IIS's `redirection.config`, its schema, and `applicationHost.config`.
    fn contents(&self, path: &str) -> Option<Vec<u8>> {
        if path.eq_ignore_ascii_case(APPLICATION_HOST) {
            return Some(self.state().configuration.application_host().into_bytes());
        }
        let shared = self.options.shared_configuration.as_deref();
        self.file(path)
            .or_else(|| redirection::text_of(path, shared).map(String::into_bytes))
            .or_else(|| schema_file::text_of(path, self.options.windows).map(String::into_bytes))
    }

    /// Puts a file there, in place of one that has this full path.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        state.files.insert(path.to_lowercase(), (path.to_owned(), bytes));
    }

    /// The full paths of all uploaded files, half-received ones included.
    pub fn files(&self) -> Vec<String> {
        let state = self.state();
        state.files.values().map(|(path, _)| path.clone()).collect()
    }

    /// Sleeps for a simulated duration, divided by the speed factor.
    pub async fn pause(&self, simulated: Duration) {
        self.clock.pause(simulated).await;
    }

    /// The server's clock on the wall, in UTC.
    pub fn wall_clock(&self) -> DateTime {
        log_files::wall(self, self.uptime())
    }

    /// The same at an instant of its own time.
    fn wall_clock_at(&self, at: Duration) -> DateTime {
        log_files::wall(self, at)
    }

    /// Simulated time since the machine was made.
    pub fn uptime(&self) -> Duration {
        self.clock.now()
    }

    fn options(&self) -> &MachineOptions {
        &self.options
    }

    /// The state as it is now.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state_at(self.clock.now())
    }

    fn state_at(&self, now: Duration) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now, &self.faults);
        state
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests;
