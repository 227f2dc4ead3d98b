//! Failures within the budget, and one too many.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_server_within_the_budget_does_not_stop_the_others() {
    let stage = Stage::new(4).await;
    stage.edit("playbook.toml", "max_failures = 0", "max_failures = 1");
    stage.machine(1).faults().feature_install_fails.set(true);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    ended.assert_code(21).assert_says(&[
        "3 changed, 0 unchanged, 1 failed, 0 not begun",
        "some servers failed within the budget; every other server that could be begun is as wanted",
        "install_feature: ",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas02 server_failed install_feature",
        "run_finished done_with_failures",
    ]);
    story.assert_never(&["budget_spent", "cas02 undo_started"]);
    for index in [0, 2, 3] {
        stage.assert_restricted(index);
    }
    stage.assert_open(1);

    stage.machine(1).faults().feature_install_fails.set(false);
    let resumed = stage.casgate(&["resume", "latest"]).await;
    patrol.end().await.assert_served(2);
    resumed.assert_code(0);
    stage.assert_restricted(1);
    assert_eq!(
        stage.ran(0, "iisreset"),
        1,
        "a server that was done was restarted again"
    );
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_failure_that_is_one_too_many_puts_its_whole_wave_back() {
    let stage = Stage::new(4).await;
    // cas01, then cas02 and cas03 in one wave, then cas04.
    stage.machine(2).faults().file_changed_on_disk.set(1000);
    let former = stage.section(1).await;
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(2);
    ended
        .assert_code(22)
        .assert_says(&["the servers of the failed wave are put back, verified"]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_healthy changed",
        "wave_finished",
        "cas03 server_failed restrict",
        "budget_spent",
        "run_finished undone",
    ]);
    story.assert_order(&[
        "cas02 server_healthy changed",
        "cas02 undo_finished restrict",
        "cas02 server_undone",
    ]);
    story.assert_never(&["cas04 server_started", "cas01 undo_started"]);
    stage.assert_restricted(0);
    for index in 1..4 {
        stage.assert_open(index);
        assert!(stage.section(index).await.same_meaning(&former), "server {index}");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_could_break_the_floor_is_refused() {
    let stage = Stage::new(2).await;
    stage.edit("playbook.toml", "max_failures = 0", "max_failures = 1");
    let ended = stage.apply().await;
    ended
        .assert_code(10)
        .assert_says(&["error: no plan can be made; nothing was touched", "because: "]);
    assert_eq!(stage.farm.endpoints()[0].record().connections, 0);
    assert!(!stage.path("state").exists(), "a run was recorded");
}
