//! One case: an endpoint is started, `casgate exec` runs a command there, and both sides are asked what happened.

use std::process::Command;

use super::Bench;
use super::matrix::{Acceptor, Case, Fault, Transport};
use super::process::{Server, scratch};

const PASSWORD: &str = "Opera+Pass1!";

pub(super) fn judge(bench: &Bench, case: &Case) -> Result<(), String> {
    let name = [case.login.name(), case.transport.name(), case.fault.name()].join("-");
    let place = scratch(&format!("{:?}-{name}", case.login.acceptor()))?;
    let mut command = Command::new(&bench.python);
    command
        .arg("-u")
        .arg(bench.oracle.join("endpoint.py"))
        .args(case.login.arguments())
        .args(case.transport.arguments())
        .arg("--cert-out")
        .arg(place.join("cert.pem"))
        // Where no realm is meant, the endpoint must not find one.
        .env_remove("KRB5_CONFIG")
        .env_remove("KRB5_KTNAME");
    if case.fault != Fault::None {
        command.args(["--fault", case.fault.name()]);
    }
    let mut inventory = format!(
        "[defaults]\nauth = \"{}\"\ncredential = \"ops\"\n",
        case.login.auth()
    );
    inventory.push_str(match case.transport {
        Transport::Http => "transport = \"http\"\n",
        _ => "transport = \"https\"\nca_file = \"cert.pem\"\n",
    });
    let user = match (case.login.acceptor(), &bench.kdc) {
        (Acceptor::Kerberos, Some(kdc)) => {
            command
                .env("KRB5_CONFIG", kdc.folder.join("krb5.conf"))
                .env("KRB5_KTNAME", kdc.folder.join("http.keytab"));
            inventory.push_str(&format!(
                "realm = \"CASGATE.TEST\"\nkdc = [\"127.0.0.1:{}\"]\n",
                kdc.port
            ));
            "operator@CASGATE.TEST"
        }
        _ => r"CONTOSO\operator",
    };
    let server = Server::start(&mut command)?;
    let port = server.wait_for("LISTENING")?;
    inventory.push_str(&format!(
        "[credential.ops]\nuser = '{user}'\npassword = {{ env = \"CASGATE_PASSWORD\" }}\n\n[server.judge]\naddress = \"localhost\"\nport = {port}\n"
    ));
    let path = place.join("inventory.toml");
    std::fs::write(&path, inventory).map_err(|e| format!("{}: {e}", path.display()))?;
    let expected = case.fault.expected();
    let output = Command::new(&bench.casgate)
        .args(["exec", "judge", "-i"])
        .arg(&path)
        .args(["--", expected.command])
        .env("CASGATE_PASSWORD", PASSWORD)
        .env_remove("KRB5_CONFIG")
        .output()
        .map_err(|e| e.to_string())?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let said = server.finish();
    let complaint = complaints(case, output.status.code(), &text, &said);
    match complaint {
        None => Ok(()),
        Some(what) => Err(format!(
            "{what}\n--- casgate said\n{text}--- endpoint said\n{}",
            said.join("\n")
        )),
    }
}

/// The first thing that is not as it should be.
fn complaints(case: &Case, exit_code: Option<i32>, text: &str, said: &[String]) -> Option<String> {
    let expected = case.fault.expected();
    let count = |start: &str| said.iter().filter(|line| line.starts_with(start)).count();
    let mechanism = match case.login.acceptor() {
        Acceptor::Kerberos => "kerberos",
        Acceptor::Pyspnego | Acceptor::GssNtlmssp => "ntlm",
    };
    let logins = said.iter().filter(|line| line.starts_with("LOGIN"));
    let mut by_another = logins.filter(|line| !line.contains(mechanism));
    let last_delete = said.iter().rev().find(|line| line.starts_with("DELETED"));
    let left_behind = !last_delete.is_some_and(|line| line.ends_with(" 0"));
    if exit_code != Some(expected.exit_code) {
        Some(format!(
            "exit code {exit_code:?}, expected {}",
            expected.exit_code
        ))
    } else if !text.contains(expected.says) {
        Some(format!("`{}` is not in what casgate said", expected.says))
    } else if count("COMMAND") != expected.runs {
        Some(format!(
            "{} commands ran, expected {}",
            count("COMMAND"),
            expected.runs
        ))
    } else if text.contains(PASSWORD) {
        Some("the password stands in the output".to_owned())
    } else if count("BAD REQUEST") + count("ERROR") > 0 {
        Some("the endpoint complained".to_owned())
    } else if let Some(line) = by_another.next() {
        Some(format!("the login was another one than {mechanism}: {line}"))
    } else if left_behind && expected.runs > 0 {
        Some("a shell was left behind".to_owned())
    } else {
        None
    }
}
