//! Features that cannot be installed.

use crate::support::Stage;

/// Everything that holds whichever way the feature fails.
async fn assert_refused(stage: &Stage, words: &[&str]) {
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(21).assert_says(words).assert_says(&[
        "install_feature    FAILED",
        "expected: ",
        "found: ",
        "hint: ",
        "stopped: the failure budget is spent",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 step_probed install_feature ready",
        "cas01 server_failed install_feature",
        "budget_spent",
        "cas01 debt_paid",
        "cas02 server_skipped",
        "run_finished budget_spent",
    ]);
    story.assert_never(&["cas01 step_started restrict", "cas02 server_started"]);
    assert_eq!(stage.ran(0, "set config"), 0);
    for index in 0..2 {
        stage.assert_open(index);
    }
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feature_that_cannot_be_installed_ends_the_run_before_any_rule_is_written() {
    let (broken, removed) = (Stage::new(2).await, Stage::new(2).await);
    broken.machine(0).faults().feature_install_fails.set(true);
    removed.machine(0).faults().feature_payload_removed.set(true);
    tokio::join!(
        assert_refused(&broken, &["failed: enable feature IIS-IPSecurity", "0x800f081f"]),
        assert_refused(&removed, &["failed: enable feature IIS-IPSecurity", "payload"]),
    );

    broken.machine(0).faults().feature_install_fails.set(false);
    broken.casgate(&["resume", "latest"]).await.assert_code(0);
    for index in 0..2 {
        broken.assert_restricted(index);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feature_that_needs_a_reboot_is_told_and_the_run_goes_on_after_it() {
    let stage = Stage::new(2).await;
    stage.machine(0).faults().feature_needs_reboot.set(true);
    assert_refused(
        &stage,
        &["the server has to be restarted before the feature takes effect"],
    )
    .await;

    stage.machine(0).faults().feature_needs_reboot.set(false);
    stage.machine(0).reboot().await;
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    assert_eq!(stage.ran(0, "/enable-feature"), 1);
    stage.assert_all_restricted();
    stage.assert_sound();
}
