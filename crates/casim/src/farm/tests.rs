use std::time::Duration;

use inventory::{LoadBalancer as Balancer, Source, Vantage, read_inventory};

use super::{Farm, FarmOptions, HOST};
use crate::Error;

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
    let Balancer::Haproxy { socket, backend, .. } = balancer else {
        panic!("{balancer:?}")
    };
    assert_eq!(*socket, format!("tcp://{}", farm.load_balancer().runtime_api()));
    assert_eq!(backend, "eas");
    let outside = Vantage::SourceAddress("127.0.0.66".parse().unwrap());
    assert!(inventory.vantages.values().any(|vantage| *vantage == outside));
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
