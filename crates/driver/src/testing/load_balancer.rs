//! HAProxy's runtime API over a small table of servers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One server as the stand-in knows it.
#[derive(Clone, Debug)]
struct Server {
    admin: String,
    checks_say: &'static str,
    connections: u64,
}

/// A load balancer with backend `eas` and servers cas01 and cas02, both up and idle.
pub(crate) struct LoadBalancer {
    pub(crate) socket: String,
    servers: Arc<Mutex<BTreeMap<String, Server>>>,
    serving: JoinHandle<()>,
}

impl LoadBalancer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = format!("tcp://{}", listener.local_addr().unwrap());
        let fresh = Server {
            admin: "ready".to_owned(),
            checks_say: "UP",
            connections: 0,
        };
        let servers = ["cas01", "cas02"].map(|name| (name.to_owned(), fresh.clone()));
        let servers = Arc::new(Mutex::new(BTreeMap::from(servers)));
        let table = Arc::clone(&servers);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let answer = answer(&mut table.lock().unwrap(), line.trim_end());
                stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self {
            socket,
            servers,
            serving,
        }
    }

    /// What the last `set server … state` made of it.
    pub(crate) fn admin_state(&self, server: &str) -> String {
        self.servers.lock().unwrap()[server].admin.clone()
    }

    pub(crate) fn set_admin(&self, server: &str, state: &str) {
        self.with(server, |server| server.admin = state.to_owned());
    }

    pub(crate) fn set_checks(&self, server: &str, say: &'static str) {
        self.with(server, |server| server.checks_say = say);
    }

    pub(crate) fn set_connections(&self, server: &str, connections: u64) {
        self.with(server, |server| server.connections = connections);
    }

    fn with(&self, server: &str, change: impl FnOnce(&mut Server)) {
        change(self.servers.lock().unwrap().get_mut(server).unwrap());
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(servers: &mut BTreeMap<String, Server>, line: &str) -> String {
    line.split(';')
        .map(|command| carry_out(servers, command))
        .collect()
}

fn carry_out(servers: &mut BTreeMap<String, Server>, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["show", "stat", ..] => {
            let mut table = "# pxname,svname,scur,status,weight,bck\n".to_owned();
            for (name, server) in servers {
                let status = match (server.admin.as_str(), server.checks_say) {
                    ("maint", _) => "MAINT",
                    ("drain", "UP") => "DRAIN",
                    (_, checks) => checks,
                };
                let _ = writeln!(table, "eas,{name},{},{status},1,0", server.connections);
            }
            table + "\n"
        }
        ["show", "servers", "state"] => {
            let mut table = "1\n# be_name srv_name srv_admin_state\n".to_owned();
            for (name, server) in servers {
                let admin = match server.admin.as_str() {
                    "maint" => 1,
                    "drain" => 8,
                    _ => 0,
                };
                let _ = writeln!(table, "eas {name} {admin}");
            }
            table + "\n"
        }
        ["set", "server", server, "state", state] => {
            match servers.get_mut(server.trim_start_matches("eas/")) {
                Some(server) => {
                    server.admin = state.to_owned();
                    "\n".to_owned()
                }
                None => "No such server.\n".to_owned(),
            }
        }
        _ => "Unknown command.\n".to_owned(),
    }
}
