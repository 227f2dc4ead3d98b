//! The good day: a rollout, and the same rollout a second time.

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_is_restricted_while_its_clients_notice_nothing_and_a_second_run_changes_nothing() {
    let stage = Stage::new(4).await;
    let patrol = stage.patrol();
    let first = stage.apply().await;
    let seen = patrol.end().await;
    first.assert_code(0).assert_says(&[
        "4 changed, 0 unchanged, 0 failed",
        "done: every server is as wanted",
    ]);
    seen.assert_served(2);
    stage.story().assert_order(&[
        "wave_started",
        "cas01 server_started",
        "cas01 step_verified drain done",
        "cas01 step_verified back_up done",
        "cas01 step_verified install_feature done",
        "cas01 step_verified restrict done",
        "cas01 step_verified restart_iis done",
        "cas01 step_verified witness done",
        "cas01 step_verified return_to_rotation done",
        "cas01 server_healthy changed",
        "wave_finished",
        "wave_started",
        "run_finished done",
    ]);
    for index in 0..4 {
        stage.assert_restricted(index);
        for (line, times) in [
            ("add backup", 1),
            ("set config", 1),
            ("iisreset", 1),
            ("/enable-feature", 1),
        ] {
            assert_eq!(stage.ran(index, line), times, "{line} on server {index}");
        }
    }

    let before: Vec<_> = (0..4).map(|index| stage.writes(index)).collect();
    let second = stage.apply().await;
    second
        .assert_code(0)
        .assert_says(&["0 changed, 4 unchanged, 0 failed", "nothing to do"]);
    let story = stage.story();
    story.assert_never(&["cas01 step_started drain", "cas01 step_applied restart_iis"]);
    story.assert_order(&["cas04 server_healthy unchanged", "run_finished nothing_to_do"]);
    let after: Vec<_> = (0..4).map(|index| stage.writes(index)).collect();
    assert_eq!(after, before, "the second run wrote");
    stage.assert_no_shells();
    stage.assert_sound();
}
