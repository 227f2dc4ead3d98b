//! Where a run stops and asks: an incident around the farm, a failure with `on_failure = "ask"`, a wave of `pause_after`; at a terminal and off one.

use crate::support::{Stage, Terminal};

/// A farm whose playbook asks what becomes of a failure.
async fn asking(servers: usize) -> Stage {
    let stage = Stage::new(servers).await;
    stage.edit("playbook.toml", "on_failure = \"undo\"", "on_failure = \"ask\"");
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untouched_servers_that_degrade_with_the_failed_one_are_an_incident_and_nothing_is_undone() {
    let stage = Stage::new(4).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restart_iis").await;
    // What all of them need is gone: a directory, a database, the network behind them.
    for index in 0..4 {
        stage.machine(index).faults().health_stays_503.set(true);
    }
    run.until("cas01 ambient_incident").await;
    // It passes, as such incidents do; as long as it lasts the failed server could not be put back into rotation, which is worse (23).
    for index in 0..4 {
        stage.machine(index).faults().health_stays_503.set(false);
    }
    let ended = run.end().await;
    ended.assert_code(21).assert_says(&[
        "3 of 3 untouched servers degraded together with cas01: cas02, cas03, cas04",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed wait_healthy",
        "cas01 control_look_started",
        "cas01 control_seen",
        "cas01 ambient_incident",
        "run_paused",
        "person_answered stop",
        "run_finished",
    ]);
    story.assert_never(&["cas01 undo_started", "cas02 server_started"]);
    assert_eq!(
        (stage.ran(0, "set config"), stage.ran(0, "clear config")),
        (1, 0),
        "the change of the failed server stays"
    );
    for index in 1..4 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
    }

    stage.until_up(4).await;
    stage.assert_resumes().await;
    assert_eq!(stage.ran(0, "set config"), 1, "what was done is not done again");
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sick_server_is_no_incident_and_is_put_back() {
    let stage = Stage::new(4).await;
    let run = stage.start_unhealthy().await;
    run.end().await.assert_code(23);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed wait_healthy",
        "cas01 control_seen",
        "budget_spent",
        "cas01 undo_started restrict",
    ]);
    story.assert_never(&["cas01 ambient_incident", "run_paused"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_nobody_can_be_asked_about_stops_the_run_and_is_left_as_it_is() {
    let stage = asking(2).await;
    stage.machine(0).faults().feature_install_fails.set(true);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(21).assert_says(&[
        "nobody: there is no terminal to ask on",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed install_feature",
        "run_paused",
        "person_answered stop",
        "run_finished budget_spent",
    ]);
    story.assert_never(&["cas01 undo_started", "cas02 server_started"]);
    stage.machine(0).faults().feature_install_fails.set(false);
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_a_failure_is_asked_about_until_an_answer_of_it_is_typed() {
    let stage = asking(2).await;
    stage.machine(0).faults().feature_install_fails.set(true);
    let patrol = stage.patrol();
    let mut terminal = Terminal::start(stage.command(&["apply", "playbook.toml", "--yes"]));
    terminal.until("Type stop, retry, undo:").await;
    stage.machine(0).faults().feature_install_fails.set(false);
    // Neither is one of the words, and nothing happens.
    terminal.type_line("yes");
    terminal.type_line("go_on");
    terminal.type_line("retry");
    let (code, text) = terminal.end().await;
    patrol.end().await.assert_served(1);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("Type stop, retry, undo:").count(), 3, "{text}");
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed install_feature",
        "run_paused",
        "person_answered retry",
        "cas01 server_started",
        "cas01 server_healthy changed",
        "run_finished done",
    ]);
    stage.assert_restricted(0);
    stage.assert_restricted(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_a_failed_server_is_put_back_when_the_person_says_so() {
    let stage = asking(2).await;
    let former = stage.section(0).await;
    stage
        .machine(0)
        .faults()
        .iisreset_access_denied_w3svc_stopped
        .set(1);
    stage.machine(0).faults().w3svc_does_not_start.set(true);
    let mut terminal = Terminal::start(stage.command(&["apply", "playbook.toml", "--yes"]));
    terminal.until("Type stop, retry, undo:").await;
    // Whoever is asked heals the server first.
    stage.machine(0).faults().w3svc_does_not_start.set(false);
    assert_eq!(stage.on_server(0, "sc start W3SVC").await.0, 0);
    terminal.type_line("undo");
    let (code, text) = terminal.end().await;
    assert_eq!(code, Some(22), "{text}");
    stage.story().assert_order(&[
        "cas01 server_failed restart_iis",
        "run_paused",
        "person_answered undo",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "run_finished undone",
    ]);
    assert!(stage.section(0).await.same_meaning(&former));
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_after_a_wave_asks_at_a_terminal() {
    let stage = pausing().await;
    let patrol = stage.patrol();
    let mut terminal = Terminal::start(stage.command(&["apply", "playbook.toml", "--yes"]));
    terminal.until("Type stop, go_on:").await;
    stage.assert_restricted(0);
    assert_eq!(stage.writes(1), Vec::<String>::new());
    terminal.type_line("go_on");
    let (code, text) = terminal.end().await;
    patrol.end().await.assert_served(1);
    assert_eq!(code, Some(0), "{text}");
    stage.story().assert_order(&[
        "wave_finished",
        "run_paused",
        "person_answered go_on",
        "run_finished done",
    ]);
    stage.assert_restricted(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_after_a_wave_ends_the_run_where_nobody_can_be_asked_and_resume_lets_it_pass() {
    let stage = pausing().await;
    let ended = stage.apply().await;
    ended.assert_code(20).assert_says(&[
        "nobody: there is no terminal to ask on",
        "to go on: casgate resume",
    ]);
    stage.story().assert_order(&[
        "cas01 server_healthy changed",
        "run_paused",
        "person_answered stop",
        "run_finished paused",
    ]);
    stage.assert_restricted(0);
    assert_eq!(stage.writes(1), Vec::<String>::new());
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    stage.assert_restricted(1);
    assert_eq!(stage.ran(0, "iisreset"), 1, "the first server was proven");
    stage.assert_sound();
}

async fn pausing() -> Stage {
    let stage = Stage::new(2).await;
    stage.edit(
        "playbook.toml",
        "waves = [1, \"50%\"]",
        "waves = [1, \"50%\"]\npause_after = [1]",
    );
    stage
}
