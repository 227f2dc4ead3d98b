//! Days on which Windows refuses, stalls or speaks another language: what the operator sees of it, and what is left behind.

use casim::machine::Faults;

use crate::support::Stage;

/// A fault, and what is found because of it.
type Unreadable<'a> = (fn(&Faults), &'a str);

/// A fault of cas01 that ends the run there, and leaves everything as it was.
async fn assert_ends(throw: fn(&Faults), failed: &str, words: &[&str], end: (i32, &str)) {
    assert_ends_on(&Stage::new(2).await, throw, failed, words, end).await;
}

/// The same on a stage that is prepared already.
async fn assert_ends_on(
    stage: &Stage,
    throw: fn(&Faults),
    failed: &str,
    words: &[&str],
    (code, verdict): (i32, &str),
) {
    let former = stage.section(0).await;
    throw(stage.machine(0).faults());
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(code).assert_says(words);
    let story = stage.story();
    story.assert_order(&[failed, "budget_spent", "cas02 server_skipped", verdict]);
    story.assert_never(&["cas01 server_healthy changed", "cas02 server_started"]);
    assert!(stage.section(0).await.same_meaning(&former));
    for index in 0..2 {
        stage.assert_open(index);
    }
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_section_that_is_locked_even_for_the_server_is_not_unlocked() {
    assert_ends(
        |faults| faults.section_locked.set(true),
        "cas01 server_failed restrict",
        &[
            "restrict           FAILED",
            "expected: the commit succeeds",
            "found: appcmd ended with 33 (locked section)",
            "hint: the section is locked above the application",
            "the former rules are in effect: allowUnlisted=true, 0 rules",
        ],
        (22, "run_finished undone"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_for_a_backup_nothing_is_changed() {
    assert_ends(
        |faults| faults.disk_full.set(true),
        "cas01 server_failed back_up",
        &[
            "back_up            FAILED",
            "expected: the backup is made",
            "found: appcmd ended with 112",
        ],
        (21, "run_finished budget_spent"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_registry_is_guarded_takes_no_lease_and_is_not_begun() {
    assert_ends(
        |faults| faults.registry_guarded.set(true),
        "cas01 server_failed",
        &[
            "failed: take the server's lease",
            r"expected: a value below HKLM\SOFTWARE\casgate",
            "0 changed, 0 unchanged, 1 failed, 1 not begun",
        ],
        (21, "run_finished budget_spent"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_may_not_be_listed_forbid_the_restart() {
    assert_ends(
        |faults| faults.services_not_listed.set(true),
        "cas01 server_failed restart_iis",
        &[
            "restart_iis        FAILED",
            "expected: a list of services",
            "found: sc queryex bufsize= 262144 ended with 5",
            "the former rules are in effect: allowUnlisted=true, 0 rules",
        ],
        (22, "run_finished undone"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recycling_that_leaves_the_former_process_is_no_restart() {
    let stage = Stage::new(2).await;
    stage.edit(
        "playbook.toml",
        r#"method = "iisreset", no_force = true, timeout = "20s""#,
        r#"method = "recycle_app_pool", timeout = "2s""#,
    );
    assert_ends_on(
        &stage,
        |faults| faults.recycle_without_effect.set(true),
        "cas01 server_failed restart_iis",
        &[
            "restart_iis        FAILED",
            "timed out: recycle the application pool",
            "expected: the pool's former worker processes are gone",
            "the former rules are in effect: allowUnlisted=true, 0 rules",
            "0 changed, 0 unchanged, 1 failed, 1 not begun",
        ],
        (22, "run_finished undone"),
    )
    .await;
    assert_eq!(stage.ran(0, "recycle"), 1, "once, and not again");
}

/// A fault of cas01 after which it is put back, and yet serves nobody: it stays out of rotation, and that is owed.
async fn assert_stays_out(stage: &Stage, throw: fn(&Faults), failed: &str, words: &[&str]) {
    let former = stage.section(0).await;
    throw(stage.machine(0).faults());
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(23).assert_says(words).assert_says(&[
        "hint: the server is not fit for clients, so it stays out",
        "STILL OWED: cas01 is out of rotation; put it back with",
    ]);
    let story = stage.story();
    story.assert_order(&[
        failed,
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_unpaid",
        "cas02 server_skipped",
        "run_finished human_needed",
    ]);
    story.assert_never(&["cas02 server_started"]);
    assert!(stage.section(0).await.same_meaning(&former));
    assert!(!stage.is_in_rotation(0));
    stage.assert_open(1);
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_stopped_after_the_restart_keeps_its_server_out() {
    assert_stays_out(
        &Stage::new(2).await,
        |faults| faults.activesync_pool_stops.set(true),
        "cas01 server_failed wait_healthy",
        &[
            "wait_healthy       FAILED",
            "found: /Microsoft-Server-ActiveSync/healthcheck.htm answers 503",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_service_that_hangs_at_its_start_keeps_its_server_out_until_somebody_heals_it() {
    let stage = Stage::new(2).await;
    stage.edit("playbook.toml", r#"timeout = "20s""#, r#"timeout = "2s""#);
    assert_stays_out(
        &stage,
        |faults| faults.w3svc_start_hangs.set(true),
        "cas01 server_failed restart_iis",
        &[
            "restart_iis        FAILED",
            "found: not running: W3SVC",
            "hint: IIS serves nobody on this server now",
            "found: no answer to GET /Microsoft-Server-ActiveSync/healthcheck.htm",
        ],
    )
    .await;
    stage.machine(0).faults().w3svc_start_hangs.set(false);
    stage.until_access(0, "127.0.0.10", 401).await;
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_warm_up_for_minutes_are_waited_for_as_long_as_the_playbook_says() {
    // Three minutes are a bit less than two seconds of this stage, and nine of the other.
    let stage = Stage::new(2).await;
    stage.machine(0).faults().slow_warm_up.set(true);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended
        .assert_code(0)
        .assert_says(&["2 changed, 0 unchanged, 0 failed"]);
    stage.assert_all_restricted();

    let stage = Stage::slow(2).await;
    assert_stays_out(
        &stage,
        |faults| faults.slow_warm_up.set(true),
        "cas01 server_failed wait_healthy",
        &[
            "wait_healthy       FAILED",
            "timed out: wait until the health pages answer, for 3s",
            "answers 503",
        ],
    )
    .await;
    // `resume` restarts it once more, so it helps only once whatever made it slow is gone.
    stage.machine(0).faults().slow_warm_up.set(false);
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_preflight_cannot_read_is_refused_before_anything_is_touched() {
    let throws: [Unreadable<'_>; 2] = [
        (
            |faults| faults.rpc_fails.set(1),
            "the application pools of IIS: appcmd ended with 1726",
        ),
        (
            |faults| faults.output_cut.set(1),
            "the rules of `Default Web Site/Microsoft-Server-ActiveSync`: appcmd ended with 0 (unreadable output)",
        ),
    ];
    for (throw, found) in throws {
        let stage = Stage::new(2).await;
        throw(stage.machine(0).faults());
        let ended = stage.apply().await;
        ended
            .assert_code(10)
            .assert_says(&["REFUSED  fact-not-read  cas01", found, "nothing was touched"]);
        assert!(stage.writes(0).is_empty() && !stage.path("state").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_at_its_end_is_read_and_planned_again() {
    let stage = Stage::new(1).await;
    stage.machine(0).faults().commit_fails_late.set(1);
    let ended = stage.apply().await;
    ended
        .assert_code(0)
        .assert_says(&["read and planned again", "1 changed, 0 unchanged, 0 failed"]);
    assert_eq!(stage.ran(0, "set config"), 2);
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_rollout_goes_by_codes_where_windows_speaks_german() {
    let stage = Stage::new(2).await;
    for index in 0..2 {
        stage.machine(index).faults().localised.set(true);
        let (_, said) = stage.on_server(index, "sc query W3SVC").await;
        assert!(said.contains("DIENSTNAME"), "{said}");
    }
    stage
        .apply()
        .await
        .assert_code(0)
        .assert_says(&["2 changed, 0 unchanged, 0 failed"]);
    stage.assert_all_restricted();
    stage
        .apply()
        .await
        .assert_code(0)
        .assert_says(&["0 changed, 2 unchanged, 0 failed"]);
    stage.assert_sound();

    // dism's refusal in words that nobody knows.
    let broken = Stage::new(1).await;
    broken.machine(0).faults().localised.set(true);
    broken.machine(0).faults().feature_install_fails.set(true);
    broken
        .apply()
        .await
        .assert_code(21)
        .assert_says(&["failed: enable feature IIS-IPSecurity", "0x800f081f"]);
    broken.assert_open(0);
}
