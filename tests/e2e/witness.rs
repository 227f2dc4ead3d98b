//! Witnesses that ask all run long, at every server and at the virtual address.

use casim::machine::{OutputSink, Stdin};
use rollout::{EventKind, Sight, Watched};

use crate::support::Stage;

const APPCMD: &str = r"%windir%\system32\inetsrv\appcmd.exe";
const SECTION: &str =
    r#""Default Web Site/Microsoft-Server-ActiveSync" -section:system.webServer/security/ipSecurity"#;

/// A farm whose playbook's witness asks all run long.
async fn watched_stage(servers: usize) -> Stage {
    let stage = Stage::new(servers).await;
    stage.edit(
        "playbook.toml",
        r#"unchanged = ["/owa/"]"#,
        r#"unchanged = ["/owa/"], every = "100ms""#,
    );
    stage
}

/// Somebody else's hand at a server's console.
async fn at_console(stage: &Stage, index: usize, line: &str) {
    let (sink, mut output) = OutputSink::channel();
    let code = stage.machine(index).run(line, Stdin::empty(), sink).await;
    let mut said = Vec::new();
    while let Ok(chunk) = output.try_recv() {
        said.extend(chunk.bytes);
    }
    assert_eq!(code, 0, "{line}: {}", String::from_utf8_lossy(&said));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_run_shows_where_the_change_took_effect_and_how_long_anybody_was_without_service() {
    let stage = watched_stage(3).await;
    let ended = stage.apply().await;
    ended.assert_code(0).assert_says(&[
        "witness sentry1, /Microsoft-Server-ActiveSync/\n    vip eas ",
        "witness outside, /Microsoft-Server-ActiveSync/\n    turned, and is refused now, at 3 of 3 servers",
    ]);
    let vip = ended.stdout.lines().find(|line| line.starts_with("    vip eas "));
    assert!(
        vip.is_some_and(|line| line.contains("  never without service in ")),
        "{vip:?}"
    );
    let story = stage.story();
    story.assert_never(&["witness_breached", "cas01 witness_breached"]);
    for server in ["cas01", "cas02", "cas03"] {
        let watched = Watched::Server(server.into());
        let turns: Vec<(Option<Sight>, Sight)> = story
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::WitnessChanged {
                    watched: here,
                    vantage,
                    was,
                    sees,
                    ..
                } if *here == watched && vantage.as_str() == "outside" => Some((*was, *sees)),
                _ => None,
            })
            .collect();
        assert_eq!(turns, [(Some(Sight::Served), Sight::Refused)], "{server}");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_refused_on_a_server_that_was_done_stops_the_run_with_24() {
    let stage = watched_stage(3).await;
    stage.edit(
        "playbook.toml",
        r#"on_failure = "undo""#,
        r#"on_failure = "stop""#,
    );
    let mut run = stage.start_apply();
    run.until("cas01 server_healthy").await;
    at_console(
        &stage,
        0,
        &format!("{APPCMD} set config {SECTION} \"/-[ipAddress='127.0.0.10']\" /commit:apphost"),
    )
    .await;
    let ended = run.end().await;
    ended.assert_code(24);
    let story = stage.story();
    story.assert_order(&[
        "cas01 server_healthy",
        "cas01 witness_breached",
        "budget_spent",
        "cas01 server_failed",
        "run_finished breached",
    ]);
    story.assert_never(&["cas03 server_healthy"]);
    let failure = story.failure("cas01");
    assert_eq!(failure.expected, "served at every instant");
    assert_eq!(failure.found, "refused (403)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_that_gets_in_again_after_the_proof_is_a_breach() {
    let stage = watched_stage(3).await;
    let mut run = stage.start_apply();
    run.until("cas01 server_healthy").await;
    at_console(
        &stage,
        0,
        &format!("{APPCMD} set config {SECTION} /allowUnlisted:true /commit:apphost"),
    )
    .await;
    run.end().await.assert_code(24);
    let story = stage.story();
    story.assert_order(&[
        "cas01 witness_breached",
        "cas01 server_failed",
        "run_finished breached",
    ]);
    let failure = story.failure("cas01");
    assert_eq!(failure.expected, "refused, as the witness has proven");
    story.assert_order(&[
        "cas01 server_failed",
        "cas01 undo_finished",
        "cas01 server_undone",
    ]);
}
