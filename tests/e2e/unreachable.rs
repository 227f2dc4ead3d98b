//! Servers that cannot be reached, before the run and in its midst.

use std::time::Duration;

use rollout::FailureKind;
use tokio::time::Instant;

use crate::support::{APPLY_UNSEEN, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_before_the_run_fails_it_before_anything_is_changed() {
    let stage = Stage::new(2).await;
    stage.take_down(0).await;
    let patrol = stage.patrol();
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  server-not-seen  cas01",
        "Connection refused",
        "error: the preflight refuses 1 thing; nothing was touched",
    ]);
    assert!(!stage.path("state").exists(), "a run was recorded");
    let ended = stage.casgate(&APPLY_UNSEEN).await;
    patrol.end().await.assert_served(2);
    ended.assert_code(21).assert_says(&[
        "accepted server-not-seen on cas01: CHG 42",
        "could not be looked at",
        "cas01     survey             FAILED",
        "unreachable: log in and open a shell",
        "expected: WinRM answers",
        "found: ",
        "Connection refused",
        "hint: ",
        "`casgate ping cas01` tries one layer after the other",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 surveyed failed",
        "cas01 server_failed",
        "budget_spent",
        "cas02 server_skipped",
        "run_finished budget_spent",
    ]);
    assert_eq!(story.failure("cas01").kind, FailureKind::Unreachable);
    for index in 0..2 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
        stage.assert_open(index);
    }

    stage.bring_up(0).await;
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_down_before_its_rules_are_changed_goes_back_into_rotation() {
    let stage = Stage::new(2).await;
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until("cas01 step_verified drain").await;
    stage.take_down(0).await;
    let ended = run.end().await;
    ended
        .assert_code(21)
        .assert_says(&[
            "unreachable: ",
            "expected: WinRM answers",
            "hint: ",
            "bears this run's lease, which nobody renews any more and which ends by itself within 10m00s; to be rid of it at once",
            "on cas01: reg delete \"HKLM\\SOFTWARE\\casgate\" /v lease /f",
            "LEFT OPEN: cas01: 1 WinRM shell that could not be deleted",
            "casgate ping cas01 --shells --clean",
        ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed",
        "budget_spent",
        "cas01 debt_payment_started",
        "cas01 debt_paid",
        "cas02 server_skipped",
        "run_finished budget_spent",
    ]);
    story.assert_never(&["cas01 step_applied restrict", "cas02 server_started"]);
    assert_eq!(story.failure("cas01").kind, FailureKind::Unreachable);
    stage.assert_open(0);

    stage.bring_up(0).await;
    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_down_after_its_rules_were_changed_is_stuck_and_needs_a_person() {
    let stage = Stage::new(2).await;
    let patrol = stage.patrol();
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict done").await;
    stage.take_down(0).await;
    let ended = run.end().await;
    ended
        .assert_code(23)
        .assert_says(&["STUCK", "a person is needed", "to go on: casgate resume"]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed restart_iis",
        "cas01 undo_started restrict",
        "cas01 undo_failed restrict",
        "cas01 server_stuck",
        "run_finished human_needed",
    ]);
    story.assert_never(&["cas02 server_started"]);

    stage.bring_up(0).await;
    stage.assert_resumes().await;
    patrol.end().await.assert_served(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_accepts_and_never_answers_costs_no_more_than_its_timeouts() {
    let stage = Stage::new(2).await;
    stage.edit(
        "farm.toml",
        "[defaults]\n",
        "[defaults]\nconnect_timeout = \"1s\"\nlogin_timeout = \"1s\"\noperation_timeout = \"1s\"\n",
    );
    stage.machine(0).faults().winrm_silent.set(true);
    let began = Instant::now();
    let ended = stage.casgate(&APPLY_UNSEEN).await;
    let took = began.elapsed();
    ended.assert_code(21).assert_says(&[
        "timed out: log in and open a shell",
        "expected: an answer in time",
        "hint: ",
        "`casgate ping cas01`",
    ]);
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    let story = stage.story();
    story.assert_order(&["cas01 server_failed", "budget_spent", "cas02 server_skipped"]);
    assert_eq!(story.failure("cas01").kind, FailureKind::TimedOut);
    assert_eq!(stage.writes(0), Vec::<String>::new());
    stage.assert_open(0);

    let ping = stage.casgate(&["ping"]).await;
    ping.assert_code(1)
        .assert_says(&["cas01  FAILED", "timed out: ", "cas02  ok"]);
    stage.assert_sound();
}
