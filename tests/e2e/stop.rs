//! Ctrl-C once and twice.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_once_finishes_the_server_under_way_and_resume_does_the_rest() {
    let stage = Stage::new(3).await;
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until("cas01 step_started restart_iis").await;
    run.interrupt();
    let ended = run.end().await;
    ended.assert_code(20).assert_says(&[
        "nothing new is started; servers under way are finished first",
        "1 changed, 0 unchanged, 0 failed, 2 not begun",
        "stopped by the operator",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "stop_requested soft",
        "cas01 step_verified return_to_rotation done",
        "cas01 server_healthy changed",
        "run_finished stopped",
    ]);
    story.assert_never(&["cas02 server_started", "cas03 server_started"]);
    stage.assert_restricted(0);
    stage.assert_open(1);
    assert_eq!(stage.lease(0).await, None);
    stage.assert_no_shells();

    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed.assert_code(0);
    patrol.end().await.assert_served(2);
    for index in 0..3 {
        stage.assert_restricted(index);
        assert_eq!(stage.ran(index, "iisreset"), 1, "restarts of server {index}");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_then_a_signal_to_terminate_abort_a_wait_at_once() {
    let stage = Stage::new(2).await;
    // Nobody would wait that long.
    stage.edit(
        "playbook.toml",
        "healthy_deadline = \"3s\"",
        "healthy_deadline = \"10m\"",
    );
    stage.edit(
        "playbook.toml",
        "progress_deadline = \"30s\"",
        "progress_deadline = \"30m\"",
    );
    let patrol = stage.patrol();
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 step_applied wait_healthy").await;
    run.interrupt();
    run.until("stop_requested soft").await;
    run.terminate();
    let began = Instant::now();
    let ended = run.end().await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "it took {took:?}");
    ended
        .assert_code(130)
        .assert_says(&[
            "waits are aborted now",
            "to go on: casgate resume",
            "STILL OWED: cas01: its place in rotation; by hand: echo \"set server eas/cas01 state ready\" | ",
            "STILL OWED: cas01: the run's lease, which ends by itself within 10m00s; by hand: on cas01: reg delete \"HKLM\\SOFTWARE\\casgate\" /v lease /f",
        ]);
    assert!(stage.lease(0).await.is_some(), "nobody else shall come between");
    stage.story().assert_order(&[
        "stop_requested soft",
        "stop_requested hard",
        "run_finished aborted",
    ]);

    stage.machine(0).faults().health_stays_503.set(false);
    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_twice_leaves_a_restart_under_way_alone() {
    let stage = Stage::slow(2).await;
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restart_iis ready").await;
    stage.until_ran(0, "iisreset").await;
    run.interrupt();
    run.until("stop_requested soft").await;
    run.interrupt();
    let began = Instant::now();
    let ended = run.end().await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(15), "it took {took:?}");
    ended.assert_code(130).assert_says(&[
        "UNKNOWN: cas01: restart_iis was under way and was left alone; nobody has seen how it ended",
        "looks at all of these and settles them",
    ]);
    assert!(stage.machine(0).listens(), "the restart was cut short");
    stage
        .story()
        .assert_order(&["stop_requested hard", "run_finished aborted"]);

    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    assert_eq!(stage.ran(0, "iisreset"), 1, "it was restarted twice");
    stage.assert_sound();
}
