//! Programs and posts that are told of a run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// An address that takes every post, and the posts.
async fn listener() -> (String, Arc<Mutex<Vec<String>>>) {
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
    (url, posts)
}

/// Adds hooks to the stage's playbook.
fn add(stage: &Stage, hooks: &str) {
    let playbook = std::fs::read_to_string(stage.path("playbook.toml")).expect("the playbook");
    stage.write("playbook.toml", &format!("{playbook}{hooks}"));
}

/// How often this event stands in the newest run's journal.
fn count(stage: &Stage, event: &str) -> usize {
    let events = journal::read(&stage.run_folder()).expect("the journal is sound");
    events.iter().filter(|found| found.kind.name() == event).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_and_an_address_are_told_and_a_hook_that_fails_fails_nothing() {
    let stage = Stage::new(2).await;
    add(&stage, HOOKS);
    let (url, posts) = listener().await;
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

/// Approval is a file that has to be there.
const APPROVAL: &str = r#"
[[hook]]
on = ["run_started"]
command = ["/bin/sh", "-c", "echo \"$CASGATE_EVENT\" >> asked.txt; test -e approved || { echo 'no approval'; echo 'CHG 42 is not approved' >&2; exit 3; }"]
required = true
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_hook_that_refuses_stops_the_run_before_anything_is_touched() {
    let stage = Stage::new(2).await;
    add(&stage, APPROVAL);
    let ended = stage.apply().await;
    ended.assert_code(20).assert_says(&[
        "the playbook requires that it is told of run_started",
        "CHG 42 is not approved",
    ]);
    assert_eq!(count(&stage, "hook_failed"), 1);
    assert_eq!(count(&stage, "wave_started"), 0);
    stage.assert_all_open();
    for server in 0..2 {
        assert_eq!(stage.writes(server), Vec::<String>::new());
    }
    // Not to be got round by a resume.
    stage.casgate(&["resume", "latest"]).await.assert_code(20);
    assert_eq!(count(&stage, "hook_failed"), 2);
    stage.assert_all_open();
    stage.write("approved", "");
    stage.assert_resumes().await;
    let asked = std::fs::read_to_string(stage.path("asked.txt")).expect("it was asked");
    assert_eq!(asked, "run_started\n".repeat(3));
    stage.story();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_hook_that_never_answers_is_cut_off_and_stops_before_the_second_wave() {
    let stage = Stage::new(2).await;
    add(
        &stage,
        r#"
[[hook]]
on = ["wave_finished"]
command = ["/bin/sh", "-c", "exec sleep 600"]
timeout = "1s"
required = true
"#,
    );
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("PATH", "/bin:/usr/bin");
    let ended = stage.run(command).await;
    ended
        .assert_code(20)
        .assert_says(&["told of wave_finished: not within 1s"]);
    stage.assert_restricted(0);
    stage.assert_open(1);
    assert_eq!(stage.writes(1), Vec::<String>::new());
    stage.story();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_hook_that_was_cut_off_by_a_kill_is_told_again() {
    let stage = Stage::new(2).await;
    add(
        &stage,
        r#"
[[hook]]
on = ["wave_started"]
command = ["/bin/sh", "-c", "echo asked >> asked.txt; until test -e answer; do sleep 0.1; done"]
timeout = "5m"
required = true
"#,
    );
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    let mut child = command.env("PATH", "/bin:/usr/bin").spawn().expect("it starts");
    let asked = || std::fs::read_to_string(stage.path("asked.txt")).unwrap_or_default();
    while asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().await.expect("it is killed");
    assert_eq!(count(&stage, "wave_started"), 1);
    assert_eq!(count(&stage, "server_started"), 0);
    stage.write("answer", "");
    let mut command = stage.command(&["resume", "latest"]);
    command.env("PATH", "/bin:/usr/bin");
    stage.run(command).await.assert_code(0);
    stage.assert_all_restricted();
    // The first wave twice, the second once.
    assert_eq!(asked(), "asked\n".repeat(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_the_operators_own_is_json_whatever_fills_it() {
    let stage = Stage::new(2).await;
    stage.edit(
        "playbook.toml",
        "\"Only the gateway may reach ActiveSync\"",
        r#"'Say "no" \ to {text}'"#,
    );
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\npause_after = [1]",
    );
    add(
        &stage,
        r#"
[[hook]]
on = ["run_started", "run_paused"]
url_env = "HOOK_URL"
body = '{"fields": {"summary": "{event} {server}", "description": "{text}"}, "run": "{run}"}'
required = true
"#,
    );
    let (url, posts) = listener().await;
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("HOOK_URL", url);
    let ended = stage.run(command).await;
    ended.assert_code(20);
    let posts = posts.lock().expect("the list").clone();
    let bodies: Vec<serde_json::Value> = posts
        .iter()
        .map(|post| {
            assert!(post.contains("content-type: application/json\r\n"), "{post}");
            let (_, body) = post.split_once("\r\n\r\n").expect("a body");
            serde_json::from_str(body).expect("JSON")
        })
        .collect();
    let run = stage.run_name();
    assert_eq!(bodies.len(), 2, "{posts:?}");
    assert_eq!(bodies[0]["run"], run.as_str());
    assert_eq!(
        bodies[0]["fields"]["description"],
        format!(r#"casgate {run}: run_started: Say "no" \ to {{text}} (2 servers), by tester@bench"#)
    );
    assert_eq!(bodies[1]["fields"]["summary"], "run_paused ");
    assert!(!ended.text().contains(TOKEN), "{}", ended.text());
    assert_nowhere(&stage.path("state"), TOKEN);
    assert_nowhere(&stage.path("state"), PASSWORD);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_hook_without_its_address_refuses_and_names_only_the_variable() {
    let stage = Stage::new(2).await;
    add(
        &stage,
        "\n[[hook]]\non = [\"run_started\"]\nurl_env = \"HOOK_URL\"\nrequired = true\n",
    );
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("HOOK_URL", format!("http://127.0.0.1:1/{TOKEN}"));
    let ended = stage.run(command).await;
    ended
        .assert_code(20)
        .assert_says(&["told of run_started: the post to HOOK_URL"]);
    assert!(!ended.text().contains(TOKEN), "{}", ended.text());
    assert_nowhere(&stage.path("state"), TOKEN);
    stage.assert_all_open();
}
