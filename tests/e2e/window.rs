//! The change window: what is refused at once, what is not begun any more, and how it goes on.

use jiff::{SignedDuration, Timestamp};

use crate::support::{PLAYBOOK, Stage};

/// By what is assumed of these steps a server takes 30 s, all that `progress_deadline` grants, and its way back 20 s; twice as much at worst.
fn two_sections() -> String {
    let ews = r#"[[step]]
restrict = { application = "Default Web Site/EWS", unlisted = "deny", existing = "replace", allow = [
  { address = "127.0.0.10" }, { role = "loopback" }, { role = "own_addresses" }, { role = "load_balancer_probes" },
] }

[[step]]
restart_iis"#;
    PLAYBOOK
        .replace("waves = [1, \"50%\"]", "waves = [1]")
        .replace("[[step]]\nrestart_iis", ews)
}

/// The day and time that long from now, by the wall's clock in UTC, as the command line takes it.
fn in_seconds(seconds: i64) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command under test lives on the wall's clock"
    )]
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn window(from: &str, until: &str) -> String {
    format!("[policy]\nwindow = {{ from = \"{from}\", until = \"{until}\", time_zone = \"UTC\" }}")
}

/// A window of every day, by the clock in UTC.
fn daily(from: i64, until: i64) -> String {
    window(&in_seconds(from)[11..], &in_seconds(until)[11..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_window_nothing_is_touched() {
    let stage = Stage::new(2).await;
    let (from, until) = (in_seconds(3600), in_seconds(7200));
    stage.edit("playbook.toml", "[policy]", &window(&from, &until));
    let refused = stage.apply().await;
    refused
        .assert_code(11)
        .assert_says(&["is not open; nothing was touched", "it opens 20"]);
    // Planning by day for the night is what plans are for.
    let planned = stage.casgate(&["plan", "playbook.toml"]).await;
    planned.assert_code(0).assert_says(&["opens 20", "also at worst"]);
    for index in 0..2 {
        stage.assert_open(index);
    }
    assert_eq!(stage.lease(0).await, None);

    // A window that is open, but not long enough for a first wave and its way back.
    let (now, soon) = (in_seconds(-3600), in_seconds(30));
    stage.edit(
        "playbook.toml",
        &format!("from = \"{from}\""),
        &format!("from = \"{now}\""),
    );
    stage.edit(
        "playbook.toml",
        &format!("until = \"{until}\""),
        &format!("until = \"{soon}\""),
    );
    let refused = stage.apply().await;
    refused
        .assert_code(11)
        .assert_says(&["the first wave with its way back may take", "nothing was touched"]);
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_the_windows_end_nothing_has_to_fit_where_nothing_is_to_be_changed() {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    let (run, writes) = (stage.run_name(), stage.writes(0));
    let by = in_seconds(30);
    let finish_by = |command: &'static str| [command, "playbook.toml", "--finish-by", &by].map(str::to_owned);
    for (command, nothing_to_do) in [("apply", true), ("plan", true), ("apply", false), ("plan", false)] {
        if !nothing_to_do && command == "apply" {
            // One more on the list, and there is something to change.
            stage.edit(
                "playbook.toml",
                "{ role = \"loopback\" }, { role = \"own_addresses\" }, {",
                "{ address = \"127.0.0.11\" }, { role = \"loopback\" }, { role = \"own_addresses\" }, {",
            );
        }
        let asked = finish_by(command);
        let mut words: Vec<&str> = asked.iter().map(String::as_str).collect();
        if command == "apply" {
            words.push("--yes");
        }
        let ended = stage.casgate(&words).await;
        match nothing_to_do {
            true => ended.assert_code(0).assert_says(&[
                "0 servers to change, 2 as wanted",
                "every server is as wanted, so nothing has to fit into the time that is left",
            ]),
            false => ended
                .assert_code(11)
                .assert_says(&["it cannot be finished by then; nothing was touched"]),
        };
    }
    // Nor by the window's own end, where not even a first wave fits.
    stage.edit("playbook.toml", "{ address = \"127.0.0.11\" }, ", "");
    let (from, until) = (in_seconds(-3600), in_seconds(30));
    stage.edit("playbook.toml", "[policy]", &window(&from, &until));
    let ended = stage.apply().await;
    ended
        .assert_code(0)
        .assert_says(&["every server is as wanted, so nothing has to fit"]);
    assert_eq!(
        (stage.run_name(), stage.writes(0)),
        (run, writes),
        "no run was begun"
    );
    // A playbook that changes nothing anywhere has looks that a run would have to make.
    stage.write(
        "playbook.toml",
        &format!(
            "[playbook]\ntitle = \"a look\"\nservers = \"@eas\"\n\n{}\nhealthy_deadline = \"30s\"\n\n\
             [[step]]\nwait_healthy = {{ paths = [\"/owa/healthcheck.htm\"] }}\n",
            window(&from, &in_seconds(5))
        ),
    );
    stage.apply().await.assert_code(11);
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_finished_by_then_is_refused_at_once_and_says_by_when_it_can() {
    let stage = Stage::new(3).await;
    let by = in_seconds(60);
    let refused = stage
        .casgate(&["apply", "playbook.toml", "--yes", "--finish-by", &by])
        .await;
    refused.assert_code(11).assert_says(&[
        "it cannot be finished by then; nothing was touched",
        "the fastest plan with these floors and this first wave takes about",
        "too long",
        "or later is possible",
    ]);
    for index in 0..3 {
        stage.assert_open(index);
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wave_that_does_not_fit_any_more_is_not_begun_and_resume_goes_on() {
    let stage = Stage::new(6).await;
    stage.write("playbook.toml", &two_sections());
    // As a rule it is over in time: three turns of 30 s and the way back of six servers, 120 s; so it begins. Before the second wave it has learned that
    // a server is quick, but the way back of six of them, one after the other, may still take 240 s.
    let by = in_seconds(232);
    let ended = stage
        .casgate(&[
            "apply",
            "playbook.toml",
            "--yes",
            "--finish-by",
            &by,
            "--change",
            "CHG0042137",
        ])
        .await;
    ended.assert_code(11).assert_says(&[
        "nothing new is begun; what was begun is finished",
        "1 changed, 0 unchanged, 0 failed, 5 not begun",
        "the change window has no room for more",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "window_entered",
        "cas01 server_healthy changed",
        "window_closed",
        "run_finished window_closed",
    ]);
    story.assert_never(&["cas02 server_started"]);
    assert_eq!(stage.lease(0).await, None, "the lease is given back");
    stage.assert_open(1);

    // Every line of the run bears the number of the change; the plan shown before it, and the summary after it, say it once.
    let first = ended.stdout.find("CHG0042137 ").expect("lines with the change");
    let run: Vec<&str> = ended.stdout[first..]
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(run.len() > 8, "{}", ended.stdout);
    assert!(run.iter().all(|line| line.starts_with("CHG0042137 ")), "{run:#?}");

    let resumed = stage.casgate(&["--format", "jsonl", "resume", "latest"]).await;
    resumed.assert_code(0);
    let events = resumed.stdout.lines().filter(|line| line.contains("\"event\""));
    for line in events {
        assert!(line.starts_with("{\"change\":\"CHG0042137\""), "{line}");
    }
    for index in 0..6 {
        assert_eq!(stage.access(index, "127.0.0.10"), 401, "server {index}");
        assert_ne!(stage.access(index, "127.0.0.66"), 401, "server {index}");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_its_window_ended_is_refused_while_that_is_shut_and_goes_on_in_its_next_opening() {
    let stage = Stage::new(6).await;
    let playbook = two_sections().replace("[policy]", &daily(-3600, 232));
    stage.write("playbook.toml", &playbook);
    let ended = stage.apply().await;
    ended
        .assert_code(11)
        .assert_says(&["the change window has no room for more"]);
    let head = stage.head().0;

    stage.pass(SignedDuration::from_hours(12));
    let later = in_seconds(3 * 3600);
    for args in [
        &["resume", "latest"][..],
        &["resume", "latest", "--finish-by", &later],
    ] {
        let refused = stage.casgate(args).await;
        refused
            .assert_code(11)
            .assert_says(&["is not open; nothing was touched", "hint: it opens 20"]);
    }
    assert_eq!(stage.head().0, head, "a refusal is no sitting");

    // On the evening of the next day it is open again, for half an hour and a bit.
    stage.pass(SignedDuration::from_mins(11 * 60 + 30));
    let soon = in_seconds(60);
    let ended = stage.casgate(&["resume", "latest", "--finish-by", &soon]).await;
    ended.assert_code(11).assert_says(&[
        "nothing new is begun; what was begun is finished",
        "1 changed, 0 unchanged, 0 failed, 5 not begun",
        "to go on: casgate resume",
    ]);
    (1..6).for_each(|index| assert_eq!(stage.writes(index), Vec::<String>::new()));

    let soon = in_seconds(1500);
    let resumed = stage.casgate(&["resume", "latest", "--finish-by", &soon]).await;
    resumed
        .assert_code(0)
        .assert_says(&["6 changed, 0 unchanged, 0 failed"]);
    stage.story().assert_order(&[
        "window_entered",
        "cas01 server_healthy changed",
        "run_finished window_closed",
        "run_resumed",
        "window_entered",
        "run_finished window_closed",
        "run_resumed",
        "window_entered",
        "cas06 server_healthy changed",
        "run_finished done",
    ]);
    assert_eq!(stage.ran(0, "iisreset"), 1, "what is proven is not done again");
    stage.assert_all_restricted();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_window_resume_finishes_what_a_kill_left_and_begins_nothing() {
    let stage = Stage::new(2).await;
    stage.edit("playbook.toml", "[policy]", &daily(-3600, 3600));
    let mut run = stage.start_apply();
    run.until("cas01 step_verified restrict").await;
    run.kill().await;
    assert!(!stage.is_in_rotation(0));

    stage.pass(SignedDuration::from_hours(12));
    let resumed = stage.casgate(&["resume", "latest"]).await;
    resumed.assert_code(11).assert_says(&[
        "1 changed, 0 unchanged, 0 failed, 1 not begun",
        "the change window has no room for more",
        "to go on: casgate resume",
    ]);
    let story = stage.story();
    story.assert_order(&[
        "run_resumed",
        "window_entered",
        "cas01 server_healthy changed",
        "run_finished window_closed",
    ]);
    story.assert_never(&["cas02 server_started"]);
    stage.assert_restricted(0);
    stage.assert_open(1);
    for index in 0..2 {
        assert_eq!(stage.lease(index).await, None);
    }
    // Nothing is left to finish, so now it is refused.
    let refused = stage.casgate(&["resume", "latest"]).await;
    refused.assert_code(11).assert_says(&["nothing was touched"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_window_a_run_is_taken_back_all_the_same_and_so_is_the_rest_of_it() {
    let stage = Stage::slow(2).await;
    stage.edit("playbook.toml", "[policy]", &daily(-3600, 3600));
    stage.apply().await.assert_code(0);
    stage.pass(SignedDuration::from_hours(12));
    let asked = stage.casgate(&["undo", "latest"]).await;
    asked
        .assert_code(10)
        .assert_says(&["outside the change window (", "an undo is never held up by it"]);

    let mut undo = stage.start(&["undo", "latest", "--yes"]);
    undo.until("cas02 undo_started").await;
    undo.interrupt();
    let ended = undo.end().await;
    ended
        .assert_code(20)
        .assert_says(&["an undo is never held up by it"]);
    stage.assert_open(1);
    stage.assert_restricted(0);
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    stage.assert_all_open();
    let story = stage.story();
    story.assert_order(&[
        "run_finished done",
        "undo_requested",
        "cas02 server_undone",
        "run_finished stopped",
        "run_resumed",
        "cas01 server_undone",
        "run_finished taken_back",
    ]);
    assert_eq!(
        story.count("window_entered"),
        1,
        "only the roll itself was bounded"
    );
    story.assert_never(&["window_closed"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_name_the_change_and_a_saved_plan_keeps_its_own() {
    let stage = Stage::new(2).await;
    let planned = stage
        .casgate(&[
            "plan",
            "playbook.toml",
            "-o",
            "saved.json",
            "--change",
            "CHG0042137",
        ])
        .await;
    planned.assert_code(0).assert_says(&["change: CHG0042137"]);
    let other = stage
        .casgate(&["apply", "saved.json", "--yes", "--change", "CHG1"])
        .await;
    other
        .assert_code(2)
        .assert_says(&["a saved plan has --change in it"]);
    let mut run = stage.start(&["apply", "saved.json", "--yes"]);
    run.until("cas01 step_started restart_iis").await;
    let lease = stage.lease(0).await.expect("a lease");
    assert!(lease.ends_with("tester@bench_for_CHG0042137"), "{lease}");
    run.end().await.assert_code(0);
    stage.assert_sound();
}

/// On a clock that runs sixty times as fast: the first wave takes its minutes, and what is left then is too little for the way back of twelve servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_begins_as_the_window_opens_and_its_clock_closes_it() {
    let stage = Stage::new(1).await;
    let playbook = two_sections()
        .replace("min_healthy_time = \"200ms\"", "min_healthy_time = \"60s\"")
        // 90 s a server and 20 s for its way back, twice as much at worst: 220 s for the first wave, 480 s for twelve ways back.
        .replace("[policy]", &window("22:00", "22:08"));
    stage.write("night.toml", &playbook);
    let mut command = stage.command(&["rehearse", "night.toml", "--servers", "12", "--speed", "60"]);
    command
        .env_remove("CASGATE_INVENTORY")
        .env_remove("CASGATE_PASSWORD");
    let ended = stage.run(command).await;
    ended.assert_code(11).assert_says(&[
        "nothing new is begun; what was begun is finished",
        "(1 server measured)",
        "1 changed, 0 unchanged, 0 failed, 11 not begun",
        "the change window has no room for more",
        "0 failed",
    ]);
}
