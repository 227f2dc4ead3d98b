//! Servers that do not become healthy after their change.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_unhealthy_is_put_back_and_left_out_of_rotation_with_the_command_to_return_it() {
    let stage = Stage::new(2).await;
    let former = stage.section(0).await;
    let patrol = stage.patrol();
    let run = stage.start_unhealthy().await;
    let ended = run.end().await;
    let socket = stage.farm.load_balancer().runtime_api();
    ended.assert_code(23).assert_says(&[
        "wait_healthy       FAILED",
        "timed out: wait until the health pages answer, for 3s",
        "expected: /Microsoft-Server-ActiveSync/healthcheck.htm answers 200 OK",
        "answers 503",
        "hint: Managed Availability withholds the page while the component is not fit",
        "rotation           UNPAID",
        &format!("echo \"set server eas/cas01 state ready\" | socat stdio tcp:{socket}"),
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed wait_healthy",
        "budget_spent",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_unpaid",
        "cas02 server_skipped",
        "run_finished human_needed",
    ]);
    story.assert_never(&["cas01 step_started witness", "cas02 server_started"]);
    assert!(stage.section(0).await.same_meaning(&former));
    assert!(!stage.is_in_rotation(0));

    stage.machine(0).faults().health_stays_503.set(false);
    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_recovers_after_it_was_put_back_returns_into_rotation() {
    let stage = Stage::new(2).await;
    let patrol = stage.patrol();
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 debt_payment_started").await;
    stage.machine(0).faults().health_stays_503.set(false);
    let ended = run.end().await;
    patrol.end().await.assert_served(1);
    ended
        .assert_code(22)
        .assert_says(&["put back, verified: once the cause is gone, apply anew"]);
    assert!(
        !ended.text().contains("to go on: casgate resume"),
        "{}",
        ended.text()
    );
    stage.story().assert_order(&[
        "cas01 server_failed wait_healthy",
        "cas01 server_undone",
        "cas01 debt_paid",
        "run_finished undone",
    ]);
    stage.assert_all_open();
    // What was put back is not resumed but planned anew, and asking for it harms nothing.
    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed.assert_code(10).assert_says(&[
        "has nothing to resume",
        "hint: `casgate apply` looks at every server anew",
    ]);
    assert_eq!(stage.story().count("run_resumed"), 0);
    stage.apply().await.assert_code(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_on_failure_stop_a_failed_server_keeps_its_new_rules_and_returns_into_rotation() {
    let stage = Stage::new(2).await;
    stage.edit("playbook.toml", "on_failure = \"undo\"", "on_failure = \"stop\"");
    let patrol = stage.patrol();
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 debt_payment_started").await;
    stage.machine(0).faults().health_stays_503.set(false);
    let ended = run.end().await;
    ended
        .assert_code(21)
        .assert_says(&["stopped: the failure budget is spent; the run can be resumed"]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed wait_healthy",
        "budget_spent",
        "cas01 debt_paid",
        "cas02 server_skipped",
        "run_finished budget_spent",
    ]);
    story.assert_never(&["cas01 undo_started"]);
    stage.assert_restricted(0);
    stage.assert_open(1);

    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    stage.assert_sound();
}
