//! The way back: the shipped playbook that opens ActiveSync again.

use crate::support::Stage;

const OPEN: &str = include_str!("../../playbooks/open-activesync.toml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_playbook_opens_what_was_restricted_without_a_restart() {
    let stage = Stage::new(2).await;
    stage.write("open.toml", OPEN);
    stage.edit(
        "open.toml",
        "min_healthy_time = \"60s\"",
        "min_healthy_time = \"200ms\"",
    );
    stage.apply().await.assert_code(0);
    stage.assert_all_restricted();
    let patrol = stage.patrol();
    let opened = stage.casgate(&["apply", "open.toml", "--yes"]).await;
    // Nobody leaves the rotation.
    patrol.end().await.assert_served(2);
    opened
        .assert_code(0)
        .assert_says(&["unlisted: deny -> allow", "2 changed, 0 unchanged, 0 failed"]);
    for index in 0..2 {
        stage.assert_open(index);
        assert_eq!(
            (stage.ran(index, "iisreset"), stage.ran(index, "set config")),
            (1, 2)
        );
        let section = stage.section(index).await;
        assert!(section.allow_unlisted && section.rules.is_empty(), "{section:?}");
    }
    let again = stage.casgate(&["apply", "open.toml", "--yes"]).await;
    again
        .assert_code(0)
        .assert_says(&["0 changed, 2 unchanged, 0 failed"]);
    stage.assert_no_shells();
    stage.assert_sound();
}
