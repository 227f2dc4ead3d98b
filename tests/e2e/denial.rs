//! What a denied client gets, and whose addresses count: `deny_action` and `proxy_mode` of `restrict`.

use casim::machine::{WebReply, WebRequest};
use iis::ip_security::DenyAction;

use crate::support::{OUTSIDE, Stage};

const PAGE: &str = "/Microsoft-Server-ActiveSync/";

/// A farm whose playbook says more about denied clients.
async fn stage_with(keys: &str) -> Stage {
    let stage = Stage::new(2).await;
    add(&stage, keys);
    stage
}

fn add(stage: &Stage, keys: &str) {
    let deny = "unlisted = \"deny\",";
    stage.edit("playbook.toml", deny, &format!("{deny} {keys},"));
}

/// The application's own section, as the file has it.
async fn own(stage: &Stage, index: usize) -> String {
    let app = "list config \"Default Web Site/Microsoft-Server-ActiveSync\"";
    let section = "/section:system.webServer/security/ipSecurity /xml";
    stage.appcmd(index, &format!("{app} {section}")).await
}

/// What the gateway gets when it says on whose behalf it asks.
fn forwarded(stage: &Stage, index: usize, header: &str) -> u16 {
    stage.access_on_behalf(index, "127.0.0.10", Some(header))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_keys_are_written_proven_kept_and_taken_back() {
    let stage = stage_with("deny_action = \"not_found\", proxy_mode = true").await;
    let former = own(&stage, 0).await;
    let plan = stage.casgate(&["plan", "playbook.toml"]).await;
    plan.assert_code(0).assert_says(&[
        "denyAction: Forbidden -> NotFound",
        "enableProxyMode: false -> true",
        "not proved: who is denied for an address in X-Forwarded-For",
    ]);
    let first = stage.apply().await;
    first
        .assert_code(0)
        .assert_says(&["2 changed, 0 unchanged, 0 failed"]);
    let run = stage.run_name();
    for index in 0..2 {
        let section = stage.section(index).await;
        assert_eq!(
            (section.deny_action, section.enable_proxy_mode),
            (Some(DenyAction::NotFound), Some(true))
        );
        let seen = (
            stage.access(index, "127.0.0.10"),
            stage.access(index, OUTSIDE),
            forwarded(&stage, index, "127.0.0.10"),
            forwarded(&stage, index, "203.0.113.9, 127.0.0.10"),
        );
        assert_eq!(seen, (401, 404, 401, 404), "server {index}");
        assert_eq!(stage.ran(index, "set config"), 1, "one commit has it all");
    }
    let again = stage.apply().await;
    again
        .assert_code(0)
        .assert_says(&["0 changed, 2 unchanged, 0 failed"]);
    stage.casgate(&["status", "playbook.toml"]).await.assert_code(0);

    let undone = stage.casgate(&["undo", &run, "--yes"]).await;
    undone
        .assert_code(0)
        .assert_says(&["its own section is as it was, text for text"]);
    for index in 0..2 {
        assert_eq!(own(&stage, index).await, former, "server {index}");
        stage.assert_open(index);
        assert_eq!(forwarded(&stage, index, "203.0.113.9"), 401);
    }
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_left_out_leaves_what_is_there_and_one_that_is_named_finds_drift() {
    let stage = Stage::new(1).await;
    let set = "set config \"Default Web Site/Microsoft-Server-ActiveSync\" -section:system.webServer/security/ipSecurity";
    stage
        .appcmd(0, &format!("{set} -enableProxyMode:True -commit:apphost"))
        .await;
    stage.apply().await.assert_code(0);
    assert_eq!(stage.section(0).await.enable_proxy_mode, Some(true));
    add(&stage, "proxy_mode = false, deny_action = \"forbidden\"");
    let drift = stage.casgate(&["status", "playbook.toml"]).await;
    drift
        .assert_code(3)
        .assert_says(&["enableProxyMode: true -> false"]);
    stage.apply().await.assert_code(0);
    assert_eq!(stage.section(0).await.enable_proxy_mode, Some(false));
    let written = own(&stage, 0).await;
    assert!(
        !written.contains("denyAction"),
        "403 is what a denied client gets anyway: {written}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_is_a_denial_where_the_playbook_says_so() {
    let stage = stage_with("deny_action = \"abort_request\"").await;
    stage.apply().await.assert_code(0);
    let outside = "127.0.0.66".parse().expect("an address");
    assert_eq!(
        stage.machine(0).web(&WebRequest::get(PAGE, outside)),
        WebReply::Aborted
    );
    assert_eq!(stage.access(0, "127.0.0.10"), 401);
    stage.assert_sound();

    stage.edit("playbook.toml", "abort_request", "unauthorized");
    let blind = stage.casgate(&["apply", "playbook.toml", "--yes"]).await;
    blind
        .assert_code(2)
        .assert_says(&["witness-blind", "both get 401"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn iis_7_is_refused_what_its_schema_does_not_know() {
    let stage = Stage::mixed(4).await;
    let own = "{ role = \"own_addresses\" },";
    stage.edit(
        "playbook.toml",
        own,
        &format!("{own} {{ role = \"exchange_peers\" }},"),
    );
    add(&stage, "deny_action = \"not_found\", proxy_mode = true");
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  schema-too-old  cas02\n",
        "no denyAction in IIS's schema, and `restrict` of `Default Web Site/Microsoft-Server-ActiveSync` says deny_action = \"not_found\"",
        "no enableProxyMode in IIS's schema",
        "cannot be accepted",
        "nothing was touched",
    ]);
    assert!(!stage.path("state").exists(), "no run was begun");
    let accepted = [
        "plan",
        "playbook.toml",
        "--accept",
        "schema-too-old",
        "--reason",
        "x",
    ];
    stage.casgate(&accepted).await.assert_code(2);
    // What IIS 7.x does anyway it need not know.
    stage.edit("playbook.toml", "not_found", "forbidden");
    stage.edit("playbook.toml", "proxy_mode = true", "proxy_mode = false");
    stage.casgate(&["plan", "playbook.toml"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_that_the_witness_would_not_know_is_refused_before_anything_is_touched() {
    let stage = Stage::new(2).await;
    let app = "\"Default Web Site/Microsoft-Server-ActiveSync\"";
    let section = "/section:system.webServer/security/ipSecurity";
    stage
        .appcmd(
            1,
            &format!("set config {app} {section} /denyAction:NotFound /commit:apphost"),
        )
        .await;
    let before = stage.writes(1);
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  other-denial  cas02",
        "denyAction=NotFound at `Default Web Site/Microsoft-Server-ActiveSync`, where the witness expects Forbidden",
        "write deny_action = \"not_found\" in the `restrict` step to keep it",
    ]);
    assert_eq!(stage.writes(1), before);
    add(&stage, "deny_action = \"not_found\"");
    stage.apply().await.assert_code(0);
    for index in 0..2 {
        assert_eq!(stage.access(index, OUTSIDE), 404);
    }
    stage.assert_sound();
}
