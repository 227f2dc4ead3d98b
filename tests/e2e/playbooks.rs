//! The shipped playbooks, each played on a farm as it needs it, and applications other than ActiveSync.

use casim::machine::{WebReply, WebRequest};

use crate::support::{OUTSIDE, Stage};

const REFRESH: &str = include_str!("../../playbooks/refresh-allow-list.toml");
const ECP: &str = include_str!("../../playbooks/restrict-ecp.toml");
const RECYCLE: &str = include_str!("../../playbooks/recycle-activesync.toml");

const GATEWAY: &str = "127.0.0.10";
const SECOND_GATEWAY: &str = "127.0.0.11";

/// The playbook as it is shipped, watched for a moment only.
fn shipped(stage: &Stage, text: &str) {
    stage.write("shipped.toml", text);
    stage.edit(
        "shipped.toml",
        "min_healthy_time = \"60s\"",
        "min_healthy_time = \"200ms\"",
    );
}

/// The status that a client gets for a page of the first server.
fn status(stage: &Stage, path: &str, from: &str) -> Option<u16> {
    let client = from.parse().ok()?;
    match stage.machine(0).web(&WebRequest::get(path, client)) {
        WebReply::Reply { status, .. } => Some(status),
        WebReply::Refused | WebReply::Aborted => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_refreshed_without_a_restart_and_without_leaving_the_rotation() {
    let stage = Stage::new(2).await;
    stage.apply().await.assert_code(0);
    assert_eq!(stage.access(0, SECOND_GATEWAY), 403);
    let resets = stage.ran(0, "iisreset");
    shipped(&stage, REFRESH);
    let patrol = stage.patrol();
    let added = stage.casgate(&["apply", "shipped.toml", "--yes"]).await;
    added
        .assert_code(0)
        .assert_says(&["+ allow 127.0.0.11", "2 changed, 0 unchanged, 0 failed"]);
    for index in 0..2 {
        stage.assert_restricted(index);
        assert_eq!(stage.access(index, SECOND_GATEWAY), 401);
    }
    // Entries go as they come.
    stage.edit(
        "shipped.toml",
        "  { address = \"127.0.0.11\", note = \"a second gateway\" },\n",
        "",
    );
    let removed = stage.casgate(&["apply", "shipped.toml", "--yes"]).await;
    removed
        .assert_code(0)
        .assert_says(&["- allow 127.0.0.11", "2 changed, 0 unchanged, 0 failed"]);
    patrol.end().await.assert_served(2);
    for index in 0..2 {
        stage.assert_restricted(index);
        assert_eq!(stage.access(index, SECOND_GATEWAY), 403);
        assert_eq!(stage.ran(index, "set config"), 3, "one commit each");
    }
    assert_eq!((stage.ran(0, "iisreset"), stage.ran(0, "recycle")), (resets, 0));
    stage
        .casgate(&["apply", "shipped.toml", "--yes"])
        .await
        .assert_code(0)
        .assert_says(&["0 changed, 2 unchanged, 0 failed"]);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_where_nothing_is_enforced_yet_is_seen_and_put_back() {
    let stage = Stage::new(1).await;
    shipped(&stage, REFRESH);
    let ended = stage.casgate(&["apply", "shipped.toml", "--yes"]).await;
    ended
        .assert_code(22)
        .assert_says(&["witness            FAILED", "put back, verified"]);
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_playbook_restricts_ecp_and_nothing_else() {
    let stage = Stage::new(1).await;
    shipped(&stage, &ECP.replace("min_healthy_time  =", "min_healthy_time ="));
    let ended = stage.casgate(&["apply", "shipped.toml", "--yes"]).await;
    ended
        .assert_code(0)
        .assert_says(&["1 changed, 0 unchanged, 0 failed"]);
    assert_eq!(status(&stage, "/ecp/", OUTSIDE), Some(403));
    assert_eq!(status(&stage, "/ecp/", GATEWAY), Some(302));
    assert_eq!(status(&stage, "/owa/", OUTSIDE), Some(302));
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_playbook_recycles_the_pool_of_activesync_only() {
    let stage = Stage::new(2).await;
    let workers = async |stage: &Stage| stage.appcmd(0, "list wps").await;
    let before = workers(&stage).await;
    shipped(&stage, RECYCLE);
    let patrol = stage.patrol();
    let ended = stage.casgate(&["apply", "shipped.toml", "--yes"]).await;
    patrol.end().await.assert_served(2);
    ended
        .assert_code(0)
        .assert_says(&["2 changed, 0 unchanged, 0 failed"]);
    let after = workers(&stage).await;
    let of = |text: &str, pool: &str, is: bool| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(pool) == is);
        lines.map(str::to_owned).collect()
    };
    assert_ne!(
        of(&before, "MSExchangeSyncAppPool", true),
        of(&after, "MSExchangeSyncAppPool", true)
    );
    assert_eq!(
        of(&before, "MSExchangeSyncAppPool", false),
        of(&after, "MSExchangeSyncAppPool", false)
    );
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_application_of_iis_is_restricted_alike() {
    // (application, page, what it answers to who may come in, a page that must not change)
    for (application, page, allowed, other) in [
        ("owa", "/owa/", 302, "/Microsoft-Server-ActiveSync/"),
        ("EWS", "/EWS/", 401, "/owa/"),
        ("PowerShell", "/PowerShell/", 401, "/owa/"),
    ] {
        let stage = Stage::new(1).await;
        stage.edit(
            "playbook.toml",
            "Default Web Site/Microsoft-Server-ActiveSync",
            &format!("Default Web Site/{application}"),
        );
        stage.edit(
            "playbook.toml",
            "witness = { allowed_from = [\"sentry1\"], denied_from = [\"outside\"], unchanged = [\"/owa/\"] }",
            &format!(
                "witness = {{ path = \"{page}\", allowed_from = [\"sentry1\"], denied_from = [\"outside\"], unchanged = [\"{other}\"] }}"
            ),
        );
        stage.edit(
            "playbook.toml",
            "\"/Microsoft-Server-ActiveSync/healthcheck.htm\"",
            &format!("\"/{application}/healthcheck.htm\""),
        );
        stage.apply().await.assert_code(0);
        assert_eq!(status(&stage, page, OUTSIDE), Some(403), "{application}");
        assert_eq!(status(&stage, page, GATEWAY), Some(allowed), "{application}");
        assert_ne!(status(&stage, other, OUTSIDE), Some(403), "{application}");
        let again = stage.apply().await;
        again
            .assert_code(0)
            .assert_says(&["0 changed, 1 unchanged, 0 failed"]);
        stage.assert_sound();
    }
}
