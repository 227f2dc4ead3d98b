//! The one line that matters: a commit that another writer disturbs, and commands whose reply is lost.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_changed_on_disk_is_read_again_and_the_commit_repeated() {
    let stage = Stage::new(2).await;
    stage.machine(0).faults().file_changed_on_disk.set(2);
    let patrol = stage.patrol();
    stage.apply().await.assert_code(0);
    patrol.end().await.assert_served(1);
    let story = stage.story();
    let facts = &story.applied()["cas01 restrict"];
    let again = "file changed on disk: read and planned again";
    assert_eq!(facts.iter().filter(|fact| *fact == again).count(), 2, "{facts:?}");
    assert_eq!((stage.ran(0, "set config"), stage.ran(1, "set config")), (3, 1));
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_always_changes_on_disk_ends_the_run_and_leaves_the_rules_as_they_were() {
    let stage = Stage::new(2).await;
    stage.machine(0).faults().file_changed_on_disk.set(1000);
    let former = stage.section(0).await;
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(22).assert_says(&[
        "restrict           FAILED",
        "failed: write the section of Default Web Site/Microsoft-Server-ActiveSync",
        "expected: the commit succeeds",
        "changed on disk",
        "hint: another program writes applicationHost.config at the same time",
        "put back, verified",
    ]);
    stage.story().assert_order(&[
        "cas01 step_applied restrict failed",
        "cas01 server_failed restrict",
        "budget_spent",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_paid",
        "run_finished undone",
    ]);
    assert_eq!(stage.ran(0, "set config"), 3);
    assert!(stage.section(0).await.same_meaning(&former));
    assert_eq!(stage.ran(1, "set config"), 0);
    stage.assert_all_open();
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_lost_is_unknown_looked_at_again_and_not_repeated() {
    let stage = Stage::new(2).await;
    stage
        .machine(0)
        .faults()
        .drop_after_command_with
        .set("set config");
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(0).assert_says(&[
        "restrict           UNKNOWN",
        "looking again before anything is repeated",
        "2 changed, 0 unchanged, 0 failed",
    ]);
    stage.story().assert_order(&[
        "cas01 step_applied restrict unknown",
        "cas01 step_started restrict 2",
        "cas01 step_probed restrict already_done",
        "cas01 step_verified restart_iis done",
        "cas01 server_healthy changed",
        "run_finished done",
    ]);
    assert_eq!(stage.ran(0, "set config"), 1, "the commit was sent twice");
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_whose_reply_is_lost_is_judged_by_what_is_seen_afterwards() {
    let stage = Stage::new(2).await;
    stage.machine(0).faults().drop_after_command_with.set("iisreset");
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(0);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_whose_reply_is_lost_is_made_once_more() {
    let stage = Stage::new(1).await;
    stage.machine(0).faults().drop_after_command.set(1);
    stage.casgate(&["plan", "playbook.toml"]).await.assert_code(0);
    let exec = ["exec", "cas01", "--", "echo", "once"];
    stage.machine(0).faults().drop_after_command.set(1);
    let ended = stage.casgate(&exec).await;
    ended
        .assert_code(1)
        .assert_says(&["cas01: ", "outcome", "unknown"]);
    assert_eq!(stage.ran(0, "echo once"), 1);
    stage.casgate(&exec).await.assert_code(0);
    stage.assert_sound();
}
