//! kill -9 at every step, and `resume`.

use crate::support::Stage;

const STEPS: [&str; 8] = [
    "drain",
    "back_up",
    "install_feature",
    "restrict",
    "restart_iis",
    "wait_healthy",
    "witness",
    "return_to_rotation",
];

/// Kills `apply` when the journal has an event of these words and, where a part of a command line is given, the server has begun a command
/// with it; then resumes.
async fn killed_at(servers: usize, event: &str, command: Option<&str>) {
    // Where a command shall be under way, it has to take its time.
    let stage = match command {
        Some(_) => Stage::slow(servers).await,
        None => Stage::new(servers).await,
    };
    // Time enough to kill it even where the last server is watched.
    stage.edit(
        "playbook.toml",
        "min_healthy_time = \"200ms\"",
        "min_healthy_time = \"1s\"",
    );
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until(event).await;
    if let Some(part) = command {
        stage.until_ran(0, part).await;
    }
    run.kill().await;
    // The journal is readable as the kill left it.
    let cut = stage.story();
    assert_eq!(cut.count("run_finished"), 0, "killed at `{event}`: too late");
    let resumed = stage.casgate(&["resume", "latest"]).await;
    assert_eq!(
        resumed.code,
        Some(0),
        "killed at `{event}`, {command:?}:\n{}",
        resumed.text()
    );
    let seen = patrol.end().await;
    if servers > 1 {
        seen.assert_served(servers / 2);
    }
    let story = stage.story();
    assert_eq!((story.count("run_started"), story.count("run_resumed")), (1, 1));
    for index in 0..servers {
        stage.assert_restricted(index);
        let times = |part| stage.ran(index, part);
        assert_eq!(
            (times("add backup"), times("set config")),
            (1, 1),
            "killed at `{event}`, {command:?}: backups and commits of server {index}"
        );
        assert!(
            times("iisreset") <= 2,
            "killed at `{event}`: restarts of server {index}"
        );
    }
    stage.assert_sound();
}

/// The same for many events at once, each on a farm of its own.
async fn killed_at_each(servers: usize, events: impl IntoIterator<Item = String>) {
    let mut all = tokio::task::JoinSet::new();
    for event in events {
        all.spawn(async move { killed_at(servers, &event, None).await });
    }
    while let Some(ended) = all.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_when_a_step_begins() {
    killed_at_each(1, STEPS.map(|step| format!("cas01 step_started {step}"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_when_a_change_is_about_to_be_made() {
    killed_at_each(2, STEPS.map(|step| format!("cas01 step_probed {step}"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_when_a_change_was_made_and_not_yet_looked_at() {
    let changes = STEPS.into_iter().filter(|step| *step != "wait_healthy");
    killed_at_each(1, changes.map(|step| format!("cas01 step_applied {step}"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_when_a_change_was_looked_at() {
    // The pages may be found healthy before the wait begins.
    let changes = STEPS.into_iter().filter(|step| *step != "wait_healthy");
    killed_at_each(1, changes.map(|step| format!("cas01 step_verified {step}"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_steps() {
    let events = [
        "run_started",
        "wave_started",
        "cas01 server_started",
        "cas01 lease_taken",
        "cas01 surveyed",
        "cas01 server_soaking",
        "cas01 soak_finished",
        "cas01 server_healthy",
        "wave_finished",
        // The lease is all that is left to give back.
        "cas01 debt_payment_started",
    ];
    killed_at_each(1, events.map(str::to_owned)).await;
}

/// Kills an undo of a whole run, and resumes it.
async fn killed_in_an_undo_at(event: &str) {
    let stage = Stage::slow(2).await;
    let former = stage.section(0).await;
    stage.apply().await.assert_code(0);
    let patrol = stage.patrol();
    let mut run = stage.start(&["undo", "latest", "--yes"]);
    run.until(event).await;
    run.kill().await;
    assert_eq!(
        stage.story().count("run_finished"),
        1,
        "killed at `{event}`: too late"
    );
    let resumed = stage.casgate(&["resume", "latest"]).await;
    assert_eq!(resumed.code, Some(0), "killed at `{event}`:\n{}", resumed.text());
    patrol.end().await.assert_served(1);
    let story = stage.story();
    story.assert_order(&["undo_requested", "run_resumed", "run_finished taken_back"]);
    for index in 0..2 {
        stage.assert_open(index);
        assert!(
            stage.section(index).await.same_meaning(&former),
            "killed at `{event}`"
        );
        assert_eq!(
            stage.ran(index, "set config") + stage.ran(index, "clear config"),
            2,
            "killed at `{event}`: there and back"
        );
        assert_eq!(stage.lease(index).await, None, "killed at `{event}`");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_act_of_an_undo() {
    let events = [
        "undo_requested",
        "cas02 undo_started restrict",
        "cas02 lease_taken",
        "cas02 undo_finished restrict",
        "cas02 server_undone",
        "cas01 undo_started restrict",
        "cas01 lease_taken",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_payment_started",
    ];
    let mut all = tokio::task::JoinSet::new();
    for event in events {
        all.spawn(killed_in_an_undo_at(event));
    }
    while let Some(ended) = all.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_command_runs_on_the_server() {
    tokio::join!(
        killed_at(2, "cas01 step_probed back_up ready", Some("add backup")),
        killed_at(
            2,
            "cas01 step_probed install_feature ready",
            Some("/enable-feature")
        ),
        killed_at(2, "cas01 step_probed restrict ready", Some("set config")),
        killed_at(2, "cas01 step_probed restart_iis ready", Some("iisreset")),
    );
}

/// Kills a run that puts an unhealthy server back, and resumes.
async fn killed_on_the_way_back_at(event: &str) {
    let stage = Stage::new(2).await;
    let former = stage.section(0).await;
    let patrol = stage.patrol();
    let mut run = stage.start_unhealthy().await;
    run.until(event).await;
    run.kill().await;
    stage.machine(0).faults().health_stays_503.set(false);
    let resumed = stage.casgate(&["resume", "latest"]).await;
    assert_eq!(resumed.code, Some(22), "killed at `{event}`:\n{}", resumed.text());
    patrol.end().await.assert_served(1);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed wait_healthy",
        "run_resumed",
        "cas01 debt_paid",
        "run_finished undone",
    ]);
    story.assert_never(&["cas02 server_started"]);
    assert!(
        stage.section(0).await.same_meaning(&former),
        "killed at `{event}`"
    );
    assert_eq!(
        (stage.ran(0, "set config"), stage.ran(0, "clear config")),
        (1, 1),
        "killed at `{event}`: there and back"
    );
    stage.assert_all_open();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_the_way_back() {
    tokio::join!(
        killed_on_the_way_back_at("cas01 server_failed"),
        killed_on_the_way_back_at("cas01 undo_started restrict"),
        killed_on_the_way_back_at("cas01 undo_finished restrict"),
        killed_on_the_way_back_at("cas01 debt_payment_started"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_while_it_resumes() {
    let stage = Stage::new(2).await;
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restrict ready").await;
    run.kill().await;
    for event in [
        "cas01 step_probed restart_iis",
        "cas01 server_soaking",
        "cas02 step_probed restrict",
    ] {
        let mut run = stage.start(&["resume", "latest"]);
        run.until(event).await;
        run.kill().await;
        assert_eq!(stage.story().count("run_finished"), 0);
    }
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    patrol.end().await.assert_served(1);
    for index in 0..2 {
        stage.assert_restricted(index);
        assert_eq!(
            (stage.ran(index, "add backup"), stage.ran(index, "set config")),
            (1, 1)
        );
    }
    stage.assert_sound();
}
