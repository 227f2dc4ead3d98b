//! `casgate` against WinRM software that this project did not write: pyspnego's acceptor as the server, pywinrm and pypsrp as clients.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tree;

/// What casgate must say and do in one case.
struct Case {
    name: &'static str,
    endpoint: &'static [&'static str],
    transport: &'static str,
    auth: &'static str,
    command: &'static str,
    exit_code: i32,
    says: &'static str,
    commands_run: usize,
}

const fn case(name: &'static str, endpoint: &'static [&'static str], auth: &'static str) -> Case {
    Case {
        name,
        endpoint,
        transport: "http",
        auth,
        command: "echo casgate; exit 7",
        exit_code: 7,
        says: "casgate",
        commands_run: 1,
    }
}

const CASES: &[Case] = &[
    case("ntlm over http, sealed", &["--auth", "ntlm"], "ntlm"),
    case(
        "negotiate over http, sealed",
        &["--auth", "negotiate"],
        "negotiate",
    ),
    Case {
        transport: "https",
        ..case("basic over https", &["--auth", "basic", "--tls"], "basic")
    },
    Case {
        transport: "https",
        ..case("ntlm over https", &["--auth", "ntlm", "--tls"], "ntlm")
    },
    Case {
        transport: "https",
        ..case(
            "ntlm over https, strict channel binding",
            &["--auth", "ntlm", "--tls", "--cbt", "strict"],
            "ntlm",
        )
    },
    case(
        "one byte at a time",
        &["--auth", "ntlm", "--fault", "one-byte-chunks"],
        "ntlm",
    ),
    Case {
        command: "sleep 3; echo casgate; exit 7",
        ..case(
            "silent receives (TimedOut faults)",
            &["--auth", "ntlm", "--fault", "silent-receive"],
            "ntlm",
        )
    },
    case(
        "401 on a sealed request, once",
        &["--auth", "ntlm", "--fault", "unauthenticate-once"],
        "ntlm",
    ),
    Case {
        exit_code: 1,
        says: "clear",
        commands_run: 0,
        ..case(
            "clear reply fails closed",
            &["--auth", "ntlm", "--fault", "clear-reply"],
            "ntlm",
        )
    },
    Case {
        exit_code: 1,
        says: "outcome unknown",
        ..case(
            "lost reply to Command",
            &["--auth", "ntlm", "--fault", "drop-after-command"],
            "ntlm",
        )
    },
    Case {
        exit_code: 1,
        says: "3221225786",
        command: "echo casgate",
        ..case(
            "exit code 0xC000013A",
            &["--auth", "ntlm", "--fault", "exit-code-3221225786"],
            "ntlm",
        )
    },
];

/// Runs every case; prints a line each; fails when one did.
pub(crate) fn run() -> Result<(), String> {
    let (Some(folder), Some(venv)) = (
        std::env::var_os("CASGATE_ORACLE"),
        std::env::var_os("CASGATE_ORACLE_VENV"),
    ) else {
        println!("oracle: skipped: CASGATE_ORACLE and CASGATE_ORACLE_VENV are not set");
        return Ok(());
    };
    let folder = PathBuf::from(folder);
    let python = PathBuf::from(venv).join("bin/python");
    let root = tree::root();
    tree::run(&root, "cargo", &["build", "--quiet", "--package", "cli"], &[])?;
    let casgate = root.join("target/debug/casgate");
    println!("oracle: {}", versions(&python)?);
    let mut failed = 0;
    for case in CASES {
        match judge(&casgate, &python, &folder, case) {
            Ok(()) => println!("ok   {}", case.name),
            Err(why) => {
                failed += 1;
                println!("FAIL {}: {why}", case.name);
            }
        }
    }
    if let Err(why) = foreign_clients(&casgate, &python, &folder) {
        failed += 1;
        println!("FAIL pywinrm and pypsrp as clients: {why}");
    }
    println!("{} passed, {failed} failed", CASES.len() + 1 - failed);
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("oracle: {failed} failed"))
    }
}

fn versions(python: &Path) -> Result<String, String> {
    let code = "from importlib.metadata import version as v; print(*[f'{p} {v(p)}' for p in ('pyspnego', 'pywinrm', 'pypsrp')], sep=', ')";
    let output = Command::new(python)
        .args(["-c", code])
        .output()
        .map_err(|e| format!("{}: {e}", python.display()))?;
    if !output.status.success() {
        return Err(format!(
            "{}: {}",
            python.display(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A child process that is ended when its value is dropped.
struct Server {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Server {
    fn start(command: &mut Command) -> Result<Self, String> {
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
    fn wait_for(&self, start: &str) -> Result<String, String> {
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
    fn finish(mut self) -> Vec<String> {
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

fn scratch(name: &str) -> Result<PathBuf, String> {
    let folder = tree::root()
        .join("target/oracle")
        .join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

fn judge(casgate: &Path, python: &Path, folder: &Path, case: &Case) -> Result<(), String> {
    let place = scratch(case.name)?;
    let mut command = Command::new(python);
    command
        .arg("-u")
        .arg(folder.join("endpoint.py"))
        .args(case.endpoint)
        .arg("--cert-out")
        .arg(place.join("cert.pem"));
    let server = Server::start(&mut command)?;
    let port = server.wait_for("LISTENING")?;
    let ca = if case.transport == "https" {
        "ca_file = \"cert.pem\"\n"
    } else {
        ""
    };
    let inventory = format!(
        "[defaults]\ntransport = \"{}\"\nauth = \"{}\"\ncredential = \"ops\"\n{ca}\n[credential.ops]\nuser = 'CONTOSO\\operator'\n\
         password = {{ env = \"CASGATE_PASSWORD\" }}\n\n[server.judge]\naddress = \"localhost\"\nport = {port}\n",
        case.transport, case.auth
    );
    let path = place.join("inventory.toml");
    std::fs::write(&path, inventory).map_err(|e| format!("{}: {e}", path.display()))?;
    let output = Command::new(casgate)
        .args(["exec", "judge", "-i"])
        .arg(&path)
        .args(["--", case.command])
        .env("CASGATE_PASSWORD", "Opera+Pass1!")
        .output()
        .map_err(|e| e.to_string())?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let said = server.finish();
    let commands = said.iter().filter(|l| l.starts_with("COMMAND")).count();
    let expect = |ok: bool, what: String| {
        if ok {
            Ok(())
        } else {
            Err(format!(
                "{what}\n--- casgate said\n{text}--- endpoint said\n{}",
                said.join("\n")
            ))
        }
    };
    expect(
        output.status.code() == Some(case.exit_code),
        format!(
            "exit code {:?}, expected {}",
            output.status.code(),
            case.exit_code
        ),
    )?;
    expect(
        text.contains(case.says),
        format!("`{}` is not in what casgate said", case.says),
    )?;
    expect(
        commands == case.commands_run,
        format!("{commands} commands ran, expected {}", case.commands_run),
    )?;
    expect(
        !text.contains("Opera+Pass1!"),
        "the password stands in the output".to_owned(),
    )?;
    expect(
        !said
            .iter()
            .any(|l| l.starts_with("BAD REQUEST") || l.starts_with("ERROR")),
        "the endpoint complained".to_owned(),
    )?;
    let deleted = said.iter().rev().find(|l| l.starts_with("DELETED"));
    expect(
        deleted.is_some_and(|l| l.ends_with(" 0")) || case.commands_run == 0,
        "a shell was left behind".to_owned(),
    )
}

/// `clients.py` against `casgate simulate`.
fn foreign_clients(casgate: &Path, python: &Path, folder: &Path) -> Result<(), String> {
    let place = scratch("clients")?;
    let inventory = place.join("inventory.toml");
    let mut command = Command::new(casgate);
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
    let mut child = Command::new(python)
        .arg("-u")
        .arg(folder.join("clients.py"))
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
