//! What `plan` says of floors, word for word: weights and sites, a spread, and plans that are refused.

use crate::support::Stage;

/// Four servers with a weight, a site and a rack each.
async fn uneven() -> Stage {
    let stage = Stage::new(4).await;
    let servers = [
        ("cas01", 4, "north", "r1"),
        ("cas02", 2, "north", "r2"),
        ("cas03", 2, "south", "r1"),
        ("cas04", 2, "south", "r2"),
    ];
    for (name, weight, site, rack) in servers {
        let head = format!("[server.{name}]\n");
        let more = format!("{head}weight = {weight}\nlabels = {{ site = \"{site}\", rack = \"{rack}\" }}\n");
        stage.edit("farm.toml", &head, &more);
    }
    stage
}

/// What was printed, without what differs from day to day.
async fn said(stage: &Stage, code: i32) -> String {
    let ended = stage.casgate(&["plan", "playbook.toml"]).await;
    ended.assert_code(code);
    let text =
        format!("{}{}", ended.stdout, ended.stderr).replace(&stage.path("").display().to_string(), "FOLDER/");
    let lines =
        text.lines().map(
            |line| match line.strip_prefix("PLAN ").and_then(|rest| rest.split_once("  ")) {
                Some((_, title)) => format!("PLAN HASH  {title}"),
                None => line.to_owned(),
            },
        );
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_and_sites_stand_in_the_proof() {
    let stage = uneven().await;
    stage.edit(
        "farm.toml",
        "[server.cas01]\n",
        "[site.north]\nmin_in_rotation = 1\n\n[server.cas01]\n",
    );
    insta::assert_snapshot!("plan-weights", said(&stage, 0).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spread_stands_in_the_proof() {
    let stage = uneven().await;
    stage.edit(
        "playbook.toml",
        "waves = [1, \"50%\"]",
        "strategy = \"sliding\"\nspread = \"rack\"",
    );
    insta::assert_snapshot!("plan-spread", said(&stage, 0).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_the_tightest_instant_and_the_smallest_changes() {
    let stage = Stage::new(4).await;
    stage.edit("playbook.toml", "max_failures = 0", "max_failures = 2");
    insta::assert_snapshot!("plan-refused", said(&stage, 10).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_weight_names_the_server_that_weighs_too_much() {
    let stage = uneven().await;
    stage.edit(
        "farm.toml",
        "[server.cas01]\nweight = 4\n",
        "[server.cas01]\nweight = 9\n",
    );
    insta::assert_snapshot!("plan-refused-by-weight", said(&stage, 10).await);
}
