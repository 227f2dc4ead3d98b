//! A farm, a folder, and the command that works on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use casim::machine::Machine;
use casim::{Farm, FarmOptions};
use rollout::{Event, EventKind};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The password that the simulated farm knows: the canary that must stand nowhere.
pub(crate) const PASSWORD: &str = "Opera+Pass1!";

/// No test's command takes longer than this.
const PATIENCE: Duration = Duration::from_secs(90);

/// A farm, a folder, and the command that works on them.
pub(crate) struct Stage {
    pub(crate) farm: Farm,
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Everything that people could have read.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Stage {
    /// A farm of `servers`, and its inventory in a fresh folder.
    pub(crate) async fn new(servers: usize) -> Self {
        let options = FarmOptions {
            servers,
            speed: 20.0,
            seed: 7,
            ..FarmOptions::default()
        };
        let farm = Farm::start(options).await.expect("the farm starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        farm.write_inventory(&folder.path().join("farm.toml"))
            .expect("the inventory is written");
        Self { farm, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the file is written");
        path
    }

    /// The shipped playbook with times that fit a test, changed by `edit`.
    pub(crate) fn playbook(&self, edit: impl Fn(String) -> String) -> PathBuf {
        self.write("playbook.toml", &edit(PLAYBOOK.to_owned()))
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

    /// Runs the command to its end; the password must not stand in what it says.
    pub(crate) async fn casgate(&self, args: &[&str]) -> Ended {
        ended(self.command(args).spawn().expect("casgate starts")).await
    }

    /// The events of the newest run, read from disk; the password must not stand in the journal.
    pub(crate) fn events(&self) -> Vec<Event> {
        let text = std::fs::read_to_string(self.run_folder().join("journal.jsonl"))
            .expect("the journal is readable");
        assert!(!text.contains(PASSWORD), "the password stands in the journal");
        journal::read(&self.run_folder()).expect("the journal is sound")
    }

    /// The kinds of the newest run's events.
    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.events().into_iter().map(|event| event.kind).collect()
    }

    /// The newest run's folder.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let mut runs: Vec<PathBuf> = std::fs::read_dir(self.path("state").join("runs"))
            .expect("there are runs")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        runs.sort();
        runs.pop().expect("there is a run")
    }

    /// The newest run's name.
    pub(crate) fn run_name(&self) -> String {
        name(&self.run_folder())
    }
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// Waits for a child, within bounds.
pub(crate) async fn ended(child: Child) -> Ended {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("casgate ends in time")
        .expect("it ran");
    let ended = Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(
        !ended.text().contains(PASSWORD),
        "the password stands in the output:\n{}",
        ended.text()
    );
    ended
}

/// Like playbooks/restrict-activesync.toml, with times for tests.
pub(crate) const PLAYBOOK: &str = r#"
[playbook]
title = "Only the gateway may reach ActiveSync"
servers = "@eas"

[policy]
waves = [1, "50%"]
max_failures = 0
min_healthy_time = "1s"
healthy_deadline = "10s"
progress_deadline = "30s"
on_failure = "undo"

[[step]]
drain = { timeout = "5s" }

[[step]]
back_up = {}

[[step]]
install_feature = { name = "IIS-IPSecurity" }

[[step]]
restrict = { application = "Default Web Site/Microsoft-Server-ActiveSync", unlisted = "deny", existing = "replace", allow = [
  { address = "127.0.0.10", note = "the gateway" },
  { role = "loopback" }, { role = "own_addresses" }, { role = "load_balancer_probes" },
] }

[[step]]
restart_iis = { method = "iisreset", no_force = true, timeout = "20s" }

[[step]]
wait_healthy = { paths = ["/Microsoft-Server-ActiveSync/healthcheck.htm", "/owa/healthcheck.htm"] }

[[step]]
witness = { allowed_from = ["sentry1"], denied_from = ["outside"], unchanged = ["/owa/"] }

[[step]]
return_to_rotation = { timeout = "20s" }
"#;
