//! The HAProxy of the distribution in front of the simulated farm.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use casim::Farm;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};

/// A running HAProxy that passes TLS through to the farm's front ends and checks their health pages. Ends when dropped.
pub(crate) struct Haproxy {
    _child: Child,
    socket: PathBuf,
    /// Where clients connect to.
    pub(crate) vip: SocketAddr,
}

impl Haproxy {
    /// `None`, and a word about it, where there is no HAProxy on the `PATH`. Files go into `folder`, where the farm's authority is
    /// (`farm-ca.pem`).
    pub(crate) async fn start(farm: &Farm, folder: &Path) -> Option<Self> {
        let version = Command::new("haproxy").arg("-v").output().await;
        let Ok(version) = version else {
            println!("skipped: no haproxy on the PATH");
            return None;
        };
        println!(
            "{}",
            String::from_utf8_lossy(&version.stdout)
                .lines()
                .next()
                .unwrap_or_default()
        );
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let socket = folder.join("haproxy.sock");
        let entrance = farm.entrance();
        let mut text = format!(
            "global\n  stats socket {socket} mode 600 level admin\n\
             defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout check 5s\n\
             frontend vip\n  bind 127.0.0.1:{port}\n  default_backend eas\n\
             backend eas\n  balance leastconn\n\
             \x20 option httpchk GET /Microsoft-Server-ActiveSync/healthcheck.htm\n\
             \x20 http-check send hdr Host {host}\n  http-check expect status 200\n\
             \x20 default-server check check-ssl ca-file {ca} verify required verifyhost {host} inter 100ms rise 2 fall 3\n",
            socket = socket.display(),
            host = entrance.host,
            ca = folder.join("farm-ca.pem").display(),
        );
        for (machine, front_end) in farm.machines().iter().zip(farm.front_ends()) {
            let name = machine.name().to_lowercase();
            text.push_str(&format!("  server {name} {}\n", front_end.address()));
        }
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, text).expect("the configuration is written");
        let child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("HAProxy starts");
        let haproxy = Self {
            _child: child,
            socket,
            vip: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        let all_up = async {
            loop {
                if UnixStream::connect(&haproxy.socket).await.is_ok() {
                    let states: Vec<String> = haproxy
                        .column("status")
                        .await
                        .into_iter()
                        .map(|(_, s)| s)
                        .collect();
                    if states.len() == farm.machines().len() && states.iter().all(|state| state == "UP") {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all_up)
            .await
            .expect("HAProxy sees every server up");
        Some(haproxy)
    }

    /// `socket` of an inventory.
    pub(crate) fn socket(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// One line of commands, and all that comes back.
    pub(crate) async fn ask(&self, line: &str) -> String {
        let stream = UnixStream::connect(&self.socket).await.expect("the runtime API");
        converse(stream, line).await
    }

    /// A column of `show stat`, by server.
    pub(crate) async fn column(&self, name: &str) -> Vec<(String, String)> {
        column(&self.ask("show stat -1 4 -1").await, name)
    }
}

/// Sends a line and reads to the end.
pub(crate) async fn converse(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, line: &str) -> String {
    stream
        .write_all(format!("{line}\n").as_bytes())
        .await
        .expect("the line is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A column of a `show stat` table, by server. No cell of these tables has a comma inside.
pub(crate) fn column(table: &str, name: &str) -> Vec<(String, String)> {
    let mut lines = table.lines().filter(|line| !line.is_empty());
    let header = lines.next().unwrap_or_default().trim_start_matches(['#', ' ']);
    let position = |name: &str| header.split(',').position(|cell| cell == name);
    let (Some(server), Some(wanted)) = (position("svname"), position(name)) else {
        return Vec::new();
    };
    lines
        .map(|line| {
            let cell = |at: usize| line.split(',').nth(at).unwrap_or_default().to_owned();
            (cell(server), cell(wanted))
        })
        .collect()
}
