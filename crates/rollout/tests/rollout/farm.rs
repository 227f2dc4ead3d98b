//! Small farms and plans for tests.

use std::collections::BTreeMap;
use std::str::FromStr;

use iis::ApplicationPath;
use iis::ip_security::{Existing, Section, Unlisted};
use inventory::{
    AllowEntry, AllowWhat, BackUp, Drain, InstallFeature, Inventory, OnFailure, Playbook, Policy, Pool,
    PoolName, Quantity, RestartIis, RestartMethod, Restrict, ReturnToRotation, Role, Selector, Server,
    ServerName, Source, Step, WaitHealthy, Witness,
};
use jiff::{SignedDuration, Timestamp};
use rollout::{Before, EventKind, Plan, RunId, Survey};

pub(crate) use rollout::simulation::{done, error, evidence, rotation};

pub(crate) const DRAIN: usize = 0;
pub(crate) const BACK_UP: usize = 1;
pub(crate) const INSTALL: usize = 2;
pub(crate) const RESTRICT: usize = 3;
pub(crate) const RESTART: usize = 4;
pub(crate) const WAIT_HEALTHY: usize = 5;
pub(crate) const WITNESS: usize = 6;
pub(crate) const RETURN: usize = 7;

pub(crate) fn server(name: &str) -> ServerName {
    ServerName::from(name)
}

/// The pool and the server that all others are copies of.
const PATTERN: &str = r#"
[credential.ops]
user = 'CONTOSO\operator'
password = { env = "CASGATE_PASSWORD" }
[load_balancer.lb]
kind = "haproxy"
socket = "tcp://192.0.2.5:9999"
backend = "eas"
[pool.pattern]
load_balancer = "lb"
min_in_rotation = 0
[server.pattern]
address = "192.0.2.1"
credential = "ops"
pool = "pattern"
"#;

/// An inventory of pools, each with its servers `POOL-1`, `POOL-2`, … and its floor.
pub(crate) fn inventory(pools: &[(&str, u32, Quantity)]) -> Inventory {
    let mut inventory = pattern();
    let pattern = inventory.pools.pop_first().expect("the pattern").1;
    inventory.servers.clear();
    for (pool, size, floor) in pools {
        let name = PoolName::from(*pool);
        let described = Pool {
            name: name.clone(),
            min_in_rotation: *floor,
            ..pattern.clone()
        };
        inventory.pools.insert(name.clone(), described);
        for number in 1..=*size {
            let name = server(&format!("{pool}-{number}"));
            inventory
                .servers
                .insert(name.clone(), described_server(name, Some(PoolName::from(*pool))));
        }
    }
    inventory
}

pub(crate) fn described_server(name: ServerName, pool: Option<PoolName>) -> Server {
    let (_, pattern) = pattern().servers.pop_first().expect("the pattern");
    Server {
        load_balancer_name: name.to_string(),
        name,
        pool,
        ..pattern
    }
}

fn pattern() -> Inventory {
    let source = Source {
        name: "pattern.toml".to_owned(),
        text: PATTERN.to_owned(),
    };
    inventory::read_inventory(&source).expect("a farm without faults")
}

/// The steps of the issue's rollout, at the indices that the constants name.
pub(crate) fn steps() -> Vec<Step> {
    let minute = SignedDuration::from_mins(1);
    vec![
        Step::Drain(Drain { timeout: minute }),
        Step::BackUp(BackUp {}),
        Step::InstallFeature(InstallFeature {
            name: "IIS-IPSecurity".to_owned(),
        }),
        Step::Restrict(Restrict {
            application: ApplicationPath::from_str("Default Web Site/Microsoft-Server-ActiveSync")
                .expect("a path"),
            unlisted: Unlisted::Deny,
            existing: Existing::Replace,
            allow: vec![AllowEntry {
                what: AllowWhat::Role(Role::Loopback),
                note: None,
            }],
            deny_action: None,
            proxy_mode: None,
            confirm_within: None,
        }),
        Step::RestartIis(RestartIis {
            method: RestartMethod::Iisreset,
            no_force: true,
            timeout: minute,
        }),
        Step::WaitHealthy(WaitHealthy {
            paths: vec!["/owa/healthcheck.htm".to_owned()],
        }),
        Step::Witness(Witness {
            allowed_from: vec![],
            denied_from: vec![],
            unchanged: vec![],
            path: "/Microsoft-Server-ActiveSync/".to_owned(),
            every: None,
        }),
        Step::ReturnToRotation(ReturnToRotation { timeout: minute }),
    ]
}

pub(crate) fn playbook(policy: Policy) -> Playbook {
    Playbook {
        title: "Only the gateways".to_owned(),
        servers: Selector::from_str("all").expect("a selector"),
        policy,
        steps: steps(),
        hooks: vec![],
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        waves: vec![Quantity::Count(1), Quantity::Percent(50)],
        ..Policy::default()
    }
}

/// A plan over pools as in [`inventory`].
pub(crate) fn plan(pools: &[(&str, u32, Quantity)], policy: Policy) -> Plan {
    let mut plan = Plan::build(&inventory(pools), &playbook(policy), &BTreeMap::new()).expect("a plan");
    // Stories about untouched servers ask for them; in all others a failure is judged by itself.
    plan.control_pages.clear();
    plan
}

/// One pool of four, of which one has to stay: `eas-1`, then two, then the last.
pub(crate) fn small_plan(on_failure: OnFailure, max_failures: u32) -> Plan {
    plan(
        &[("eas", 4, Quantity::Count(1))],
        Policy {
            on_failure,
            max_failures,
            ..policy()
        },
    )
}

pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).expect("an instant")
}

pub(crate) fn started(plan: &Plan) -> EventKind {
    EventKind::RunStarted {
        run: RunId::new("20261124-0214-7f3a"),
        plan: Box::new(plan.clone()),
        operator: "ops@jump01".to_owned(),
        version: "0.1.0".to_owned(),
        inventory: "inventory/lab.toml".to_owned(),
    }
}

pub(crate) fn resumed() -> EventKind {
    EventKind::RunResumed {
        operator: "ops@jump01".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

pub(crate) fn undo_requested() -> EventKind {
    EventKind::UndoRequested {
        operator: "ops@jump01".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

pub(crate) fn lease_taken(server: &ServerName) -> EventKind {
    EventKind::LeaseTaken {
        server: server.clone(),
        until: instant(600),
        over: None,
    }
}

pub(crate) fn seen(work: &[usize]) -> Survey {
    Survey::Seen {
        work: work.to_vec(),
        facts: vec![],
    }
}

/// What a probe finds when there is work, for each step of [`steps`].
pub(crate) fn before(step: usize) -> Before {
    match step {
        DRAIN => Before::Drain {
            rotation: Some(rotation(4, 4, true)),
            site: None,
        },
        BACK_UP => Before::BackUp {
            name: "casgate-7f3a".to_owned(),
        },
        INSTALL => Before::InstallFeature {
            enabled: false,
            module_listed: false,
        },
        RESTRICT => Before::Restrict {
            own: Section::default(),
            effective: Section::default(),
            wanted: Section {
                allow_unlisted: false,
                ..Section::default()
            },
            workers: vec![],
        },
        RESTART => Before::RestartIis {
            workers: vec![],
            services: vec![],
            reason: "module not loaded".to_owned(),
        },
        WAIT_HEALTHY => Before::WaitHealthy {
            pages: BTreeMap::new(),
        },
        WITNESS => Before::Witness,
        RETURN => Before::ReturnToRotation {
            rotation: Some(rotation(3, 4, false)),
        },
        other => panic!("no step {other}"),
    }
}
