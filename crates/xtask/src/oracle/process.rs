//! Child processes that end with the value that stands for them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tree;

/// A child process that is ended when its value is dropped.
pub(super) struct Server {
    pub(super) child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Server {
    pub(super) fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|l| sender.send(l))
        });
        Ok(Self { child, lines })
    }

    /// The first line that begins so, within 20 seconds.
    pub(super) fn wait_for(&self, start: &str) -> Result<String, String> {
        let until = Instant::now() + Duration::from_secs(20);
        while let Ok(line) = self
            .lines
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if let Some(rest) = line.strip_prefix(start) {
                return Ok(rest.trim().to_owned());
            }
        }
        Err(format!("the server never said `{start}`"))
    }

    /// Ends the server and returns what it said since.
    pub(super) fn finish(mut self) -> Vec<String> {
        std::thread::sleep(Duration::from_millis(300));
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.lines.iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn scratch(name: &str) -> Result<PathBuf, String> {
    let folder = tree::root()
        .join("target/oracle")
        .join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// MIT's KDC on loopback, with a user and service keys.
pub(super) struct Kdc {
    script: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) port: u16,
}

impl Kdc {
    pub(super) const PROGRAM: &'static str = "/usr/sbin/krb5kdc";

    pub(super) fn start(oracle: &Path) -> Result<Self, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|e| e.to_string())?
            .port();
        let kdc = Self {
            script: oracle.join("kdc"),
            folder: scratch("kdc")?,
            port,
        };
        kdc.call("start", &port.to_string())?;
        Ok(kdc)
    }

    fn call(&self, word: &str, port: &str) -> Result<(), String> {
        let status = Command::new(&self.script)
            .arg(word)
            .arg(&self.folder)
            .arg(port)
            .stdout(Stdio::null())
            .status()
            .map_err(|e| format!("{}: {e}", self.script.display()))?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} {word}: {status}", self.script.display())),
        }
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = self.call("stop", "");
    }
}
