//! Whether a journal is as it was written: `verify`, and what refuses one that is not.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_changed_is_refused_with_its_line_and_nothing_is_touched() {
    let stage = Stage::new(2).await;
    let applied = stage.apply().await;
    applied.assert_code(0);
    let (events, head) = stage.head();
    applied.assert_says(&[&format!("journal: {events} events, head {head}")]);
    let run = stage.run_name();
    let file = stage.run_folder().join("journal.jsonl");
    let written = std::fs::read_to_string(&file).expect("a journal");

    let sound = stage.casgate(&["verify", "latest", "--head", &head]).await;
    sound.assert_code(0).assert_says(&[
        &format!("{run}  sound: {events} events, "),
        &format!("head {head}"),
    ]);

    // The chain cannot know of lines that are not there any more; the head that was noted can.
    let cut: String = written.split_inclusive('\n').take(events - 1).collect();
    std::fs::write(&file, &cut).expect("a shorter file");
    stage.casgate(&["verify", &run]).await.assert_code(0);
    let cut = stage.casgate(&["verify", &run, "--head", &head]).await;
    cut.assert_code(1)
        .assert_says(&[&format!("expected {head}: lines were cut off its end")]);

    let before: Vec<_> = (0..2)
        .map(|index| stage.machine(index).command_lines().len())
        .collect();
    std::fs::write(
        &file,
        written.replacen("\"server_healthy\"", "\"server_skipped\"", 1),
    )
    .expect("a changed file");
    for args in [["verify", &run], ["resume", &run]] {
        let refused = stage.casgate(&args).await;
        refused.assert_code(1).assert_says(&[
            "journal.jsonl:",
            ": the line",
            "hint: nothing goes by a journal that was changed: put back a copy of the file",
        ]);
    }
    let after: Vec<_> = (0..2)
        .map(|index| stage.machine(index).command_lines().len())
        .collect();
    assert_eq!(before, after, "a server was asked");
    stage.assert_sound();
}
