//! A farm whose servers are of every age.

use crate::support::Stage;

/// The other servers hand requests to Exchange 2010 through the restricted application: the preflight refuses a list without them.
fn with_peers(stage: &Stage) {
    let own = "{ role = \"own_addresses\" },";
    stage.edit(
        "playbook.toml",
        own,
        &format!("{own} {{ role = \"exchange_peers\" }},"),
    );
}

/// Pages that all ages have; Exchange 2010 has no `healthcheck.htm`.
fn of_all_ages(stage: &Stage) {
    stage.edit(
        "playbook.toml",
        "\"/Microsoft-Server-ActiveSync/healthcheck.htm\", \"/owa/healthcheck.htm\"",
        "\"/owa/auth/logon.aspx\", \"/Microsoft-Server-ActiveSync/\"",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_rollout_runs_over_iis_7_5_to_10_and_exchange_2010_to_2019() {
    let stage = Stage::mixed(4).await;
    with_peers(&stage);
    of_all_ages(&stage);
    let patrol = stage.patrol();
    let ended = stage.apply().await;
    patrol.end().await.assert_served(2);
    ended
        .assert_code(0)
        .assert_says(&["4 changed, 0 unchanged, 0 failed"]);
    let oldest = stage
        .farm
        .machines()
        .iter()
        .map(|machine| machine.windows())
        .min();
    assert_eq!(oldest, Some(casim::machine::WindowsRelease::Server2008R2));
    for index in 0..4 {
        stage.assert_restricted(index);
        let writes = stage.writes(index).join("\n");
        // IIS 7.5 would refuse both.
        assert!(
            !writes.contains("denyAction") && !writes.contains("enableProxyMode"),
            "{writes}"
        );
        assert!(!writes.contains("/all "), "{writes}");
    }
    let again = stage.apply().await;
    again
        .assert_code(0)
        .assert_says(&["0 changed, 4 unchanged, 0 failed"]);
    stage.assert_no_shells();
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_health_page_that_exchange_2010_does_not_have_is_explained() {
    let stage = Stage::adjusted(1, |_, machine| {
        machine.windows = casim::machine::WindowsRelease::Server2008R2;
        machine.exchange = casim::machine::ExchangeRelease::Exchange2010;
    })
    .await;
    let ended = stage.apply().await;
    ended.assert_says(&[
        "wait_healthy       FAILED",
        "/Microsoft-Server-ActiveSync/healthcheck.htm answers 401",
        "hint: Exchange 2010 has no health pages",
    ]);
    stage.assert_sound();
}
