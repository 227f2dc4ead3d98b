//! Files that are not what a crash leaves: refused, with the line.

use std::path::Path;

use journal::{Journal, read};

use crate::sample::{FILE, chain, folder, holder, kinds, write};

/// Writes a journal, changes its lines, and tells what a reader says.
fn refusal(change: impl Fn(&mut Vec<String>)) -> String {
    let (_root, folder) = folder();
    write(&folder, kinds());
    let text = std::fs::read_to_string(folder.join(FILE)).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    let changed = lines.join("\n") + "\n";
    std::fs::write(folder.join(FILE), &changed).expect("a changed file");
    let refused = read(&folder).expect_err("refused");
    let opened = Journal::open(&folder, &holder()).expect_err("refused");
    assert_eq!(
        opened.to_string(),
        refused.to_string(),
        "readers and writers say the same"
    );
    let after = std::fs::read_to_string(folder.join(FILE)).expect("text");
    assert_eq!(after, changed, "a damaged file is left as it is");
    chain(&refused, &folder)
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let message = refusal(|lines| lines[2].truncate(20));
    assert_eq!(
        message,
        "RUN/journal.jsonl:3: the line is damaged: EOF while parsing a string at line 1 column 20"
    );
}

#[test]
fn a_last_line_that_is_whole_but_means_nothing_is_not_dropped() {
    let message = refusal(|lines| {
        lines.push(r#"{"seq":4,"at":"2026-11-24T02:14:00Z","event":"wave_postponed"}"#.to_owned());
    });
    let start = "RUN/journal.jsonl:6: the line is damaged: unknown variant `wave_postponed`, expected one of `run_started`";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn a_missing_line_and_a_double_one_are_named() {
    let message = refusal(|lines| drop(lines.remove(3)));
    assert_eq!(
        message,
        "RUN/journal.jsonl:4: expected event 2, found event 3: a line was taken out, put in or moved"
    );
    let message = refusal(|lines| lines.insert(3, lines[2].clone()));
    assert_eq!(
        message,
        "RUN/journal.jsonl:4: expected event 2, found event 1: a line was taken out, put in or moved"
    );
}

#[test]
fn an_empty_line_in_the_middle_is_damage() {
    let message = refusal(|lines| lines.insert(2, String::new()));
    assert_eq!(
        message,
        "RUN/journal.jsonl:3: the line is damaged: EOF while parsing a value at line 1 column 0"
    );
}

#[test]
fn a_newer_format_is_refused() {
    let message = refusal(|lines| lines[0] = r#"{"casgate_journal":3,"compressed":true}"#.to_owned());
    assert_eq!(
        message,
        "RUN/journal.jsonl has format 3, this casgate knows formats up to 2"
    );
}

#[test]
fn an_older_format_which_has_no_chain_is_refused() {
    let message = refusal(|lines| lines[0] = r#"{"casgate_journal":1}"#.to_owned());
    assert_eq!(
        message,
        "RUN/journal.jsonl has format 1, without the chain that shows whether it was changed; this casgate knows format 2"
    );
}

/// Not one character of any event can be changed, the last one's included, and no two lines can change places.
#[test]
fn a_line_that_was_changed_or_moved_is_refused_with_its_number() {
    let (_root, folder) = folder();
    let count = write(&folder, kinds()).len();
    let unfit = |line: usize| {
        format!("RUN/journal.jsonl:{line}: the line's hash does not fit: it was changed after it was written")
    };
    for line in 1..=count {
        let message = refusal(|lines| lines[line] = lines[line].replacen("2026-11-18T", "2026-11-19T", 1));
        assert_eq!(message, unfit(line + 1), "another instant");
        let message = refusal(|lines| {
            let digit = if lines[line].as_bytes()[10] == b'0' {
                "1"
            } else {
                "0"
            };
            lines[line].replace_range(10..11, digit);
        });
        assert_eq!(message, unfit(line + 1), "another hash");
        let message = refusal(|lines| lines[line] = lines[line].replacen("\"seq\"", "\"note\":1,\"seq\"", 1));
        assert_eq!(message, unfit(line + 1), "a field more");
        let message = refusal(|lines| lines[line] = format!("{{{}", &lines[line][75..]));
        assert_eq!(message, unfit(line + 1), "no hash");
    }
    // Renumbered, as somebody would who takes a line out by hand.
    let message = refusal(|lines| {
        lines.remove(2);
        lines[2] = lines[2].replacen("\"seq\":2", "\"seq\":1", 1);
        lines[3] = lines[3].replacen("\"seq\":3", "\"seq\":2", 1);
    });
    assert_eq!(message, unfit(3));
    for line in 1..count {
        let message = refusal(|lines| lines.swap(line, line + 1));
        assert!(
            message.starts_with(&format!("RUN/journal.jsonl:{}: expected event ", line + 1)),
            "{message}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_journal_comes_with_what_to_do() {
    let (_root, folder) = folder();
    write(&folder, kinds());
    let text = std::fs::read_to_string(folder.join(FILE)).expect("text");
    std::fs::write(folder.join(FILE), text.replacen("cas01", "cas09", 1)).expect("a changed file");
    let hint = read(&folder).expect_err("refused").hint().expect("a hint");
    assert!(
        hint.contains("put back a copy of the file") && hint.contains("`casgate apply`"),
        "{hint}"
    );
    let hint = read(Path::new("no-such-folder")).expect_err("refused").hint();
    assert!(hint.is_some_and(|hint| hint.contains("`casgate runs`")));
}

#[test]
fn another_file_is_refused() {
    let message = refusal(|lines| lines[0] = "host,ok,changed".to_owned());
    assert_eq!(
        message,
        "expected `{\"casgate_journal\":2}` as the first line of RUN/journal.jsonl, found `host,ok,changed`"
    );
    let message = refusal(|lines| lines[0] = r#"{"casgate_journal":0}"#.to_owned());
    assert!(message.ends_with("found `{\"casgate_journal\":0}`"), "{message}");
    let message = refusal(|lines| lines[0] = "x".repeat(5000));
    assert!(
        message.ends_with(&format!("found `{}`", "x".repeat(60))),
        "{message}"
    );
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let nowhere = Path::new("no-such-folder");
    assert_eq!(
        read(nowhere).expect_err("refused").to_string(),
        "expected a journal in no-such-folder, found none"
    );
    let refused = Journal::open(nowhere, &holder()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "expected a journal in no-such-folder, found none"
    );
    assert!(!nowhere.exists(), "looking for a run does not make one");
}

#[test]
fn a_run_is_never_overwritten() {
    let (_root, folder) = folder();
    let written = write(&folder, kinds());
    let refused = Journal::create(&folder, &holder()).expect_err("refused");
    assert_eq!(chain(&refused, &folder), "expected no run in RUN, found one");
    assert_eq!(read(&folder).expect("events"), written);
}
