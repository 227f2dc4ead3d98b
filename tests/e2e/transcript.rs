//! What an operator reads of a good day, word for word.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transcript_of_a_rollout_over_two_servers() {
    let stage = Stage::new(2).await;
    let ended = stage.apply().await;
    ended.assert_code(0);
    let run = stage.run_name();
    let text = ended.stdout.replace(&run, "RUN");
    let text: Vec<String> = text.lines().map(normal).collect();
    insta::assert_snapshot!("apply", text.join("\n"));
    let (events, head) = stage.head();
    assert_eq!(
        ended.stderr,
        format!(
            "run {run}; after an interruption: casgate resume {run}\njournal: {events} events, head {head}\n"
        )
    );
}

/// A line without what differs from day to day: times of day, spans, process ids, the plan's hash, counted requests, how often somebody looked, and whether the
/// pages were healthy at the first look already. Columns stay where they are.
fn normal(line: &str) -> String {
    if let Some((_, rest)) = line.split_once("; times are UTC") {
        return format!("DAY; times are UTC{rest}");
    }
    if let Some((_, title)) = line.strip_prefix("PLAN ").and_then(|rest| rest.split_once("  ")) {
        return format!("PLAN HASH  {title}");
    }
    // How long the first server took decides what is said of the second.
    if line.contains(" to go, at worst ") && line.contains(" measured)") {
        return format!("{:19}about SPAN to go, at worst SPAN (1 server measured)", "");
    }
    let line = line.replace("wait_healthy       already", "wait_healthy       done   ");
    let line = match line.split_once("worker processes ") {
        Some((before, _)) => format!("{before}worker processes .. -> .., W3SVC .. -> .."),
        None => line,
    };
    let line = match line.split_once("Module loaded: process ") {
        Some((before, _)) => format!("{before}Module loaded: process .."),
        None => line,
    };
    let line = match line.split_once("healthy for 200ms, ") {
        Some((before, _)) => format!("{before}healthy for 200ms, N looks"),
        None => line,
    };
    // A sentence, where nothing stands in columns.
    if let Some((before, _)) = line.split_once(" not begun, ") {
        return format!("{before} not begun, 0.0s");
    }
    let words: Vec<String> = line.split(' ').map(normal_word).collect();
    let line = words.join(" ");
    match line.rsplit_once(' ') {
        Some((before, requests)) if line.starts_with("cas") && is_number(requests) => {
            format!("{before} {:>width$}", "N", width = requests.len())
        }
        _ => line,
    }
}

fn normal_word(word: &str) -> String {
    let span = word.trim_end_matches(',');
    if is_clock(word) {
        "HH:MM:SS".to_owned()
    } else if is_span(span) {
        let comma = &word[span.len()..];
        format!("{:>width$}{comma}", "0.0s", width = span.len())
    } else {
        word.to_owned()
    }
}

fn is_clock(word: &str) -> bool {
    word.len() == 8 && word.split(':').count() == 3 && word.split(':').all(is_number)
}

/// `8.1s`, `1m05s`
fn is_span(word: &str) -> bool {
    let parts = word
        .strip_suffix('s')
        .and_then(|number| number.split_once(['.', 'm']));
    parts.is_some_and(|(whole, part)| is_number(whole) && is_number(part))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
