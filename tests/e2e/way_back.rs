//! What an undo leaves: the application's own section as it was written, not only what it meant.

use crate::support::{Stage, Terminal};

const SECTION: &str = "/section:system.webServer/security/ipSecurity";
const APP: &str = "\"Default Web Site/Microsoft-Server-ActiveSync\"";

/// The own section of ActiveSync as appcmd prints it.
async fn own(stage: &Stage) -> String {
    stage
        .appcmd(0, &format!("list config {APP} {SECTION} /xml"))
        .await
}

async fn set(stage: &Stage, edits: &str) {
    let line = format!("set config {APP} {SECTION} {edits} /commit:apphost");
    stage.appcmd(0, &line).await;
}

/// Applies the playbook on a server that does not become healthy.
async fn apply_in_vain(stage: &Stage) -> crate::support::Ended {
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 debt_payment_started").await;
    stage.machine(0).faults().health_stays_503.set(false);
    run.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_was_written_nothing_is_left() {
    let stage = Stage::new(1).await;
    let former = own(&stage).await;
    let ended = apply_in_vain(&stage).await;
    ended.assert_code(22);
    assert_eq!(own(&stage).await, former);
    assert_eq!((stage.ran(0, "set config"), stage.ran(0, "clear config")), (1, 1));
    let text = stage.story().to_string();
    assert!(text.contains("cas01 undo_finished restrict"), "{text}");
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_and_texts_come_back_as_they_were_in_one_commit() {
    let stage = Stage::new(1).await;
    set(
        &stage,
        "/+\"[ipAddress='203.0.113.9']\" /+\"[ipAddress='203.0.113.0',subnetMask='24',allowed='True']\" \
         /+\"[ipAddress='2001:DB8::10',allowed='True']\" /+\"[ipAddress='127.0.0.10',subnetMask='32',allowed='True']\" \
         /+\"[ipAddress='198.51.100.0',subnetMask='255.255.255.0']\" /denyAction:NotFound",
    )
    .await;
    let deny = "unlisted = \"deny\",";
    stage.edit(
        "playbook.toml",
        deny,
        &format!("{deny} deny_action = \"not_found\","),
    );
    let former = own(&stage).await;
    assert!(
        former.contains("2001:DB8::10") && former.contains("subnetMask=\"24\""),
        "{former}"
    );
    let ended = apply_in_vain(&stage).await;
    ended.assert_code(22);
    let back = own(&stage).await;
    // appcmd cannot un-write an attribute: what was true by default may now be said.
    let without_defaults = |text: &str| {
        text.replace(" allowUnlisted=\"true\"", "")
            .replace(" allowed=\"false\"", "")
    };
    assert_eq!(without_defaults(&back), without_defaults(&former));
    // Ours, the restriction, and the way back.
    assert_eq!(stage.ran(0, "set config"), 3);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inherited_entries_that_were_taken_out_come_into_effect_again() {
    let stage = Stage::new(1).await;
    let inherited = format!(
        "set config \"Default Web Site\" {SECTION} /+\"[ipAddress='203.0.113.9']\" /+\"[ipAddress='203.0.113.10']\" /commit:apphost"
    );
    stage.appcmd(0, &inherited).await;
    let (former, effective) = (own(&stage).await, stage.section(0).await);
    apply_in_vain(&stage).await.assert_code(22);
    assert_eq!(own(&stage).await, former);
    assert_eq!(stage.section(0).await, effective);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_changed_meanwhile_is_left_alone_and_shown() {
    let stage = Stage::new(1).await;
    let run = stage.start_unhealthy().await;
    set(&stage, "/+\"[ipAddress='203.0.113.77',allowed='True']\"").await;
    let theirs = own(&stage).await;
    let ended = run.end().await;
    ended.assert_code(23).assert_says(&[
        "put the former rules of Default Web Site/Microsoft-Server-ActiveSync back",
        "+ allow 203.0.113.77",
        "somebody else changed the section",
    ]);
    assert_eq!(own(&stage).await, theirs);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_backup_is_restored_only_when_asked_for_and_is_noted() {
    let stage = Stage::new(2).await;
    let former = own(&stage).await;
    stage.apply().await.assert_code(0);
    // Somebody else changes something after the backup.
    let theirs = format!(
        "set config \"Default Web Site/ecp\" {SECTION} /+\"[ipAddress='203.0.113.9']\" /commit:apphost"
    );
    stage.appcmd(0, &theirs).await;
    let run = stage.run_name();
    // Off a terminal nobody is asked, and nothing is done.
    let asked = stage.casgate(&["restore-backup", &run, "cas01"]).await;
    asked.assert_code(10).assert_says(&[
        "replaces ALL of IIS's configuration",
        "it stops IIS",
        "it loses every change since",
        "the module of IIS-IPSecurity",
        "use --yes",
    ]);
    assert_eq!(stage.ran(0, "restore backup"), 0);
    let nobody = stage.casgate(&["restore-backup", &run, "cas09", "--yes"]).await;
    nobody.assert_code(10).assert_says(&["made no backup on `cas09`"]);

    let restored = stage.casgate(&["restore-backup", &run, "cas01", "--yes"]).await;
    restored.assert_code(0).assert_says(&[
        "cas01  backup casgate-",
        "the section of Default Web Site/Microsoft-Server-ActiveSync is as before the run",
    ]);
    assert_eq!(own(&stage).await, former);
    let ecp = stage
        .appcmd(0, &format!("list config \"Default Web Site/ecp\" {SECTION}"))
        .await;
    assert!(!ecp.contains("203.0.113.9"), "{ecp}");
    assert_eq!(
        (stage.ran(0, "restore backup"), stage.ran(1, "restore backup")),
        (1, 0)
    );
    let notes = std::fs::read_to_string(stage.run_folder().join("restores.jsonl")).unwrap();
    let states: Vec<&str> = notes
        .lines()
        .filter_map(|line| {
            ["started", "done", "failed"]
                .into_iter()
                .find(|word| line.contains(word))
        })
        .collect();
    assert_eq!(states, ["started", "done"], "{notes}");
    assert!(notes.contains("\"operator\":\"tester@bench\""), "{notes}");
    stage.assert_restricted(1);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_only_the_name_of_the_server_restores_its_backup() {
    let stage = Stage::new(1).await;
    stage.apply().await.assert_code(0);
    let run = stage.run_name();
    for answer in ["yes", "cas02", "", "CAS01"] {
        let mut terminal = Terminal::start(stage.command(&["restore-backup", &run, "cas01"]));
        terminal
            .until("Type the server's name to restore it (cas01):")
            .await;
        terminal.type_line(answer);
        let (code, screen) = terminal.end().await;
        assert_eq!(code, Some(10), "{answer}: {screen}");
        assert!(screen.contains("only `cas01` is taken as a yes"), "{screen}");
    }
    assert_eq!(stage.ran(0, "restore backup"), 0);

    let mut terminal = Terminal::start(stage.command(&["restore-backup", &run, "cas01"]));
    terminal.until("it stops IIS").await;
    terminal.until("(cas01):").await;
    terminal.type_line("cas01");
    let (code, screen) = terminal.end().await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains(" restored"), "{screen}");
    assert_eq!(stage.ran(0, "restore backup"), 1);
}
