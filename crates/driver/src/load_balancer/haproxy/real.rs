//! Against the HAProxy of the distribution, where it is installed: what it says is what casgate reads.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::net::UnixStream;

use super::*;
use crate::load_balancer::member::Standing;

const LIMIT: Duration = Duration::from_secs(5);

/// A running HAProxy with a runtime API of each level, two backends, and servers of which only one has somebody listening.
struct Real {
    child: Child,
    folder: tempfile::TempDir,
    /// Where cas01 listens while it is up.
    port: u16,
    listening: Option<TcpListener>,
}

impl Real {
    /// `None` where there is no HAProxy on the `PATH`.
    async fn start() -> Option<Self> {
        let version = Command::new("haproxy").arg("-v").stdout(Stdio::null()).status();
        if version.is_err() {
            println!("skipped: no haproxy on the PATH");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listening.local_addr().unwrap().port();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let configuration = format!(
            "global\n  stats socket {} mode 600 level admin\n  stats socket {} mode 600 level user\n\
             defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 30s\n  timeout server 30s\n\
             backend eas\n\
             \x20 server cas01 127.0.0.1:{port} check inter 50 fastinter 50 rise 2 fall 2\n\
             \x20 server cas02 127.0.0.1:1\n\
             \x20 server cas03 127.0.0.1:1 disabled\n\
             \x20 server cas04 127.0.0.1:1 weight 0\n\
             \x20 server cas05 127.0.0.1:1 backup\n\
             backend owa\n\
             \x20 server cas01 127.0.0.1:{port} track eas/cas01\n\
             \x20 server cas02 127.0.0.1:1\n",
            place("admin.sock"),
            place("user.sock"),
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::File::create(&file)
            .and_then(|mut file| file.write_all(configuration.as_bytes()))
            .unwrap();
        let child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let real = Self {
            child,
            folder,
            port,
            listening: Some(listening),
        };
        let listens = async {
            while UnixStream::connect(real.path("user.sock")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, listens)
            .await
            .expect("HAProxy listens");
        Some(real)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn haproxy(&self, socket: &str, backends: &[&str]) -> Haproxy {
        let backends: Vec<String> = backends.iter().map(|name| (*name).to_owned()).collect();
        Haproxy::new(
            &[format!("unix://{}", self.path(socket).display())],
            &backends,
            LIMIT,
        )
    }

    /// The server as it stands once it stands like this.
    async fn until(haproxy: &Haproxy, server: &str, standing: Standing) -> Member {
        let seen = async {
            loop {
                let members = haproxy.members().await.unwrap();
                let member = members.into_iter().find(|member| member.name == server).unwrap();
                if member.standing == standing {
                    return member;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen)
            .await
            .unwrap_or_else(|_| panic!("{server} never became {standing:?}"))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn every_state_of_a_real_haproxy_is_understood() {
    let Some(mut real) = Real::start().await else {
        return;
    };
    let haproxy = real.haproxy("admin.sock", &["eas"]);
    let seen: Vec<_> = haproxy
        .members()
        .await
        .unwrap()
        .into_iter()
        .skip(1)
        .map(|member| (member.name, member.standing, member.status))
        .collect();
    let told = |name: &str, standing, status: &str| (name.to_owned(), standing, status.to_owned());
    assert_eq!(
        seen,
        [
            told("cas02", Standing::InRotation, "no check"),
            told("cas03", Standing::TakenOut, "MAINT"),
            told("cas04", Standing::TakenOut, "no check with weight 0"),
            told("cas05", Standing::Standby, "no check as backup"),
        ]
    );
    Real::until(&haproxy, "cas01", Standing::InRotation).await;

    haproxy.set_state("cas01", AdminState::Drain).await.unwrap();
    assert_eq!(
        Real::until(&haproxy, "cas01", Standing::TakenOut).await.status,
        "DRAIN"
    );
    // As during a restart: the checks fail, and HAProxy's table tells no more that the server is drained.
    real.listening = None;
    let down = async {
        while Real::until(&haproxy, "cas01", Standing::TakenOut).await.status != "DOWN while drained" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), down)
        .await
        .expect("the checks fail");
    haproxy.set_state("cas01", AdminState::Ready).await.unwrap();
    Real::until(&haproxy, "cas01", Standing::Down).await;
    real.listening = Some(TcpListener::bind(("127.0.0.1", real.port)).unwrap());
    Real::until(&haproxy, "cas01", Standing::InRotation).await;

    // Out of a maintenance that the configuration asked for.
    haproxy.set_state("cas03", AdminState::Ready).await.unwrap();
    Real::until(&haproxy, "cas03", Standing::InRotation).await;
}

#[tokio::test]
async fn a_server_in_two_backends_of_a_real_haproxy_is_drained_in_both() {
    let Some(real) = Real::start().await else { return };
    let both = real.haproxy("admin.sock", &["eas", "owa"]);
    let only = real.haproxy("admin.sock", &["owa"]);
    Real::until(&both, "cas01", Standing::InRotation).await;
    let names: Vec<String> = both
        .members()
        .await
        .unwrap()
        .into_iter()
        .map(|member| member.name)
        .collect();
    assert_eq!(
        names,
        ["cas01", "cas02"],
        "servers of one backend alone are no members of both"
    );
    only.set_state("cas02", AdminState::Drain).await.unwrap();
    let partly = Real::until(&both, "cas02", Standing::Partly).await;
    assert_eq!(partly.status, "no check in eas, DRAIN in owa");
    both.set_state("cas02", AdminState::Drain).await.unwrap();
    assert_eq!(
        Real::until(&both, "cas02", Standing::TakenOut).await.status,
        "DRAIN"
    );
    both.set_state("cas02", AdminState::Ready).await.unwrap();
    Real::until(&both, "cas02", Standing::InRotation).await;
}

#[tokio::test]
async fn a_real_haproxy_says_no_in_words_that_reach_the_operator() {
    let Some(real) = Real::start().await else { return };
    let socket = |name: &str| format!("unix://{}", real.path(name).display());
    let refused = real
        .haproxy("user.sock", &["eas"])
        .set_state("cas01", AdminState::Drain)
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "the load balancer at {} answered `set server eas/cas01 state drain` with: Permission denied",
            socket("user.sock")
        )
    );
    let refused = real
        .haproxy("admin.sock", &["eas"])
        .set_state("cas99", AdminState::Drain)
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "the load balancer at {} answered `set server eas/cas99 state drain` with: No such server.",
            socket("admin.sock")
        )
    );
    let missing = real.haproxy("admin.sock", &["nope"]).members().await;
    assert_eq!(
        missing.unwrap_err().to_string(),
        format!(
            "the load balancer at {} has no backend `nope`; it has eas, owa",
            socket("admin.sock")
        )
    );
}
