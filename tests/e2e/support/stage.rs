//! A farm, a folder, and the command that works on them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use casim::machine::{FormerTraffic, Machine, MachineOptions, OutputSink, Stdin, WebReply, WebRequest};
use casim::{Farm, FarmOptions};
use iis::ip_security::Section;
use iis::{ApplicationPath, appcmd, registry};
use journal::StateDirectory;
use rollout::Rollout;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::child::{self, Ended, Running};
use super::patrol::{self, Patrol};
use super::playbook::PLAYBOOK;
use super::story::{Reader, Story};

/// The password that the simulated farm knows: the canary that must stand nowhere.
pub(crate) const PASSWORD: &str = "Opera+Pass1!";

/// The page that phones ask for.
const ACTIVESYNC: &str = "/Microsoft-Server-ActiveSync/";

/// Who is on the allow list of the tests' playbook, apart from each server's own addresses.
const LISTED: [&str; 3] = ["127.0.0.10", "127.0.0.5", "127.0.0.1"];

/// Where leases stand.
const LEASE_KEY: &str = r"HKLM\SOFTWARE\casgate";

/// Somebody takes it upon himself to begin although a server cannot be seen.
pub(crate) const APPLY_UNSEEN: [&str; 7] = [
    "apply",
    "playbook.toml",
    "--yes",
    "--accept",
    "server-not-seen",
    "--reason",
    "CHG 42",
];

/// Somebody who is not.
pub(crate) const OUTSIDE: &str = "127.0.0.66";

/// What makes a command line one that changes something.
const WRITES: [&str; 9] = [
    "set config",
    "clear config",
    "add backup",
    "delete backup",
    "iisreset",
    "recycle",
    "/enable-feature",
    "reg add",
    "reg delete",
];

/// A farm, a folder, and the command that works on them.
pub(crate) struct Stage {
    pub(crate) farm: Arc<Farm>,
    folder: TempDir,
}

impl Stage {
    /// A farm of `servers` with its inventory, and the playbook of most tests. A restart of IIS takes a tenth of a second there.
    pub(crate) async fn new(servers: usize) -> Self {
        Self::at_speed(servers, 100.0).await
    }

    /// The same with logs of the time before.
    pub(crate) async fn with_former(servers: usize, former: FormerTraffic) -> Self {
        Self::with(FarmOptions {
            servers,
            speed: 100.0,
            seed: 7,
            former: Some(former),
            ..FarmOptions::default()
        })
        .await
    }

    /// The same where a restart of IIS takes most of a second, so that something else can happen meanwhile.
    pub(crate) async fn slow(servers: usize) -> Self {
        Self::at_speed(servers, 20.0).await
    }

    /// The same at another speed.
    pub(crate) async fn at_speed(servers: usize, speed: f64) -> Self {
        Self::with(FarmOptions {
            servers,
            speed,
            seed: 7,
            ..FarmOptions::default()
        })
        .await
    }

    /// The same as [`Stage::new`] with servers that are not all alike.
    pub(crate) async fn adjusted(servers: usize, adjust: fn(usize, &mut MachineOptions)) -> Self {
        Self::with(FarmOptions {
            servers,
            speed: 100.0,
            seed: 7,
            adjust,
            ..FarmOptions::default()
        })
        .await
    }

    /// The same with servers of every age.
    pub(crate) async fn mixed(servers: usize) -> Self {
        let options = FarmOptions {
            servers,
            speed: 100.0,
            seed: 7,
            ..FarmOptions::default()
        };
        Self::with(options.mixed()).await
    }

    async fn with(options: FarmOptions) -> Self {
        let farm = Arc::new(Farm::start(options).await.expect("the farm starts"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = Self { farm, folder };
        stage
            .farm
            .write_inventory(&stage.path("farm.toml"))
            .expect("the inventory is written");
        stage.write("playbook.toml", PLAYBOOK);
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the file is written");
    }

    /// Changes a file of the folder; the text to change must stand there.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).expect("the file is there");
        assert!(text.contains(from), "`{from}` is not in {name}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// The simulated server.
    pub(crate) fn machine(&self, index: usize) -> &Arc<Machine> {
        &self.farm.machines()[index]
    }

    /// The command, not started yet: a clean environment, this stage's inventory, state folder and password.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casgate-under-test"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("CASGATE_PASSWORD", PASSWORD)
            .env("CASGATE_INVENTORY", "farm.toml")
            .env("CASGATE_STATE_DIR", "state")
            .env("TZ", "UTC")
            .env("USER", "tester")
            .env("HOSTNAME", "bench")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the command to its end.
    pub(crate) async fn casgate(&self, args: &[&str]) -> Ended {
        child::run(self.command(args)).await
    }

    /// Runs a command made by [`Stage::command`] to its end.
    pub(crate) async fn run(&self, command: Command) -> Ended {
        child::run(command).await
    }

    /// Starts the command, with `--format jsonl`.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut reader = Reader::default();
        if matches!(args.first(), Some(&"resume" | &"undo")) {
            journal::read(&self.run_folder())
                .expect("the journal is sound")
                .iter()
                .for_each(|event| drop(reader.words(event)));
        }
        Running::start(self.command(args), reader)
    }

    /// `apply playbook.toml --yes`, to its end.
    pub(crate) async fn apply(&self) -> Ended {
        self.casgate(&["apply", "playbook.toml", "--yes"]).await
    }

    /// `apply playbook.toml --yes`, under way.
    pub(crate) fn start_apply(&self) -> Running {
        self.start(&["apply", "playbook.toml", "--yes"])
    }

    /// Clients and an eye on the load balancer, from now on.
    pub(crate) fn patrol(&self) -> Patrol {
        Patrol::start(&self.farm)
    }

    /// What the newest run's journal tells. It must be readable and fit together.
    pub(crate) fn story(&self) -> Story {
        let events = journal::read(&self.run_folder()).expect("the journal is sound");
        Rollout::replay(&events).expect("the journal fits together");
        Story::new(events)
    }

    /// How many events the newest run's journal has, and its head.
    pub(crate) fn head(&self) -> (usize, String) {
        let verified = journal::verify(&self.run_folder()).expect("the journal is sound");
        (verified.events.len(), verified.head.to_string())
    }

    /// The newest run's folder.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let state = StateDirectory::new(self.path("state"));
        state.run(&state.find("latest").expect("there is a run"))
    }

    /// The newest run's name.
    pub(crate) fn run_name(&self) -> String {
        let folder = self.run_folder();
        folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// The status that somebody gets who asks the server itself for ActiveSync; 0 when nobody listens.
    pub(crate) fn access(&self, index: usize, from: &str) -> u16 {
        self.access_on_behalf(index, from, None)
    }

    /// The same with an `X-Forwarded-For`.
    pub(crate) fn access_on_behalf(&self, index: usize, from: &str, forwarded_for: Option<&str>) -> u16 {
        let client: IpAddr = from.parse().expect("an address");
        let request = WebRequest {
            forwarded_for: forwarded_for.map(str::to_owned),
            ..WebRequest::get(ACTIVESYNC, client)
        };
        match self.machine(index).web(&request) {
            WebReply::Reply { status, .. } => status,
            WebReply::Refused | WebReply::Aborted => 0,
        }
    }

    /// Waits until somebody who asks the server itself gets this status.
    pub(crate) async fn until_access(&self, index: usize, from: &str, status: u16) {
        let turned = async {
            while self.access(index, from) != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), turned)
            .await
            .unwrap_or_else(|_| panic!("server {index} never answers {status} to {from}"));
    }

    /// The server lets the gateway in and nobody else, and is in rotation.
    #[track_caller]
    pub(crate) fn assert_restricted(&self, index: usize) {
        let seen = (self.access(index, "127.0.0.10"), self.access(index, OUTSIDE));
        assert_eq!(seen, (401, 403), "gateway and outside at server {index}");
        assert!(self.is_in_rotation(index), "server {index} is out of rotation");
    }

    /// The server lets everybody in and is in rotation.
    #[track_caller]
    pub(crate) fn assert_open(&self, index: usize) {
        let seen = (self.access(index, "127.0.0.10"), self.access(index, OUTSIDE));
        assert_eq!(seen, (401, 401), "gateway and outside at server {index}");
        assert!(self.is_in_rotation(index), "server {index} is out of rotation");
    }

    /// So do all of them.
    #[track_caller]
    pub(crate) fn assert_all_restricted(&self) {
        (0..self.farm.machines().len()).for_each(|index| self.assert_restricted(index));
    }

    /// So do all of them.
    #[track_caller]
    pub(crate) fn assert_all_open(&self) {
        (0..self.farm.machines().len()).for_each(|index| self.assert_open(index));
    }

    /// Whether the load balancer sends clients to the server.
    pub(crate) fn is_in_rotation(&self, index: usize) -> bool {
        patrol::is_in_rotation(&self.farm.load_balancer().members()[index])
    }

    /// Waits until the load balancer sees so many servers up.
    pub(crate) async fn until_up(&self, servers: usize) {
        let up = async {
            while self
                .farm
                .load_balancer()
                .members()
                .iter()
                .filter(|member| member.status() == "UP" || member.status() == "DRAIN")
                .count()
                < servers
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), up)
            .await
            .expect("the servers come up");
    }

    /// The section that takes effect for ActiveSync, as the configuration has it.
    pub(crate) async fn section(&self, index: usize) -> Section {
        let app: ApplicationPath = "Default Web Site/Microsoft-Server-ActiveSync"
            .parse()
            .expect("an application");
        let invocation = appcmd::list_effective_section(&app);
        let output = self.by_hand(index, invocation.line().as_str()).await;
        invocation.parse(&output).expect("a section")
    }

    /// Takes the server out of rotation, as another administrator of the load balancer would.
    pub(crate) async fn take_out(&self, index: usize) {
        let member = &self.farm.load_balancer().members()[index];
        let line = format!("set server eas/{} state maint\n", member.name);
        let mut socket = TcpStream::connect(self.farm.load_balancer().runtime_api())
            .await
            .expect("the runtime API");
        socket.write_all(line.as_bytes()).await.expect("a command");
        let mut said = String::new();
        socket.read_to_string(&mut said).await.expect("an answer");
        assert!(!self.is_in_rotation(index), "{said}");
    }

    /// What somebody does who sits at the server itself.
    pub(crate) async fn by_hand(&self, index: usize, line: &str) -> command::Output {
        let (sink, mut output) = OutputSink::channel();
        let exit_code = self.machine(index).run(line, Stdin::empty(), sink).await;
        let mut stdout = Vec::new();
        while let Ok(chunk) = output.try_recv() {
            stdout.extend(chunk.bytes);
        }
        command::Output {
            exit_code,
            stdout,
            stderr: Vec::new(),
        }
    }

    /// The same: exit code and standard output.
    pub(crate) async fn on_server(&self, index: usize, line: &str) -> (u32, String) {
        let output = self.by_hand(index, line).await;
        (output.exit_code, output.stdout_text())
    }

    /// appcmd on the server itself, which has to succeed.
    pub(crate) async fn appcmd(&self, index: usize, rest: &str) -> String {
        let (code, text) = self
            .on_server(index, &format!("{} {rest}", appcmd::PROGRAM))
            .await;
        assert_eq!(code, 0, "appcmd {rest}: {text}");
        text
    }

    /// What the server's lease says.
    pub(crate) async fn lease(&self, index: usize) -> Option<String> {
        let line = registry::query(LEASE_KEY, "lease").expect("a command line");
        let output = self.by_hand(index, line.line().as_str()).await;
        line.parse(&output).expect("a value or none")
    }

    /// Writes a lease of another run, with its end so many minutes from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a lease is by the clock on the wall, as another jump host would write it"
    )]
    pub(crate) async fn lease_to(&self, index: usize, run: &str, minutes: i64) {
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
        let data = format!("run={run}; since=2026-11-24T02:14:05Z; until={until:.0}; operator=eve@jump02");
        let line = registry::add(LEASE_KEY, "lease", &data).expect("a command line");
        let output = self.by_hand(index, line.line().as_str()).await;
        assert_eq!(output.exit_code, 0);
    }

    /// The command lines that the server got and that change something; the lease apart, which every run takes that has work to do.
    pub(crate) fn writes(&self, index: usize) -> Vec<String> {
        let mut lines = self.machine(index).command_lines();
        lines.retain(|line| WRITES.iter().any(|write| line.contains(write)) && !line.contains("/v lease"));
        lines
    }

    /// How many of the server's command lines contain this.
    pub(crate) fn ran(&self, index: usize, part: &str) -> usize {
        let lines = self.machine(index).command_lines();
        lines.iter().filter(|line| line.contains(part)).count()
    }

    /// Waits until the server has begun a command with this in its line.
    pub(crate) async fn until_ran(&self, index: usize, part: &str) {
        let begun = async {
            while self.ran(index, part) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), begun)
            .await
            .unwrap_or_else(|_| panic!("`{part}` was never run on server {index}"));
    }

    /// Makes the server's WinRM port refuse connections, and waits until it does.
    pub(crate) async fn take_down(&self, index: usize) {
        self.machine(index).faults().winrm_down.set(true);
        self.until_accepting(index, false).await;
    }

    /// Makes the server's WinRM port accept connections again, and waits until it does.
    pub(crate) async fn bring_up(&self, index: usize) {
        self.machine(index).faults().winrm_down.set(false);
        self.until_accepting(index, true).await;
    }

    async fn until_accepting(&self, index: usize, wanted: bool) {
        let address = self.farm.endpoints()[index].address();
        let changed = async {
            while TcpStream::connect(address).await.is_ok() != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), changed)
            .await
            .expect("WinRM follows its switch");
    }

    /// What has to be true after every day, however bad: the password nowhere, nobody on the list ever denied.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        assert_nowhere(&self.path("state"), PASSWORD);
        for machine in self.farm.machines() {
            let denied: Vec<_> = machine
                .requests()
                .into_iter()
                .filter(|line| line.status == 403 && LISTED.contains(&line.client.to_string().as_str()))
                .collect();
            assert!(denied.is_empty(), "denied at {}: {denied:?}", machine.name());
            let lines = machine.command_lines();
            assert!(
                lines.iter().all(|line| !line.contains(PASSWORD)),
                "the password stands in a command line"
            );
        }
    }

    /// casgate has deleted every shell that it made.
    #[track_caller]
    pub(crate) fn assert_no_shells(&self) {
        for (machine, endpoint) in self.farm.machines().iter().zip(self.farm.endpoints()) {
            assert_eq!(endpoint.open_shells(), 0, "shells left on {}", machine.name());
        }
    }
}

/// The text stands in no file below the folder.
#[track_caller]
pub(crate) fn assert_nowhere(folder: &Path, text: &str) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_nowhere(&path, text);
        } else {
            let bytes = std::fs::read(&path).expect("a readable file");
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "the secret stands in {}", path.display());
        }
    }
}
