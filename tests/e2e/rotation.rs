//! Leaving the rotation and coming back, as the load balancer and the server see it.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;

use rollout::{Before, EventKind, Found, Outcome};
use tokio::net::TcpStream;

use crate::support::{Stage, converse};

/// Tells the simulated load balancer something by hand.
async fn by_hand(stage: &Stage, line: &str) {
    let api = stage.farm.load_balancer().runtime_api();
    let stream = TcpStream::connect(api).await.expect("the runtime API");
    assert_eq!(converse(stream, line).await, "\n", "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_until_the_pool_has_a_server_to_spare_and_says_who_is_out() {
    let stage = Stage::new(4).await;
    // The floor is two: with two others out, nobody can leave.
    by_hand(&stage, "set server eas/cas03 state maint").await;
    by_hand(&stage, "set server eas/cas04 state drain").await;
    let mut running = stage.start_apply();
    running.until("cas01 step_started drain 2").await;
    assert!(stage.is_in_rotation(0), "it waits");
    by_hand(&stage, "set server eas/cas03 state ready").await;
    by_hand(&stage, "set server eas/cas04 state ready").await;
    running.end().await.assert_code(0);
    let story = stage.story();
    let seen = story.events.iter().find_map(|event| match &event.kind {
        EventKind::StepProbed {
            found:
                Found::Ready(Before::Drain {
                    rotation: Some(rotation),
                    ..
                }),
            ..
        } => Some(rotation.clone()),
        _ => None,
    });
    let seen = seen.expect("a look at the pool");
    assert_eq!(
        (seen.in_rotation, seen.members, seen.is_in_rotation),
        (2, 4, true)
    );
    assert_eq!(seen.who_is_out(), "cas03 (MAINT), cas04 (DRAIN)");
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_until_the_site_has_a_server_to_spare() {
    let stage = Stage::new(4).await;
    for server in ["cas01", "cas02"] {
        let section = format!("[server.{server}]\n");
        stage.edit(
            "farm.toml",
            &section,
            &format!("{section}labels = {{ site = \"east\" }}\n"),
        );
    }
    stage.edit(
        "farm.toml",
        "[vantage.sentry1]",
        "[site.east]\nmin_in_rotation = 1\n\n[vantage.sentry1]",
    );
    // Three of the pool's four are left, and two would do; of the site's two one is, and has to stay.
    by_hand(&stage, "set server eas/cas02 state maint").await;
    let mut running = stage.start_apply();
    running.until("cas01 step_started drain 2").await;
    running.until("cas01 step_probed drain").await;
    assert!(stage.is_in_rotation(0), "it waits");
    let explained = stage.casgate(&["explain", "latest", "cas01"]).await;
    explained.assert_code(0).assert_says(&[
        "site east: floor 1 of 2, so at most 1 of it under way at a time",
        "waits for     site east to have 1 in rotation without it",
    ]);
    by_hand(&stage, "set server eas/cas02 state ready").await;
    running.end().await.assert_code(0).assert_says(&[
        "for site east: 1 in rotation, 1 needed without cas01; out: cas02 (MAINT); gives up in ",
    ]);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_tells_what_is_left_and_counts_pings_apart() {
    let stage = Stage::new(2).await;
    stage.edit(
        "playbook.toml",
        "drain = { timeout = \"3s\" }",
        "drain = { timeout = \"1s\" }",
    );
    // Somebody who connects and says nothing, at each server, since the load balancer spreads them evenly.
    let vip = stage.farm.load_balancer().vip();
    let _idle = [
        TcpStream::connect(vip).await.expect("a connection"),
        TcpStream::connect(vip).await.expect("a connection"),
    ];
    let client: IpAddr = "127.0.0.10".parse().expect("an address");
    let _held = [
        "/Microsoft-Server-ActiveSync?Cmd=Ping&User=a&DeviceId=b&DeviceType=c",
        "/Microsoft-Server-ActiveSync?Cmd=Ping&User=d&DeviceId=e&DeviceType=f",
        "/owa/service.svc?action=GetItem",
    ]
    .map(|url| stage.machine(0).hold_request("POST", url, client));
    stage.apply().await.assert_code(0);
    let story = stage.story();
    let facts = story.events.iter().find_map(|event| match &event.kind {
        EventKind::StepVerified {
            step: 0,
            outcome: Outcome::Done(receipt),
            ..
        } => Some(receipt.facts.clone()),
        _ => None,
    });
    let facts = facts.expect("a drain");
    assert_eq!(
        facts,
        [
            "DRAIN, 1 connection left, 1 request under way (/owa/service.svc) besides 2 Pings of ActiveSync after 1s: \
          long polls do not end by themselves"
        ]
    );
}

/// A program that steers the simulated load balancer, as docs/load-balancers.md describes such programs.
fn program(port: u16) -> String {
    format!(
        r#"#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1
[ "$CASGATE_USER" = 'lb-user' ] || {{ echo "who is $CASGATE_USER?" >&2; exit 1; }}
case "$CASGATE_ACTION" in
drain | ready)
  echo "set server $CASGATE_BACKEND/$CASGATE_MEMBER state $CASGATE_ACTION" >&3
  answer=$(cat <&3)
  [ -z "$answer" ] || {{ echo "$answer" >&2; exit 1; }}
  ;;
state)
  echo "show stat $CASGATE_BACKEND 4 -1" >&3
  row=$(cat <&3 | grep ",$CASGATE_MEMBER,") || {{ echo "no such member" >&2; exit 1; }}
  IFS=, read -ra cells <<<"$row"
  echo "${{cells[17]}}"
  echo "connections=${{cells[4]}}"
  case "${{cells[17]}}" in UP* | "no check") exit 0 ;; DRAIN* | MAINT*) exit 10 ;; *) exit 11 ;; esac
  ;;
*) exit 1 ;;
esac
"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_balancer_can_be_steered_by_a_program() {
    let stage = Stage::new(4).await;
    let api = stage.farm.load_balancer().runtime_api();
    stage.write("lb", &program(api.port()));
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(stage.path("lb"), mode).expect("it can be run");
    stage.edit(
        "farm.toml",
        &format!("kind = \"haproxy\"\nsocket = \"tcp://{api}\"\n"),
        "kind = \"command\"\ncommand = [\"./lb\"]\ncredential = \"lb\"\n",
    );
    stage.edit(
        "farm.toml",
        "[pool.eas]",
        "[credential.lb]\nuser = \"lb-user\"\npassword = { env = \"LB_PASSWORD\" }\n\n[pool.eas]",
    );
    let mut unset = stage.command(&["apply", "playbook.toml", "--yes"]);
    unset.env_remove("LB_PASSWORD");
    let refused = stage.run(unset).await;
    assert_ne!(refused.code, Some(0));
    refused.assert_says(&["LB_PASSWORD"]);
    // Who asks no load balancer needs no password of one.
    for args in [
        &["ping", "cas01"][..],
        &["exec", "cas01", "--", "hostname"],
        &["preflight", "playbook.toml"],
    ] {
        stage.casgate(args).await.assert_code(0);
    }

    let patrol = stage.patrol();
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("LB_PASSWORD", "lb-canary-7");
    let ended = stage.run(command).await;
    let seen = patrol.end().await;
    ended
        .assert_code(0)
        .assert_says(&["4 changed, 0 unchanged, 0 failed", "the load balancer says UP"]);
    assert!(!ended.text().contains("lb-canary-7"));
    crate::support::assert_nowhere(&stage.path("state"), "lb-canary-7");
    seen.assert_served(2);
    stage.assert_all_restricted();
}

/// While cas01 is out and does not become healthy, somebody breaks a floor: that is told with these words, cas01 is finished, and nobody else is begun.
async fn assert_breaks(stage: &Stage, somebody: impl AsyncFnOnce(), words: &[&str]) {
    stage.edit(
        "playbook.toml",
        "healthy_deadline = \"3s\"",
        "healthy_deadline = \"25s\"",
    );
    let mut running = stage.start_apply();
    running.until("cas01 step_probed restart_iis").await;
    stage.machine(0).faults().health_stays_503.set(true);
    somebody().await;
    running.until("floor_broken").await;
    stage.machine(0).faults().health_stays_503.set(false);
    running
        .end()
        .await
        .assert_code(24)
        .assert_says(words)
        .assert_says(&[
            "something was seen that must never be",
            "to go on: casgate resume",
        ]);
    let story = stage.story();
    assert_eq!(story.count("floor_broken"), 1, "only one, and told once");
    story.assert_order(&[
        "cas01 server_started",
        "floor_broken",
        "cas01 server_healthy changed",
        "run_finished breached",
    ]);
    story.assert_never(&[
        "cas01 server_failed",
        "cas02 server_started",
        "cas03 server_started",
    ]);
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floor_that_breaks_while_a_server_is_out_ends_the_run_behind_that_server() {
    let stage = Stage::new(3).await;
    // The floor is two of three, and cas01 is out.
    let somebody = async || by_hand(&stage, "set server eas/cas02 state maint").await;
    let words = [
        "keep pool eas in rotation",
        "expected: 2",
        "found: 1; out: cas01 (DOWN while drained), cas02 (MAINT)",
    ];
    assert_breaks(&stage, somebody, &words).await;
    by_hand(&stage, "set server eas/cas02 state ready").await;
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floor_of_a_site_that_breaks_while_a_server_is_out_ends_the_run_behind_that_server() {
    let stage = Stage::new(4).await;
    for server in ["cas01", "cas02", "cas03"] {
        let section = format!("[server.{server}]\n");
        let labelled = format!("{section}labels = {{ site = \"east\" }}\n");
        stage.edit("farm.toml", &section, &labelled);
    }
    let site = "[site.east]\nmin_in_rotation = 2\n\n[vantage.sentry1]";
    stage.edit("farm.toml", "[vantage.sentry1]", site);
    // The pool's floor is two of four, and cas03 and cas04 are left; of the site's three only cas03 is.
    let somebody = async || by_hand(&stage, "set server eas/cas02 state maint").await;
    let words = [
        "keep site east in rotation",
        "expected: 2",
        "found: 1; out: cas01 (DOWN while drained), cas02 (MAINT)",
    ];
    assert_breaks(&stage, somebody, &words).await;
    by_hand(&stage, "set server eas/cas02 state ready").await;
    stage.assert_resumes().await;
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_load_balancer_a_floor_is_seen_to_break_by_the_health_pages() {
    let stage = Stage::new(3).await;
    let api = stage.farm.load_balancer().runtime_api();
    stage.edit(
        "farm.toml",
        &format!("kind = \"haproxy\"\nsocket = \"tcp://{api}\"\nbackend = \"eas\"\n"),
        "kind = \"none\"\n",
    );
    // The floor is two of three: cas01 is under way, and cas02's page says that it takes nobody.
    let somebody = async || stage.machine(1).faults().health_stays_503.set(true);
    let words = [
        "keep pool eas in rotation",
        "expected: 2",
        "found: 1; out: cas01 (under way in this run), cas02 (",
        "answers 503",
    ];
    assert_breaks(&stage, somebody, &words).await;
}
