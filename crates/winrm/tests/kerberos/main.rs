//! The client with Kerberos: a MIT KDC gives the tickets, and an endpoint that this project did not write takes them.
//!
//! Needs `CASGATE_ORACLE` (the folder with `endpoint.py` and `kdc`), `CASGATE_ORACLE_VENV` (a Python environment with pyspnego and
//! python-gssapi), and MIT's krb5kdc.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command::CommandLine;
use winrm::{AuthMethod, Connection, Endpoint, ErrorKind, KerberosPolicy, Shell};

mod judge;

use judge::Judge;

const USER: &str = "operator";
const PASSWORD: &str = "Opera+Pass1!";

/// Runs one line in a shell of its own and checks all that came back.
async fn says_hello(judge: &Judge, endpoint: Endpoint) {
    let mut shell = Shell::open(Arc::new(endpoint)).await.unwrap();
    let line = CommandLine::raw("echo hello; echo oops >&2; exit 7").unwrap();
    let limit = Duration::from_secs(60);
    let output = shell.execute(&line, None, limit, &mut |_, _| {}).await.unwrap();
    shell.close().await.unwrap();
    assert_eq!(
        (
            output.exit_code,
            output.stdout.as_slice(),
            output.stderr.as_slice()
        ),
        (7, b"hello\n".as_slice(), b"oops\n".as_slice())
    );
    let said = judge.lines();
    assert!(
        !said
            .iter()
            .any(|line| line.starts_with("BAD REQUEST") || line.starts_with("ERROR")),
        "{said:#?}"
    );
    assert!(
        said.iter().any(|line| line == "DELETED shells left 0"),
        "{said:#?}"
    );
}

#[tokio::test]
async fn kerberos_over_http_is_sealed() {
    let Some(judge) = Judge::start(&["--auth", "kerberos"]) else {
        return;
    };
    let endpoint = judge.endpoint(AuthMethod::Kerberos);
    let connection = Connection::open(&endpoint).await.unwrap();
    assert_eq!(
        (connection.scheme(), connection.mechanism()),
        ("kerberos", "kerberos")
    );
    says_hello(&judge, endpoint).await;
    assert!(
        judge
            .lines()
            .iter()
            .any(|line| line == "LOGIN operator@CASGATE.TEST kerberos")
    );
}

#[tokio::test]
async fn negotiate_chooses_kerberos_where_a_realm_is_known() {
    let Some(judge) = Judge::start(&["--auth", "negotiate"]) else {
        return;
    };
    let endpoint = judge.endpoint(AuthMethod::Negotiate);
    let connection = Connection::open(&endpoint).await.unwrap();
    assert_eq!(
        (connection.scheme(), connection.mechanism()),
        ("negotiate", "kerberos")
    );
    assert_eq!(connection.kerberos_failure(), None);
    says_hello(&judge, endpoint).await;
    assert!(
        judge
            .lines()
            .iter()
            .any(|line| line == "LOGIN operator@CASGATE.TEST kerberos")
    );
}

#[tokio::test]
async fn negotiate_falls_back_to_ntlm_and_says_why() {
    let Some(judge) = Judge::start(&["--auth", "negotiate"]) else {
        return;
    };
    let mut endpoint = judge.endpoint(AuthMethod::Negotiate);
    r"CONTOSO\operator".clone_into(&mut endpoint.credentials.user);
    endpoint.kerberos.service = Some("nothing".to_owned());
    let connection = Connection::open(&endpoint).await.unwrap();
    assert_eq!(connection.mechanism(), "ntlm");
    let why = connection.kerberos_failure().unwrap();
    assert!(
        why.contains("nothing/localhost") && why.contains("KDC_ERR_S_PRINCIPAL_UNKNOWN, 7"),
        "{why}"
    );
    says_hello(&judge, endpoint).await;
}

#[tokio::test]
async fn the_machine_s_settings_name_realm_and_kdc() {
    let Some(judge) = Judge::start(&["--auth", "kerberos"]) else {
        return;
    };
    let (settings, complaints) = winrm::read_krb5_conf(&[judge.config()]);
    assert!(complaints.is_empty(), "{complaints:?}");
    let mut endpoint = judge.endpoint(AuthMethod::Kerberos);
    endpoint.kerberos = KerberosPolicy {
        settings: Arc::new(settings),
        ..KerberosPolicy::default()
    };
    says_hello(&judge, endpoint).await;
}

#[tokio::test]
async fn the_service_s_host_can_be_overridden() {
    let Some(judge) = Judge::start(&["--auth", "kerberos"]) else {
        return;
    };
    let mut endpoint = judge.endpoint(AuthMethod::Kerberos);
    endpoint.url = endpoint
        .url
        .as_str()
        .replace("localhost", "127.0.0.1")
        .parse()
        .unwrap();
    let error = Connection::open(&endpoint).await.unwrap_err();
    assert!(
        chain(&error).contains("KDC_ERR_S_PRINCIPAL_UNKNOWN, 7"),
        "{}",
        chain(&error)
    );
    assert!(error.hint().unwrap().contains("setspn"));
    endpoint.kerberos.host = Some("localhost".to_owned());
    says_hello(&judge, endpoint).await;
}

#[tokio::test]
async fn over_tls_the_channel_binding_is_the_certificate_s() {
    for (word, auth) in [
        ("kerberos", AuthMethod::Kerberos),
        ("negotiate", AuthMethod::Negotiate),
    ] {
        let Some(judge) = Judge::start(&["--auth", word, "--tls", "--cbt", "strict"]) else {
            return;
        };
        let endpoint = judge.endpoint(auth);
        let connection = Connection::open(&endpoint).await.unwrap();
        assert_eq!(connection.mechanism(), "kerberos");
        says_hello(&judge, endpoint).await;
    }
}

#[tokio::test]
async fn errors_keep_the_kdc_s_code_and_no_password() {
    let Some(judge) = Judge::start(&["--auth", "kerberos"]) else {
        return;
    };
    let mut wrong = judge.endpoint(AuthMethod::Kerberos);
    wrong.credentials.password = auth::Secret::from("N0t-It");
    let mut nobody = judge.endpoint(AuthMethod::Kerberos);
    "nobody".clone_into(&mut nobody.credentials.user);
    let mut nowhere = judge.endpoint(AuthMethod::Kerberos);
    nowhere.kerberos = KerberosPolicy::default();
    let mut silent = judge.endpoint(AuthMethod::Kerberos);
    silent.kerberos.kdcs = vec!["127.0.0.1:9".to_owned()];
    for (endpoint, text, kind) in [
        (wrong, "wrong password", ErrorKind::LoginRefused),
        (nobody, "KDC_ERR_C_PRINCIPAL_UNKNOWN, 6", ErrorKind::LoginRefused),
        (
            nowhere,
            "expected a realm for \"operator\"",
            ErrorKind::LoginRefused,
        ),
        (
            silent,
            "no KDC of CASGATE.TEST answers: 127.0.0.1:9",
            ErrorKind::Unreachable,
        ),
    ] {
        let error = Connection::open(&endpoint).await.unwrap_err();
        let told = chain(&error);
        assert!(told.contains(text), "{told}");
        assert_eq!(error.kind(), kind, "{told}");
        assert!(!format!("{told} {error:?}").contains("N0t-It"));
    }
    assert_eq!(
        judge
            .lines()
            .iter()
            .filter(|line| line.starts_with("LOGIN"))
            .count(),
        0
    );
}

/// An error and all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|source| format!(": {}", chain(source)));
    format!("{error}{}", cause.unwrap_or_default())
}

fn place(variable: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the judges are found through the environment"
    )]
    let place = std::env::var_os(variable).map(PathBuf::from);
    if place.is_none() {
        println!("skipped: {variable} is not set");
    }
    place
}

/// Runs the oracle's script.
fn kdc(script: &Path, arguments: &[&std::ffi::OsStr]) -> bool {
    Command::new("bash")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}
