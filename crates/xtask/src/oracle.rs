//! `casgate` against WinRM software that this project did not write: pyspnego, MIT Kerberos and gss-ntlmssp accept its logins, OpenSSL its
//! TLS, and pywinrm and pypsrp are clients of its simulator.
//!
//! One line for each case of the matrix: login x transport x fault, and who judged it. What is not installed is said to be skipped.

mod clients;
mod judge;
mod matrix;
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree;
use matrix::{Acceptor, Transport};

/// Everything that a case needs beside its own description.
struct Bench {
    casgate: PathBuf,
    python: PathBuf,
    /// The folder with `endpoint.py`, `clients.py` and `kdc`.
    oracle: PathBuf,
    versions: Versions,
    /// Whether `casgate` has its second TLS backend.
    native_tls: bool,
    /// The realm's KDC, where there is one.
    kdc: Option<process::Kdc>,
}

/// Names and versions of the software on the other side; `None` where it is not installed.
struct Versions {
    pyspnego: String,
    clients: String,
    openssl: String,
    kerberos: Option<String>,
    gss_ntlmssp: Option<String>,
}

impl Bench {
    /// Who judges a case, by name and version; an error says what is missing.
    fn judge_of(&self, acceptor: Acceptor, transport: Transport) -> Result<String, &'static str> {
        let versions = &self.versions;
        let mut names = vec![match acceptor {
            Acceptor::Pyspnego => versions.pyspnego.clone(),
            Acceptor::Kerberos if self.kdc.is_none() => return Err("no krb5kdc"),
            Acceptor::Kerberos => versions.kerberos.clone().ok_or("no python-gssapi")?,
            Acceptor::GssNtlmssp => versions.gss_ntlmssp.clone().ok_or("no gss-ntlmssp")?,
        }];
        match transport {
            Transport::Http => {}
            Transport::Https2012R2 | Transport::Https2012R2Strict if !self.native_tls => {
                return Err("casgate was built without native-tls: perl, make or cc is missing");
            }
            _ => names.push(versions.openssl.clone()),
        }
        Ok(names.join(", "))
    }
}

/// Runs every case; prints a line each; fails when one did.
pub(crate) fn run() -> Result<(), String> {
    let (Some(oracle), Some(venv)) = (
        std::env::var_os("CASGATE_ORACLE"),
        std::env::var_os("CASGATE_ORACLE_VENV"),
    ) else {
        println!("oracle: skipped: CASGATE_ORACLE and CASGATE_ORACLE_VENV are not set");
        return Ok(());
    };
    let root = tree::root();
    let (oracle, python) = (PathBuf::from(oracle), PathBuf::from(venv).join("bin/python"));
    let native_tls = ["perl", "make", "cc"].iter().all(|program| answers(program));
    let features: &[&str] = if native_tls {
        &["--features", "native-tls"]
    } else {
        &[]
    };
    tree::run(
        &root,
        "cargo",
        &[&["build", "--quiet", "--package", "cli"], features].concat(),
        &[],
    )?;
    let versions = versions(&python)?;
    let kdc = match versions.kerberos {
        Some(_) if Path::new(process::Kdc::PROGRAM).exists() => Some(process::Kdc::start(&oracle)?),
        _ => None,
    };
    let bench = Bench {
        casgate: root.join("target/debug/casgate"),
        python,
        oracle,
        versions,
        native_tls,
        kdc,
    };
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    println!(
        "     {:<22} {:<22} {:<21} judged by",
        "login", "transport", "fault"
    );
    for case in matrix::cases() {
        let place = format!(
            "{:<22} {:<22} {:<21}",
            case.login.name(),
            case.transport.name(),
            case.fault.name()
        );
        match bench.judge_of(case.login.acceptor(), case.transport) {
            Err(missing) => {
                skipped += 1;
                println!("skip {place} skipped: {missing}");
            }
            Ok(by) => match judge::judge(&bench, &case) {
                Ok(()) => {
                    passed += 1;
                    println!("ok   {place} {by}");
                }
                Err(why) => {
                    failed += 1;
                    println!("FAIL {place} {by}: {why}");
                }
            },
        }
    }
    println!("clients of the simulator: {}", bench.versions.clients);
    match clients::run(&bench) {
        Ok(()) => passed += 1,
        Err(why) => {
            failed += 1;
            println!("FAIL pywinrm and pypsrp as clients: {why}");
        }
    }
    println!("oracle: {passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("oracle: {failed} failed"))
    }
}

/// Whether the program is there and says its version.
fn answers(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn versions(python: &Path) -> Result<Versions, String> {
    let code = "import ssl\nfrom importlib.metadata import version as v\n\
        print('pyspnego', v('pyspnego'))\nprint('pywinrm %s, pypsrp %s' % (v('pywinrm'), v('pypsrp')))\nprint(ssl.OPENSSL_VERSION)\n\
        try:\n import gssapi\n print('python-gssapi', v('gssapi'))\nexcept Exception: print('')";
    let said = said(Command::new(python).args(["-c", code]))?;
    let [pyspnego, clients, openssl, gssapi] = said.lines().collect::<Vec<_>>()[..] else {
        return Err(format!("{}: expected four lines: {said}", python.display()));
    };
    let openssl = openssl.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let gss = |library: Result<String, String>| {
        let library = library.ok().filter(|_| !gssapi.is_empty())?;
        Some(format!("{library} ({gssapi})"))
    };
    Ok(Versions {
        pyspnego: pyspnego.to_owned(),
        clients: clients.to_owned(),
        openssl,
        kerberos: gss(said_of("krb5-config", &["--version"])
            .map(|text| text.replace("Kerberos 5 release", "MIT Kerberos"))),
        // The library itself tells no version; Debian's package does.
        gss_ntlmssp: gss(said_of(
            "dpkg-query",
            &["--show", "--showformat=gss-ntlmssp ${Version}", "gss-ntlmssp"],
        )),
    })
}

fn said_of(program: &str, arguments: &[&str]) -> Result<String, String> {
    said(Command::new(program).args(arguments))
}

/// What a program prints that ends well.
fn said(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end_matches('\n')
        .to_owned())
}
