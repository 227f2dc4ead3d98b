//! A process that is killed while it writes: everything that it was told is on disk is there, and the lock is free.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use journal::{Journal, read};
use rollout::{Commit, EventKind};

use crate::sample::{folder, holder, instant, kinds, write};

/// Names the folder in which the child writes.
const FOLDER: &str = "CASGATE_TEST_JOURNAL_FOLDER";

/// What the child prints once an event is a fact.
const COMMITTED: &str = "committed ";

/// Not a test of its own: the process that gets killed. Without the variable there is nothing to do.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a child process of this very test is told its folder so"
)]
fn writer_that_gets_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let (_events, mut journal) = Journal::open(&folder, &holder()).expect("the journal");
    loop {
        let event = journal
            .commit(instant(0), EventKind::StopRequested { hard: false })
            .expect("a commit");
        println!("{COMMITTED}{}", event.seq);
    }
}

#[test]
fn what_a_killed_writer_was_told_is_there() {
    let (_root, folder) = folder();
    let before = write(&folder, kinds()).len() as u64;
    let mut known = before;
    for patience in [1, 7, 40] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["kill::writer_that_gets_killed", "--exact", "--nocapture"])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        // The harness's own words may stand before the first one.
        let mut facts = lines.map_while(Result::ok).filter_map(|line| {
            let (_, seq) = line.split_once(COMMITTED)?;
            seq.parse::<u64>().ok()
        });
        let mut told = facts.by_ref().take(patience).last().expect("an event");
        child.kill().expect("a kill");
        child.wait().expect("an end");
        if let Some(last) = facts.last() {
            told = last;
        }
        let events = read(&folder).expect("events");
        assert!(
            events.len() as u64 > told,
            "event {told} was a fact and is gone: {}",
            events.len()
        );
        assert!(events.len() as u64 > known, "the next writer went on");
        known = events.len() as u64;
        Journal::open(&folder, &holder()).expect("the lock died with its process");
    }
}
