//! A MIT KDC on loopback, started by the oracle's script, or by the same means for a second realm.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) const REALM: &str = "CASGATE.TEST";
pub(super) const PASSWORD: &str = "Opera+Pass1!";

pub(super) struct Kdc {
    folder: tempfile::TempDir,
    port: u16,
    realm: String,
}

/// The oracle's folder and its Python, where both are there and a KDC is installed.
pub(super) fn oracle() -> Option<(PathBuf, PathBuf)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the judges are found through the environment"
    )]
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(folder), Some(venv)) = (path("CASGATE_ORACLE"), path("CASGATE_ORACLE_VENV")) else {
        println!("skipped: CASGATE_ORACLE and CASGATE_ORACLE_VENV are not set");
        return None;
    };
    if !Path::new("/usr/sbin/krb5kdc").exists() {
        println!("skipped: krb5kdc is not installed");
        return None;
    }
    Some((folder, venv.join("bin/python")))
}

impl Kdc {
    pub(super) fn start() -> Option<Self> {
        Self::start_named(REALM)
    }

    /// The oracle's script knows one realm; another is made of a copy of it.
    pub(super) fn start_named(realm: &str) -> Option<Self> {
        let (oracle, _) = oracle()?;
        let folder = tempfile::tempdir().unwrap();
        let script = std::fs::read_to_string(oracle.join("kdc")).unwrap();
        // MIT gives out no session keys of RC4 unless it is allowed to.
        let script = script
            .replace(
                "[libdefaults]\n",
                "[libdefaults]\n  allow_rc4 = true\n  allow_weak_crypto = true\n",
            )
            .replace(REALM, realm);
        let path = folder.path().join("kdc");
        std::fs::write(&path, script).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let done = Command::new("bash")
            .arg(&path)
            .arg("start")
            .args([folder.path().as_os_str(), port.to_string().as_ref()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "the KDC did not start");
        Some(Self {
            folder,
            port,
            realm: realm.to_owned(),
        })
    }

    pub(super) fn realm(&self) -> &str {
        &self.realm
    }

    pub(super) fn keytab(&self) -> String {
        self.folder.path().join("http.keytab").display().to_string()
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("krb5.conf")
    }

    pub(super) fn admin(&self, query: &str) {
        let output = Command::new("/usr/sbin/kadmin.local")
            .args(["-r", &self.realm, "-q", query])
            .env("KRB5_CONFIG", self.config())
            .env("KRB5_KDC_PROFILE", self.folder.path().join("kdc.conf"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let complaint = said
            .lines()
            .find(|line| !line.contains("defaulting to no policy") && !line.trim().is_empty());
        assert!(output.status.success() && complaint.is_none(), "{query}: {said}");
    }

    /// One message over TCP and its answer.
    pub(super) fn ask(&self, message: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
            .write_all(&u32::try_from(message.len()).unwrap().to_be_bytes())
            .unwrap();
        stream.write_all(message).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut answer).unwrap();
        answer
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = Command::new("bash")
            .arg(self.folder.path().join("kdc"))
            .arg("stop")
            .arg(self.folder.path())
            .status();
    }
}
