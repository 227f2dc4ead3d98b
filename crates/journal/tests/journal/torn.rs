//! A crash of the machine may leave any beginning of what was written.

use journal::{Error, Journal, read, verify};
use proptest::prelude::*;
use rollout::{Commit, EventKind};

use crate::sample::{FILE, folder, holder, instant, kinds, kinds_to_the_end, write};

#[test]
fn what_was_committed_is_read_back() {
    let (_root, folder) = folder();
    let written = write(&folder, kinds_to_the_end());
    assert_eq!(read(&folder).expect("events"), written);
    let (opened, _journal) = Journal::open(&folder, &holder()).expect("events");
    assert_eq!(opened, written);
}

#[test]
fn the_file_is_lines_of_json_below_a_header() {
    let (_root, folder) = folder();
    write(&folder, kinds());
    let text = std::fs::read_to_string(folder.join(FILE)).expect("text");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(r#"{"casgate_journal":2}"#));
    let event = lines.nth(1).expect("the second event");
    assert!(event.starts_with(r#"{"hash":""#), "{event}");
    assert!(
        event.ends_with(r#"","seq":1,"at":"2026-11-18T11:06:41Z","event":"wave_started","wave":0}"#),
        "{event}"
    );
    assert!(text.ends_with('\n'));
}

#[test]
fn events_go_on_counting_after_the_journal_was_opened_again() {
    let (_root, folder) = folder();
    write(&folder, kinds());
    let (events, mut journal) = Journal::open(&folder, &holder()).expect("events");
    let next = journal
        .commit(instant(9), EventKind::StopRequested { hard: false })
        .expect("a commit");
    assert_eq!(next.seq, events.len() as u64);
    drop(journal);
    assert_eq!(read(&folder).expect("events").last(), Some(&next));
}

/// After every byte of the whole file, the last line included.
#[test]
fn wherever_the_file_is_cut_what_was_whole_is_kept_and_the_run_goes_on() {
    let (_root, folder) = folder();
    let written = write(&folder, kinds());
    let whole = std::fs::read(folder.join(FILE)).expect("bytes");
    let ends: Vec<usize> = whole
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .collect();
    for cut in 0..=whole.len() {
        std::fs::write(folder.join(FILE), &whole[..cut]).expect("a shorter file");
        let lines = ends.iter().filter(|end| **end <= cut).count();
        if lines == 0 {
            assert!(
                matches!(read(&folder), Err(Error::NoHeader { .. })),
                "cut after {cut}"
            );
            assert!(
                matches!(Journal::open(&folder, &holder()), Err(Error::NoHeader { .. })),
                "cut after {cut}"
            );
            continue;
        }
        let kept = &written[..lines - 1];
        assert_eq!(read(&folder).expect("events"), kept, "cut after {cut}");
        let left = std::fs::metadata(folder.join(FILE)).expect("a file").len();
        assert_eq!(left, cut as u64, "who only reads changes nothing");

        let (opened, mut journal) = Journal::open(&folder, &holder()).expect("events");
        assert_eq!(opened, kept, "cut after {cut}");
        let next = journal
            .commit(instant(99), EventKind::StopRequested { hard: false })
            .expect("a commit");
        drop(journal);
        let mut expected = kept.to_vec();
        expected.push(next);
        assert_eq!(read(&folder).expect("events"), expected, "cut after {cut}");
    }
}

#[test]
fn a_last_line_of_rubbish_is_dropped_and_cut_off() {
    let rubbish: [&[u8]; 5] = [
        b"\n",
        b"{\"seq\":4,\"at\n",
        &[0; 512],
        b"\0\0\0\0\n",
        b"\xff\xfe\n",
    ];
    for tail in rubbish {
        let (_root, folder) = folder();
        let written = write(&folder, kinds());
        let mut bytes = std::fs::read(folder.join(FILE)).expect("bytes");
        let sound = bytes.len() as u64;
        bytes.extend_from_slice(tail);
        std::fs::write(folder.join(FILE), &bytes).expect("a longer file");
        assert_eq!(read(&folder).expect("events"), written, "{tail:?}");
        let (opened, _journal) = Journal::open(&folder, &holder()).expect("events");
        assert_eq!(opened, written, "{tail:?}");
        assert_eq!(
            std::fs::metadata(folder.join(FILE)).expect("a file").len(),
            sound,
            "{tail:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A file system that keeps a length but not the blocks leaves zeroes, wherever they begin.
    #[test]
    fn a_tail_of_zeroes_is_dropped(cut in any::<prop::sample::Index>(), zeroes in 1_usize..5000) {
        let (_root, folder) = folder();
        let written = write(&folder, kinds());
        let mut bytes = std::fs::read(folder.join(FILE)).expect("bytes");
        let header = 1 + bytes.iter().position(|byte| *byte == b'\n').expect("a header");
        bytes.truncate(header + cut.index(bytes.len() - header));
        let whole = bytes.iter().filter(|byte| **byte == b'\n').count() - 1;
        bytes.extend(std::iter::repeat_n(0, zeroes));
        std::fs::write(folder.join(FILE), &bytes).expect("a torn file");
        prop_assert_eq!(&read(&folder).expect("events"), &written[..whole]);
    }
}

#[test]
fn a_check_tells_the_head_which_is_the_writers_and_the_torn_tail() {
    let (_root, folder) = folder();
    let mut journal = Journal::create(&folder, &holder()).expect("a new journal");
    let mut heads = vec![journal.head().clone()];
    for kind in kinds() {
        journal.commit(instant(0), kind).expect("a commit");
        heads.push(journal.head().clone());
    }
    assert_eq!(journal.length(), 4);
    let verified = verify(&folder).expect("a sound journal");
    assert_eq!((Some(&verified.head), verified.torn), (heads.last(), 0));
    assert_eq!(verified.events.len(), 4);
    assert_eq!(verified.rollout.verdict(), None);
    heads.dedup();
    assert_eq!(heads.len(), 5, "every line has a hash of its own");

    let mut bytes = std::fs::read(folder.join(FILE)).expect("bytes");
    let last = bytes[..bytes.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("lines")
        + 1;
    bytes.truncate(last + 30);
    std::fs::write(folder.join(FILE), &bytes).expect("a torn file");
    let verified = verify(&folder).expect("a sound journal");
    assert_eq!((&verified.head, verified.torn), (&heads[3], 30));
}

/// For everybody who would rather check with tools of his own: docs/journal-format.md shows the same in a shell.
#[test]
fn the_chain_can_be_computed_from_the_lines_alone() {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| -> String {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let (_root, folder) = folder();
    write(&folder, kinds());
    let text = std::fs::read_to_string(folder.join(FILE)).expect("text");
    let mut lines = text.lines();
    let mut before = hex(lines.next().expect("a header").as_bytes());
    for line in lines {
        let (hash, rest) = (&line[9..73], &line[75..]);
        before = hex(format!("{before}{rest}").as_bytes());
        assert_eq!(hash, before);
    }
}
