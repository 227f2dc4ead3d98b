//! One writer.

use journal::{Error, Holder, Journal, read};
use rollout::{Commit, EventKind};

use crate::sample::{folder, holder, instant, kinds, write};

#[test]
fn a_second_writer_is_refused_with_the_holders_name() {
    let (_root, folder) = folder();
    write(&folder, kinds());
    let (_events, mut journal) = Journal::open(&folder, &holder()).expect("the first writer");
    let other = Holder {
        operator: "eve@jump02".to_owned(),
        pid: 1,
    };
    let refused = Journal::open(&folder, &other).expect_err("the second writer");
    assert!(matches!(refused, Error::Held { .. }));
    assert_eq!(
        refused.to_string(),
        "the run is held by process 4711 of ops@jump01"
    );

    let event = journal
        .commit(instant(9), EventKind::StopRequested { hard: false })
        .expect("a commit");
    assert_eq!(read(&folder).expect("readers need no lock").last(), Some(&event));
    drop(journal);
    let (events, _journal) = Journal::open(&folder, &other).expect("the lock is free again");
    assert_eq!(events.last(), Some(&event));
}

#[test]
fn a_run_that_is_being_made_is_held_too() {
    let (_root, folder) = folder();
    let _journal = Journal::create(&folder, &holder()).expect("a new journal");
    assert!(matches!(
        Journal::open(&folder, &holder()),
        Err(Error::Held { .. })
    ));
    assert!(matches!(
        Journal::create(&folder, &holder()),
        Err(Error::Held { .. })
    ));
}

#[test]
fn a_holder_is_this_process() {
    let holder = Holder::this_process("ops@jump01");
    assert_eq!(
        holder.to_string(),
        format!("process {} of ops@jump01", std::process::id())
    );
}
