//! Passwords that are wrong or missing.

use rollout::FailureKind;

use crate::support::{APPLY_UNSEEN, Stage, assert_nowhere};

/// As good as a password of somebody else: it must stand nowhere either.
const WRONG: &str = "Wr0ng+Canary!";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_a_refused_login_with_a_hint_and_nothing_is_changed() {
    let stage = Stage::new(2).await;
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("CASGATE_PASSWORD", WRONG);
    let ended = stage.run(command).await;
    ended.assert_code(10).assert_says(&[
        "REFUSED  server-not-seen  cas01",
        "REFUSED  server-not-seen  cas02",
        "found:   log in and open a shell: ",
        "CONTOSO\\operator",
        "error: the preflight refuses 2 things; nothing was touched",
    ]);
    assert!(!ended.text().contains(WRONG), "{}", ended.text());
    assert!(!stage.path("state").exists(), "a run was recorded");

    // Accepted, the run itself fails in the same way.
    let mut command = stage.command(&APPLY_UNSEEN);
    command.env("CASGATE_PASSWORD", WRONG);
    let ended = stage.run(command).await;
    ended.assert_code(21).assert_says(&[
        "cas01",
        "login refused: log in and open a shell",
        "expected: the login is accepted",
        "found: ",
        "hint: ",
        "CONTOSO\\operator",
        "stopped: the failure budget is spent",
    ]);
    assert!(!ended.text().contains(WRONG), "{}", ended.text());
    assert_nowhere(&stage.path("state"), WRONG);

    let story = stage.story();
    story.assert_order(&[
        "cas01 surveyed failed",
        "cas01 server_failed",
        "budget_spent",
        "cas02 server_skipped",
        "run_finished budget_spent",
    ]);
    assert_eq!(story.failure("cas01").kind, FailureKind::LoginRefused);
    story.assert_never(&["cas01 step_started", "cas02 server_started"]);
    for (index, endpoint) in stage.farm.endpoints().iter().enumerate() {
        let record = endpoint.record();
        assert_eq!((record.logins, record.commands), (0, 0), "server {index}");
        stage.assert_open(index);
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_not_there_is_told_before_anybody_is_reached() {
    let stage = Stage::new(1).await;
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env_remove("CASGATE_PASSWORD");
    let ended = stage.run(command).await;
    ended.assert_code(10).assert_says(&[
        "credential `ops`: no password in environment variable CASGATE_PASSWORD",
        "hint: set it: export CASGATE_PASSWORD=",
    ]);
    stage.edit(
        "farm.toml",
        "{ env = \"CASGATE_PASSWORD\" }",
        "{ prompt = \"Password\" }",
    );
    let asked = stage.apply().await;
    asked.assert_code(10).assert_says(&[
        "credential `ops`: no password in a prompt",
        "hint: off a terminal nobody can be asked: use env, file or command",
    ]);
    assert_eq!(stage.farm.endpoints()[0].record().connections, 0);
    assert!(!stage.path("state").exists(), "a run was recorded");
}
