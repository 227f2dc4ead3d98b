//! `exec` and `ping`.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_gives_the_output_and_the_worst_exit_code() {
    let stage = Stage::new(3).await;
    let one = stage.casgate(&["exec", "cas01", "--", "hostname"]).await;
    one.assert_code(0);
    assert_eq!((one.stdout.as_str(), one.stderr.as_str()), ("CAS01\r\n", ""));

    let all = stage
        .casgate(&["exec", "@eas and not cas02", "--", "hostname"])
        .await;
    all.assert_code(0);
    let mut lines: Vec<&str> = all.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["cas01 | CAS01", "cas03 | CAS03"]);

    let both = stage
        .casgate(&["exec", "cas0*", "--", "echo out&", "echo err 1>&2 &", "exit 7"])
        .await;
    both.assert_code(7)
        .assert_says(&["cas02 | out", "cas02: exit code 7"]);
    assert_eq!(both.stderr.matches("| err").count(), 3, "{}", both.stderr);
    // No process can end with such a code; it stands in the output.
    let large = stage
        .casgate(&["exec", "cas01", "--", "exit", "3221225786"])
        .await;
    large.assert_code(1).assert_says(&["cas01: exit code 3221225786"]);

    let json = stage
        .casgate(&["exec", "all", "--format", "jsonl", "--", "exit", "3"])
        .await;
    let codes: Vec<_> = json.assert_code(3).json();
    assert_eq!(codes.len(), 3);
    assert!(codes.iter().all(|line| line["exit_code"] == 3), "{codes:?}");
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_tells_of_names_that_are_none_and_of_servers_that_are_not_there() {
    let stage = Stage::new(2).await;
    for (selector, words) in [
        ("cas99", "cas99"),
        ("@nowhere", "nowhere"),
        ("cas01 nad cas02", "nad"),
        ("cas01 and not cas01", "no servers"),
    ] {
        let ended = stage.casgate(&["exec", selector, "--", "hostname"]).await;
        ended.assert_code(2).assert_says(&["error: ", words, "hint: "]);
    }
    stage.casgate(&["exec", "cas01"]).await.assert_code(2);
    assert_eq!(stage.farm.endpoints()[0].record().connections, 0);

    let mut wrong = stage.command(&["exec", "cas01", "--", "hostname"]);
    wrong.env("CASGATE_PASSWORD", "something else");
    let wrong = stage.run(wrong).await;
    wrong.assert_code(1).assert_says(&["cas01: ", "hint: "]);
    assert_eq!(stage.ran(0, "hostname"), 0);

    stage.take_down(1).await;
    let down = stage.casgate(&["exec", "all", "--", "hostname"]).await;
    down.assert_code(1)
        .assert_says(&["cas01 | CAS01", "cas02: ", "Connection refused"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ping_names_what_it_finds_layer_by_layer() {
    let stage = Stage::new(2).await;
    let ended = stage.casgate(&["ping"]).await;
    ended.assert_code(0);
    let ports: Vec<_> = stage
        .farm
        .endpoints()
        .iter()
        .map(|end| end.address().to_string())
        .collect();
    let text: Vec<String> = ended
        .stdout
        .lines()
        .map(|line| without_milliseconds(&line.replace(&ports[0], "HERE:1").replace(&ports[1], "HERE:2")))
        .collect();
    insta::assert_snapshot!("ping", text.join("\n"));

    let mut wrong = stage.command(&["ping", "cas02"]);
    wrong.env("CASGATE_PASSWORD", "something else");
    let wrong = stage.run(wrong).await;
    wrong
        .assert_code(1)
        .assert_says(&["cas02  FAILED", "login refused: log in", "hint: "]);
    assert!(!wrong.stdout.contains("host name"), "{}", wrong.stdout);
    stage.assert_no_shells();
    stage.assert_sound();
}

/// `    IIS             5 ms  Version 10.0` without its number.
fn without_milliseconds(line: &str) -> String {
    match line.split_once(" ms  ") {
        Some((before, after)) => {
            let before = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
            format!("{before} .. ms  {after}")
        }
        None => line.to_owned(),
    }
}
