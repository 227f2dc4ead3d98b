//! `rehearse`: a whole farm, its clients and a rollout in one process.

use tokio::process::Command;

use crate::support::{Ended, Stage};

const REHEARSE: [&str; 5] = ["rehearse", "--servers", "3", "--speed", "60"];

/// The command, without an inventory of its own.
fn rehearsal(stage: &Stage, more: &[&str]) -> Command {
    let args: Vec<&str> = REHEARSE.iter().chain(more).copied().collect();
    let mut command = stage.command(&args);
    command
        .env_remove("CASGATE_INVENTORY")
        .env_remove("CASGATE_PASSWORD");
    command
}

#[track_caller]
fn assert_no_escapes(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(!text.contains('\r'), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_in_a_pipe_is_plain_text_and_no_client_fails() {
    let stage = Stage::new(1).await;
    let mut command = rehearsal(&stage, &[]);
    command.env("TERM", "xterm-256color");
    let ended = stage.run(command).await;
    ended.assert_code(0).assert_says(&[
        "rehearsal: 3 simulated servers on loopback, 60x real time, seed 1: Only the MDM gateways may reach ActiveSync",
        "wave 1/3",
        "cas01     restart_iis        done",
        "cas03     healthy            done",
        "3 changed, 0 unchanged, 0 failed",
        "floor 2 of 3 held",
        "requests during the roll, 0 failed",
        "rehearsed in",
    ]);
    assert_no_escapes(&ended);
    assert!(!stage.path("state").exists(), "a rehearsal was recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_for_programs_is_json_on_standard_output_and_text_beside_it() {
    let stage = Stage::new(1).await;
    let mut command = rehearsal(&stage, &["--format", "jsonl", "--seed", "5"]);
    command.env("NO_COLOR", "1").env("TERM", "dumb");
    let ended = stage.run(command).await;
    let lines = ended.assert_code(0).json();
    let events: Vec<_> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(
        (events.first(), events.last()),
        (Some(&"run_started"), Some(&"run_finished"))
    );
    let last = lines.last().expect("a last line");
    assert_eq!(last["verdict"], "done");
    assert_eq!(last["clients"]["failed"], 0);
    assert!(last["clients"]["requests"].as_u64() > Some(0), "{last}");
    ended.assert_says(&["cas01     healthy            done", "0 failed"]);
    assert_no_escapes(&ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_plays_the_operators_own_playbook_and_refuses_a_wrong_one() {
    let stage = Stage::new(1).await;
    stage.edit("playbook.toml", "[[step]]\nwitness", "[[step]]\nwitnes");
    let wrong = stage.run(rehearsal(&stage, &["playbook.toml"])).await;
    wrong.assert_code(2).assert_says(&[
        "error[unknown-step]: there is no step `witnes`",
        "did you mean `witness`?",
    ]);
    stage.edit("playbook.toml", "[[step]]\nwitnes", "[[step]]\nwitness");
    let ended = stage.run(rehearsal(&stage, &["playbook.toml"])).await;
    ended.assert_code(0).assert_says(&[
        "seed 1: Only the gateway may reach ActiveSync",
        "requests during the roll, 0 failed",
    ]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_for_a_change_says_so_in_every_line_as_the_real_run_will() {
    let stage = Stage::new(1).await;
    let change = ["--change", "CHG0042137"];
    let ended = stage.run(rehearsal(&stage, &change)).await;
    ended.assert_code(0);
    let lines = ended.stdout.lines();
    let run: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("CHG0042137 "))
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(run.len() > 8, "{}", ended.stdout);
    assert!(run.iter().all(|line| line.starts_with("CHG0042137 ")), "{run:#?}");

    let more = [&change[..], &["--format", "jsonl"]].concat();
    let lines = stage.run(rehearsal(&stage, &more)).await.assert_code(0).json();
    let events = lines.iter().filter(|line| line.get("event").is_some());
    let changes: Vec<_> = events.map(|line| &line["change"]).collect();
    assert!(changes.len() > 20, "{lines:#?}");
    assert!(
        changes.iter().all(|change| *change == "CHG0042137"),
        "{changes:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_that_cannot_be_finished_by_then_is_refused_as_the_real_run_would_be() {
    let stage = Stage::new(1).await;
    let night = r#"[policy]
window = { from = "22:00", until = "04:00", time_zone = "UTC" }"#;
    stage.edit("playbook.toml", "[policy]", night);
    let by = |by| rehearsal(&stage, &["playbook.toml", "--finish-by", by]);
    let refused = stage.run(by("22:01")).await;
    refused
        .assert_code(11)
        .assert_says(&["it cannot be finished by then", "or later is possible"]);
    let ended = stage.run(by("22:30")).await;
    ended
        .assert_code(0)
        .assert_says(&["3 changed, 0 unchanged, 0 failed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeds_are_played_over_sockets_with_their_faults_and_crashes() {
    let stage = Stage::new(1).await;
    let args = ["rehearse", "--seeds", "5", "--sockets", "--format", "jsonl"];
    let ended = stage.run(stage.command(&args)).await;
    let lines = ended.assert_code(0).json();
    let total = lines.last().expect("a last line");
    let number = |key: &str| total[key].as_u64().unwrap_or_default();
    assert_eq!(
        (number("played"), number("refused"), number("failed")),
        (5, 0, 0),
        "{total}"
    );
    assert!(number("crashes") > 0, "nobody died: {total}");
    assert!(number("faults") > 0, "nothing went wrong: {total}");
    assert!(number("requests") > 0, "there were no clients: {total}");
    let seeds: Vec<_> = lines.iter().filter_map(|line| line["seed"].as_u64()).collect();
    assert_eq!(seeds, [1, 2, 3, 4, 5], "{lines:?}");
    assert!(!stage.path("state").exists(), "a rehearsal was recorded");
}
