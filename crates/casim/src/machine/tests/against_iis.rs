//! casgate's own client side against the machine: its lines run, its parsers understand, its promises hold.
//!
//! What casgate thinks of a section and what the machine enforces were written apart; here they have to agree.

use std::net::IpAddr;
use std::sync::Arc;

use command::{Invocation, Output};
use iis::ip_security::{DenyAction, Rule, Section, commits, states};
use iis::{AppcmdErrorKind, ApplicationPath, appcmd, feature, network, registry, reset, service};
use proptest::prelude::*;

use super::{APP, EAS, fresh, get, run, with_ip_restrictions};
use crate::machine::{Machine, WebReply};

async fn invoke<T>(machine: &Arc<Machine>, invocation: &Invocation<T>) -> T {
    let ran = run(machine, invocation.line().as_str()).await;
    invocation.parse(&Output {
        exit_code: ran.code,
        stdout: ran.stdout.into_bytes(),
        stderr: ran.stderr.into_bytes(),
    })
}

fn application() -> ApplicationPath {
    APP.parse().expect("an application")
}

#[tokio::test(start_paused = true)]
async fn objects_are_read() {
    let machine = fresh();
    let app = invoke(&machine, &appcmd::list_app(&application()))
        .await
        .expect("listed");
    assert_eq!(
        app.map(|app| app.application_pool).as_deref(),
        Some("MSExchangeSyncAppPool")
    );
    let missing = "Default Web Site/nosuch".parse().expect("an application");
    assert_eq!(invoke(&machine, &appcmd::list_app(&missing)).await, Ok(None));
    let modules = invoke(&machine, &appcmd::list_modules()).await.expect("listed");
    assert!(
        modules.iter().any(|m| m == "BasicAuthenticationModule")
            && !modules.iter().any(|m| m == iis::IP_RESTRICTION_MODULE)
    );
    let workers = invoke(&machine, &appcmd::list_worker_processes())
        .await
        .expect("listed");
    assert!(
        workers
            .iter()
            .any(|w| w.application_pool == "MSExchangeSyncAppPool" && w.pid > 0)
    );
    let recycle = |pool: &str| appcmd::recycle_app_pool(pool).expect("a name");
    assert_eq!(invoke(&machine, &recycle("MSExchangeSyncAppPool")).await, Ok(()));
    let unknown = invoke(&machine, &recycle("NoSuchPool"))
        .await
        .expect_err("there is none");
    assert_eq!(unknown.kind, AppcmdErrorKind::UnknownObject);
    let (add, delete) = (
        appcmd::add_backup("r1").expect("a name"),
        appcmd::delete_backup("r1").expect("a name"),
    );
    assert_eq!(invoke(&machine, &add).await, Ok(()));
    assert!(
        invoke(&machine, &add).await.is_err(),
        "a backup is not overwritten"
    );
    assert!(
        invoke(&machine, &appcmd::list_backups())
            .await
            .expect("listed")
            .contains(&"r1".to_owned())
    );
    assert_eq!(invoke(&machine, &delete).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn features_services_registry_and_addresses_are_read() {
    let machine = fresh();
    let state = feature::state("IIS-IPSecurity").expect("a name");
    assert_eq!(
        invoke(&machine, &state).await.expect("read"),
        feature::FeatureState::Disabled
    );
    let enabled = invoke(&machine, &feature::enable("IIS-IPSecurity").expect("a name"))
        .await
        .expect("enabled");
    assert!(!enabled.restart_required);
    assert_eq!(
        invoke(&machine, &state).await.expect("read"),
        feature::FeatureState::Enabled
    );
    assert!(
        invoke(&machine, &feature::enable("NetFx3").expect("a name"))
            .await
            .is_err(),
        "its files are not there"
    );

    let w3svc = service::query("W3SVC").expect("a name");
    let before = invoke(&machine, &w3svc).await.expect("read");
    assert_eq!(before.state, service::ServiceState::Running);
    assert!(
        invoke(&machine, &service::query("NoSuchService").expect("a name"))
            .await
            .is_err()
    );
    assert_eq!(invoke(&machine, &reset::iisreset(true, 60)).await.exit_code, 0);
    assert_ne!(invoke(&machine, &w3svc).await.expect("read").pid, before.pid);

    let key = r"HKLM\SOFTWARE\Microsoft\InetStp";
    let version = invoke(&machine, &registry::query(key, "VersionString").expect("a key"))
        .await
        .expect("read");
    assert_eq!(version.as_deref(), Some("Version 10.0"));
    let setup = registry::query_key(r"HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\Setup").expect("a key");
    let values = invoke(&machine, &setup)
        .await
        .expect("read")
        .expect("there is such a key");
    assert_eq!(
        (values.number("MsiProductMajor"), values.number("MsiBuildMajor")),
        (Some(15), Some(986))
    );
    let own = r"HKLM\SOFTWARE\casgate";
    assert_eq!(
        invoke(&machine, &registry::query(own, "Run").expect("a key"))
            .await
            .expect("read"),
        None
    );
    invoke(
        &machine,
        &registry::add(own, "Run", "a \"b\" %c%").expect("a key"),
    )
    .await
    .expect("written");
    let read = invoke(&machine, &registry::query(own, "Run").expect("a key"))
        .await
        .expect("read");
    assert_eq!(read.as_deref(), Some("a \"b\" %c%"));
    invoke(&machine, &registry::delete(own, "Run").expect("a key"))
        .await
        .expect("deleted");

    let mut addresses = Vec::new();
    for family in network::own_addresses() {
        addresses.extend(invoke(&machine, &family).await.expect("read"));
    }
    let expected = ["127.0.0.1", "192.0.2.11", "::1", "fe80::de2:4f45:21dc:6c5a"]
        .map(|a| a.parse::<IpAddr>().expect("an address"));
    assert_eq!(addresses, expected);
}

/// Whether the machine lets a client in.
fn lets_in(machine: &Machine, client: IpAddr) -> bool {
    match get(machine, EAS, &client.to_string()) {
        WebReply::Reply {
            status: 401,
            ref headers,
            ..
        } => headers.iter().any(|(name, _)| name == "WWW-Authenticate"),
        WebReply::Reply { .. } | WebReply::Aborted => false,
        WebReply::Refused => panic!("the web service runs"),
    }
}

const ADDRESSES: [&str; 6] = [
    "192.0.2.1",
    "192.0.2.77",
    "198.51.100.9",
    "::1",
    "2001:db8::1",
    "fe80::1",
];

/// Clients that rules may be about, with some that none is about.
fn clients() -> Vec<IpAddr> {
    let more = ["203.0.113.5", "2001:db9::5", "::ffff:192.0.2.1"];
    ADDRESSES
        .iter()
        .chain(&more)
        .map(|a| a.parse().expect("an address"))
        .collect()
}

fn rule() -> impl Strategy<Value = Rule> {
    let address = prop::sample::select(ADDRESSES.to_vec());
    let mask = prop::sample::select(vec!["255.255.255.255", "255.255.255.0", "24", "16", "0"]);
    (address, mask, any::<bool>(), any::<bool>()).prop_map(|(address, mask, allowed, zone)| Rule {
        ip_address: if zone && address == "fe80::1" {
            "fe80::1%14".to_owned()
        } else {
            address.to_owned()
        },
        // A dotted mask means something for IPv4 only; IIS takes the default one for a single IPv6 address.
        subnet_mask: if address.contains(':') && mask == "255.255.255.0" {
            "64"
        } else {
            mask
        }
        .to_owned(),
        domain_name: String::new(),
        allowed,
    })
}

fn section() -> impl Strategy<Value = Section> {
    let action = prop::option::of(prop::sample::select(vec![
        DenyAction::AbortRequest,
        DenyAction::NotFound,
    ]));
    (any::<bool>(), action, prop::collection::vec(rule(), 0..6)).prop_map(
        |(allow_unlisted, deny_action, rules)| {
            let mut section = Section {
                allow_unlisted,
                deny_action,
                ..Section::default()
            };
            for rule in rules {
                if !section.rules.iter().any(|old| old.has_key_of(&rule)) {
                    section.rules.push(rule);
                }
            }
            section
        },
    )
}

async fn walk(machine: &Arc<Machine>, from: &Section, to: &Section) -> Result<(), TestCaseError> {
    let commits =
        commits(&application(), from, to).map_err(|error| TestCaseError::fail(error.to_string()))?;
    for (commit, after) in commits.iter().zip(states(from, &commits)) {
        let done = invoke(machine, &commit.line).await;
        prop_assert_eq!(done, Ok(()), "{}", commit.line.line().as_str());
        let own = invoke(machine, &appcmd::list_section(&application())).await;
        let own = own.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(own.same_meaning(&after), "expected {after:?}, found {own:?}");
        let effective = invoke(machine, &appcmd::list_effective_section(&application())).await;
        let effective = effective.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(
            effective.same_meaning(&after),
            "expected {after:?}, found {effective:?}"
        );
        for client in clients() {
            prop_assert_eq!(
                lets_in(machine, client),
                effective.allows(client),
                "{} under {:?}",
                client,
                &effective
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_casgate_writes_is_what_the_machine_enforces(steps in prop::collection::vec(section(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let machine = with_ip_restrictions().await;
            let mut from = Section::default();
            for to in steps {
                walk(&machine, &from, &to).await?;
                from = to;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
