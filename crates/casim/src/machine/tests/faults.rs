//! Bad days: each switch does what it says and nothing else.

use std::time::Duration;

use super::{APP, APPCMD, HEALTH, Ran, SECTION, appcmd, fresh, run, status, warm};
use crate::machine::{Machine, OutputSink, Stdin};
use std::sync::Arc;

const ENABLE: &str = "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /english";
const INFO: &str = "dism /online /get-featureinfo /featurename:IIS-IPSecurity /english";

async fn close(machine: &Arc<Machine>) -> Ran {
    run(
        machine,
        &format!("{APPCMD} set config \"{APP}\" /section:{SECTION} /allowUnlisted:False /commit:apphost"),
    )
    .await
}

async fn unlisted(machine: &Arc<Machine>) -> String {
    appcmd(
        machine,
        &format!("list config \"{APP}\" /section:{SECTION} /text:allowUnlisted"),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn the_feature_cannot_be_installed() {
    let machine = fresh();
    machine.faults().feature_install_fails.set(true);
    let ran = run(&machine, ENABLE).await;
    assert_eq!(ran.code, 0x800f_081f);
    assert!(
        ran.stdout
            .contains("Error: 0x800f081f\r\n\r\nThe source files could not be found."),
        "{}",
        ran.stdout
    );
    assert!(run(&machine, INFO).await.stdout.contains("State : Disabled\r\n"));
    assert!(
        !appcmd(&machine, "list module")
            .await
            .contains("IpRestrictionModule")
    );
}

#[tokio::test(start_paused = true)]
async fn the_files_of_the_feature_are_not_on_the_server() {
    let machine = fresh();
    machine.faults().feature_payload_removed.set(true);
    assert!(
        run(&machine, INFO)
            .await
            .stdout
            .contains("State : Disabled with Payload Removed\r\n")
    );
    assert_eq!(run(&machine, ENABLE).await.code, 0x800f_081f);
    machine.faults().feature_payload_removed.set(false);
    assert_eq!(run(&machine, ENABLE).await.code, 0, "somebody brought the files");
}

#[tokio::test(start_paused = true)]
async fn the_feature_needs_a_restart_of_the_computer() {
    let machine = fresh();
    machine.faults().feature_needs_reboot.set(true);
    assert_eq!(run(&machine, ENABLE).await.code, 3010);
    assert!(
        run(&machine, INFO)
            .await
            .stdout
            .contains("State : Enable Pending\r\n")
    );
    assert!(
        !appcmd(&machine, "list module")
            .await
            .contains("IpRestrictionModule")
    );
    machine.reboot().await;
    warm(&machine, HEALTH).await;
    assert!(run(&machine, INFO).await.stdout.contains("State : Enabled\r\n"));
    assert!(
        appcmd(&machine, "list module")
            .await
            .contains("IpRestrictionModule")
    );
}

#[tokio::test(start_paused = true)]
async fn the_file_has_changed_on_disk_so_often_and_then_no_more() {
    let machine = fresh();
    machine.faults().file_changed_on_disk.set(2);
    for _ in 0..2 {
        let ran = close(&machine).await;
        assert_eq!(ran.code, 32);
        assert!(
            ran.stdout.starts_with("Applied configuration changes"),
            "announced before the commit: {}",
            ran.stdout
        );
        assert!(
            ran.stdout.contains("because the file has changed on disk"),
            "{}",
            ran.stdout
        );
        assert_eq!(unlisted(&machine).await, "true\r\n");
    }
    assert_eq!(close(&machine).await.code, 0);
    assert_eq!(unlisted(&machine).await, "false\r\n");
}

#[tokio::test(start_paused = true)]
async fn access_denied_leaves_the_web_service_stopped() {
    let machine = fresh();
    machine.faults().iisreset_access_denied_w3svc_stopped.set(1);
    let ran = run(&machine, "iisreset /noforce").await;
    assert_eq!(ran.code, 5);
    assert!(
        ran.stdout
            .contains("Restart attempt failed.\r\nAccess denied, you must be an administrator")
    );
    machine.pause(Duration::from_secs(30)).await;
    assert!(!machine.listens());
    assert_eq!(run(&machine, "sc start W3SVC").await.code, 0);
    warm(&machine, HEALTH).await;
    assert_eq!(
        run(&machine, "iisreset /noforce").await.code,
        0,
        "the fault was for one time"
    );
}

#[tokio::test(start_paused = true)]
async fn exit_1053_although_the_services_come_back() {
    let machine = fresh();
    machine.faults().iisreset_1053.set(1);
    let ran = run(&machine, "iisreset /noforce").await;
    assert_eq!(ran.code, 1053);
    assert!(ran.stdout.contains("8007041d"), "{}", ran.stdout);
    warm(&machine, HEALTH).await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_never_ends_restarts_all_the_same() {
    let machine = fresh();
    machine.faults().iisreset_hangs.set(1);
    let (out, _output) = OutputSink::channel();
    let resetting = machine.run("iisreset /noforce", Stdin::empty(), out);
    let ended = tokio::time::timeout(Duration::from_secs(600), resetting).await;
    assert!(ended.is_err(), "it hangs");
    assert!(machine.listens());
    warm(&machine, HEALTH).await;
}

#[tokio::test(start_paused = true)]
async fn the_web_service_does_not_start() {
    let machine = fresh();
    machine.faults().w3svc_does_not_start.set(true);
    let ran = run(&machine, "iisreset /noforce").await;
    assert_eq!(ran.code, 1068);
    assert!(ran.stdout.contains("failed to start."), "{}", ran.stdout);
    assert!(!machine.listens());
    assert_eq!(run(&machine, "sc start W3SVC").await.code, 1068);
    machine.faults().w3svc_does_not_start.set(false);
    assert_eq!(run(&machine, "iisreset /start").await.code, 0);
}

#[tokio::test(start_paused = true)]
async fn health_stays_503_and_nothing_else_does() {
    let machine = fresh();
    machine.faults().health_stays_503.set(true);
    assert_eq!(status(&machine, HEALTH, "127.0.0.1"), 503);
    assert_eq!(status(&machine, "/owa/", "127.0.0.1"), 302);
    machine.faults().health_stays_503.set(false);
    assert_eq!(status(&machine, HEALTH, "127.0.0.1"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_filtered_token_may_nothing() {
    let machine = fresh();
    machine.faults().filtered_token.set(true);
    let ran = run(&machine, &format!("{APPCMD} list site")).await;
    assert_eq!(ran.code, 1168);
    assert!(ran.stdout.contains("redirection.config") && ran.stdout.contains("insufficient permissions"));
    assert_eq!(run(&machine, "iisreset").await.code, 5);
    assert_eq!(run(&machine, ENABLE).await.code, 740);
    assert!(machine.listens());
}

#[tokio::test(start_paused = true)]
async fn in_another_language_only_the_words_change() {
    let machine = fresh();
    machine.faults().localised.set(true);
    let ran = close(&machine).await;
    assert_eq!(ran.code, 0);
    assert!(
        !ran.stdout.contains("Applied") && ran.stdout.contains(APP),
        "{}",
        ran.stdout
    );
    let missing = format!(
        "{APPCMD} set config \"{APP}\" /section:{SECTION} /-\"[ipAddress='192.0.2.9']\" /commit:apphost"
    );
    let ran = run(&machine, &missing).await;
    assert_eq!(ran.code, 4312);
    assert!(
        ran.stdout.starts_with("ERROR (") && !ran.stdout.contains("Cannot find"),
        "{}",
        ran.stdout
    );
    assert!(
        appcmd(&machine, "list site")
            .await
            .starts_with("SITE \"Default Web Site\"")
    );
}
