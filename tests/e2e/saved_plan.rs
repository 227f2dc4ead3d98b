//! A plan that is saved, and applied later exactly as it was read, or not at all.

use crate::support::{PASSWORD, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_plan_is_applied_exactly_whatever_became_of_the_playbook_and_the_files_name() {
    let stage = Stage::new(2).await;
    let planned = stage
        .casgate(&["plan", "playbook.toml", "-o", "change.toml"])
        .await;
    planned.assert_code(0);
    let text = std::fs::read_to_string(stage.path("change.toml")).expect("a saved plan");
    assert!(!text.contains(PASSWORD), "the password stands in the plan");
    let saved: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let hash = saved["hash"].as_str().expect("a hash").to_owned();
    planned.assert_says(&[&format!(
        "saved to change.toml: casgate apply change.toml --approve {}",
        &hash[..12]
    )]);
    let facts = &saved["servers"]["cas01"]["facts"];
    assert_eq!(facts["rotation"], "in rotation");
    assert_eq!(facts["host name"], "CAS01");
    for name in ["Windows", "IIS", "Exchange", "address", "pool"] {
        assert!(facts[name].is_string(), "{name} in {facts}");
    }

    stage.edit("playbook.toml", "127.0.0.10", "127.0.0.20");
    stage.casgate(&["apply", "change.toml"]).await.assert_code(10);
    let other = stage
        .casgate(&["apply", "change.toml", "--approve", "0123456789ab"])
        .await;
    other.assert_code(13);
    // The inventory that it was made with is found again, from wherever.
    let mut elsewhere = stage.command(&["apply", "change.toml", "--approve", &hash]);
    elsewhere.env_remove("CASGATE_INVENTORY");
    stage.run(elsewhere).await.assert_code(0);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_plan_is_refused_with_what_changed_on_which_server() {
    let stage = Stage::new(3).await;
    stage
        .casgate(&["plan", "playbook.toml", "-o", "change.plan"])
        .await
        .assert_code(0);
    let app = "Default Web Site/Microsoft-Server-ActiveSync";
    let line = format!(
        "%windir%\\system32\\inetsrv\\appcmd.exe set config \"{app}\" -section:system.webServer/security/ipSecurity \
         /+\"[ipAddress='198.51.100.77',allowed='True']\" /commit:apphost"
    );
    stage
        .by_hand(
            1,
            "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart",
        )
        .await;
    assert_eq!(stage.by_hand(1, &line).await.exit_code, 0);
    stage.take_out(2).await;
    let before: Vec<_> = (0..3).map(|index| stage.writes(index)).collect();
    let stale = stage.casgate(&["apply", "change.plan", "--yes"]).await;
    stale.assert_code(13).assert_says(&[
        "error: the plan in change.plan is stale; nothing was touched",
        "cas02  changed since the plan was saved (",
        "restrict, on the server since: + allow 198.51.100.77",
        "install_feature: planned to do (+ feature IIS-IPSecurity, + module in IIS's list of modules), now as wanted",
        "cas03  changed since the plan was saved (",
        "rotation: planned in rotation, now out of rotation",
    ]);
    assert!(!stale.text().contains("cas01  changed"), "{}", stale.text());
    let after: Vec<_> = (0..3).map(|index| stage.writes(index)).collect();
    assert_eq!(before, after);
    assert!(!stage.path("state").exists(), "a run was recorded");

    stage.take_down(0).await;
    let down = stage.casgate(&["apply", "change.plan", "--yes"]).await;
    down.assert_code(10)
        .assert_says(&["REFUSED  server-not-seen  cas01", "nothing was touched"]);
    let unsaved = stage
        .casgate(&["plan", "playbook.toml", "-o", "other.plan"])
        .await;
    unsaved
        .assert_code(10)
        .assert_says(&["REFUSED  server-not-seen  cas01"]);
    let accepted = [
        "plan",
        "playbook.toml",
        "-o",
        "other.plan",
        "--accept",
        "server-not-seen",
        "--reason",
        "CHG 42",
    ];
    let unsaved = stage.casgate(&accepted).await;
    unsaved
        .assert_code(10)
        .assert_says(&["the plan was not saved: cas01 could not be looked at"]);
    assert!(!stage.path("other.plan").exists());
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_changed_by_hand_or_is_of_another_format_is_refused() {
    let stage = Stage::new(1).await;
    stage
        .casgate(&["plan", "playbook.toml", "-o", "change.plan"])
        .await
        .assert_code(0);
    let text = std::fs::read_to_string(stage.path("change.plan")).expect("a saved plan");
    stage.edit("change.plan", "127.0.0.10", "127.0.0.20");
    let forged = stage.casgate(&["apply", "change.plan", "--yes"]).await;
    forged
        .assert_code(13)
        .assert_says(&["the plan in change.plan was changed after it was saved"]);
    for (found, problem) in [
        (
            text.replace("\"casgate_plan\": 1", "\"casgate_plan\": 9"),
            "it has format 9, this casgate knows format 1",
        ),
        ("{\"hosts\":[]}".to_owned(), "missing field `casgate_plan`"),
        (text[..text.len() / 2].to_owned(), "EOF while parsing"),
    ] {
        stage.write("change.plan", &found);
        let refused = stage.casgate(&["apply", "change.plan", "--yes"]).await;
        refused
            .assert_code(2)
            .assert_says(&["change.plan is no plan that this casgate can apply: ", problem]);
    }
    assert_eq!(stage.writes(0), Vec::<String>::new());
}
