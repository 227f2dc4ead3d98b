//! Whom the rules would cut off: named, counted, and where the playbook says so, reason enough not to begin.

use casim::machine::FormerTraffic;
use serde_json::Value;

use crate::support::Stage;

const PREVIEW: [&str; 2] = ["preview", "playbook.toml"];

/// What IIS logs by default.
const FIELDS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
    cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

/// One line, but for its time.
struct Line {
    client: &'static str,
    stem: &'static str,
    query: String,
    user: String,
    agent: &'static str,
    status: &'static str,
}

/// A device that is served.
fn ping(client: &'static str, user: &str, device: &str) -> Line {
    Line {
        client,
        stem: "/Microsoft-Server-ActiveSync/default.eas",
        query: format!("Cmd=Ping&User=CONTOSO%5C{user}&DeviceId={device}&DeviceType=iPhone"),
        user: format!(r"CONTOSO\{user}"),
        agent: "Apple-iPhone14C5/2004.55",
        status: "200 0",
    }
}

impl Stage {
    /// Writes lines into a server's log, all of them of this minute.
    fn log(&self, index: usize, lines: &[Line]) {
        let machine = self.machine(index);
        let now = machine.wall_clock().to_string();
        let (date, time) = (&now[..10], &now[11..19]);
        let mut text = format!("#Software: Microsoft Internet Information Services 10.0\r\n{FIELDS}\r\n");
        for Line {
            client,
            stem,
            query,
            user,
            agent,
            status,
        } in lines
        {
            text.push_str(&format!(
                "{date} {time} 192.0.2.11 POST {stem} {query} 443 {user} {client} {agent} - {status} 0 120\r\n"
            ));
        }
        machine.put(&self.log_name(index), text.into_bytes());
    }

    /// The log of today.
    fn log_name(&self, index: usize) -> String {
        let now = self.machine(index).wall_clock().to_string();
        format!(
            r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex{}.log",
            now[2..10].replace('-', "")
        )
    }
}

/// A day at two servers: the gateway's devices, two that come from elsewhere, a guesser, one who is refused already, and probes.
fn a_day(stage: &Stage) {
    let refused = Line {
        status: "403 503",
        ..ping("203.0.113.66", "eve", "EVE1")
    };
    let guess = Line {
        status: "401 1",
        user: "-".to_owned(),
        ..ping("198.51.100.99", "admin", "GUESS")
    };
    let own = Line {
        stem: "/Microsoft-Server-ActiveSync/",
        query: "-".to_owned(),
        user: "-".to_owned(),
        agent: "AMProbe/Local/ClientAccess",
        ..ping("::1", "", "")
    };
    let mailbox = ping("::1", "HealthMailbox0659e34", "EASProbeDeviceId141");
    stage.log(
        0,
        &[
            ping("127.0.0.10", "anna", "A1"),
            ping("203.0.113.7", "ben", "B2"),
            ping("203.0.113.7", "ben", "B2"),
            guess,
            own,
            mailbox,
        ],
    );
    stage.log(
        1,
        &[
            ping("127.0.0.10", "ben", "B2"),
            ping("2001:db8::7", "cleo", "C3"),
            refused,
        ],
    );
}

/// Without what differs from day to day: how often the load balancer asks, and how many bytes that makes.
fn normal(text: &str) -> String {
    let line = |line: &str| match (
        line.split_once("probes, health page: "),
        line.split_once("; all of that time; "),
    ) {
        (Some((before, _)), _) => format!("{before}probes, health page: N requests, 0 denied"),
        (_, Some((before, _))) => format!("{before}; all of that time; .."),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_and_devices_that_would_be_cut_off_are_named() {
    let stage = Stage::new(2).await;
    a_day(&stage);
    let ended = stage.casgate(&PREVIEW).await;
    ended.assert_code(0);
    insta::assert_snapshot!("preview", normal(&ended.stdout));
    assert_eq!(stage.ran(0, "netsh http flush logbuffer"), 1);
    assert!(
        stage.writes(0).is_empty() && stage.writes(1).is_empty(),
        "only looked at"
    );
    stage.assert_no_shells();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_get_the_same() {
    let stage = Stage::new(2).await;
    a_day(&stage);
    let ended = stage
        .casgate(&["preview", "playbook.toml", "--format", "jsonl"])
        .await;
    ended.assert_code(0);
    let mut values = ended.json();
    let value = &mut values[0];
    for server in value["servers"].as_array_mut().unwrap() {
        assert!(server["bytes"].as_u64().unwrap() > 0 && server["searches"].as_u64().unwrap() > 0);
        for differing in ["bytes", "files", "searches", "wanted", "whole_from"] {
            server[differing] = Value::Null;
        }
    }
    value["probes"][2]["requests"] = Value::Null;
    insta::assert_snapshot!("preview-jsonl", serde_json::to_string_pretty(&values).unwrap());
}

/// Six devices behind one address, ten requests each.
fn behind(address: &'static str) -> Vec<Line> {
    let device = |n: usize| ping(address, &format!("user{}", n % 6), &format!("D{}", n % 6));
    (0..60).map(device).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_balancer_that_hides_its_clients_makes_the_list_useless_or_an_outage() {
    let stage = Stage::new(1).await;
    stage.log(0, &behind("127.0.0.5"));
    let useless = stage.casgate(&PREVIEW).await;
    useless.assert_code(0).assert_says(&[
        "warning[clients-hidden]",
        "127.0.0.5 makes up 100 % of all requests, with 6 or more clients behind it",
        "everybody would be let in: the rules would be useless",
        "enableProxyMode",
    ]);
    stage.log(0, &behind("203.0.113.77"));
    let outage = stage.casgate(&PREVIEW).await;
    outage.assert_code(0).assert_says(&[
        "203.0.113.77 makes up 100 % of all requests",
        "everybody would be cut off; with it on the list, everybody would be let in",
        "users cut off: 6 of 6",
    ]);
    stage.log(0, &behind("127.0.0.10"));
    let gateway = stage.casgate(&PREVIEW).await;
    gateway.assert_code(0).assert_says(&[
        "right if all devices come through a gateway there",
        "users cut off: 0 of 6",
    ]);
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\nmax_cut_off = 0",
    );
    stage.casgate(&PREVIEW).await.assert_code(0);
    stage.log(0, &behind("127.0.0.5"));
    stage
        .casgate(&PREVIEW)
        .await
        .assert_code(10)
        .assert_says(&["refused[clients-hidden]"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_does_not_begin_where_too_many_would_be_cut_off() {
    let stage = Stage::new(2).await;
    a_day(&stage);
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\nmax_cut_off = 1",
    );
    let refused = stage.apply().await;
    refused.assert_code(10).assert_says(&[
        "refused[cut-off]: Default Web Site/Microsoft-Server-ActiveSync: 2 of 3 users would be cut off, more than max_cut_off = 1",
        "2 of 3 devices would be cut off",
        "error: the logs of the web servers stand against the plan (cut-off); nothing was touched",
    ]);
    assert!(stage.writes(0).is_empty() && stage.writes(1).is_empty());
    assert!(!stage.path("state").exists(), "no run was begun");
    stage.assert_open(0);
    stage.assert_no_shells();

    stage.edit("playbook.toml", "max_cut_off = 1", "max_cut_off = \"70%\"");
    stage.apply().await.assert_code(0);
    stage.assert_restricted(0);
    let searches = stage.ran(0, "findstr /r");
    stage.apply().await.assert_code(0);
    assert_eq!(
        stage.ran(0, "findstr /r"),
        searches,
        "where nothing changes nobody is cut off, and nobody looks"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_logs_refuse_is_accepted_with_a_reason_that_is_approved_and_recorded() {
    let stage = Stage::new(2).await;
    a_day(&stage);
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\nmax_cut_off = 1",
    );
    let reason = "CHG 43: both were told";
    let accept = ["--accept", "cut-off", "--reason", reason];
    let with = |words: &[&'static str]| [words, &accept].concat();

    let other = ["--accept", "clients-hidden", "--reason", reason];
    let refused = stage
        .casgate(&[&["apply", "playbook.toml", "--yes"], &other[..]].concat())
        .await;
    refused.assert_code(10).assert_says(&[
        "refused[cut-off]",
        "warning: `clients-hidden` is accepted and was not found",
        "`--accept RULE --reason TEXT` takes a refusal upon yourself",
    ]);
    assert!(!stage.path("state").exists(), "no run was begun");

    stage.casgate(&with(&PREVIEW)).await.assert_code(0).assert_says(&[
        "accepted[cut-off]: Default Web Site/Microsoft-Server-ActiveSync: 2 of 3 users",
        "accepted: CHG 43: both were told",
    ]);
    stage
        .casgate(&with(&["preflight", "playbook.toml"]))
        .await
        .assert_code(0)
        .assert_says(&["warning: `cut-off` is accepted and was not looked for: the logs were not read"]);
    stage
        .casgate(&["plan", "playbook.toml"])
        .await
        .assert_code(10)
        .assert_says(&["the logs of the web servers stand against the plan (cut-off)"]);
    assert!(stage.writes(0).is_empty() && stage.writes(1).is_empty());

    let plan = stage
        .casgate(&with(&["plan", "playbook.toml", "-o", "saved.json"]))
        .await;
    plan.assert_code(0)
        .assert_says(&["accepted cut-off: CHG 43: both were told"]);
    let hash = plan.stdout[5..17].to_owned();
    let apply = stage
        .casgate(&["apply", "saved.json", "--approve", &hash, "--format", "jsonl"])
        .await;
    let lines = apply.assert_code(0).json();
    let finding = lines.iter().find(|line| line["finding"] == "cut-off").unwrap();
    assert_eq!(
        (&finding["refuses"], &finding["accepted"]),
        (&Value::from(false), &Value::from(reason))
    );
    stage.assert_restricted(0);
    stage.assert_restricted(1);

    assert_eq!(
        stage.story().accepted(),
        serde_json::json!([{ "rule": "cut-off", "reason": reason, "servers": [] }])
    );
    stage.assert_no_shells();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_log_is_accepted_for_the_server_where_it_was_not_read() {
    let stage = Stage::new(2).await;
    a_day(&stage);
    stage
        .machine(1)
        .put(&stage.log_name(1), b"#Fields: date time cs-method\r\n".to_vec());
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\nmax_cut_off = \"100%\"",
    );
    let refused = stage.apply().await;
    refused
        .assert_code(10)
        .assert_says(&["refused[log-not-read]: cas02"]);
    let words = [
        "plan",
        "playbook.toml",
        "--accept",
        "log-not-read",
        "--reason",
        "it is new",
    ];
    let accepted = stage.casgate(&words).await;
    accepted.assert_code(0).assert_says(&[
        "accepted log-not-read on cas02: it is new",
        "accepted[log-not-read]: cas02",
    ]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_seen_is_never_taken_for_good() {
    let stage = Stage::new(2).await;
    stage.log(0, &[]);
    stage.edit(
        "playbook.toml",
        "max_failures = 0",
        "max_failures = 0\nmax_cut_off = \"100%\"",
    );
    stage
        .casgate(&PREVIEW)
        .await
        .assert_code(10)
        .assert_says(&["refused[no-traffic-seen]"]);
    a_day(&stage);
    stage.take_down(1).await;
    let unread = stage.casgate(&PREVIEW).await;
    unread
        .assert_code(10)
        .assert_says(&["cas02  NOT READ", "refused[log-not-read]: cas02", "cas01  "]);
    stage.edit("playbook.toml", "max_cut_off = \"100%\"", "");
    stage
        .casgate(&PREVIEW)
        .await
        .assert_code(1)
        .assert_says(&["warning[log-not-read]: cas02"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_that_was_cut_says_from_when_it_saw_everything() {
    let stage = Stage::with_former(
        2,
        FormerTraffic {
            bytes: 4 * 1024 * 1024,
            hours: 48,
            users: 40,
            clients: vec!["127.0.0.10".parse().unwrap(), "203.0.113.7".parse().unwrap()],
            probes_from: vec!["127.0.0.5".parse().unwrap()],
            others: 10,
            seed: 0,
        },
    )
    .await;
    // Four megabytes in two days: about 78 KB an hour of this application.
    let cut = stage
        .casgate(&[
            "preview",
            "playbook.toml",
            "--max-bytes",
            "512KiB",
            "--format",
            "jsonl",
        ])
        .await;
    cut.assert_code(0);
    let values = cut.json();
    let servers = values[0]["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 2);
    for server in servers {
        assert_eq!(server["complete"], false);
        let bytes = server["bytes"].as_u64().unwrap();
        assert!((100_000..800_000).contains(&bytes), "{bytes}");
        assert!(
            server["whole_from"].as_str() > server["wanted"]["from"].as_str(),
            "{server}"
        );
    }
    assert!(cut.stderr.contains("ONLY from 2"), "{}", cut.stderr);
    let whole = stage.casgate(&["preview", "playbook.toml", "--hours", "6"]).await;
    whole.assert_code(0).assert_says(&[
        "all of that time",
        "users cut off: 20 of 40",
        "devices cut off: 20 of 40",
    ]);
}
