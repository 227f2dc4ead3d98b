//! Off a terminal nothing is taken for a yes; and a run belongs to one casgate.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_a_terminal_nothing_is_touched_without_yes_and_only_the_approved_plan_is_applied() {
    let stage = Stage::new(2).await;
    let refused = stage.casgate(&["apply", "playbook.toml"]).await;
    let plan = stage.casgate(&["plan", "playbook.toml"]).await;
    plan.assert_code(0);
    let hash = plan
        .stdout
        .strip_prefix("PLAN ")
        .and_then(|text| text.split_whitespace().next())
        .expect("a plan with its hash")
        .to_owned();
    refused.assert_code(10).assert_says(&[
        "error: the plan was not approved; nothing was touched",
        &format!("hint: off a terminal nobody can be asked: use --approve {hash} (or --yes)"),
    ]);

    let other = "0123456789ab";
    let stale = stage
        .casgate(&["apply", "playbook.toml", "--approve", other])
        .await;
    stale.assert_code(13).assert_says(&[
        &format!("error: the approved plan is {other}, this plan is {hash}; nothing was touched"),
        "hint: run `casgate plan` again, read it, and approve its hash",
    ]);
    let short = stage
        .casgate(&["apply", "playbook.toml", "--approve", &hash[..6]])
        .await;
    short.assert_code(13);
    let both = stage
        .casgate(&["apply", "playbook.toml", "--yes", "--approve", &hash])
        .await;
    both.assert_code(2);
    // Where nothing can be recorded nothing is begun.
    let mut nowhere = stage.command(&["apply", "playbook.toml", "--yes"]);
    nowhere.env("CASGATE_STATE_DIR", "playbook.toml");
    let nowhere = stage.run(nowhere).await;
    nowhere
        .assert_code(1)
        .assert_says(&["error: the journal", "because: cannot "]);
    for index in 0..2 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
        stage.assert_open(index);
    }
    assert!(!stage.path("state").exists(), "a run was recorded");
    stage.assert_no_shells();

    let approved = stage
        .casgate(&["apply", "playbook.toml", "--approve", &hash])
        .await;
    approved.assert_code(0);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_another_casgate_holds_is_left_alone() {
    let stage = Stage::new(2).await;
    let mut run = stage.start_apply();
    run.until("cas01 step_started install_feature").await;
    let name = stage.run_name();
    let second = stage.casgate(&["resume", &name]).await;
    second.assert_code(12).assert_says(&[
        "error: the journal",
        "because: the run is held by process ",
        " of tester@bench",
        "hint: `casgate explain RUN SERVER` looks at a run that is under way",
    ]);
    // Looking at it is free.
    let runs = stage.casgate(&["runs"]).await;
    runs.assert_code(0)
        .assert_says(&[&name, "Only the gateway may reach ActiveSync"]);
    run.end().await.assert_code(0);
    assert_eq!(stage.story().count("run_resumed"), 0);

    let finished = stage.casgate(&["resume", "latest"]).await;
    finished
        .assert_code(10)
        .assert_says(&["has nothing to resume: done: every server is as wanted"]);
    let unknown = stage.casgate(&["resume", "20010101-0000-ffff"]).await;
    unknown
        .assert_code(2)
        .assert_says(&["no run of state is called `20010101-0000-ffff`"]);
    let runs = stage.casgate(&["runs", "--format", "jsonl"]).await;
    let listed = runs.assert_code(0).json();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            listed[0]["run"].as_str(),
            listed[0]["changed"].as_u64(),
            listed[0]["failed"].as_u64()
        ),
        (Some(name.as_str()), Some(2), Some(0))
    );
    stage.assert_sound();
}
