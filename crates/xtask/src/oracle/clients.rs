//! Foreign clients against the simulator: `clients.py` (pywinrm and pypsrp) speaks to `casgate simulate`.

use std::io::Read;
use std::process::{Command, Stdio};

use super::Bench;
use super::process::{Server, scratch};

/// `clients.py` against `casgate simulate`.
pub(super) fn run(bench: &Bench) -> Result<(), String> {
    let place = scratch("clients")?;
    let inventory = place.join("inventory.toml");
    let mut command = Command::new(&bench.casgate);
    command
        .args(["simulate", "--servers", "1", "--speed", "4", "--write-inventory"])
        .arg(&inventory);
    let mut server = Server::start(&mut command)?;
    server.wait_for("ready")?;
    let text = std::fs::read_to_string(&inventory).map_err(|e| format!("{}: {e}", inventory.display()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|e| format!("{}: {e}", inventory.display()))?;
    let port = table
        .get("server")
        .and_then(toml::Value::as_table)
        .and_then(|servers| servers.values().next())
        .and_then(|server| server.get("port"))
        .and_then(toml::Value::as_integer)
        .ok_or("the written inventory names no port")?;
    let mut child = Command::new(&bench.python)
        .arg("-u")
        .arg(bench.oracle.join("clients.py"))
        .args([
            "--port",
            &port.to_string(),
            "--user",
            r"CONTOSO\operator",
            "--password",
            "Opera+Pass1!",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut said);
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    let _ = server.child.kill();
    print!("{said}");
    if status.success() {
        Ok(())
    } else {
        Err(format!("clients.py: {status}"))
    }
}
