//! `plan` and `status` before, after, and when somebody else has changed something.

use crate::support::Stage;

const DRIFT: [&str; 6] = [
    "exec",
    "cas02",
    "--",
    "%windir%\\system32\\inetsrv\\appcmd.exe",
    "set config \"Default Web Site/Microsoft-Server-ActiveSync\" /section:system.webServer/security/ipSecurity",
    "/+\"[ipAddress='192.0.2.200',allowed='True']\" /commit:apphost",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plan_and_status_tell_what_is_pending_what_is_done_and_what_has_drifted() {
    let stage = Stage::new(2).await;
    let detailed = ["plan", "playbook.toml", "--detailed-exitcode"];
    let before = stage.casgate(&detailed).await;
    before.assert_code(3).assert_says(&[
        "never fewer than 1 in rotation",
        "wave 1: cas01",
        "wave 2: cas02",
        "cas01  would change: install_feature, restrict",
        "+ feature IIS-IPSecurity",
        "-4294967292 all IPv4 but 127.0.0.1, 127.0.0.5, 127.0.0.10, 192.0.2.11",
        "unlisted: allow -> deny",
        "proved: no address that is allowed before and after is denied on the way,",
        "2 servers to change, 0 as wanted, 0 could not be looked at",
    ]);
    let offline = stage.casgate(&["plan", "playbook.toml", "--offline"]).await;
    offline.assert_code(0).assert_says(&["wave 2: cas02"]);
    let status = stage.casgate(&["status", "playbook.toml"]).await;
    status.assert_code(3).assert_says(&[
        "cas01  DRIFTED",
        "now: 0 rules, unlisted clients allowed",
        "0 as wanted, 2 drifted, 0 not seen",
    ]);

    stage.apply().await.assert_code(0);
    let after = stage.casgate(&detailed).await;
    after
        .assert_code(0)
        .assert_says(&["cas01, cas02  as wanted", "0 servers to change, 2 as wanted"]);
    let status = stage.casgate(&["status", "playbook.toml"]).await;
    status
        .assert_code(0)
        .assert_says(&["2 as wanted, 0 drifted, 0 not seen"]);

    stage.casgate(&DRIFT).await.assert_code(0);
    let drifted = stage.casgate(&["status", "playbook.toml"]).await;
    drifted.assert_code(3).assert_says(&[
        "cas01  as wanted",
        "cas02  DRIFTED",
        "- allow 192.0.2.200",
        "1 as wanted, 1 drifted, 0 not seen",
    ]);
    let json = stage
        .casgate(&["status", "playbook.toml", "--format", "jsonl"])
        .await;
    let states: Vec<_> = json
        .assert_code(3)
        .json()
        .into_iter()
        .map(|line| (line["server"].clone(), line["state"].clone()))
        .collect();
    assert_eq!(
        states,
        [("cas01", "as wanted"), ("cas02", "DRIFTED")].map(|(a, b)| (a.into(), b.into()))
    );

    stage.take_down(0).await;
    let unseen = stage.casgate(&["status", "playbook.toml"]).await;
    unseen
        .assert_code(1)
        .assert_says(&["cas01  NOT SEEN", "cas02  DRIFTED", "1 not seen"]);
    let plan = stage.casgate(&detailed).await;
    plan.assert_code(10)
        .assert_says(&["REFUSED  server-not-seen  cas01", "the preflight refuses 1 thing"]);
    for index in 0..2 {
        assert_eq!(stage.ran(index, "add backup"), 1, "a look wrote");
    }
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_is_put_right_by_applying_again_and_needs_no_restart() {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    stage.casgate(&DRIFT).await.assert_code(0);
    let patrol = stage.patrol();
    let again = stage.apply().await;
    patrol.end().await.assert_served(1);
    again
        .assert_code(0)
        .assert_says(&["1 changed, 1 unchanged, 0 failed"]);
    let status = stage.casgate(&["status", "playbook.toml"]).await;
    status
        .assert_code(0)
        .assert_says(&["2 as wanted, 0 drifted, 0 not seen"]);
    stage.assert_all_restricted();
    stage.assert_sound();
}
