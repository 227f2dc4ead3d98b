//! Two operators on two jump hosts, which share nothing but the servers.

use std::time::Duration;

use crate::support::{Stage, Terminal};

const OTHER: &str = "20261124-0214-7f3a";

/// Another jump host: another state directory.
fn elsewhere(stage: &Stage, args: &[&str]) -> tokio::process::Command {
    let mut command = stage.command(args);
    command
        .env("CASGATE_STATE_DIR", "elsewhere")
        .env("USER", "second")
        .env("HOSTNAME", "jump02");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_casgate_is_refused_with_who_holds_the_server_and_until_when() {
    let stage = Stage::new(2).await;
    stage.edit(
        "playbook.toml",
        "min_healthy_time = \"200ms\"",
        "min_healthy_time = \"6s\"",
    );
    let mut run = stage.start_apply();
    run.until("cas01 lease_taken").await;
    let name = stage.run_name();
    let second = stage
        .run(elsewhere(&stage, &["apply", "playbook.toml", "--yes"]))
        .await;
    second.assert_code(12).assert_says(&[
        "error: another run is at work; nothing was touched",
        &format!("cas01 is held by run {name} of tester@bench, since 20"),
        " by the server's clock",
        "hint: wait until that run has ended",
    ]);
    assert!(!stage.path("elsewhere").exists(), "a run was recorded");
    run.end().await.assert_code(0);
    // Given back by all, and journalled as paid.
    for index in 0..2 {
        assert_eq!(stage.lease(index).await, None);
        stage.assert_restricted(index);
    }
    stage.story().assert_order(&[
        "cas01 lease_taken",
        "cas01 step_started drain",
        "cas01 server_healthy",
        "cas02 lease_taken",
        "cas02 server_healthy",
        "cas01 debt_payment_started",
        "cas01 debt_paid",
        "run_finished done",
    ]);
    let second = stage
        .run(elsewhere(&stage, &["apply", "playbook.toml", "--yes"]))
        .await;
    second.assert_code(0).assert_says(&["nothing to do"]);
    assert_eq!(
        stage.ran(0, "reg add"),
        stage.ran(0, "reg add HKLM"),
        "one way to write"
    );
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ended_is_taken_with_a_note_and_one_that_counts_only_with_its_runs_name() {
    let stage = Stage::new(2).await;
    stage.lease_to(0, OTHER, -1).await;
    stage.lease_to(1, OTHER, 60).await;
    let refused = stage.apply().await;
    refused.assert_code(12).assert_says(&[&format!(
        "cas02 is held by run {OTHER} of eve@jump02, since 2026-11-24T02:14:05Z until "
    )]);
    assert!(!refused.text().contains("cas01 is held"), "{}", refused.text());
    let other = [
        "apply",
        "playbook.toml",
        "--yes",
        "--steal-lease",
        "20261124-0215-beef",
    ];
    stage.casgate(&other).await.assert_code(12);
    for index in 0..2 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
    }
    assert!(!stage.path("state").exists(), "a run was recorded");

    let stolen = stage
        .casgate(&["apply", "playbook.toml", "--yes", "--steal-lease", OTHER])
        .await;
    stolen.assert_code(0).assert_says(&[
        &format!("tester@bench allowed to take over the leases of run {OTHER}"),
        &format!("over one that ended: run {OTHER} of eve@jump02"),
        &format!("over one that stolen: run {OTHER} of eve@jump02"),
    ]);
    stage.story().assert_order(&[
        "run_started",
        "steal_approved",
        "cas01 lease_taken",
        "cas02 lease_taken",
    ]);
    for index in 0..2 {
        assert_eq!(stage.lease(index).await, None);
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_a_lease_is_taken_over_only_by_typing_the_runs_name() {
    let stage = Stage::new(1).await;
    stage.lease_to(0, OTHER, 60).await;
    for (typed, code) in [("yes", 12), (OTHER, 0)] {
        let mut terminal = Terminal::start(stage.command(&["apply", "playbook.toml", "--yes"]));
        terminal
            .until("type the name of its run to take its leases over:")
            .await;
        terminal.type_line(typed);
        let (ended, text) = terminal.end().await;
        assert_eq!(ended, Some(code), "{text}");
    }
    stage.assert_restricted(0);
    stage.assert_sound();
}

/// The `until` of a server's lease.
async fn until(stage: &Stage, index: usize) -> Option<String> {
    let lease = stage.lease(index).await?;
    lease
        .split("; ")
        .find_map(|part| part.strip_prefix("until=").map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_renewed_while_the_run_goes_on_whatever_its_server_does() {
    let stage = Stage::new(1).await;
    stage.edit(
        "playbook.toml",
        "min_healthy_time = \"200ms\"",
        "min_healthy_time = \"8s\"\nlease = \"3s\"",
    );
    let mut run = stage.start_apply();
    run.until("cas01 server_soaking").await;
    let first = until(&stage, 0).await.expect("a lease");
    let renewed = async {
        while until(&stage, 0).await.expect("a lease") <= first {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed)
        .await
        .expect("a heartbeat");
    run.end().await.assert_code(0);
    assert_eq!(stage.lease(0).await, None);
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_lease_was_lost_is_changed_no_more_and_stays_as_the_other_run_wants_it() {
    let stage = Stage::slow(2).await;
    stage.edit(
        "playbook.toml",
        "min_healthy_time = \"200ms\"",
        "min_healthy_time = \"200ms\"\nlease = \"900ms\"",
    );
    stage.edit("playbook.toml", "lease = \"900ms\"", "lease = \"1s\"");
    let mut run = stage.start_apply();
    run.until("cas01 step_started back_up").await;
    stage.lease_to(0, OTHER, 60).await;
    let ended = run.end().await;
    // Its place in rotation is owed and not given back: whether it may go back is the other run's to say.
    ended.assert_code(23).assert_says(&[
        "lease              LOST",
        &format!("found: run {OTHER} of eve@jump02"),
        "rotation           UNPAID",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "cas01 lease_lost",
        "cas01 server_failed",
        "cas01 debt_unpaid",
        "run_finished human_needed",
    ]);
    story.assert_never(&["cas02 server_started"]);
    let lease = stage.lease(0).await.expect("the other run's lease");
    assert!(lease.contains(OTHER), "{lease}");
    assert!(!stage.is_in_rotation(0));
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_cannot_be_taken_away_is_named_with_its_command_and_its_end_and_wakes_nobody() {
    let stage = Stage::new(1).await;
    let mut run = stage.start_apply();
    run.until("cas01 server_soaking").await;
    stage.machine(0).faults().registry_guarded.set(true);
    let ended = run.end().await;
    // Everything is as wanted, and the lease is gone in ten minutes.
    ended.assert_code(0).assert_says(&[
        "STILL OWED: cas01 bears this run's lease, which nobody renews any more and which ends by itself within 10m00s",
        "on cas01: reg delete \"HKLM\\SOFTWARE\\casgate\" /v lease /f",
    ]);
    stage.assert_restricted(0);
    stage
        .story()
        .assert_order(&["cas01 server_healthy", "cas01 debt_unpaid", "run_finished done"]);
    assert!(stage.lease(0).await.is_some());
    // The command that was named is the one that helps.
    stage.machine(0).faults().registry_guarded.set(false);
    let (code, _) = stage
        .on_server(0, r#"reg delete "HKLM\SOFTWARE\casgate" /v lease /f"#)
        .await;
    assert_eq!(code, 0);
    assert_eq!(stage.lease(0).await, None);
    assert!(!ended.text().contains("LEFT OPEN"), "{}", ended.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_that_looks_ill_because_another_casgate_is_at_work_on_it_is_said_to_be_held() {
    let stage = Stage::new(2).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_verified drain").await;
    run.kill().await;
    // As a restart in the midst of it would look.
    assert_eq!(stage.by_hand(0, "sc stop W3SVC").await.exit_code, 0);
    let apply = ["apply", "playbook.toml", "--yes"];
    let second = stage.run(elsewhere(&stage, &apply)).await;
    second.assert_code(12).assert_says(&[
        "REFUSED  web-service-stopped  cas01",
        "error: another run is at work; nothing was touched",
        "cas01 is held by run ",
    ]);
    // Whoever takes the lease over is told what is wrong.
    let name = stage.run_name();
    let steal = ["apply", "playbook.toml", "--yes", "--steal-lease", &name];
    let third = stage.run(elsewhere(&stage, &steal)).await;
    third
        .assert_code(10)
        .assert_says(&["the preflight refuses 1 thing"]);
}
