//! The journal cut after every event, and `resume`: the world is further than the journal tells, as after a crash of the machine whose last lines were
//! lost with it.

use crate::support::Stage;

/// Runs to the end, then resumes from the journal cut after each event of this residue.
async fn resumed_from_every(residue: usize, of: usize) -> usize {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    let file = stage.run_folder().join("journal.jsonl");
    let whole = std::fs::read_to_string(&file).expect("a journal");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let done = (0..2).map(|index| stage.writes(index)).collect::<Vec<_>>();
    let mut cuts = 0;
    // The header and at least one event; without the last one, which says that nothing is left to do.
    for kept in (2..lines.len()).filter(|kept| kept % of == residue) {
        std::fs::write(&file, lines[..kept].concat()).expect("a shorter journal");
        let last = stage.story().to_string().lines().last().map(str::to_owned);
        let resumed = stage.casgate(&["resume", "latest"]).await;
        assert_eq!(
            resumed.code,
            Some(0),
            "cut after {kept} lines, `{last:?}`:\n{}",
            resumed.text()
        );
        for (index, done) in done.iter().enumerate() {
            stage.assert_restricted(index);
            let since: Vec<String> = stage.writes(index).split_off(done.len());
            // A commit, a restart and a feature are looked at and found done; a backup of the run's name as well.
            assert!(
                since.is_empty(),
                "cut after {kept} lines, `{last:?}`, repeated: {since:#?}"
            );
            assert_eq!(
                stage.lease(index).await,
                None,
                "cut after {kept} lines, `{last:?}`"
            );
        }
        stage.story();
        cuts += 1;
    }
    stage.assert_sound();
    cuts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumed_after_the_journal_was_cut_after_every_event() {
    let (first, second, third) = tokio::join!(
        resumed_from_every(0, 3),
        resumed_from_every(1, 3),
        resumed_from_every(2, 3)
    );
    assert!(first + second + third > 50, "{first} + {second} + {third} cuts");
}
