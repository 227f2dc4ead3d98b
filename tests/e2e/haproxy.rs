//! A real HAProxy in front of the simulated farm: what a rollout costs its clients, what a naive one costs them, and whether the simulated load
//! balancer speaks as the real one does.

use std::time::Duration;

use casim::clients::{Clients, ClientsOptions, Entrance, Tally};
use tokio::net::TcpStream;

use crate::support::{Haproxy, Stage, column, converse};

const SERVERS: usize = 6;

/// The same restart, one server after the other, without asking the load balancer.
const NAIVE: &str = r#"
[playbook]
title = "Restart one after the other"
servers = "@eas"

[policy]
waves = [1]
max_parallel = 1
max_failures = 1
min_healthy_time = "200ms"
healthy_deadline = "10s"
progress_deadline = "30s"
on_failure = "stop"

[[step]]
command = { command = "%windir%\\system32\\iisreset.exe /restart" }
"#;

/// A farm whose pool stands behind the real HAProxy; a restart of IIS takes a second there.
async fn behind_haproxy() -> Option<(Stage, Haproxy)> {
    let stage = Stage::at_speed(SERVERS, 8.0).await;
    let haproxy = Haproxy::start(&stage.farm, &stage.path("")).await?;
    let simulated = stage.farm.load_balancer();
    let api = format!("tcp://{}", simulated.runtime_api());
    stage.edit("farm.toml", &api, &haproxy.socket());
    stage.edit(
        "farm.toml",
        &simulated.vip().to_string(),
        &haproxy.vip.to_string(),
    );
    Some((stage, haproxy))
}

/// A steady load through HAProxy: 80 requests a second, ten on a connection, so that each server has connections open at every instant.
fn load(stage: &Stage, haproxy: &Haproxy) -> Clients {
    let entrance = Entrance {
        vip: haproxy.vip,
        ..stage.farm.entrance()
    };
    let options = ClientsOptions {
        rate: 80,
        requests_per_connection: 10,
        gap: Duration::from_millis(80),
        ..ClientsOptions::default()
    };
    Clients::through(entrance, options)
}

/// Waits until the clients have been served for a while.
async fn until_served(clients: &Clients, requests: u64) {
    let served = async {
        while clients.tally().requests < requests {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), served)
        .await
        .expect("the clients make requests");
}

fn told(what: &str, tally: &Tally) {
    println!("{what}: {} requests, {} failed", tally.requests, tally.failed);
    for failure in &tally.first_failures {
        println!("    {failure}");
    }
}

/// The same load on two farms, one after the other, so that both have the machine to themselves as far as this test goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_real_haproxy_notice_nothing_of_a_rollout_but_a_roll_without_drain() {
    let Some((stage, haproxy)) = behind_haproxy().await else {
        return;
    };
    stage.edit(
        "playbook.toml",
        "healthy_deadline = \"3s\"",
        "healthy_deadline = \"10s\"",
    );
    stage.edit(
        "playbook.toml",
        "drain = { timeout = \"3s\" }",
        "drain = { timeout = \"20s\" }",
    );
    let clients = load(&stage, &haproxy);
    until_served(&clients, 50).await;
    let ended = stage.apply().await;
    let tally = clients.stop().await;
    told("casgate", &tally);
    ended
        .assert_code(0)
        .assert_says(&["6 changed, 0 unchanged, 0 failed", "DRAIN, no connections left"]);
    assert_eq!(tally.failed, 0, "{:#?}", tally.first_failures);
    assert!(tally.requests > 300, "{tally:?}");
    let states = haproxy.column("status").await;
    assert!(states.iter().all(|(_, state)| state == "UP"), "{states:?}");
    for index in 0..SERVERS {
        assert_eq!(stage.ran(index, "iisreset"), 1, "server {index}");
    }
    drop((haproxy, stage));

    let Some((stage, haproxy)) = behind_haproxy().await else {
        return;
    };
    stage.write("naive.toml", NAIVE);
    let clients = load(&stage, &haproxy);
    until_served(&clients, 50).await;
    let ended = stage.casgate(&["apply", "naive.toml", "--yes"]).await;
    let tally = clients.stop().await;
    told("naive", &tally);
    ended
        .assert_code(0)
        .assert_says(&["6 changed, 0 unchanged, 0 failed"]);
    for index in 0..SERVERS {
        assert_eq!(stage.ran(index, "iisreset"), 1, "server {index}");
    }
    // Each restart cuts the connections that are open at its server, one or two at every instant, and until its checks notice, HAProxy sends
    // everybody to the server that has the fewest connections: the one that is gone.
    assert!(tally.failed > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_load_balancer_speaks_as_the_real_one_does() {
    let Some((stage, haproxy)) = behind_haproxy().await else {
        return;
    };
    let api = stage.farm.load_balancer().runtime_api();
    let simulated = async |line: &str| {
        let stream = TcpStream::connect(api).await.expect("the simulated runtime API");
        converse(stream, line).await
    };
    for line in [
        "set server",
        "set server eas state drain",
        "set server nope/cas01 state drain",
        "set server eas/nope state drain",
        "set server eas/cas01 state",
        "set server eas/cas01 state foo",
        "set server eas/cas01",
        "show stat nope 4 -1",
        "show servers state nope",
        "set server eas/cas01 state drain",
        "set server eas/cas02 state maint; set server eas/cas03 state drain",
        "set server eas/cas03 state ready",
    ] {
        assert_eq!(simulated(line).await, haproxy.ask(line).await, "{line}");
    }
    let (ours, real) = (
        simulated("show stat -1 4 -1").await,
        haproxy.ask("show stat -1 4 -1").await,
    );
    for name in ["status", "weight", "act", "bck", "type", "mode", "scur", "qcur"] {
        let expected = column(&real, name);
        assert_eq!(column(&ours, name), expected, "{name}");
        assert_eq!(expected.len(), SERVERS, "{name}");
    }
    let states = |table: &str| -> Vec<String> {
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("1"), "{table}");
        let header: Vec<&str> = lines
            .next()
            .unwrap_or_default()
            .trim_start_matches(['#', ' '])
            .split(' ')
            .collect();
        let at = |name: &str| header.iter().position(|cell| *cell == name).expect("a column");
        let columns = ["be_name", "srv_name", "srv_op_state", "srv_admin_state"].map(at);
        lines
            .filter(|line| !line.is_empty())
            .map(|line| {
                let cells: Vec<&str> = line.split(' ').collect();
                columns.map(|column| cells[column]).join(" ")
            })
            .collect()
    };
    let line = "show servers state eas";
    let (ours, real) = (states(&simulated(line).await), states(&haproxy.ask(line).await));
    assert_eq!(ours, real);
    assert_eq!(real[..3], ["eas cas01 2 8", "eas cas02 0 1", "eas cas03 2 0"]);
}
