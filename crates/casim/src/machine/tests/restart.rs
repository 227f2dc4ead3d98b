//! iisreset, services and process ids.

use std::time::Duration;

use super::{HEALTH, appcmd, fresh, get, run, status, warm};
use crate::machine::{Machine, MachineOptions, OutputSink, Stdin, WebReply};

/// The number after `PID` in what `sc queryex` prints.
async fn pid(machine: &std::sync::Arc<Machine>, service: &str) -> u32 {
    let ran = run(machine, &format!("sc queryex {service}")).await;
    let line = ran
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with("PID"))
        .expect("a PID line");
    line.rsplit(' ')
        .next()
        .and_then(|pid| pid.parse().ok())
        .expect("a number")
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_seconds_refuses_meanwhile_and_changes_every_process() {
    let machine = fresh();
    let (before, workers) = (pid(&machine, "W3SVC").await, appcmd(&machine, "list wps").await);
    let started = machine.uptime();
    let (out, mut output) = OutputSink::channel();
    let resetting = std::sync::Arc::clone(&machine);
    let task = tokio::spawn(async move { resetting.run("iisreset /noforce", Stdin::empty(), out).await });
    let first = output.recv().await.expect("output appears as it goes");
    assert_eq!(first.bytes, b"\r\nAttempting stop...\r\n");
    assert!(!machine.listens());
    assert_eq!(get(&machine, HEALTH, "127.0.0.1"), WebReply::Refused);
    assert_eq!(task.await.expect("it ends"), 0);
    let took = machine.uptime() - started;
    assert!(took >= Duration::from_secs(8), "{took:?}");
    assert!(machine.listens());
    assert_eq!(
        status(&machine, HEALTH, "127.0.0.1"),
        503,
        "the pools are warming up"
    );
    warm(&machine, HEALTH).await;
    assert_ne!(pid(&machine, "W3SVC").await, before);
    let after = appcmd(&machine, "list wps").await;
    let ids = |text: &str| {
        text.lines()
            .filter_map(|l| l.split('"').nth(1).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&workers).len(), ids(&after).len());
    assert!(ids(&workers).iter().all(|old| !ids(&after).contains(old)));
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_is_terminated_leaves_the_services_stopped() {
    let machine = fresh();
    let (out, mut output) = OutputSink::channel();
    let resetting = std::sync::Arc::clone(&machine);
    let task = tokio::spawn(async move { resetting.run("iisreset /noforce", Stdin::empty(), out).await });
    output.recv().await.expect("it has begun");
    task.abort();
    assert!(task.await.expect_err("it was aborted").is_cancelled());
    machine.pause(Duration::from_secs(20)).await;
    assert!(
        run(&machine, "sc query W3SVC")
            .await
            .stdout
            .contains("1  STOPPED")
    );
    assert_eq!(run(&machine, "sc start W3SVC").await.code, 0);
    machine.pause(Duration::from_secs(4)).await;
    assert!(run(&machine, "sc query WAS").await.stdout.contains("4  RUNNING"));
    warm(&machine, HEALTH).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_that_is_too_short_fails_and_the_services_stop_all_the_same() {
    let machine = fresh();
    let ran = run(&machine, "iisreset /noforce /timeout:1").await;
    assert_eq!(ran.code, 1053);
    assert!(ran.stdout.contains("Restart attempt failed."), "{}", ran.stdout);
    machine.pause(Duration::from_secs(5)).await;
    assert!(
        run(&machine, "iisreset /status")
            .await
            .stdout
            .contains("( W3SVC ) : Stopped")
    );
    assert_eq!(run(&machine, "iisreset /start").await.code, 0);
    assert!(machine.listens());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_reset_is_refused() {
    let machine = fresh();
    assert_eq!(run(&machine, "iisreset /disable").await.code, 0);
    assert_eq!(run(&machine, "iisreset").await.code, 5);
    assert!(machine.listens());
    assert_eq!(
        run(&machine, "iisreset /enable & iisreset /noforce").await.code,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_service_is_down_states_are_unknown_and_pools_cannot_be_recycled() {
    let machine = fresh();
    assert_eq!(run(&machine, "iisreset /stop").await.code, 0);
    assert!(
        appcmd(&machine, "list apppool MSExchangeSyncAppPool")
            .await
            .contains("state:Unknown")
    );
    assert_eq!(appcmd(&machine, "list wps").await, "");
    let refused = run(
        &machine,
        &format!("{} recycle apppool MSExchangeSyncAppPool", super::APPCMD),
    )
    .await;
    assert_eq!(refused.code, 1062, "{}", refused.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_restored_backup_restarts_the_service_and_brings_the_section_back() {
    let machine = fresh();
    let set = |edit: &str| {
        format!(
            "set config \"{}\" /section:{} {edit} /commit:apphost",
            super::APP,
            super::SECTION
        )
    };
    appcmd(&machine, "add backup before").await;
    appcmd(&machine, &set("/allowUnlisted:False")).await;
    let old = pid(&machine, "W3SVC").await;
    assert_eq!(
        appcmd(&machine, "restore backup BEFORE").await,
        "Restored configuration from backup \"before\"\r\n"
    );
    assert_ne!(pid(&machine, "W3SVC").await, old);
    let value = format!(
        "list config \"{}\" /section:{} /text:allowUnlisted",
        super::APP,
        super::SECTION
    );
    assert_eq!(appcmd(&machine, &value).await, "true\r\n");
    appcmd(&machine, &set("/allowUnlisted:False")).await;
}

#[tokio::test(start_paused = true)]
async fn simulated_time_is_real_time_multiplied() {
    let machine = Machine::new(MachineOptions {
        speed: 20.0,
        ..MachineOptions::named("CAS01")
    });
    let real = tokio::time::Instant::now();
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    assert!(
        machine.uptime() >= Duration::from_secs(8),
        "{:?}",
        machine.uptime()
    );
    assert!(real.elapsed() >= Duration::from_millis(400) && real.elapsed() < Duration::from_millis(450));
}
