//! Why a server stands where it stands: of a run that is under way, killed, done.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_way_is_explained_without_being_disturbed() {
    let stage = Stage::new(3).await;
    stage.edit(
        "playbook.toml",
        "min_healthy_time = \"200ms\"",
        "min_healthy_time = \"8s\"",
    );
    let mut run = stage.start_apply();
    run.until("cas01 server_soaking").await;
    let name = stage.run_name();
    let soaking = stage.casgate(&["explain", "latest", "cas01"]).await;
    soaking.assert_code(0).assert_says(&[
        &format!("  run           {name}, running: Only the gateway may reach ActiveSync"),
        "  wave          1 of 3, with 1 of 3 servers: the policy cuts them into waves of 1, 1, 1",
        "pool eas: floor 2 of 3, so at most 1 of it under way at a time",
        "  state         soaking, since ",
        "  waits for     staying healthy until ",
        "  Ctrl-C now    it is finished first, back into rotation and watched",
        "a second one ends the wait at once",
        "  owed          the run's lease on the server, until the run ends",
        "restrict           done",
    ]);
    let waiting = stage.casgate(&["explain", &name, "cas03"]).await;
    waiting.assert_code(0).assert_says(&[
        "  wave          3 of 3",
        "  state         waiting",
        "  waits for     its wave: cas01 of an earlier one are not done",
        "  unblocked by  the end of cas01",
        "  Ctrl-C now    it is not begun; `casgate resume` begins it",
        "  owed          nothing",
        "  done          nothing",
    ]);
    run.until("cas01 server_healthy").await;
    run.until("cas02 step_probed restrict").await;
    run.kill().await;
    let killed = stage.casgate(&["explain", "latest", "cas02"]).await;
    killed.assert_code(0).assert_says(&[
        &format!("{name}, interrupted"),
        // How far it came before the kill, a fast machine decides.
        "  state         running: re",
        ", attempt 1, since ",
        "  waits for     nothing: nobody is at work on this run",
        &format!("  unblocked by  casgate resume {name}"),
        "  Ctrl-C now    nobody is at work on this run",
        "  owed          its place in the load balancer's rotation",
    ]);
    let unknown = stage.casgate(&["explain", "latest", "cas09"]).await;
    unknown.assert_code(2).assert_says(&["has no server `cas09`"]);
    let json = stage
        .casgate(&["explain", "latest", "cas01", "--format", "jsonl"])
        .await;
    assert_eq!(json.assert_code(0).json()[0]["state"], "healthy");
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_waits_for_the_floor_says_for_what_and_until_when() {
    let stage = Stage::new(3).await;
    // Somebody else took a server out: the pool has none to spare.
    stage.take_out(2).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_probed drain ready").await;
    let explained = stage.casgate(&["explain", "latest", "cas01"]).await;
    explained.assert_code(0).assert_says(&[
        "  state         running: drain is awaiting its permit",
        "  waits for     pool eas to have 2 in rotation without it; that is looked at again at ",
        ", and it gives up at ",
        "  unblocked by  another server of pool eas that comes back into rotation",
        "  Ctrl-C now    it is let go, untouched; `casgate resume` begins it anew",
    ]);
    run.interrupt();
    run.end().await.assert_code(20);
    stage.assert_sound();
}
