mod vantage;

use std::time::Duration;

use inventory::{LoadBalancer as Balancer, Source, Vantage, read_inventory};

use super::{Farm, FarmOptions, HOST};
use crate::Error;
use crate::clients::{Clients, ClientsOptions};
use crate::front_end::tests::{eventually, source};
use crate::load_balancer::OWN_ADDRESS;
use crate::machine::{OutputSink, Stdin};

fn options(servers: usize) -> FarmOptions {
    FarmOptions {
        servers,
        speed: 50.0,
        ..FarmOptions::default()
    }
}

#[tokio::test]
async fn the_inventory_is_one_that_casgate_reads() {
    let farm = Farm::start(options(3)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    farm.write_inventory(&path).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("lab-ca.pem")).unwrap(),
        farm.ca_pem()
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, farm.inventory_toml().replace("farm-ca.pem", "lab-ca.pem"));
    assert!(!text.contains("Opera"), "no password");
    let source = Source::new("lab.toml", text);
    let inventory = read_inventory(&source).unwrap_or_else(|found| {
        let lines: Vec<String> = found
            .iter()
            .map(|diagnostic| diagnostic.render(&source, false))
            .collect();
        panic!("{}", lines.join("\n"))
    });
    assert_eq!(inventory.servers.len(), 3);
    for (server, (endpoint, front_end)) in inventory
        .servers
        .values()
        .zip(farm.endpoints().iter().zip(farm.front_ends()))
    {
        assert_eq!(
            (server.port, server.https_port),
            (endpoint.address().port(), front_end.address().port())
        );
        assert_eq!(server.ca_file.as_deref(), Some("lab-ca.pem"));
        assert_eq!(
            inventory.credentials[&server.credential].user,
            r"CONTOSO\operator"
        );
    }
    let pool = inventory.pools.values().next().unwrap();
    assert_eq!(pool.vip_address, Some(farm.load_balancer().vip()));
    assert_eq!(pool.vip.as_ref().and_then(|vip| vip.host_str()), Some(HOST));
    let balancer = inventory.load_balancers.values().next().unwrap();
    let Balancer::Haproxy {
        sockets, backends, ..
    } = balancer
    else {
        panic!("{balancer:?}")
    };
    assert_eq!(
        sockets,
        &[format!("tcp://{}", farm.load_balancer().runtime_api())]
    );
    assert_eq!(backends, &["eas"]);
    let outside = Vantage::SourceAddress("127.0.0.66".parse().unwrap());
    assert!(inventory.vantages.values().any(|vantage| *vantage == outside));
    farm.stop().await;
}

/// What the load balancer says of a server.
fn status(farm: &Farm, index: usize) -> String {
    farm.load_balancer().members()[index].status()
}

async fn set_state(farm: &Farm, server: &str, state: &str) {
    let line = format!("set server eas/{server} state {state}");
    assert_eq!(
        crate::load_balancer::tests::ask(farm.load_balancer().runtime_api(), &line).await,
        "\n"
    );
}

async fn restart_iis(farm: &Farm, index: usize) {
    let (sink, _output) = OutputSink::channel();
    assert_eq!(
        farm.machines()[index]
            .run("iisreset /noforce", Stdin::empty(), sink)
            .await,
        0
    );
}

fn busy() -> ClientsOptions {
    ClientsOptions {
        rate: 120,
        ..ClientsOptions::default()
    }
}

#[tokio::test]
async fn every_server_is_asked_by_gateways_and_by_people() {
    // An even number of servers: whoever takes turns strictly sees only half of them.
    let farm = Farm::start(options(4)).await.unwrap();
    let clients = Clients::start(&farm, busy());
    let gateway = source(10);
    eventually("everybody has been everywhere", async || {
        farm.machines().iter().all(|machine| {
            let seen = machine.requests();
            let of = |path: &str| {
                seen.iter()
                    .find(|line| line.path.starts_with(path) && line.client != OWN_ADDRESS)
            };
            let person = of("/owa/").is_some_and(|line| line.client != gateway);
            person && of("/Microsoft-Server-ActiveSync/").is_some_and(|line| line.client == gateway)
        })
    })
    .await;
    assert_eq!(clients.stop().await.failed, 0);
    farm.stop().await;
}

#[tokio::test]
async fn a_restart_behind_a_drain_costs_no_request() {
    let farm = Farm::start(options(3)).await.unwrap();
    eventually("the checks are good", async || {
        (0..3).all(|index| status(&farm, index) == "UP")
    })
    .await;
    let clients = Clients::start(&farm, busy());
    for (index, name) in ["cas01", "cas02", "cas03"].into_iter().enumerate() {
        let served = farm.load_balancer().members()[index].sessions.total;
        eventually("it serves", async || {
            farm.load_balancer().members()[index].sessions.total > served
        })
        .await;
        set_state(&farm, name, "drain").await;
        eventually("its connections have ended", async || {
            farm.load_balancer().members()[index].sessions.current == 0
        })
        .await;
        restart_iis(&farm, index).await;
        eventually("it is healthy", async || status(&farm, index) == "DRAIN").await;
        set_state(&farm, name, "ready").await;
    }
    let tally = clients.stop().await;
    assert_eq!(
        tally.failed, 0,
        "of {}: {:?}",
        tally.requests, tally.first_failures
    );
    assert!(tally.requests > 50, "only {} requests", tally.requests);
    farm.stop().await;
}

#[tokio::test]
async fn a_restart_without_a_drain_is_felt_and_counted() {
    // Slower than the others: the outage must be longer than the way to a server.
    let slow = FarmOptions {
        speed: 10.0,
        ..options(1)
    };
    let farm = Farm::start(slow).await.unwrap();
    let clients = Clients::start(&farm, busy());
    eventually("it serves", async || clients.tally().requests > 10).await;
    restart_iis(&farm, 0).await;
    let tally = clients.stop().await;
    assert!(tally.failed > 0, "none of {} requests failed", tally.requests);
    assert!(!tally.first_failures.is_empty());
    farm.stop().await;
}

#[tokio::test]
async fn names_and_addresses_are_those_of_the_farm() {
    let farm = Farm::start(options(2)).await.unwrap();
    let names: Vec<&str> = farm.machines().iter().map(|machine| machine.name()).collect();
    assert_eq!(names, ["CAS01", "CAS02"]);
    let text = farm.describe();
    assert!(text.contains("cas02  WinRM http://127.0.0.1:"), "{text}");
    let members: Vec<String> = farm
        .load_balancer()
        .members()
        .into_iter()
        .map(|member| member.name)
        .collect();
    assert_eq!(members, ["cas01", "cas02"]);
    farm.stop().await;
}

#[tokio::test]
async fn a_farm_that_cannot_be_is_refused() {
    let still = FarmOptions {
        speed: 0.0,
        ..options(1)
    };
    for options in [options(0), still] {
        assert!(matches!(Farm::start(options).await, Err(Error::Options { .. })));
    }
}

#[tokio::test]
async fn a_fixed_layout_is_kept_and_one_port_serves_one_farm() {
    // Some first port must be free; which one is not known.
    for first in (21_000..31_000).step_by(331) {
        let fixed = FarmOptions {
            first_port: Some(first),
            ..options(1)
        };
        let Ok(farm) = Farm::start(fixed.clone()).await else {
            continue;
        };
        assert_eq!(farm.endpoints()[0].address().port(), first);
        assert_eq!(farm.load_balancer().runtime_api().port(), first + 201);
        let error = Farm::start(fixed.clone()).await.unwrap_err();
        assert!(
            error.to_string().starts_with("cannot listen on 127.0.0.1:"),
            "{error}"
        );
        farm.stop().await;
        // All of it is free again, also where connections are still in TIME_WAIT.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Farm::start(fixed).await.unwrap().stop().await;
        return;
    }
    panic!("no free ports");
}

#[tokio::test]
async fn servers_of_a_mixed_farm_are_all_seen_up() {
    let farm = Farm::start(options(5).mixed()).await.unwrap();
    let releases: Vec<String> = farm.machines().iter().map(|m| m.exchange().to_string()).collect();
    assert_eq!(
        releases,
        [
            "Exchange 2019",
            "Exchange 2010",
            "Exchange 2013",
            "Exchange 2016",
            "Exchange 2019"
        ]
    );
    eventually("every server was checked and found well", async || {
        let members = farm.load_balancer().members();
        let asked = farm
            .machines()
            .iter()
            .all(|machine| machine.requests().iter().any(|line| line.status == 200));
        asked && members.iter().all(|member| member.status() == "UP")
    })
    .await;
    assert!(
        farm.describe()
            .contains("Windows Server 2008 R2 Standard, Exchange 2010")
    );
    farm.stop().await;
}
