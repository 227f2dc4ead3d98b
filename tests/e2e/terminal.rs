//! On a terminal: casgate asks, and draws bars where bars can be drawn.

use crate::support::{Stage, Terminal};

/// What is told of a finished server, bars or not.
const TOLD: [&str; 6] = [
    "cas01     drain              done",
    "cas01     restart_iis        done",
    "cas01     witness            done",
    "cas02     healthy            done",
    "2 changed, 0 unchanged, 0 failed",
    "done: every server is as wanted",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_only_a_yes_is_a_yes_and_bars_show_the_run() {
    let stage = Stage::new(2).await;
    for answer in ["no", "y", ""] {
        let mut terminal = Terminal::start(stage.command(&["apply", "playbook.toml"]));
        terminal.until("Change 2 servers as shown? Type yes:").await;
        terminal.type_line(answer);
        let (code, text) = terminal.end().await;
        assert_eq!(code, Some(10), "{text}");
        assert!(
            text.contains("hint: only the word `yes` is taken as a yes"),
            "{text}"
        );
    }
    for index in 0..2 {
        assert_eq!(stage.writes(index), Vec::<String>::new());
    }
    assert!(!stage.path("state").exists(), "a run was recorded");

    let mut command = stage.command(&["apply", "playbook.toml"]);
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::start(command);
    terminal.until("Type yes:").await;
    terminal.type_line("yes");
    let (code, text) = terminal.end().await;
    assert_eq!(code, Some(0), "{text}");
    for words in TOLD {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
    // A bar is drawn over itself; the run's has a place for each server.
    let run = format!("run {}", stage.run_name());
    assert!(
        text.contains('\u{1b}') && text.contains(&run) && text.contains("/2 "),
        "{text}"
    );
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_without_bars_nothing_is_lost_and_nothing_is_escaped() {
    tokio::join!(assert_plain("TERM", "dumb"), assert_plain("NO_COLOR", "1"));
}

async fn assert_plain(name: &str, value: &str) {
    let stage = Stage::new(2).await;
    let mut command = stage.command(&["apply", "playbook.toml", "--yes"]);
    command.env("TERM", "xterm-256color").env(name, value);
    let (code, text) = Terminal::start(command).end().await;
    assert_eq!(code, Some(0), "{name}: {text}");
    for words in TOLD {
        assert!(text.contains(words), "{name}: `{words}` is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{name}: {text}");
}
