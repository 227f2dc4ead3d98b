//! Taking a whole run back.

use crate::support::{Stage, Terminal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_taken_back_the_last_wave_first_and_verified() {
    let stage = Stage::new(4).await;
    let former = stage.section(0).await;
    stage.apply().await.assert_code(0);
    let refused = stage.casgate(&["undo", "latest"]).await;
    refused.assert_code(10).assert_says(&[
        "to put back, in this order, one of a pool at a time: cas04, cas03, cas02, cas01",
        "off a terminal nobody can be asked",
    ]);
    let mut terminal = Terminal::start(stage.command(&["undo", "latest"]));
    terminal
        .until("Put 4 servers back to what they were before this run? Type yes:")
        .await;
    terminal.type_line("no");
    assert_eq!(terminal.end().await.0, Some(10));
    stage.assert_all_restricted();

    let patrol = stage.patrol();
    let undone = stage.casgate(&["undo", "latest", "--yes"]).await;
    patrol.end().await.assert_served(4);
    undone.assert_code(0).assert_says(&[
        "the former rules are in effect",
        "taken back: everything that has a way back is as it was, verified",
    ]);
    for index in 0..4 {
        stage.assert_open(index);
        assert!(stage.section(index).await.same_meaning(&former));
        assert_eq!(stage.lease(index).await, None);
    }
    let story = stage.story();
    story.assert_order(&[
        "run_finished done",
        "undo_requested",
        "cas04 undo_finished restrict",
        "cas03 undo_finished restrict",
        "cas02 undo_finished restrict",
        "cas01 undo_finished restrict",
        "run_finished taken_back",
    ]);
    story.assert_never(&["budget_spent"]);
    let again = stage.casgate(&["undo", "latest", "--yes"]).await;
    again.assert_code(10).assert_says(&["has nothing to take back"]);
    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed
        .assert_code(10)
        .assert_says(&["has nothing to resume: taken back"]);
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_somebody_changed_since_is_shown_and_left_and_the_others_are_taken_back() {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    let app = "Default Web Site/Microsoft-Server-ActiveSync";
    let line = format!(
        "%windir%\\system32\\inetsrv\\appcmd.exe set config \"{app}\" -section:system.webServer/security/ipSecurity \
         /+\"[ipAddress='198.51.100.77',allowed='True']\" /commit:apphost"
    );
    assert_eq!(stage.by_hand(0, &line).await.exit_code, 0);
    let changed = stage.section(0).await;
    let undone = stage.casgate(&["undo", "latest", "--yes"]).await;
    undone.assert_code(23).assert_says(&[
        "restrict           UNDO FAILED",
        "allow 198.51.100.77",
        "hint: somebody else changed the section",
        "cas01     server             STUCK",
        "cas02     server             UNDONE",
    ]);
    assert!(stage.section(0).await.same_meaning(&changed));
    stage.assert_open(1);
    // Put right by hand, the rest of the way back is one more command.
    let line = line.replace("/+", "/-");
    assert_eq!(stage.by_hand(0, &line).await.exit_code, 0);
    stage.casgate(&["undo", "latest", "--yes"]).await.assert_code(0);
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_can_be_taken_back_without_being_finished_first() {
    let stage = Stage::new(2).await;
    let former = stage.section(0).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict").await;
    run.kill().await;
    let patrol = stage.patrol();
    let undone = stage.casgate(&["undo", "latest", "--yes"]).await;
    undone.assert_code(0);
    patrol.end().await.assert_served(1);
    for index in 0..2 {
        stage.assert_open(index);
        assert!(stage.section(index).await.same_meaning(&former));
        assert_eq!(stage.lease(index).await, None);
    }
    let story = stage.story();
    story.assert_order(&[
        "undo_requested",
        "cas01 server_undone",
        "cas01 debt_paid",
        "run_finished taken_back",
    ]);
    story.assert_never(&["cas02 undo_started"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_an_undo_after_the_server_under_way_and_resume_goes_on_with_it() {
    let stage = Stage::slow(2).await;
    stage.apply().await.assert_code(0);
    let mut undo = stage.start(&["undo", "latest", "--yes"]);
    undo.until("cas02 undo_started").await;
    undo.interrupt();
    undo.end().await.assert_code(20);
    stage.assert_open(1);
    stage.assert_restricted(0);
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    stage.assert_open(0);
    stage.story().assert_order(&[
        "run_finished stopped",
        "run_resumed",
        "cas01 server_undone",
        "run_finished taken_back",
    ]);
    stage.assert_sound();
}
