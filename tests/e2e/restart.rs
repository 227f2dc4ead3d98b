//! Restarts of IIS that do not go as they should.

use crate::support::{OUTSIDE, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_is_refused_and_leaves_the_web_service_stopped_is_repaired_before_anything_else() {
    let stage = Stage::new(2).await;
    stage
        .machine(0)
        .faults()
        .iisreset_access_denied_w3svc_stopped
        .set(1);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended.assert_code(0).assert_says(&[
        "iisreset ended with 5",
        "W3SVC was left stopped and was started",
        "NetTcpActivator was left stopped and was started",
        "IISADMIN was left stopped and was started",
        "2 changed, 0 unchanged, 0 failed",
    ]);
    assert_eq!(stage.ran(0, "sc start W3SVC"), 1);
    stage.story().assert_order(&[
        "cas01 step_applied restart_iis done",
        "cas01 step_verified restart_iis done",
        "cas01 step_verified witness done",
        "cas01 server_healthy changed",
        "run_finished done",
    ]);
    stage.assert_all_restricted();
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_service_that_does_not_start_again_is_never_walked_past() {
    let stage = Stage::new(2).await;
    let faults = stage.machine(0).faults();
    faults.iisreset_access_denied_w3svc_stopped.set(1);
    faults.w3svc_does_not_start.set(true);
    let former = stage.section(0).await;
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    ended.assert_code(23).assert_says(&[
        "restart_iis        FAILED",
        "expected: W3SVC and WAS run, and the former worker processes are gone",
        "found: not running: W3SVC",
        "could not be started",
        "hint: IIS serves nobody on this server now",
        "STILL OWED: cas01 is out of rotation; put it back with",
        "echo \"set server eas/cas01 state ready\" | socat stdio ",
        "a person is needed",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_failed restart_iis",
        "budget_spent",
        "cas01 undo_finished restrict",
        "cas01 server_undone",
        "cas01 debt_unpaid",
        "cas02 server_skipped",
        "run_finished human_needed",
    ]);
    story.assert_never(&[
        "cas01 step_started wait_healthy",
        "cas01 server_healthy",
        "cas02 server_started",
    ]);
    assert!(stage.section(0).await.same_meaning(&former));
    assert!(!stage.is_in_rotation(0));

    // A person heals the server; what is owed is paid by going on.
    faults.w3svc_does_not_start.set(false);
    let started = stage
        .casgate(&["exec", "cas01", "--", "sc", "start", "W3SVC"])
        .await;
    started.assert_code(0);
    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed.assert_code(0);
    assert!(!resumed.text().contains("STILL OWED"), "{}", resumed.text());
    patrol.end().await.assert_served(1);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_judged_by_the_services_and_not_by_what_it_says() {
    let stage = Stage::new(2).await;
    stage.machine(0).faults().iisreset_1053.set(1);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(1);
    ended
        .assert_code(0)
        .assert_says(&["iisreset ended with 1053", "2 changed, 0 unchanged, 0 failed"]);
    assert_eq!((stage.ran(0, "iisreset"), stage.ran(0, "sc start")), (1, 0));
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_a_restart_took_along_are_started_again() {
    let stage = Stage::new(1).await;
    stage.machine(0).faults().iisreset_leaves_listeners_stopped.set(1);
    let ended = stage.apply().await;
    ended.assert_code(0).assert_says(&[
        "NetPipeActivator was left stopped and was started",
        "NetTcpActivator was left stopped and was started",
    ]);
    assert!(!ended.text().contains("iisreset ended with"), "{}", ended.text());
    assert_eq!((stage.ran(0, "iisreset"), stage.ran(0, "sc start")), (1, 2));
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_never_ends_is_looked_at_and_not_repeated() {
    let stage = Stage::new(1).await;
    stage.edit(
        "playbook.toml",
        "no_force = true, timeout = \"20s\"",
        "no_force = true, timeout = \"1s\"",
    );
    stage.machine(0).faults().iisreset_hangs.set(1);
    let ended = stage.apply().await;
    ended.assert_code(0).assert_says(&[
        "the end of iisreset was not seen",
        "1 changed, 0 unchanged, 0 failed",
    ]);
    assert_eq!((stage.ran(0, "iisreset"), stage.ran(0, "sc start")), (1, 0));
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_the_module_is_restarted_although_casgate_changed_nothing() {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    stage.assert_all_restricted();
    // Somebody takes the feature away and brings it back; the worker that started in between has no module to enforce the rules with.
    for (verb, recycled) in [("disable", true), ("enable", false)] {
        let line = format!("dism /online /{verb}-feature /featurename:IIS-IPSecurity /norestart /quiet");
        assert_eq!(stage.on_server(0, &line).await.0, 0, "{verb}");
        if recycled {
            stage.appcmd(0, "recycle apppool MSExchangeSyncAppPool").await;
            stage.until_access(0, OUTSIDE, 401).await;
        }
    }
    stage.assert_open(0);

    // Text in the server's own language makes no difference.
    stage.machine(0).faults().localised.set(true);
    let ended = stage.apply().await;
    ended
        .assert_code(0)
        .assert_says(&["1 changed, 1 unchanged, 0 failed"]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 step_probed install_feature already_done",
        "cas01 step_probed restrict already_done",
        "cas01 step_probed restart_iis ready",
        "cas01 step_verified restart_iis done",
        "run_finished done",
    ]);
    let journal = std::fs::read_to_string(stage.run_folder().join("journal.jsonl")).expect("a journal");
    for words in [
        "\"reason\":\"without IpRestrictionModule: process ",
        "IpRestrictionModule loaded: process ",
    ] {
        assert!(journal.contains(words), "{words}\n{journal}");
    }
    assert_eq!((stage.ran(0, "iisreset"), stage.ran(1, "iisreset")), (2, 1));
    stage.assert_all_restricted();
    stage.assert_sound();
}

/// Windows gives the ids of ended processes to new ones: by ids alone such a restart would have had no effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_whose_new_processes_have_the_old_ids_is_seen_by_when_they_started() {
    let stage = Stage::new(1).await;
    stage.machine(0).faults().process_ids_come_back.set(true);
    stage
        .apply()
        .await
        .assert_code(0)
        .assert_says(&[": an id that came back)"]);
    assert_eq!(stage.ran(0, "iisreset"), 1);
    stage.assert_restricted(0);
    // And nothing more is to be done, whatever the ids are.
    stage.apply().await.assert_code(0).assert_says(&["1 unchanged"]);
    assert_eq!(stage.ran(0, "iisreset"), 1);
    stage.assert_sound();
}
