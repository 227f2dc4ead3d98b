//! The menu of faults: what each one says, word for word, and what it leaves behind.

use std::sync::Arc;

use super::{APP, APPCMD, EAS, SECTION, fresh, run, status, warm};
use crate::machine::{Faults, Machine};

/// A fault's name, how it is thrown, and the lines that show it.
type Dish<'a> = (&'a str, fn(&Faults), Vec<&'a str>);

/// One after the other on a fresh machine: the line, its exit code, what it printed.
async fn transcript(throw: fn(&Faults), lines: &[&str]) -> String {
    let machine = fresh();
    throw(machine.faults());
    let mut text = String::new();
    for line in lines {
        let ran = run(&machine, line).await;
        text.push_str(&format!(
            "> {line}\n{}{}exit {}\n\n",
            ran.stdout, ran.stderr, ran.code
        ));
    }
    text.replace("\r\n", "\n")
}

fn close() -> String {
    format!("{APPCMD} set config \"{APP}\" /section:{SECTION} /allowUnlisted:False /commit:apphost")
}

#[tokio::test(start_paused = true)]
async fn every_message() {
    let (close, unlisted) = (
        close(),
        format!("{APPCMD} list config \"{APP}\" /section:{SECTION} /text:allowUnlisted"),
    );
    let (close, unlisted) = (close.as_str(), unlisted.as_str());
    let wps = &format!("{APPCMD} list apppool MSExchangeSyncAppPool");
    let sites = &format!("{APPCMD} list site");
    let backup = &format!("{APPCMD} add backup before");
    let recycle = &format!("{APPCMD} recycle apppool MSExchangeSyncAppPool");
    let menu: [Dish<'_>; 9] = [
        (
            "section_locked",
            |f| f.section_locked.set(true),
            vec![close, unlisted],
        ),
        (
            "commit_fails_late",
            |f| f.commit_fails_late.set(1),
            vec![close, unlisted, close, unlisted],
        ),
        ("output_cut", |f| f.output_cut.set(1), vec![sites, sites]),
        ("rpc_fails", |f| f.rpc_fails.set(1), vec![wps, wps]),
        ("disk_full", |f| f.disk_full.set(true), vec![backup]),
        (
            "recycle_without_effect",
            |f| f.recycle_without_effect.set(true),
            vec![recycle],
        ),
        (
            "registry_guarded",
            |f| f.registry_guarded.set(true),
            vec![
                r"reg add HKLM\SOFTWARE\casgate /v x /d 1 /f",
                r"reg query HKLM\SOFTWARE\casgate",
            ],
        ),
        (
            "services_not_listed",
            |f| f.services_not_listed.set(true),
            vec!["sc queryex bufsize= 262144", "sc enumdepend WAS 262144"],
        ),
        (
            "localised",
            |f| f.localised.set(true),
            vec![
                close,
                "sc queryex W3SVC",
                "sc start W3SVC",
                "sc query nosuch",
                "iisreset /noforce",
            ],
        ),
    ];
    let mut all = String::new();
    for (name, throw, lines) in menu {
        all.push_str(&format!("=== {name}\n{}", transcript(throw, &lines).await));
    }
    insta::assert_snapshot!("menu", all);
}

async fn workers(machine: &Arc<Machine>) -> String {
    run(machine, &format!("{APPCMD} list wps")).await.stdout
}

#[tokio::test(start_paused = true)]
async fn a_recycle_without_effect_leaves_every_worker() {
    let machine = fresh();
    machine.faults().recycle_without_effect.set(true);
    let before = workers(&machine).await;
    run(
        &machine,
        &format!("{APPCMD} recycle apppool MSExchangeSyncAppPool"),
    )
    .await;
    assert_eq!(workers(&machine).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_web_service_that_hangs_at_its_start_comes_when_it_is_let() {
    let machine = fresh();
    machine.faults().w3svc_start_hangs.set(true);
    run(&machine, "iisreset /noforce").await;
    for _ in 0..30 {
        machine.pause(std::time::Duration::from_secs(10)).await;
        assert!(
            run(&machine, "sc queryex W3SVC")
                .await
                .stdout
                .contains("START_PENDING")
        );
    }
    assert!(!machine.listens());
    machine.faults().w3svc_start_hangs.set(false);
    machine.pause(std::time::Duration::from_secs(2)).await;
    assert!(machine.listens());
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_rapid_fail_protection_stopped_answers_503_until_it_is_started() {
    let machine = fresh();
    machine.faults().activesync_pool_stops.set(true);
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    warm(&machine, "/owa/").await;
    assert_eq!(status(&machine, EAS, "127.0.0.1"), 503);
    let state = run(
        &machine,
        &format!("{APPCMD} list apppool MSExchangeSyncAppPool /text:state"),
    )
    .await;
    assert_eq!(state.stdout.trim(), "Stopped");
    run(&machine, &format!("{APPCMD} start apppool MSExchangeSyncAppPool")).await;
    warm(&machine, EAS).await;
}

#[tokio::test(start_paused = true)]
async fn workers_that_warm_up_slowly_take_minutes() {
    let machine = fresh();
    machine.faults().slow_warm_up.set(true);
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    machine.pause(std::time::Duration::from_secs(120)).await;
    assert_eq!(status(&machine, EAS, "127.0.0.1"), 503);
    machine.pause(std::time::Duration::from_secs(120)).await;
    assert_eq!(status(&machine, EAS, "127.0.0.1"), 401);
}
