use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::super::backend::{Backend, Balance};
use super::super::check::CheckResult;
use super::super::member::{Admin, Member, Thresholds};
use super::answer;

const NOW: Duration = Duration::from_secs(7);

/// The backend that the texts below were compared with on HAProxy 2.6.12: cas01 good, cas02 refused.
fn backend() -> Backend {
    let members = [("cas01", 18701), ("cas02", 18702)]
        .map(|(name, port)| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            Member::new(name.to_owned(), address, Thresholds::default())
        })
        .to_vec();
    let mut backend = Backend::new("eas".to_owned(), Balance::LeastConnections, members, false);
    let took = Duration::from_millis(1);
    backend.members[0].checked(CheckResult::Passed { status: 200 }, took, Duration::ZERO);
    backend.members[1].checked(CheckResult::ConnectFailed, Duration::ZERO, Duration::from_secs(5));
    backend
}

fn ask(line: &str) -> String {
    answer(&mut backend(), NOW, line)
}

/// The cells of one server's row by column.
fn cells(text: &str, server: &str, columns: &[&str]) -> Vec<String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .unwrap()
        .split(',')
        .collect();
    let row: Vec<&str> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|row| row.get(1) == Some(&server))
        .unwrap();
    assert_eq!(row.len(), header.len());
    columns
        .iter()
        .map(|column| {
            let index = header.iter().position(|name| name == column).unwrap();
            row[index].to_owned()
        })
        .collect()
}

/// What HAProxy 2.6.12 answered to `show stat` with five servers: 503, silent, closing, closing with TLS, good with
/// three connections (the silent one is left out: a check was under way).
const RECORDED: &str = include_str!("show_stat.csv");

#[test]
fn show_stat_has_the_columns_and_cells_of_haproxy() {
    let passed = CheckResult::Passed { status: 200 };
    let results = [
        ("cas01", 18701, CheckResult::WrongStatus { status: 503 }),
        ("cas02", 18702, CheckResult::AnswerTimeout),
        ("cas03", 18703, CheckResult::NoAnswer),
        ("cas04", 18703, CheckResult::TlsFailed),
        ("cas05", 18705, passed),
    ];
    let members = results
        .map(|(name, port, result)| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut member = Member::new(name.to_owned(), address, Thresholds::default());
            let took = Duration::from_millis(u64::from(name == "cas01"));
            member.checked(result, took, Duration::ZERO);
            member
        })
        .to_vec();
    let mut backend = Backend::new("eas".to_owned(), Balance::LeastConnections, members, false);
    let now = Duration::from_secs(4);
    for _ in 0..3 {
        assert_eq!(backend.assign(&[], now), Some(4));
    }
    let text = answer(&mut backend, now, "show stat");
    assert!(text.ends_with(",\n\n"));
    assert_eq!(text.lines().next(), RECORDED.lines().next(), "the header");
    // What is not measured here is empty; these must not be.
    let needed = [
        "scur",
        "stot",
        "status",
        "weight",
        "act",
        "chkfail",
        "lastchg",
        "check_status",
        "check_desc",
        "check_health",
        "addr",
        "type",
        "mode",
    ];
    let header: Vec<&str> = RECORDED
        .lines()
        .next()
        .unwrap()
        .trim_start_matches("# ")
        .split(',')
        .collect();
    for recorded in RECORDED.lines().skip(1) {
        let recorded: Vec<&str> = recorded.split(',').collect();
        let server = recorded[1];
        for (cell, (column, expected)) in cells(&text, server, &header)
            .iter()
            .zip(header.iter().zip(&recorded))
        {
            let empty_is_fine = server.contains("END") || !needed.contains(column);
            assert!(
                cell == expected || (cell.is_empty() && empty_is_fine),
                "{server} {column}: HAProxy {expected:?}, here {cell:?}"
            );
        }
    }
    let columns = ["status", "act", "scur", "algo"];
    assert_eq!(cells(&text, "BACKEND", &columns), ["UP", "1", "3", "leastconn"]);
    assert_eq!(cells(&text, "FRONTEND", &["status", "scur"]), ["OPEN", "3"]);
}

#[test]
fn show_servers_state_has_the_columns_and_cells_of_haproxy() {
    // As HAProxy 2.6.12 answered, word for word.
    let expected = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
                    srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
                    srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
                    srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n\
                    3 eas 1 cas01 127.0.0.1 2 8 1 1 0 15 3 4 6 0 0 0 - 18701 - 0 0 - - 0\n\
                    3 eas 2 cas02 127.0.0.1 0 0 1 1 2 8 2 0 6 0 0 0 - 18702 - 0 0 - - 0\n\n";
    assert_eq!(
        ask("set server eas/cas01 state drain;show servers state eas"),
        format!("\n{expected}")
    );
    assert_eq!(ask("show servers state"), ask("show servers state eas"));
    assert_eq!(ask("show servers state nope"), "Can't find backend.\n\n");
}

#[test]
fn show_stat_shows_what_is_selected() {
    let rows = |line: &str| -> Vec<String> {
        ask(line)
            .lines()
            .skip(1)
            .filter_map(|row| row.split(',').nth(1).map(str::to_owned))
            .collect()
    };
    assert_eq!(rows("show stat -1 4 -1"), ["cas01", "cas02"]);
    assert_eq!(rows("show stat eas 4 2"), ["cas02"]);
    assert_eq!(rows("show stat eas 6 -1"), ["cas01", "cas02", "BACKEND"]);
    assert_eq!(rows("show stat -1 1 -1"), ["FRONTEND"]);
    assert_eq!(ask("show stat nope 4 -1"), "No such proxy.\n\n");
}

#[test]
fn set_server_state_is_silent_and_shows_at_once() {
    let mut backend = backend();
    assert_eq!(
        answer(
            &mut backend,
            NOW,
            "set server eas/cas01 state drain; set server eas/cas02 state maint"
        ),
        "\n\n"
    );
    assert_eq!(
        (backend.members[0].admin, backend.members[1].admin),
        (Admin::Drain, Admin::Maint)
    );
    let text = answer(&mut backend, NOW, "show stat eas 4 -1");
    let columns = ["status", "lastchg", "check_status", "check_health"];
    assert_eq!(cells(&text, "cas01", &columns), ["DRAIN", "0", "L7OK", "4"]);
    assert_eq!(cells(&text, "cas02", &columns), ["MAINT", "0", "", ""]);
}

#[test]
fn mistakes_are_answered_as_haproxy_does() {
    let expects = "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n";
    let usage = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr \
                 | check-port | fqdn | health | ssl | state | weight\n\n";
    for (line, expected) in [
        ("set server", "Require 'backend/server'.\n\n"),
        ("set server eas state drain", "Require 'backend/server'.\n\n"),
        ("set server nope/cas01 state drain", "No such backend.\n\n"),
        ("set server eas/nope state drain", "No such server.\n\n"),
        ("set server eas/cas01 state", expects),
        ("set server eas/cas01 state foo", expects),
        ("set server eas/cas01", usage),
        ("set server eas/cas01 foo", usage),
    ] {
        assert_eq!(ask(line), expected, "{line}");
    }
}

#[test]
fn an_unknown_command_is_told_and_the_next_one_still_answered() {
    let text = ask("nope; set server eas/cas01 state ready; show servers state");
    assert!(
        text.starts_with("Unknown command, but maybe one of the following ones is a better match:\n  help ")
    );
    assert!(text.contains("all or for a single backend)\n  show stat"));
    assert!(text.contains("\n\n\n1\n# be_id "), "{text}");
    assert!(ask("").starts_with("Unknown command. Please enter one of the following commands only:\n"));
    assert_eq!(ask("quit; nope"), "");
}
