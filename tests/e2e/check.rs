//! `check`: everything that is wrong with both files, at once.

use crate::support::Stage;

const INVENTORY: &str = r#"
[defaults]
credential = "ops"
transprot = "https"

[credential.ops]
user = 'CONTOSO\operator'
password = { env = "CASGATE_PASSWORD" }

[pool.eas]
min_in_rotation = "150%"

[server.cas01]
address = "192.0.2.11"
pool = "eas"

[server.cas02]
adress = "192.0.2.12"
port = 70000
pool = "esa"
"#;

const PLAYBOOK: &str = r#"
[playbook]
title = "Only the gateway"
servers = "@eas"

[policy]
waves = []
max_failures = -1
min_healthy_time = "soon"

[[step]]
drian = {}

[[step]]
restrict = { application = "Default Web Site/Microsoft-Server-ActiveSync", unlisted = "deny", existing = "replace", allow = [
  { address = "192.0.2.300" },
  { network = "192.0.2.0/40" },
  { role = "loopbak" },
] }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_of_both_files_is_told_at_once_with_its_place_and_a_hint() {
    let stage = Stage::new(1).await;
    stage.write("farm.toml", INVENTORY);
    stage.write("playbook.toml", PLAYBOOK);
    let ended = stage.casgate(&["check", "playbook.toml"]).await;
    ended.assert_code(2);
    assert_eq!(ended.stdout, "");
    insta::assert_snapshot!("check", ended.stderr);

    let json = stage
        .casgate(&["check", "playbook.toml", "--format", "jsonl"])
        .await;
    let found = json.assert_code(2).json();
    let told = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error["))
        .count();
    assert_eq!(found.len(), told);
    assert!(
        found.iter().all(|finding| finding["line"].as_u64() > Some(0)),
        "{found:?}"
    );
    // No other command goes further than this.
    for args in [
        &["plan", "playbook.toml"][..],
        &["apply", "playbook.toml", "--yes"],
        &["status", "playbook.toml"],
        &["ping"],
        &["exec", "all", "--", "hostname"],
    ] {
        stage.casgate(args).await.assert_code(2);
    }
    assert_eq!(stage.farm.endpoints()[0].record().connections, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_files_are_ok_and_a_file_that_is_not_there_is_named() {
    let stage = Stage::new(3).await;
    let ended = stage.casgate(&["check", "playbook.toml"]).await;
    ended
        .assert_code(0)
        .assert_says(&["farm.toml: 3 servers, ok", "playbook.toml: 8 steps, ok"]);
    let missing = stage.casgate(&["check", "nothing.toml"]).await;
    missing
        .assert_code(2)
        .assert_says(&["error: nothing.toml cannot be read", "because: "]);
    let mut nowhere = stage.command(&["check"]);
    nowhere.env_remove("CASGATE_INVENTORY");
    let nowhere = stage.run(nowhere).await;
    nowhere
        .assert_code(2)
        .assert_says(&["error: no inventory was named", "hint: name it with -i FILE"]);
    let usage = stage.casgate(&["aply", "playbook.toml"]).await;
    usage.assert_code(2).assert_says(&["apply"]);
}
