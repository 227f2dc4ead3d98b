//! What speaks against a change is found before anything is touched, and what an operator accepts of it is on record.

use casim::machine::{ExchangeRelease, MachineOptions, WindowsRelease};

use crate::support::{Ended, Stage};

/// One thing wrong with each server, as far as it is a matter of how it was made.
fn bad(index: usize, machine: &mut MachineOptions) {
    match index {
        0 => machine.shared_configuration = Some(r"\\FILES01\iis$".to_owned()),
        1 => machine.shell_is_32_bit = true,
        2 => machine.front_end_site = "Mail".to_owned(),
        3 => machine.free_bytes = 5 * 1024 * 1024,
        _ => {}
    }
}

/// A farm of ten on which nearly everything is wrong, and a playbook that shuts out those who have to come in.
async fn bad_farm() -> Stage {
    let stage = Stage::adjusted(10, bad).await;
    stage.machine(4).faults().exchange_setup_runs.set(true);
    stage.machine(5).faults().filtered_token.set(true);
    stage.take_down(6).await;
    by_hand(&stage, 7, "sc stop W3SVC").await;
    for value in [
        r"reg add HKLM\SOFTWARE\Microsoft\Cryptography /v MachineGuid /d 5f1d2c3b-0000-4000-8000-000000000010 /f",
        r"reg add HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName /v ComputerName /d CAS09 /f",
        r"reg add HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\ServerComponentStates\ActiveSyncProxy /v Maintenance /d 1:0:637683895210000000 /f",
    ] {
        by_hand(&stage, 8, value).await;
        by_hand(&stage, 9, value).await;
    }
    stage.edit(
        "playbook.toml",
        "  { role = \"loopback\" }, { role = \"own_addresses\" }, { role = \"load_balancer_probes\" },\n",
        "",
    );
    stage.edit(
        "playbook.toml",
        "[[step]]\ninstall_feature = { name = \"IIS-IPSecurity\" }\n",
        "",
    );
    stage
}

/// Runs a line on the server itself; it has to end well.
async fn by_hand(stage: &Stage, index: usize, line: &str) {
    let output = stage.by_hand(index, line).await;
    assert_eq!(output.exit_code, 0, "{line}");
}

/// Nothing was begun, and no server was told to change anything.
fn assert_untouched(stage: &Stage, before: &[Vec<String>]) {
    for (index, before) in before.iter().enumerate() {
        assert_eq!(stage.writes(index), *before, "server {index}");
    }
    assert!(!stage.path("state").exists(), "a run was recorded");
    stage.assert_no_shells();
}

fn writes(stage: &Stage) -> Vec<Vec<String>> {
    (0..stage.farm.machines().len())
        .map(|index| stage.writes(index))
        .collect()
}

/// The hash that stands in front of a plan.
#[track_caller]
fn hash(plan: &Ended) -> String {
    let rest = plan.stdout.strip_prefix("PLAN ").unwrap_or_default();
    let hash = rest.split_whitespace().next().unwrap_or_default();
    assert_eq!(hash.len(), 12, "no plan with its hash in: {}", plan.stdout);
    hash.to_owned()
}

/// The text without the port of the day.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{text}127.0.0.1:PORT{rest}")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_wrong_is_found_at_once_and_refused_before_anything_is_touched() {
    let stage = bad_farm().await;
    let before = writes(&stage);
    let found = stage.casgate(&["preflight", "playbook.toml"]).await;
    found.assert_code(10).assert_says(&[
        "error: the preflight refuses 12 things; nothing was touched",
        "hint: each finding says what to do",
    ]);
    insta::assert_snapshot!("preflight", without_ports(&found.stdout));
    let table = found
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("REFUSED"));
    for line in table {
        assert!(line.len() <= 80 && line.trim_end() == line, "{line}");
    }
    let rules = [
        "server-not-seen  cas07",
        "not-elevated  cas06",
        "32-bit-shell  cas02",
        "same-machine  cas09, cas10",
        "shared-configuration  cas01",
        "application-not-found  cas03",
        "loopback-denied  cas01, cas04, cas05, cas08, cas09, cas10",
        "probes-denied  cas01, cas04, cas05, cas08, cas09, cas10",
        "setup-running  cas05",
        "web-service-stopped  cas08",
        "feature-missing  cas01, cas03, cas04, cas05, cas08, cas09, cas10",
        "low-disk  cas04",
    ];
    let plan = stage.casgate(&["plan", "playbook.toml"]).await;
    plan.assert_code(10).assert_says(&rules);
    let apply = stage.casgate(&["apply", "playbook.toml", "--yes"]).await;
    apply
        .assert_code(10)
        .assert_says(&rules)
        .assert_says(&["nothing was touched"]);
    assert_untouched(&stage, &before);

    let json = stage
        .casgate(&["preflight", "playbook.toml", "--format", "jsonl"])
        .await;
    let lines = json.assert_code(10).json();
    let refused = lines.iter().filter(|line| line["refuses"] == true).count();
    assert_eq!(refused, 12);
    let servers: Vec<_> = lines.iter().filter(|line| line["facts"].is_object()).collect();
    assert_eq!(servers.len(), 9, "cas07 was not seen");
    assert_eq!(servers[0]["facts"]["configuration"], "shared");
    assert_untouched(&stage, &before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_accepted_with_a_reason_that_is_approved_and_recorded() {
    let stage = Stage::adjusted(2, |index, machine| {
        if index == 0 {
            machine.free_bytes = 1_000_000;
        }
    })
    .await;
    let before = writes(&stage);
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  low-disk  cas01",
        "found:   0 MB are free on the system's disk",
        "accept:  --accept low-disk --reason \"…\", if you can answer for it",
        "error: the preflight refuses 1 thing; nothing was touched",
    ]);
    for (args, words) in [
        (
            &["--accept", "shared-configuration", "--reason", "x"][..],
            "`shared-configuration` cannot be accepted",
        ),
        (
            &["--accept", "low_disk", "--reason", "x"][..],
            "hint: did you mean `low-disk`?",
        ),
        (
            &["--accept", "low-disk", "--reason", " "][..],
            "`low-disk` is accepted without a reason",
        ),
        (
            &[
                "--accept",
                "low-disk",
                "--accept",
                "setup-running",
                "--reason",
                "x",
            ][..],
            "found 2 --accept and 1 --reason",
        ),
        (&["--accept", "low-disk"][..], "--reason"),
        (
            &["--accept", "open-hole", "--reason", "x"][..],
            "`open-hole` is no refusal",
        ),
    ] {
        let args: Vec<&str> = ["apply", "playbook.toml", "--yes"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        stage.casgate(&args).await.assert_code(2).assert_says(&[words]);
    }
    let other = [
        "apply",
        "playbook.toml",
        "--yes",
        "--accept",
        "setup-running",
        "--reason",
        "no",
    ];
    let other = stage.casgate(&other).await;
    other
        .assert_code(10)
        .assert_says(&["warning: `setup-running` is accepted and was not found"]);
    assert_untouched(&stage, &before);

    let accept = [
        "--accept",
        "low-disk",
        "--reason",
        "CHG 42: the disk grows tonight",
    ];
    let bare = stage.casgate(&["plan", "playbook.toml", "--offline"]).await;
    let args: Vec<&str> = ["plan", "playbook.toml"].iter().chain(&accept).copied().collect();
    let plan = stage.casgate(&args).await;
    plan.assert_code(0).assert_says(&[
        "accepted low-disk on cas01: CHG 42: the disk grows tonight",
        "ACCEPTED low-disk  cas01",
        "preflight: nothing is refused, 1 accepted, 1 note",
    ]);
    assert_ne!(
        hash(&plan),
        hash(&bare),
        "what is accepted is part of what is approved"
    );
    let stale = hash(&bare);
    let args: Vec<&str> = ["apply", "playbook.toml", "--approve", &stale]
        .iter()
        .chain(&accept)
        .copied()
        .collect();
    stage.casgate(&args).await.assert_code(13);
    assert_untouched(&stage, &before);

    // A saved plan has its acceptances in it, for the servers on which the thing was found then.
    let args: Vec<&str> = ["plan", "playbook.toml", "-o", "saved.plan"]
        .iter()
        .chain(&accept)
        .copied()
        .collect();
    stage.casgate(&args).await.assert_code(0);
    let args: Vec<&str> = ["apply", "saved.plan", "--yes"]
        .iter()
        .chain(&accept)
        .copied()
        .collect();
    stage
        .casgate(&args)
        .await
        .assert_code(2)
        .assert_says(&["a saved plan has its acceptances in it"]);
    let unapproved = stage.casgate(&["apply", "saved.plan"]).await;
    unapproved
        .assert_code(10)
        .assert_says(&["ACCEPTED low-disk  cas01", "the plan was not approved"]);
    assert_untouched(&stage, &before);

    let approved = hash(&plan);
    let args: Vec<&str> = ["apply", "playbook.toml", "--approve", &approved]
        .iter()
        .chain(&accept)
        .copied()
        .collect();
    let applied = stage.casgate(&args).await;
    applied
        .assert_code(0)
        .assert_says(&["accepted low-disk on cas01: CHG 42: the disk grows tonight"]);
    let accepted = stage.story().accepted();
    assert_eq!(
        accepted,
        serde_json::json!([{ "rule": "low-disk", "reason": "CHG 42: the disk grows tonight", "servers": ["cas01"] }])
    );
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_exchange_2010_has_to_let_its_peers_in_of_both_families() {
    let stage = Stage::adjusted(3, |index, machine| {
        let own = format!("2001:db8::1{}", index + 1);
        machine.addresses.push(own.parse().expect("an address"));
        if index == 0 {
            machine.windows = WindowsRelease::Server2008R2;
            machine.exchange = ExchangeRelease::Exchange2010;
        }
    })
    .await;
    let before = writes(&stage);
    let refused = stage.casgate(&["plan", "playbook.toml"]).await;
    refused.assert_code(10).assert_says(&[
        "REFUSED  peers-denied  cas01\n",
        "would deny 192.0.2.12, 2001:db8::12, 192.0.2.13, 2001:db8::13",
        "add to the `allow` list of `Default Web Site/Microsoft-Server-ActiveSync`: { role = \"exchange_peers\" }",
        "preflight: 1 refused",
    ]);

    // Also where only the old server is meant, the others are its peers, and are asked.
    stage.edit("playbook.toml", "servers = \"@eas\"", "servers = \"cas01\"");
    stage.edit("playbook.toml", "waves = [1, \"50%\"]", "waves = [1]");
    let alone = stage.casgate(&["plan", "playbook.toml"]).await;
    alone
        .assert_code(10)
        .assert_says(&["would deny 192.0.2.12, 2001:db8::12, 192.0.2.13, 2001:db8::13"]);
    stage.edit(
        "playbook.toml",
        "{ role = \"loopback\" },",
        "{ role = \"loopback\" }, { role = \"exchange_peers\" },",
    );
    let planned = stage.casgate(&["plan", "playbook.toml"]).await;
    planned.assert_code(0).assert_says(&[
        "192.0.2.11-192.0.2.13",
        "2001:db8::11-2001:db8::13",
        "preflight: nothing is refused",
    ]);
    assert_untouched(&stage, &before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_levels_above_say_is_told_and_an_opening_that_they_defeat_is_refused() {
    let stage = Stage::new(2).await;
    stage.write("open.toml", include_str!("../../playbooks/open-activesync.toml"));
    let section = "/section:system.webServer/security/ipSecurity";
    stage
        .appcmd(
            0,
            &format!(
                "set config \"Default Web Site\" {section} /+\"[ipAddress='192.0.2.77',allowed='True']\" /allowUnlisted:\"False\" /commit:apphost"
            ),
        )
        .await;
    let before = writes(&stage);

    let shut = stage.casgate(&["preflight", "playbook.toml"]).await;
    shut.assert_code(0).assert_says(&[
        "inherited-rules  cas01\n",
        "1 entries at Default Web Site: allow 192.0.2.77",
        "inherited-unlisted  cas01\n",
        "allowUnlisted=false at Default Web Site",
    ]);
    let opened = stage.casgate(&["apply", "open.toml", "--yes"]).await;
    opened.assert_code(10).assert_says(&[
        "REFUSED  inherited-deny  cas01\n",
        "allowUnlisted=false at Default Web Site",
        "decide it there: open that level, or leave the application shut",
        "nothing was touched",
    ]);
    assert_untouched(&stage, &before);
}
