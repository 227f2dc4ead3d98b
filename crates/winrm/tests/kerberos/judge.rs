//! A KDC and an endpoint that trusts it, both on loopback.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use winrm::{AuthMethod, Endpoint, KerberosPolicy, Timeouts, TlsPolicy};

use crate::{PASSWORD, USER, kdc, place};

/// How long the endpoint may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Judge {
    folder: tempfile::TempDir,
    script: PathBuf,
    endpoint: Child,
    said: Arc<Mutex<Vec<String>>>,
    kdc_port: u16,
    port: u16,
    tls: bool,
}

impl Judge {
    /// Starts both; `None` where there is no oracle.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let oracle = place("CASGATE_ORACLE")?;
        let python = place("CASGATE_ORACLE_VENV")?.join("bin/python");
        if !Path::new("/usr/sbin/krb5kdc").exists() {
            println!("skipped: krb5kdc is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = oracle.join("kdc");
        let kdc_port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let port = kdc_port.to_string();
        assert!(kdc(
            &script,
            &["start".as_ref(), folder.path().as_os_str(), port.as_ref()]
        ));
        let mut endpoint = Command::new(python)
            .arg("-u")
            .arg(oracle.join("endpoint.py"))
            .args(arguments)
            .arg("--cert-out")
            .arg(folder.path().join("certificate.pem"))
            .env("KRB5_CONFIG", folder.path().join("krb5.conf"))
            .env("KRB5_KTNAME", folder.path().join("http.keytab"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (heard, stdout) = (Arc::clone(&said), endpoint.stdout.take().unwrap());
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.for_each(|line| heard.lock().unwrap().push(line));
        });
        let mut judge = Self {
            folder,
            script,
            endpoint,
            said,
            kdc_port,
            port: 0,
            tls: arguments.contains(&"--tls"),
        };
        judge.port = judge.wait_for_port();
        Some(judge)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the endpoint is waited for in real time"
    )]
    fn wait_for_port(&self) -> u16 {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let lines = self.lines();
            if let Some(port) = lines.iter().find_map(|line| line.strip_prefix("LISTENING ")) {
                return port.parse().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the endpoint never listened: {:#?}", self.lines())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// The `krb5.conf` of the realm.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("krb5.conf")
    }

    pub(crate) fn endpoint(&self, auth: AuthMethod) -> Endpoint {
        let scheme = if self.tls { "https" } else { "http" };
        let certificate = || std::fs::read(self.folder.path().join("certificate.pem")).unwrap();
        Endpoint {
            url: format!("{scheme}://localhost:{}/wsman", self.port)
                .parse()
                .unwrap(),
            auth,
            credentials: auth::Credentials::new(USER, auth::Secret::from(PASSWORD)),
            tls: TlsPolicy {
                ca: self.tls.then(certificate),
                ..TlsPolicy::default()
            },
            kerberos: KerberosPolicy {
                realm: Some("CASGATE.TEST".to_owned()),
                kdcs: vec![format!("127.0.0.1:{}", self.kdc_port)],
                ..KerberosPolicy::default()
            },
            allow_unencrypted: false,
            proxy: None,
            timeouts: Timeouts::default(),
            locale: "en-US".to_owned(),
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.endpoint.kill();
        let _ = self.endpoint.wait();
        kdc(&self.script, &["stop".as_ref(), self.folder.path().as_os_str()]);
    }
}
