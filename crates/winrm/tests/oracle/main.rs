//! The client against a WinRM endpoint that this project did not write: pyspnego logs it in and unseals its messages.
//!
//! Needs `CASGATE_ORACLE` (the folder with `endpoint.py`) and `CASGATE_ORACLE_VENV` (a Python environment with pyspnego).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use command::CommandLine;
use winrm::{AuthMethod, Endpoint, Error, Shell, Timeouts, TlsPolicy};

mod bad_days;
mod commands;
#[path = "../support/tls.rs"]
mod identity;
mod logins;
mod proxies;
#[path = "../support/proxy.rs"]
mod proxy;
mod refusals;
mod tls;

/// How long the endpoint may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any command of these tests takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A running `endpoint.py`.
struct Oracle {
    child: Child,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
    port: u16,
    /// Where it wrote its certificate.
    certificate: Option<tempfile::NamedTempFile>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the oracle is found through the environment only"
)]
fn place(variable: &str) -> Option<PathBuf> {
    let place = std::env::var_os(variable).map(PathBuf::from);
    if place.is_none() {
        println!("skipped: {variable} is not set");
    }
    place
}

impl Oracle {
    /// Whether python-gssapi and gss-ntlmssp are installed.
    fn has_gss_ntlmssp() -> bool {
        let Some(venv) = place("CASGATE_ORACLE_VENV") else {
            return false;
        };
        let code = "import gssapi\nassert gssapi.OID.from_int_seq('1.3.6.1.4.1.311.2.2.10') in gssapi.raw.indicate_mechs()";
        let mut python = Command::new(venv.join("bin/python"));
        let found = python
            .args(["-c", code])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success());
        if !found {
            println!("skipped: gss-ntlmssp or python-gssapi is not installed");
        }
        found
    }

    /// Starts it; `None` where there is no oracle.
    fn start(arguments: &[&str]) -> Option<Self> {
        let script = place("CASGATE_ORACLE")?.join("endpoint.py");
        let python = place("CASGATE_ORACLE_VENV")?.join("bin/python");
        let mut process = Command::new(python);
        process.arg(script).args(arguments).stdout(Stdio::piped());
        let certificate = arguments
            .contains(&"--tls")
            .then(|| tempfile::NamedTempFile::new().unwrap());
        if let Some(file) = &certificate {
            process.arg("--cert-out").arg(file.path());
        }
        let mut child = process.spawn().unwrap();
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                heard.0.lock().unwrap().push(line);
                heard.1.notify_all();
            }
        });
        let mut oracle = Self {
            child,
            said,
            port: 0,
            certificate,
        };
        oracle.port = oracle
            .wait_for("LISTENING")
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        Some(oracle)
    }

    /// Waits for a line that starts so.
    fn wait_for(&self, start: &str) -> String {
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|line| line.starts_with(start));
        let lines = self.said.0.lock().unwrap();
        let (lines, timeout) = self.said.1.wait_timeout_while(lines, PATIENCE, missing).unwrap();
        assert!(
            !timeout.timed_out(),
            "the endpoint never said {start}: {lines:#?}"
        );
        lines.iter().find(|line| line.starts_with(start)).unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.said.0.lock().unwrap().clone()
    }

    /// How many lines it said that start so.
    fn count(&self, start: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(start)).count()
    }

    /// It said, or is about to say, that many lines that start so.
    fn expect_count(&self, start: &str, count: usize) {
        let missing =
            |lines: &mut Vec<String>| lines.iter().filter(|line| line.starts_with(start)).count() != count;
        let lines = self.said.0.lock().unwrap();
        let (lines, timeout) = self.said.1.wait_timeout_while(lines, PATIENCE, missing).unwrap();
        assert!(!timeout.timed_out(), "expected {start} {count} times: {lines:#?}");
    }

    /// Nothing was left behind, and nothing was refused as malformed.
    fn expect_clean(&self) {
        self.wait_for("DELETED shells left 0");
        self.expect_well_formed();
    }

    /// Nothing was refused as malformed.
    fn expect_well_formed(&self) {
        let lines = self.lines();
        assert!(
            !lines.iter().any(|line| line.starts_with("BAD REQUEST")),
            "{lines:#?}"
        );
    }

    fn endpoint(&self, auth: AuthMethod) -> Endpoint {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        Endpoint {
            url: format!("{scheme}://localhost:{}/wsman", self.port)
                .parse()
                .unwrap(),
            auth,
            credentials: auth::Credentials::new(r"CONTOSO\operator", auth::Secret::from("Opera+Pass1!")),
            tls: TlsPolicy {
                ca: self
                    .certificate
                    .as_ref()
                    .map(|file| std::fs::read(file.path()).unwrap()),
                ..TlsPolicy::default()
            },
            kerberos: winrm::KerberosPolicy::default(),
            allow_unencrypted: false,
            proxy: None,
            timeouts: Timeouts::default(),
            locale: "en-US".to_owned(),
        }
    }

    async fn shell(&self, auth: AuthMethod) -> Result<Shell, Error> {
        Shell::open(Arc::new(self.endpoint(auth))).await
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The endpoint runs lines with /bin/sh.
fn line(text: &str) -> CommandLine {
    CommandLine::raw(text).unwrap()
}

/// Runs one line in a shell of its own.
async fn run(oracle: &Oracle, auth: AuthMethod, text: &str) -> Result<command::Output, Error> {
    let mut shell = oracle.shell(auth).await?;
    let output = shell.execute(&line(text), None, LIMIT, &mut |_, _| {}).await;
    shell.close().await?;
    output
}
