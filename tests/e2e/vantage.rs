//! Another Windows server over WinRM as a vantage: cas03 belongs to no pool and looks at cas01 and cas02 from an address of its own.

use rollout::{EventKind, FailureKind, Sight, Watched};
use tokio::net::TcpStream;

use crate::support::{OUTSIDE, Stage, converse};

/// The address from which cas03 goes out, and which nobody allows.
const BRANCH: &str = "127.0.0.67";

/// A farm of two servers, and a third one that looks for the vantage `outside`.
async fn stage() -> Stage {
    let stage = Stage::adjusted(3, |index, machine| {
        if index == 2 {
            machine.goes_out_from = BRANCH.parse().expect("an address");
        }
    })
    .await;
    let inventory = std::fs::read_to_string(stage.path("farm.toml")).expect("it is there");
    let (before, lookout) = inventory.split_once("[server.cas03]").expect("it has three");
    let lookout = lookout.replace("pool = \"eas\"\n", "");
    stage.write("farm.toml", &format!("{before}[server.cas03]{lookout}"));
    stage.edit(
        "farm.toml",
        "[vantage.outside]\nsource_address = \"127.0.0.66\"",
        "[vantage.outside]\nserver = \"cas03\"",
    );
    // Nobody restricts it, so that it must not serve behind the pool's virtual address.
    let runtime_api = stage.farm.load_balancer().runtime_api();
    let stream = TcpStream::connect(runtime_api).await.expect("it listens");
    let said = converse(stream, "set server eas/cas03 state maint").await;
    assert_eq!(said, "\n");
    stage
}

fn asks_all_run_long(stage: &Stage) {
    let all_run_long = r#"unchanged = ["/owa/"], every = "100ms""#;
    stage.edit("playbook.toml", r#"unchanged = ["/owa/"]"#, all_run_long);
}

/// What the vantage saw turn at a server, in order.
fn turns(stage: &Stage, server: &str) -> Vec<(Option<Sight>, Sight)> {
    let here = Watched::Server(server.into());
    let story = stage.story();
    let turns = story.events.iter().filter_map(|event| match &event.kind {
        EventKind::WitnessChanged {
            watched,
            vantage,
            was,
            sees,
            ..
        } if *watched == here && vantage.as_str() == "outside" => Some((*was, *sees)),
        _ => None,
    });
    turns.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_windows_server_sees_the_change_take_effect_from_its_own_address() {
    let stage = stage().await;
    asks_all_run_long(&stage);
    let ended = stage.apply().await;
    ended.assert_code(0).assert_says(&[
        "/Microsoft-Server-ActiveSync/ from outside: denied (403)",
        "/owa/ from outside: ",
        "witness outside, /Microsoft-Server-ActiveSync/\n    turned, and is refused now, at 2 of 2 servers",
    ]);
    for (index, server) in ["cas01", "cas02"].into_iter().enumerate() {
        assert_eq!(
            turns(&stage, server),
            [(Some(Sight::Served), Sight::Refused)],
            "{server}"
        );
        let denied = stage.machine(index).requests();
        assert!(
            denied
                .iter()
                .any(|line| line.status == 403 && line.client.to_string() == BRANCH),
            "{server} was asked from the lookout's address"
        );
        stage.assert_restricted(index);
    }
    // The lookout itself is never changed.
    assert_eq!(stage.writes(2), Vec::<String>::new());
    assert_eq!(stage.access(2, OUTSIDE), 401);
    stage.assert_sound();
    stage.assert_no_shells();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookout_that_cannot_be_asked_is_found_before_anything_is_touched() {
    let stage = stage().await;
    stage.take_down(2).await;
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  vantage-blind  cas01, cas02",
        "from vantage outside: cas03 saw nothing: ",
        "Connection refused",
        "nothing was touched",
    ]);
    assert!(!stage.path("state").exists(), "a run was recorded");
    for index in 0..2 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookout_whose_login_is_refused_is_asked_once() {
    let stage = stage().await;
    stage.edit(
        "farm.toml",
        "[server.cas03]\n",
        "[credential.probe]\nuser = 'CONTOSO\\operator'\npassword = { env = \"USER\" }\n\n[server.cas03]\ncredential = \"probe\"\n",
    );
    let refused = stage.casgate(&["preflight", "playbook.toml"]).await;
    refused
        .assert_code(10)
        .assert_says(&["REFUSED  vantage-blind  cas01, cas02", "cas03 saw nothing: "]);
    assert_eq!(stage.farm.endpoints()[2].record().refused_logins, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookout_that_is_lost_in_the_midst_proves_nothing_and_breaches_nothing() {
    let stage = stage().await;
    asks_all_run_long(&stage);
    let mut run = stage.start_apply();
    run.until("cas01 server_healthy").await;
    stage.take_down(2).await;
    let ended = run.end().await;
    // cas02 is not proven, and nothing is known to be wrong with it: the run pauses.
    ended.assert_code(21).assert_says(&[
        "witness outside, /Microsoft-Server-ActiveSync/\n    NOTHING IS KNOWN at the end of ",
    ]);
    let story = stage.story();
    story.assert_order(&["cas02 server_failed", "run_paused"]);
    story.assert_never(&[
        "cas01 witness_breached",
        "cas02 witness_breached",
        "cas02 server_undone",
    ]);
    let failure = story.failure("cas02");
    assert_eq!(failure.kind, FailureKind::Inconclusive);
    assert!(failure.found.starts_with("cas03 saw nothing: "), "{failure:?}");
    assert!(
        failure.hint.as_deref().unwrap_or_default().contains("cas03"),
        "{failure:?}"
    );
    assert!(turns(&stage, "cas01").ends_with(&[(Some(Sight::Refused), Sight::Unknown)]));
    stage.assert_restricted(0);
    stage.assert_sound();

    stage.bring_up(2).await;
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    stage.assert_restricted(1);
}
