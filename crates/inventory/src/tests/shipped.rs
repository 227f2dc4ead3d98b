//! The files at the root of the repository are read without a finding, and say what the rest of the tree expects of them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use jiff::SignedDuration;

use crate::{
    AllowWhat, Inventory, LoadBalancer, PasswordSource, Playbook, Quantity, RestartMethod, Role, Source,
    Step, StepKind, Vantage, check,
};

fn shipped(path: &str) -> Source {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    Source::new(
        path,
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

fn pair(inventory: &str, playbook: &str) -> (Inventory, Playbook) {
    let (inventory, playbook) = (shipped(inventory), shipped(playbook));
    let checked = check(Some(&inventory), Some(&playbook));
    let findings: Vec<_> = checked
        .diagnostics
        .iter()
        .map(|found| {
            found.render(
                if found.file == inventory.name {
                    &inventory
                } else {
                    &playbook
                },
                false,
            )
        })
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    (checked.inventory.unwrap(), checked.playbook.unwrap())
}

#[test]
fn every_playbook_fits_the_laboratory() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../playbooks"));
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "open-activesync.toml",
            "recycle-activesync.toml",
            "refresh-allow-list.toml",
            "restrict-activesync.toml",
            "restrict-ecp.toml"
        ]
    );
    for name in names {
        let (inventory, playbook) = pair("inventory/lab.toml", &format!("playbooks/{name}"));
        assert_eq!(playbook.servers.resolve(&inventory).unwrap().len(), 8, "{name}");
    }
}

#[test]
fn the_example_is_read_without_a_finding() {
    let source = shipped("inventory/example.toml");
    let checked = check(Some(&source), None);
    assert_eq!(checked.diagnostics, []);
    let inventory = checked.inventory.unwrap();
    let sizes: Vec<_> = inventory
        .pools
        .values()
        .map(|pool| {
            let size = u32::try_from(inventory.members(&pool.name).count()).unwrap();
            (pool.name.as_str(), size, pool.min_in_rotation.at_least_of(size))
        })
        .collect();
    // What its comments promise.
    assert_eq!(sizes, [("eas-dc1", 6, 5), ("eas-dc2", 4, 3)]);
    assert_eq!(inventory.servers[&"cas06".into()].port, 5986);
    assert_eq!(inventory.servers[&"cas05".into()].load_balancer_name, "cas05-new");
}

#[test]
fn the_laboratory_is_the_simulated_farm() {
    let (inventory, _) = pair("inventory/lab.toml", "playbooks/restrict-activesync.toml");
    let ports: Vec<_> = inventory
        .servers
        .values()
        .map(|server| {
            (
                server.name.as_str(),
                server.address.as_str(),
                server.port,
                server.https_port,
            )
        })
        .collect();
    let expected: Vec<_> = [
        "cas01", "cas02", "cas03", "cas04", "cas05", "cas06", "cas07", "cas08",
    ]
    .into_iter()
    .zip((15985..=15992).zip(16085..=16092))
    .map(|(name, (port, https_port))| (name, "127.0.0.1", port, https_port))
    .collect();
    assert_eq!(ports, expected);
    let pool = &inventory.pools[&"eas".into()];
    assert_eq!(
        pool.vip.as_ref().unwrap().as_str(),
        "https://mail.contoso.example/"
    );
    assert_eq!(pool.vip_address.unwrap().to_string(), "127.0.0.1:16185");
    assert_eq!(
        inventory.load_balancers[pool.load_balancer.as_ref().unwrap()],
        LoadBalancer::Haproxy {
            sockets: vec!["tcp://127.0.0.1:16186".to_owned()],
            backends: vec!["eas".to_owned()],
            probes_from: vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5))],
        }
    );
    let vantage = |name: &str| inventory.vantages[&name.into()].clone();
    assert_eq!(
        vantage("sentry1"),
        Vantage::SourceAddress(Ipv4Addr::new(127, 0, 0, 10).into())
    );
    assert_eq!(
        vantage("outside"),
        Vantage::SourceAddress(Ipv4Addr::new(127, 0, 0, 66).into())
    );
    let credential = &inventory.credentials[&inventory.servers[&"cas01".into()].credential];
    assert_eq!(credential.user, "CONTOSO\\operator");
    assert_eq!(
        credential.password,
        PasswordSource::Env("CASGATE_PASSWORD".to_owned())
    );
}

#[test]
fn the_rehearsal_restricts_activesync_step_by_step() {
    let (_, playbook) = pair("inventory/lab.toml", "playbooks/restrict-activesync.toml");
    let kinds: Vec<_> = playbook.steps.iter().map(Step::kind).collect();
    assert_eq!(
        kinds,
        [
            StepKind::Drain,
            StepKind::BackUp,
            StepKind::InstallFeature,
            StepKind::Restrict,
            StepKind::RestartIis,
            StepKind::WaitHealthy,
            StepKind::Witness,
            StepKind::ReturnToRotation,
        ]
    );
    assert_eq!(
        playbook.policy.waves,
        [Quantity::Count(1), Quantity::Percent(25), Quantity::Percent(50)]
    );
    assert_eq!(playbook.policy.min_healthy_time, SignedDuration::from_secs(60));
    let allow = playbook.steps.iter().find_map(|step| match step {
        Step::Restrict(restrict) => Some(
            restrict
                .allow
                .iter()
                .map(|entry| entry.what.clone())
                .collect::<Vec<_>>(),
        ),
        _ => None,
    });
    assert_eq!(
        allow.unwrap(),
        [
            AllowWhat::Address(Ipv4Addr::new(127, 0, 0, 10).into()),
            AllowWhat::Role(Role::Loopback),
            AllowWhat::Role(Role::OwnAddresses),
            AllowWhat::Role(Role::LoadBalancerProbes),
        ]
    );
    assert!(playbook.steps.iter().any(|step| matches!(step, Step::RestartIis(restart)
        if restart.method == RestartMethod::Iisreset && restart.no_force && restart.timeout == SignedDuration::from_secs(60))));
}
