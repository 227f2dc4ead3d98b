//! Plans: who goes when, how many at a time, and which numbers contradict each other.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use inventory::{
    AllowEntry, AllowWhat, Inventory, OnFailure, Policy, PoolName, Quantity, RestartMethod, Role, Selector,
    ServerName, Step,
};
use proptest::prelude::*;
use rollout::{Error, LiveWeight, Plan, PlannedPool, Rotation};

use crate::farm::{self, DRAIN, RESTART, RESTRICT, described_server, inventory, playbook, policy, server};

fn names(wave: &[ServerName]) -> Vec<&str> {
    wave.iter().map(ServerName::as_str).collect()
}

fn waves(pools: &[(&str, u32, Quantity)], sizes: &[Quantity]) -> Vec<String> {
    let plan = farm::plan(
        pools,
        Policy {
            waves: sizes.to_vec(),
            ..policy()
        },
    );
    plan.waves.iter().map(|wave| names(wave).join(" ")).collect()
}

#[test]
fn eight_servers_go_in_four_waves() {
    let sizes = [Quantity::Count(1), Quantity::Percent(25), Quantity::Percent(50)];
    assert_eq!(
        waves(&[("a", 8, Quantity::Percent(75))], &sizes),
        ["a-1", "a-2 a-3", "a-4 a-5 a-6 a-7", "a-8"]
    );
}

#[test]
fn a_wave_mixes_pools_by_their_size() {
    let pools = [("a", 2, Quantity::Count(1)), ("b", 4, Quantity::Count(1))];
    assert_eq!(
        waves(&pools, &[Quantity::Percent(50)]),
        ["a-1 b-1 b-2", "a-2 b-3 b-4"]
    );
    assert_eq!(
        waves(&pools, &[Quantity::Count(1), Quantity::Count(3)]),
        ["a-1", "b-1 b-2 a-2", "b-3 b-4"]
    );
}

#[test]
fn a_share_that_rounds_to_nobody_is_one() {
    assert_eq!(
        waves(&[("a", 3, Quantity::Count(1))], &[Quantity::Percent(10)]),
        ["a-1", "a-2 a-3"]
    );
}

#[test]
fn waves_end_with_the_servers() {
    let sizes = [Quantity::Count(2), Quantity::Count(5), Quantity::Percent(50)];
    assert_eq!(waves(&[("a", 3, Quantity::Count(1))], &sizes), ["a-1 a-2", "a-3"]);
    assert_eq!(
        waves(&[("a", 2, Quantity::Count(1))], &[Quantity::Count(0)]),
        ["a-1 a-2"]
    );
    assert_eq!(waves(&[("a", 2, Quantity::Count(1))], &[]), ["a-1 a-2"]);
}

fn pool(size: u32, floor: Quantity, policy: Policy) -> Result<PlannedPool, Error> {
    let plan = Plan::build(
        &inventory(&[("eas", size, floor)]),
        &playbook(policy),
        &BTreeMap::new(),
    )?;
    Ok(plan.pools[&PoolName::from("eas")].clone())
}

/// Size, floor, how many may be under way, and the smallest number in rotation.
fn numbers(pool: &PlannedPool) -> (u32, u32, u32, u32) {
    (
        pool.size,
        pool.min_in_rotation,
        pool.max_in_flight,
        pool.smallest_in_rotation,
    )
}

#[test]
fn what_may_be_out_is_what_the_floor_and_the_failures_leave() {
    let found = pool(8, Quantity::Percent(75), policy()).expect("a plan");
    let expected = (8, 6, 2, 6);
    assert_eq!(numbers(&found), expected);
    let found = pool(
        8,
        Quantity::Percent(50),
        Policy {
            max_failures: 2,
            ..policy()
        },
    )
    .expect("a plan");
    let expected = (8, 4, 2, 4);
    assert_eq!(numbers(&found), expected);
}

#[test]
fn floors_round_up_and_what_may_be_out_rounds_down() {
    // 7 servers at 50 % keep 4 (Kubernetes rounds so, too); a third of 7 in parallel is 2.
    let parallel = Policy {
        max_parallel: Quantity::Percent(33),
        ..policy()
    };
    let found = pool(7, Quantity::Percent(50), parallel).expect("a plan");
    let expected = (7, 4, 2, 5);
    assert_eq!(numbers(&found), expected);
}

#[test]
fn a_pool_is_counted_whole_even_where_the_run_takes_a_part() {
    let mut playbook = playbook(policy());
    playbook.servers = Selector::from_str("eas-1").expect("a selector");
    let plan = Plan::build(
        &inventory(&[("eas", 4, Quantity::Count(2))]),
        &playbook,
        &BTreeMap::new(),
    )
    .expect("a plan");
    let expected = (4, 2, 1, 3);
    assert_eq!(numbers(&plan.pools[&PoolName::from("eas")]), expected);
    assert_eq!(plan.max_parallel, 1);
}

#[test]
fn an_impossible_floor_is_refused_with_its_numbers_and_the_smallest_remedy() {
    let refused = |size, floor, max_failures| {
        pool(
            size,
            floor,
            Policy {
                max_failures,
                ..policy()
            },
        )
        .expect_err("no plan")
        .to_string()
    };
    assert_eq!(
        refused(4, Quantity::Count(3), 1),
        "pool eas: wave 2: 1 under way and 1 failed leaves 2 of 4 in rotation; min_in_rotation is 3: set max_failures to 0, or set \
         min_in_rotation to 2"
    );
    assert_eq!(
        refused(4, Quantity::Percent(100), 0),
        "pool eas: wave 1: 1 under way leaves 3 of 4 in rotation; min_in_rotation is 100%, which is 4: set min_in_rotation to \"75%\""
    );
    assert_eq!(
        refused(1, Quantity::Count(1), 0),
        "pool eas: wave 1: 1 under way leaves 0 of 1 in rotation; min_in_rotation is 1: set min_in_rotation to 0, \
         which is an outage while the server is changed"
    );
    assert_eq!(
        refused(2, Quantity::Count(2), 5),
        "pool eas: wave 1: 1 under way leaves 1 of 2 in rotation; min_in_rotation is 2: set max_failures to 1 and \
         min_in_rotation to 0"
    );
}

#[test]
fn every_remedy_mends_the_plan() {
    for (size, floor, max_failures, mended_floor, mended_failures) in [
        (4, 3, 1, 3, 0),
        (4, 3, 1, 2, 1),
        (4, 4, 0, 3, 0),
        (2, 2, 5, 0, 1),
        (1, 1, 0, 0, 0),
    ] {
        assert!(
            pool(
                size,
                Quantity::Count(floor),
                Policy {
                    max_failures,
                    ..policy()
                }
            )
            .is_err()
        );
        let mended = Policy {
            max_failures: mended_failures,
            ..policy()
        };
        assert!(
            pool(size, Quantity::Count(mended_floor), mended).is_ok(),
            "{size} {floor} {max_failures}"
        );
    }
}

#[test]
fn steps_that_take_nobody_out_need_no_spare_server() {
    let mut playbook = playbook(policy());
    let one = inventory(&[("eas", 1, Quantity::Count(1))]);
    playbook.steps.remove(DRAIN);
    assert!(
        Plan::build(&one, &playbook, &BTreeMap::new()).is_err(),
        "iisreset takes it out even without a drain"
    );
    if let Step::RestartIis(restart) = &mut playbook.steps[RESTART - 1] {
        restart.method = RestartMethod::RecycleAppPool;
    }
    let plan = Plan::build(&one, &playbook, &BTreeMap::new()).expect("a plan");
    let expected = (1, 1, 1, 1);
    assert_eq!(numbers(&plan.pools[&PoolName::from("eas")]), expected);
}

#[test]
fn servers_without_a_pool_are_planned_too() {
    let mut farm = Inventory::default();
    for name in ["x", "y"] {
        farm.servers
            .insert(server(name), described_server(server(name), None));
    }
    let plan = Plan::build(&farm, &playbook(policy()), &BTreeMap::new()).expect("a plan");
    assert_eq!(
        plan.waves
            .iter()
            .map(|wave| names(wave).join(" "))
            .collect::<Vec<_>>(),
        ["x", "y"]
    );
    assert!(plan.pools.is_empty());
}

fn allow(what: AllowWhat, note: Option<&str>) -> AllowEntry {
    AllowEntry {
        what,
        note: note.map(str::to_owned),
    }
}

fn with_allow_list(entries: Vec<AllowEntry>) -> inventory::Playbook {
    let mut playbook = playbook(policy());
    if let Step::Restrict(restrict) = &mut playbook.steps[RESTRICT] {
        restrict.allow = entries;
    }
    playbook
}

#[test]
fn names_are_pinned_to_their_addresses() {
    let playbook = with_allow_list(vec![
        allow(
            AllowWhat::Name("seg.example.net".to_owned()),
            Some("hosted gateway"),
        ),
        allow(AllowWhat::Role(Role::Loopback), None),
        allow(AllowWhat::Name("mdm.example.net".to_owned()), None),
    ]);
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let resolved = BTreeMap::from([
        // A resolver's round robin, and a double.
        (
            "seg.example.net".to_owned(),
            vec![
                address("203.0.113.9"),
                address("203.0.113.7"),
                address("203.0.113.9"),
            ],
        ),
        ("mdm.example.net".to_owned(), vec![address("2001:db8::1")]),
    ]);
    let farm = inventory(&[("eas", 4, Quantity::Count(2))]);
    let plan = Plan::build(&farm, &playbook, &resolved).expect("a plan");
    let Step::Restrict(restrict) = &plan.steps[RESTRICT] else {
        panic!("not a restrict step")
    };
    assert_eq!(
        restrict.allow,
        [
            allow(
                AllowWhat::Address(address("203.0.113.7")),
                Some("seg.example.net: hosted gateway")
            ),
            allow(
                AllowWhat::Address(address("203.0.113.9")),
                Some("seg.example.net: hosted gateway")
            ),
            allow(AllowWhat::Role(Role::Loopback), None),
            allow(
                AllowWhat::Address(address("2001:db8::1")),
                Some("mdm.example.net")
            ),
        ]
    );
    let mut turned = resolved.clone();
    turned.get_mut("seg.example.net").expect("the entry").reverse();
    assert_eq!(
        Plan::build(&farm, &playbook, &turned).expect("a plan").hash(),
        plan.hash()
    );
}

#[test]
fn a_name_without_addresses_is_an_error() {
    let playbook = with_allow_list(vec![allow(AllowWhat::Name("seg.example.net".to_owned()), None)]);
    let farm = inventory(&[("eas", 4, Quantity::Count(2))]);
    for resolved in [
        BTreeMap::new(),
        BTreeMap::from([("seg.example.net".to_owned(), vec![])]),
    ] {
        let found = Plan::build(&farm, &playbook, &resolved).expect_err("no plan");
        assert_eq!(
            found,
            Error::UnresolvedName {
                name: "seg.example.net".to_owned()
            }
        );
    }
}

#[test]
fn a_selector_that_fits_nothing_is_an_error() {
    let mut playbook = playbook(policy());
    playbook.servers = Selector::from_str("@nobody").expect("a selector");
    let found = Plan::build(
        &inventory(&[("eas", 4, Quantity::Count(2))]),
        &playbook,
        &BTreeMap::new(),
    );
    assert!(
        matches!(
            found,
            Err(Error::Selection {
                source: inventory::Error::UnknownPool { .. }
            })
        ),
        "{found:?}"
    );
}

#[test]
fn the_hash_is_of_all_that_will_be_done() {
    let pools = [("eas", 4, Quantity::Count(2))];
    let plan = farm::plan(&pools, policy());
    assert_eq!(plan.hash(), farm::plan(&pools, policy()).hash());
    assert_eq!(plan.hash().to_string().len(), 12);
    assert_eq!(plan.hash().as_str().len(), 64);
    assert_ne!(
        plan.hash(),
        farm::plan(
            &pools,
            Policy {
                on_failure: OnFailure::Stop,
                ..policy()
            }
        )
        .hash()
    );
    assert_ne!(
        plan.hash(),
        farm::plan(&[("eas", 5, Quantity::Count(2))], policy()).hash()
    );
    let mut other_steps = plan.clone();
    other_steps.steps.pop();
    assert_ne!(plan.hash(), other_steps.hash());
}

#[test]
fn an_approval_needs_the_digits_that_are_shown() {
    let hash = farm::plan(&[("eas", 4, Quantity::Count(2))], policy()).hash();
    let shown = hash.to_string();
    assert!(hash.is_approved_by(&shown));
    assert!(hash.is_approved_by(&shown.to_uppercase()));
    assert!(hash.is_approved_by(hash.as_str()));
    assert!(!hash.is_approved_by(&shown[..11]), "too short");
    assert!(!hash.is_approved_by(""));
    let other = format!("{}{}", &shown[..11], if shown.ends_with('0') { '1' } else { '0' });
    assert!(!hash.is_approved_by(&other));
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        (0_u32..6).prop_map(Quantity::Count),
        (0_u32..=100).prop_map(Quantity::Percent)
    ]
}

proptest! {
    /// Every server goes exactly once, in waves that are never empty, and what is planned keeps the floor.
    #[test]
    fn every_plan_takes_everybody_once_and_keeps_the_floor(
        sizes in prop::collection::vec(1_u32..9, 1..4),
        floor in quantity(),
        wave_sizes in prop::collection::vec(quantity(), 0..4),
        max_parallel in quantity(),
        max_failures in 0_u32..3,
    ) {
        let labels = ["a", "b", "c"];
        let pools: Vec<_> = sizes.iter().zip(labels).map(|(size, label)| (label, *size, floor)).collect();
        let policy = Policy { waves: wave_sizes, max_parallel, max_failures, ..policy() };
        let farm = inventory(&pools);
        match Plan::build(&farm, &playbook(policy), &BTreeMap::new()) {
            Ok(plan) => {
                let mut all: Vec<_> = plan.waves.concat();
                all.sort();
                prop_assert_eq!(all, farm.servers.keys().cloned().collect::<Vec<_>>());
                prop_assert!(plan.waves.iter().all(|wave| !wave.is_empty()));
                prop_assert!(plan.max_parallel >= 1);
                for pool in plan.pools.values() {
                    prop_assert!(pool.max_in_flight >= 1);
                    prop_assert!(pool.max_in_flight <= plan.max_parallel);
                    prop_assert!(pool.smallest_in_rotation >= pool.min_in_rotation);
                }
            }
            Err(Error::FloorUnreachable { size, left, floor, .. }) => {
                prop_assert!(left < floor);
                prop_assert!(size < floor + max_failures + 1);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

/// A pool of these weights, each server in a rack of three and a site of two.
fn weighted(
    weights: &[u32],
    floor: Quantity,
    site_floor: Option<Quantity>,
    policy: Policy,
) -> Result<Plan, Error> {
    let mut farm = inventory(&[("eas", weights.len() as u32, floor)]);
    for (number, (server, weight)) in farm.servers.values_mut().zip(weights).enumerate() {
        server.weight = *weight;
        server
            .labels
            .insert("rack".to_owned(), format!("r{}", number % 3));
        server
            .labels
            .insert("site".to_owned(), format!("s{}", number % 2));
    }
    if let Some(min_in_rotation) = site_floor {
        farm.sites
            .insert("s0".to_owned(), inventory::Site { min_in_rotation });
    }
    Plan::build(&farm, &playbook(policy), &BTreeMap::new())
}

fn all_at_once() -> Policy {
    Policy {
        waves: vec![Quantity::Percent(100)],
        ..policy()
    }
}

#[test]
fn a_share_is_kept_in_number_and_in_weight() {
    let plan = weighted(&[4, 1, 1, 1, 1], Quantity::Percent(50), None, all_at_once()).expect("a plan");
    let eas = &plan.pools[&PoolName::from("eas")];
    assert_eq!(numbers(eas), (5, 3, 2, 3));
    assert_eq!(
        (
            eas.weight,
            eas.min_weight_in_rotation,
            eas.smallest_weight_in_rotation
        ),
        (8, 4, 4)
    );
    let count = weighted(&[4, 1, 1, 1, 1], Quantity::Count(3), None, all_at_once()).expect("a plan");
    let eas = &count.pools[&PoolName::from("eas")];
    assert_eq!(eas.min_weight_in_rotation, 0, "a count is of servers alone");
    assert_eq!(eas.smallest_weight_in_rotation, 3, "the two heaviest out");
}

#[test]
fn a_weight_that_cannot_be_taken_out_is_refused_with_the_server_and_the_remedy() {
    let refused = |weights: &[u32], floor, max_failures| {
        let policy = Policy {
            max_failures,
            ..all_at_once()
        };
        weighted(weights, floor, None, policy)
            .expect_err("no plan")
            .to_string()
    };
    assert_eq!(
        refused(&[4, 1, 1, 1, 1], Quantity::Percent(60), 0),
        "pool eas: wave 1: 1 under way: eas-1 (weight 4) under way leaves weight 4 of 8 in rotation; min_in_rotation is 60%, which is weight 5: \
         set min_in_rotation to \"50%\""
    );
    assert_eq!(
        refused(&[3, 2, 1, 1, 1, 1, 1], Quantity::Percent(60), 1),
        "pool eas: wave 1: 1 under way and 1 failed: eas-1 (weight 3) under way while weight 2 has failed leaves weight 5 of 10 in rotation; \
         min_in_rotation is 60%, which is weight 6: set max_failures to 0, or set min_in_rotation to \"50%\""
    );
    let mended = Policy {
        max_failures: 0,
        ..all_at_once()
    };
    assert!(weighted(&[3, 2, 1, 1, 1, 1, 1], Quantity::Percent(60), None, mended).is_ok());
    let mended = Policy {
        max_failures: 1,
        ..all_at_once()
    };
    assert!(weighted(&[3, 2, 1, 1, 1, 1, 1], Quantity::Percent(50), None, mended).is_ok());
}

#[test]
fn a_site_has_its_own_floor_and_its_own_smallest_number() {
    let plan = weighted(
        &[1; 6],
        Quantity::Count(1),
        Some(Quantity::Count(2)),
        all_at_once(),
    )
    .expect("a plan");
    assert_eq!(numbers(&plan.sites["s0"]), (3, 2, 1, 2));
    assert_eq!(numbers(&plan.sites["s1"]), (3, 0, 6, 0));
    let refused = weighted(
        &[1; 6],
        Quantity::Count(1),
        Some(Quantity::Count(3)),
        all_at_once(),
    );
    assert_eq!(
        refused.expect_err("no plan").to_string(),
        "site s0: wave 1: 1 under way leaves 2 of 3 in rotation; min_in_rotation is 3: set min_in_rotation to 2"
    );
}

#[test]
fn spread_bounds_who_is_out_together_by_the_values_of_its_label() {
    let policy = Policy {
        spread: Some("rack".to_owned()),
        ..all_at_once()
    };
    let plan = weighted(&[1; 6], Quantity::Count(1), None, policy).expect("a plan");
    let eas = &plan.pools[&PoolName::from("eas")];
    assert_eq!(eas.smallest_in_rotation, 3, "three racks, one server of each");
    let policy = Policy {
        spread: Some("row".to_owned()),
        ..all_at_once()
    };
    assert_eq!(
        weighted(&[1; 6], Quantity::Count(1), None, policy)
            .expect_err("no plan")
            .to_string(),
        "spread goes by the label `row`, which server eas-1 does not have"
    );
}

#[test]
fn the_tightest_instant_is_named() {
    let policy = Policy {
        max_failures: 1,
        ..policy()
    };
    let plan = weighted(&[1; 4], Quantity::Count(1), None, policy).expect("a plan");
    let tightest = plan.pools[&PoolName::from("eas")]
        .tightest
        .expect("somebody is out");
    assert_eq!(tightest.to_string(), "wave 2: 2 under way and 1 failed");
}

#[test]
fn a_sliding_window_is_one_wave() {
    let policy = Policy {
        strategy: inventory::Strategy::Sliding,
        ..policy()
    };
    let plan = weighted(&[1; 4], Quantity::Count(1), None, policy).expect("a plan");
    assert_eq!(plan.waves.len(), 1);
}

#[test]
fn a_live_look_has_to_keep_the_number_and_the_weight() {
    let policy = Policy {
        max_failures: 0,
        ..policy()
    };
    // Half of five servers are three, half of a weight of 12 are 6.
    let plan = weighted(&[4, 4, 2, 1, 1], Quantity::Percent(50), None, policy).expect("a plan");
    let pool = &plan.pools[&"eas".into()];
    assert_eq!((pool.min_in_rotation, pool.min_weight_in_rotation), (3, 6));
    let seen = |in_rotation, weight: Option<(u32, u32)>, is_in_rotation| Rotation {
        weight: weight.map(|(in_rotation, own)| LiveWeight { in_rotation, own }),
        ..rollout::simulation::rotation(in_rotation, 5, is_in_rotation)
    };
    // (in rotation, their weight and the server's own, whether it is among them, whether it may leave)
    let cases = [
        (5, Some((12, 4)), true, true),
        (4, Some((8, 2)), true, true),
        // Three are left, and they weigh 4.
        (4, Some((8, 4)), true, false),
        // It was out anyway: the others are what they are.
        (4, Some((8, 4)), false, true),
        (3, Some((10, 1)), true, false),
        // A journal of before knows no weights.
        (4, None, true, true),
    ];
    for (in_rotation, weight, is_in_rotation, may_leave) in cases {
        let seen = seen(in_rotation, weight, is_in_rotation);
        assert_eq!(pool.spares(&seen), may_leave, "{seen:?}");
    }
    assert_eq!(pool.needed(), "3 of weight 6");
}
