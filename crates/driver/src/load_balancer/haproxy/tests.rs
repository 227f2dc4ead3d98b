//! Against a stand-in that speaks the runtime API on loopback.

use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::load_balancer::member::Standing;

const LIMIT: Duration = Duration::from_secs(5);

/// Backend `eas` behind one socket.
fn eas(socket: &str) -> Haproxy {
    Haproxy::new(&[socket.to_owned()], &["eas".to_owned()], LIMIT)
}

/// Answers each connection's one command with what `answer` makes of it, and tells what it was asked.
async fn stand_in(
    answer: fn(&str) -> Option<String>,
) -> (String, mpsc::UnboundedReceiver<String>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = format!("tcp://{}", listener.local_addr().unwrap());
    let (asked, heard) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, answer, &asked).await;
        }
    });
    (socket, heard, serving)
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: fn(&str) -> Option<String>,
    asked: &mpsc::UnboundedSender<String>,
) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    asked.send(line.clone()).unwrap();
    match answer(line.trim_end()) {
        Some(text) => stream.get_mut().write_all(text.as_bytes()).await.unwrap(),
        None => std::future::pending().await,
    }
}

#[tokio::test]
async fn a_state_is_set_with_one_command_and_an_empty_line_means_yes() {
    let (socket, mut heard, _serving) = stand_in(|_| Some("\n".to_owned())).await;
    let haproxy = eas(&socket);
    haproxy.set_state("cas07", AdminState::Drain).await.unwrap();
    haproxy.set_state("cas07", AdminState::Ready).await.unwrap();
    assert_eq!(heard.recv().await.unwrap(), "set server eas/cas07 state drain\n");
    assert_eq!(heard.recv().await.unwrap(), "set server eas/cas07 state ready\n");
}

#[tokio::test]
async fn text_means_no() {
    let (socket, _heard, _serving) = stand_in(|_| Some("No such server.\n\n".to_owned())).await;
    let error = eas(&socket)
        .set_state("cas99", AdminState::Drain)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the load balancer at {socket} answered `set server eas/cas99 state drain` with: No such server."
        )
    );
}

#[tokio::test]
async fn members_come_from_show_stat_over_a_unix_socket_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haproxy.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (asked, mut heard) = mpsc::unbounded_channel();
    let _serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let table = |_: &str| {
            Some(
                "# pxname,svname,scur,status,weight,bck\neas,cas01,2,UP,1,0\n\n\
                 1\n# be_name srv_name srv_admin_state\neas cas01 0\n\n"
                    .to_owned(),
            )
        };
        serve(stream, table, &asked).await;
    });
    let members = eas(&format!("unix://{}", path.display()))
        .members()
        .await
        .unwrap();
    assert_eq!(heard.recv().await.unwrap(), format!("{LOOK}\n"));
    assert_eq!(
        members,
        [Member {
            name: "cas01".to_owned(),
            status: "UP".to_owned(),
            standing: Standing::InRotation,
            connections: Some(2),
        }]
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
async fn silence_is_bounded() {
    let (socket, _heard, _serving) = stand_in(|_| None).await;
    let began = Instant::now();
    let error = Haproxy::new(&[socket], &["eas".to_owned()], Duration::from_millis(100))
        .members()
        .await
        .unwrap_err();
    assert!(matches!(error, BalancerError::TimedOut { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = eas(&format!("tcp://{address}")).members().await.unwrap_err();
    assert!(matches!(error, BalancerError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_name_cannot_smuggle_a_command() {
    for name in ["", "a b", "a;shutdown", "a\nset", "a/b"] {
        let refused = set_state_command("eas", name, AdminState::Drain);
        assert!(
            matches!(refused, Err(BalancerError::Name { .. })),
            "{name:?}: {refused:?}"
        );
    }
}

#[test]
fn the_line_for_a_person_fits_the_socket() {
    let by_hand = |socket: &str| eas(socket).ready_by_hand("cas07");
    assert_eq!(
        by_hand("tcp://192.0.2.5:9999"),
        "echo \"set server eas/cas07 state ready\" | socat stdio tcp:192.0.2.5:9999"
    );
    for socket in ["/run/haproxy/admin.sock", "unix:///run/haproxy/admin.sock"] {
        assert_eq!(
            by_hand(socket),
            "echo \"set server eas/cas07 state ready\" | socat stdio unix-connect:/run/haproxy/admin.sock"
        );
    }
    let both = Haproxy::new(
        &[
            "tcp://192.0.2.5:9999".to_owned(),
            "tcp://192.0.2.6:9999".to_owned(),
        ],
        &["eas".to_owned(), "owa".to_owned()],
        LIMIT,
    );
    assert_eq!(
        both.ready_by_hand("cas07"),
        "echo \"set server eas/cas07 state ready; set server owa/cas07 state ready\" | socat stdio tcp:192.0.2.5:9999 && \
         echo \"set server eas/cas07 state ready; set server owa/cas07 state ready\" | socat stdio tcp:192.0.2.6:9999"
    );
}
