//! The sequences of the foreign clients' script that judges the whole simulator, at the level of command lines.

use super::{APP, APPCMD, Ran, SECTION, appcmd, fresh, run};
use crate::machine::Machine;
use std::sync::Arc;

async fn set(machine: &Arc<Machine>, edits: &str) -> Ran {
    run(
        machine,
        &format!("{APPCMD} set config \"{APP}\" /section:{SECTION} {edits}"),
    )
    .await
}

/// The section's attributes and entries as the XML form shows them.
async fn section(machine: &Arc<Machine>) -> (Option<String>, Vec<Vec<(String, String)>>) {
    let text = appcmd(machine, &format!("list config \"{APP}\" /section:{SECTION} /xml")).await;
    assert!(text.starts_with("<?xml"), "{text}");
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let config = document
        .root_element()
        .children()
        .find(|n| n.has_tag_name("CONFIG"))
        .expect("a CONFIG element");
    assert_eq!(config.attribute("CONFIG.SECTION"), Some(SECTION));
    assert_eq!(
        config.attribute("path"),
        Some(format!("MACHINE/WEBROOT/APPHOST/{APP}").as_str())
    );
    let node = config
        .children()
        .find(|n| n.has_tag_name("system.webServer-security-ipSecurity"))
        .expect("the section");
    let entries = node.children().filter(roxmltree::Node::is_element);
    let values = |n: roxmltree::Node<'_, '_>| {
        n.attributes()
            .map(|a| (a.name().to_owned(), a.value().to_owned()))
            .collect()
    };
    (
        node.attribute("allowUnlisted").map(str::to_owned),
        entries.map(values).collect(),
    )
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_section_is_closed_probed_and_opened_again() {
    let machine = fresh();
    let sites = appcmd(&machine, "list site").await;
    assert!(sites.contains("SITE \"Default Web Site\" (id:1,"), "{sites}");
    let app = appcmd(&machine, &format!("list app \"{APP}\"")).await;
    assert_eq!(
        app,
        format!("APP \"{APP}\" (applicationPool:MSExchangeSyncAppPool)\r\n")
    );
    assert_eq!(section(&machine).await, (None, vec![]));

    let several = "/+\"[ipAddress='192.0.2.10',allowed='True']\" \
                   /+\"[ipAddress='198.51.100.0',subnetMask='255.255.255.0',allowed='True']\" \
                   /allowUnlisted:\"False\" /commit:apphost";
    let closed = set(&machine, several).await;
    let applied = format!(
        "Applied configuration changes to section \"{SECTION}\" for \"MACHINE/WEBROOT/APPHOST/{APP}\" at configuration \
         commit path \"MACHINE/WEBROOT/APPHOST\"\r\n"
    );
    assert_eq!((closed.code, closed.stdout), (0, applied));
    let expected = (
        Some("false".to_owned()),
        vec![
            pairs(&[("ipAddress", "192.0.2.10"), ("allowed", "true")]),
            pairs(&[
                ("ipAddress", "198.51.100.0"),
                ("subnetMask", "255.255.255.0"),
                ("allowed", "true"),
            ]),
        ],
    );
    assert_eq!(section(&machine).await, expected);

    for (edits, code, words) in [
        (
            "/+\"[ipAddress='192.0.2.10',allowed='True']\" /commit:apphost",
            183,
            "Cannot add duplicate collection entry",
        ),
        (
            "/+\"[ipAddress='192.0.2.10',allowed='False']\" /commit:apphost",
            183,
            "Cannot add duplicate collection entry",
        ),
        (
            "/-\"[ipAddress='203.0.113.9']\" /commit:apphost",
            4312,
            "Cannot find requested collection element",
        ),
        (
            "/+\"[ipAddress='192.0.2.77',allowed='True']\" /+\"[ipAddress='192.0.2.10',allowed='True']\" /commit:apphost",
            183,
            "Cannot add duplicate collection entry",
        ),
        (
            "/allowUnlisted:\"True\"",
            33,
            "This happens when the section is locked at a parent level",
        ),
        (
            "/nosuch:\"1\" /commit:apphost",
            87,
            "Unknown attribute \"nosuch\"",
        ),
    ] {
        let refused = set(&machine, edits).await;
        assert_eq!(refused.code, code, "{edits}: {}", refused.stdout);
        assert!(
            refused.stdout.starts_with("ERROR (") && refused.stdout.contains(words),
            "{}",
            refused.stdout
        );
        assert_eq!(section(&machine).await, expected, "{edits} changed something");
    }

    appcmd(
        &machine,
        &format!("clear config \"{APP}\" /section:{SECTION} /commit:apphost"),
    )
    .await;
    assert_eq!(section(&machine).await, (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn pools_backups_and_the_prompt() {
    let machine = fresh();
    let unknown = run(
        &machine,
        &format!("{APPCMD} recycle apppool /apppool.name:\"NoSuchPool\""),
    )
    .await;
    assert_eq!(unknown.code, 1168);
    assert!(
        unknown
            .stdout
            .contains("Cannot find APPPOOL object with identifier \"NoSuchPool\""),
        "{}",
        unknown.stdout
    );
    let recycled = appcmd(
        &machine,
        "recycle apppool /apppool.name:\"MSExchangeSyncAppPool\"",
    )
    .await;
    assert_eq!(recycled, "\"MSExchangeSyncAppPool\" successfully recycled\r\n");

    assert_eq!(
        appcmd(&machine, "add backup oracle").await,
        "BACKUP object \"oracle\" added\r\n"
    );
    assert!(
        appcmd(&machine, "list backups")
            .await
            .contains("BACKUP \"oracle\"")
    );
    appcmd(&machine, "delete backup oracle").await;
    assert!(
        !appcmd(&machine, "list backups")
            .await
            .contains("BACKUP \"oracle\"")
    );

    let missing = run(&machine, "nosuchprogram.exe /x").await;
    assert!(
        missing.code == 1 && missing.stderr.contains("not recognized"),
        "{missing:?}"
    );
    let echo = run(&machine, "echo Grüße & exit 7").await;
    assert_eq!((echo.code, echo.stdout.as_str()), (7, "Grüße \r\n"));
    let oops = run(&machine, "echo oops 1>&2").await;
    assert_eq!(
        (oops.code, oops.stdout.as_str(), oops.stderr.as_str()),
        (0, "", "oops \r\n")
    );

    let reset = run(&machine, "iisreset /noforce").await;
    let lines: Vec<&str> = reset
        .stdout
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let expected = [
        "Attempting stop...",
        "Internet services successfully stopped",
        "Attempting start...",
        "Internet services successfully restarted",
    ];
    assert_eq!((reset.code, lines.as_slice()), (0, expected.as_slice()));
}

#[tokio::test(start_paused = true)]
async fn eight_clients_at_once() {
    let machine = fresh();
    let line = format!("{APPCMD} list apppool");
    let all = futures_of(&machine, &line, 8).await;
    assert!(all.iter().all(|ran| ran.code == 0 && ran.stdout == all[0].stdout));
}

async fn futures_of(machine: &Arc<Machine>, line: &str, count: usize) -> Vec<Ran> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (machine, line) = (Arc::clone(machine), line.to_owned());
        tasks.spawn(async move { run(&machine, &line).await });
    }
    tasks.join_all().await
}
