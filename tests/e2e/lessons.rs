//! What went wrong with other tools, as regression tests of ours; docs/lessons.md says where each lesson is tested that is not tested here.

use crate::support::{APPLY_UNSEEN, Stage};

/// A whole first batch lost, one server unreachable and one failed, rolled on through the fleet elsewhere: budgets counted one kind of failure and
/// compared the batch with the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_wave_that_is_lost_in_two_ways_ends_the_run() {
    let stage = Stage::new(4).await;
    stage.edit("playbook.toml", "waves = [1, \"50%\"]", "waves = [2, \"50%\"]");
    stage.edit("playbook.toml", "max_failures = 0", "max_failures = 1");
    stage.take_down(0).await;
    stage.machine(1).faults().file_changed_on_disk.set(1000);
    let ended = stage.casgate(&APPLY_UNSEEN).await;
    ended.assert_code(22);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed",
        "cas02 server_failed",
        "budget_spent",
        "run_finished undone",
    ]);
    story.assert_never(&["cas03 server_started", "cas04 server_started"]);
    for index in 2..4 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
        stage.assert_open(index);
    }
    stage.assert_sound();
}

/// Retry files held the failed servers and lost those that were never attempted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_begins_the_servers_that_were_never_attempted() {
    let stage = Stage::new(4).await;
    stage.machine(0).faults().file_changed_on_disk.set(1000);
    stage.edit("playbook.toml", "on_failure = \"undo\"", "on_failure = \"stop\"");
    stage.apply().await.assert_code(21);
    stage.story().assert_never(&[
        "cas02 server_started",
        "cas03 server_started",
        "cas04 server_started",
    ]);
    stage.machine(0).faults().file_changed_on_disk.set(0);
    stage.assert_resumes().await;
    stage.assert_sound();
}

/// The configuration was written, a later step failed, and the next run said "no change" and never restarted: the need stood in a flag of the run
/// that was gone. Here even the journal is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_was_lost_with_its_run_is_made_by_the_next_one() {
    let stage = Stage::new(1).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict").await;
    run.kill().await;
    assert_eq!(stage.ran(0, "iisreset"), 0);
    let lost = stage.run_name();
    std::fs::remove_dir_all(stage.path("state")).expect("the journal is lost");
    let next = stage
        .casgate(&["apply", "playbook.toml", "--yes", "--steal-lease", &lost])
        .await;
    next.assert_code(0).assert_says(&["restart_iis        done"]);
    assert_eq!((stage.ran(0, "set config"), stage.ran(0, "iisreset")), (1, 1));
    stage.assert_sound();
}

/// One bad end hid a worse one: exit code 4 hid 2. Here the operator stops a run in which a server is stuck.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_mask_that_a_person_is_needed() {
    let stage = Stage::new(2).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict").await;
    stage.take_down(0).await;
    run.interrupt();
    run.end().await.assert_code(23);
    stage.story().assert_order(&[
        "stop_requested soft",
        "cas01 server_stuck",
        "run_finished human_needed",
    ]);
    stage.assert_sound();
}

/// A kill left the lock held until somebody broke it by force. Ours goes with its process, and the lease on the server ends by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_leaves_no_lock_that_somebody_has_to_break() {
    let stage = Stage::new(1).await;
    stage.edit("playbook.toml", "on_failure", "lease = \"2s\"\non_failure");
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict").await;
    run.kill().await;
    let other = || {
        let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
        command.env("CASGATE_STATE_DIR", "elsewhere");
        command
    };
    let mut refusals = 0;
    let ended = loop {
        let ended = stage.run(other()).await;
        if ended.code != Some(12) {
            break ended;
        }
        refusals += 1;
        assert!(refusals < 200, "{}", ended.text());
    };
    ended.assert_code(0);
    // The killed run itself goes on at once, finds its server as wanted, and pays what it alone owes: the place in rotation.
    assert!(!stage.is_in_rotation(0));
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    stage.assert_restricted(0);
    assert_eq!(stage.lease(0).await, None);
    stage.assert_sound();
}
