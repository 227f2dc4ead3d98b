//! What an undo leaves: the application's own section as it was written, not only what it meant.

use crate::support::Stage;

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
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restart_iis").await;
    stage.machine(0).faults().health_stays_503.set(true);
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
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restart_iis").await;
    stage.machine(0).faults().health_stays_503.set(true);
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
