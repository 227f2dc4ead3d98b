//! The list of runs, and finding one in it.

use journal::{Error, Journal, RunEnd, StateDirectory, runs};
use rollout::{Commit as _, Counts, RunId, Verdict};

use crate::sample::{FILE, holder, instant, kinds, kinds_to_the_end, write};

/// A state directory with a finished run, an interrupted one, one that is under way, a torn one, and something else.
fn state() -> (tempfile::TempDir, StateDirectory, Journal) {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateDirectory::new(root.path());
    write(&state.run(&RunId::new("20261124-0214-7f3a")), kinds_to_the_end());
    write(&state.run(&RunId::new("20261123-2330-00aa")), kinds());
    write(&state.run(&RunId::new("20261125-0101-beef")), kinds());
    let (_, under_way) = state
        .open(&RunId::new("20261125-0101-beef"), &holder())
        .expect("a run");
    let torn = state.run(&RunId::new("20261126-0000-dead"));
    write(&torn, kinds());
    std::fs::write(torn.join(FILE), "{\"casgate").expect("a torn file");
    std::fs::create_dir(root.path().join("runs").join("notes")).expect("a folder");
    (root, state, under_way)
}

#[test]
fn runs_are_listed_from_the_oldest_with_what_became_of_them() {
    let (_root, state, _under_way) = state();
    let listed = runs(&state).expect("a list");
    let names: Vec<_> = listed.iter().map(|run| run.run.as_str()).collect();
    assert_eq!(
        names,
        [
            "20261123-2330-00aa",
            "20261124-0214-7f3a",
            "20261125-0101-beef",
            "20261126-0000-dead"
        ]
    );
    let ends: Vec<_> = listed
        .iter()
        .map(|run| run.content.as_ref().map(|content| content.end).ok())
        .collect();
    let expected = [
        Some(RunEnd::Interrupted),
        Some(RunEnd::Finished(Verdict::Aborted)),
        Some(RunEnd::Running),
        None,
    ];
    assert_eq!(ends, expected);
    let words: Vec<_> = ends.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(words, ["interrupted", "aborted", "running"]);

    let aborted = listed[1].content.as_ref().expect("a journal");
    assert_eq!(aborted.title, "Only the gateways");
    assert_eq!(aborted.operator, "jürgen@jump01");
    assert_eq!((aborted.started, aborted.last), (instant(0), instant(5)));
    assert_eq!(
        aborted.counts,
        Counts {
            waiting: 1,
            running: 1,
            ..Counts::default()
        }
    );
    assert!(
        matches!(listed[3].content, Err(Error::NoHeader { .. })),
        "one bad run does not hide the others"
    );
}

#[test]
fn a_state_directory_that_is_not_there_has_no_runs() {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateDirectory::new(root.path().join("not-yet"));
    assert!(state.runs().expect("a list").is_empty());
    assert!(!state.has(&RunId::new("20261124-0214-7f3a")));
    assert!(!state.root().exists());
}

#[test]
fn a_run_is_found_by_its_name_or_an_end_of_it() {
    let (_root, state, _under_way) = state();
    let find = |text: &str| state.find(text).map(|run| run.to_string());
    for text in ["20261124-0214-7f3a", "7f3a", "20261124", "3a"] {
        assert_eq!(find(text).expect("a run"), "20261124-0214-7f3a", "{text}");
    }
    assert_eq!(find("latest").expect("a run"), "20261126-0000-dead");
    let refused = find("2026112").expect_err("several").to_string();
    assert!(
        refused.starts_with("`2026112` can mean 20261123-2330-00aa, 20261124-0214-7f3a, "),
        "{refused}"
    );
    for text in ["", "cafe", "notes"] {
        assert!(matches!(find(text), Err(Error::NoSuchRun { .. })), "{text}");
    }
}

#[test]
fn of_runs_of_one_minute_the_latest_is_the_one_that_was_started_last() {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateDirectory::new(root.path());
    // The last part of a name is chance.
    for (second, name) in [
        (7, "20261124-0214-00aa"),
        (3, "20261124-0214-7f3a"),
        (5, "20261124-0214-beef"),
    ] {
        let mut journal = state.create(&RunId::new(name), &holder()).expect("a journal");
        for kind in kinds() {
            journal.commit(instant(second), kind).expect("a commit");
        }
    }
    let listed = state.runs().expect("a list");
    let names: Vec<_> = listed.iter().map(|run| run.run.as_str()).collect();
    assert_eq!(
        names,
        ["20261124-0214-7f3a", "20261124-0214-beef", "20261124-0214-00aa"]
    );
    assert_eq!(
        state.find("latest").expect("a run").as_str(),
        "20261124-0214-00aa"
    );
}

#[test]
fn a_new_run_lies_in_its_folder() {
    let root = tempfile::tempdir().expect("a folder");
    let state = StateDirectory::new(root.path());
    let run = RunId::new("20261124-0214-7f3a");
    let journal = state.create(&run, &holder()).expect("a journal");
    assert_eq!(
        journal.path(),
        root.path().join("runs").join("20261124-0214-7f3a").join(FILE)
    );
    assert!(state.has(&run));
    assert!(state.read(&run).expect("no events yet").is_empty());
    let listed = state.runs().expect("a list");
    assert!(matches!(
        listed[0].content,
        Err(Error::NotARun {
            source: rollout::Error::NoEvents,
            ..
        })
    ));
}
