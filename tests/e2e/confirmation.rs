//! The dead man's switch: a server whose change nobody confirms puts its former rules back by itself.

use crate::support::{OUTSIDE, Stage};

async fn confirmed_stage(stage: Stage, within: &str) -> Stage {
    stage.edit(
        "playbook.toml",
        r#"existing = "replace","#,
        &format!(r#"existing = "replace", confirm_within = "{within}","#),
    );
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_confirmed_in_time_and_the_switch_is_gone() {
    let stage = confirmed_stage(Stage::new(2).await, "24h").await;
    let ended = stage.apply().await;
    ended.assert_code(0).assert_says(&["confirmation", "is gone"]);
    for index in 0..2 {
        stage.assert_restricted(index);
        assert_eq!(stage.ran(index, "schtasks.exe /create"), 1, "server {index}");
        assert_eq!(stage.ran(index, "schtasks.exe /delete"), 1, "server {index}");
        let files = stage.machine(index).files();
        assert!(files.is_empty(), "left behind: {files:?}");
    }
    stage.story().assert_order(&[
        "cas01 step_verified restrict done",
        "cas01 step_verified return_to_rotation done",
        "cas01 debt_paid",
        "cas01 server_soaking",
        "cas01 server_healthy",
    ]);
    let second = stage.apply().await;
    second.assert_code(0).assert_says(&["nothing to do"]);
    assert_eq!(
        stage.ran(0, "schtasks.exe /create"),
        1,
        "nothing was changed the second time"
    );
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_casgate_that_is_killed_after_the_commit_leaves_a_server_that_opens_itself_and_a_run_that_goes_on()
{
    // Ten simulated minutes are thirty seconds here.
    let stage = confirmed_stage(Stage::slow(2).await, "10m").await;
    let mut run = stage.start_apply();
    run.until("cas01 step_verified witness done").await;
    run.kill().await;
    assert_eq!(
        stage.access(0, OUTSIDE),
        403,
        "the change is there when casgate dies"
    );
    stage.until_access(0, OUTSIDE, 401).await;
    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed.assert_code(0);
    stage.assert_all_restricted();
    assert_eq!(
        stage.ran(0, "schtasks.exe /create"),
        2,
        "set again for the second try"
    );
    stage.story().assert_order(&[
        "cas01 step_verified witness done",
        "run_resumed",
        "cas01 surveyed",
        "cas01 step_probed restrict ready",
        "cas01 debt_paid",
        "cas01 server_healthy changed",
        "run_finished done",
    ]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_is_put_back_at_once_and_its_switch_taken_away_even_where_the_policy_says_stop() {
    let stage = confirmed_stage(Stage::new(2).await, "24h").await;
    stage.edit(
        "playbook.toml",
        r#"on_failure = "undo""#,
        r#"on_failure = "stop""#,
    );
    stage.machine(0).faults().w3svc_does_not_start.set(true);
    let former = stage.section(0).await;
    let ended = stage.apply().await;
    assert!(stage.section(0).await.same_meaning(&former), "{}", ended.text());
    assert_eq!(stage.ran(0, "schtasks.exe /delete"), 1);
    stage
        .story()
        .assert_order(&["cas01 server_failed", "cas01 debt_paid"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_fires_too_early_fails_its_server_and_nobody_else_is_begun() {
    let stage = confirmed_stage(Stage::new(2).await, "24h").await;
    stage.edit(
        "playbook.toml",
        r#"healthy_deadline = "3s""#,
        r#"healthy_deadline = "20s""#,
    );
    let former = stage.section(0).await;
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 step_verified restart_iis").await;
    stage.until_access(0, OUTSIDE, 403).await;
    // Somebody else writes at that very moment: the task's line gets its second chance.
    stage.machine(0).faults().file_changed_on_disk.set(1);
    let fire = format!("schtasks /run /tn casgate-{}-3", stage.run_name());
    assert_eq!(stage.on_server(0, &fire).await.0, 0);
    stage.until_access(0, OUTSIDE, 401).await;
    stage.machine(0).faults().health_stays_503.set(false);
    let ended = run.end().await;
    ended.assert_code(22);
    assert!(stage.section(0).await.same_meaning(&former), "{}", ended.text());
    let story = stage.story();
    story.assert_order(&[
        "cas01 step_verified restart_iis",
        "cas01 server_failed",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_paid",
        "run_finished undone",
    ]);
    story.assert_never(&["cas02 server_started"]);
    stage.assert_open(0);
    stage.assert_open(1);
    assert_eq!(stage.ran(0, "schtasks.exe /delete"), 1);
    stage.assert_sound();
}
