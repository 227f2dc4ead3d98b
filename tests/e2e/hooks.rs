//! Programs and posts that are told of a run.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{PASSWORD, Stage, assert_nowhere};

/// What stands in the URL and must stand nowhere else.
const TOKEN: &str = "canary-7f3a-token";

const HOOKS: &str = r#"
[[hook]]
on = ["run_started", "wave_finished", "server_failed", "run_finished"]
command = ["/bin/sh", "-c", "echo \"$CASGATE_EVENT,$CASGATE_SERVER,$CASGATE_PASSWORD,$HOOK_URL\" >> told.txt"]

[[hook]]
on = ["run_finished"]
url_env = "HOOK_URL"
format = "slack"

[[hook]]
on = ["wave_started"]
command = ["/bin/sh", "-c", "echo trouble >&2; exit 3"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_and_an_address_are_told_and_a_hook_that_fails_fails_nothing() {
    let stage = Stage::new(2).await;
    let playbook = std::fs::read_to_string(stage.path("playbook.toml")).expect("the playbook");
    stage.write("playbook.toml", &format!("{playbook}{HOOKS}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = format!("http://{address}/hooks/{TOKEN}");
    let posts = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&posts);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut text = String::new();
            let mut bytes = [0; 4096];
            while let Ok(read) = stream.read(&mut bytes).await {
                text.push_str(&String::from_utf8_lossy(&bytes[..read]));
                if read == 0 || text.ends_with('}') {
                    break;
                }
            }
            heard.lock().expect("the list").push(text);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
    });
    let mut command = stage.command(&["apply", "playbook.toml", "--yes", "--change", "CHG0042137"]);
    command.env("HOOK_URL", url).env("PATH", "/bin:/usr/bin");
    let ended = stage.run(command).await;
    ended
        .assert_code(0)
        .assert_says(&["warning: hook on wave_started: `/bin/sh` ended with exit status: 3: trouble"]);
    let told = std::fs::read_to_string(stage.path("told.txt")).expect("the program was run");
    assert_eq!(
        told,
        "run_started,,,\nwave_finished,,,\nwave_finished,,,\nrun_finished,,,\n"
    );
    let posts = posts.lock().expect("the list").clone();
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert!(posts[0].contains("{\"text\":\"casgate "), "{posts:?}");
    assert!(
        posts[0].contains(" CHG0042137: run_finished: done\"}"),
        "{posts:?}"
    );
    assert!(!ended.text().contains(TOKEN), "{}", ended.text());
    assert_nowhere(&stage.path("state"), TOKEN);
    assert_nowhere(&stage.path("state"), PASSWORD);
}
