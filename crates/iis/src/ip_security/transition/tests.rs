use proptest::prelude::*;

use super::{Transition, prove};
use crate::ip_security::commit::tests::any_end;
use crate::ip_security::commit::{Commit, commits, commits_within};
use crate::ip_security::section::tests::{any_section, clients};
use crate::ip_security::{Rule, Section, states};
use crate::{ApplicationPath, Error};

fn app() -> ApplicationPath {
    "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap()
}

fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

fn section(allow_unlisted: bool, rules: &[Rule]) -> Section {
    Section {
        allow_unlisted,
        rules: rules.to_vec(),
        ..Section::default()
    }
}

/// A way that goes through all these sections.
fn way(stations: &[Section], room: usize) -> Vec<Commit> {
    let legs = stations.windows(2);
    legs.flat_map(|leg| commits_within(&app(), &leg[0], &leg[1], room).unwrap())
        .collect()
}

#[track_caller]
fn refused(stations: &[Section]) -> String {
    let last = stations.len() - 1;
    prove(&stations[0], &way(stations, 8000), &stations[last])
        .unwrap_err()
        .to_string()
}

#[test]
fn bad_ways_are_refused_with_the_client_that_shows_why() {
    let open = Section::default();
    let listed = section(false, &[allow("192.0.2.10/32"), allow("198.51.100.0/24")]);
    // Denying the rest before the list is complete.
    let early = section(false, &[allow("192.0.2.10/32")]);
    assert_eq!(
        refused(&[open.clone(), early.clone(), listed.clone()]),
        "commit 1 of 2 denies who is allowed before and after: 198.51.100.0"
    );
    // Taking entries away before opening.
    assert_eq!(
        refused(&[listed.clone(), section(false, &[]), open.clone()]),
        "commit 1 of 2 denies who is allowed before and after: 192.0.2.10"
    );
    // Who is to be let in is let in, cut off, and let in again.
    let other = section(false, &[allow("192.0.2.11/32")]);
    assert_eq!(
        refused(&[early.clone(), listed.clone(), early.clone(), listed.clone()]),
        "commit 3 of 3 lets in again who was cut off before: 198.51.100.0"
    );
    // Not where it should lead.
    assert_eq!(
        prove(&early, &way(&[early.clone(), listed.clone()], 8000), &other)
            .unwrap_err()
            .to_string(),
        "commit 1 of 1 has a rule of neither end: some addresses"
    );
    assert_eq!(
        prove(&open, &[], &listed).unwrap_err().to_string(),
        "commit 0 of 0 leaves another decision than the wanted one: 0.0.0.0"
    );
}

#[test]
fn clients_in_domains_count_too() {
    let domain = |allowed| Rule {
        ip_address: String::new(),
        subnet_mask: "255.255.255.255".to_owned(),
        domain_name: "gateway.example".to_owned(),
        allowed,
    };
    let from = section(false, &[domain(true), allow("192.0.2.1/32")]);
    let to = section(false, &[domain(true), allow("192.0.2.2/32")]);
    assert_eq!(
        refused(&[from.clone(), section(false, &[allow("192.0.2.1/32")]), to.clone()]),
        "commit 1 of 2 denies who is allowed before and after: 0.0.0.0 in gateway.example"
    );
    assert!(Transition::plan(&app(), &from, &to).is_ok());
}

#[test]
fn proxy_mode_must_not_come_before_the_list() {
    let proxy = |section: Section| Section {
        enable_proxy_mode: Some(true),
        ..section
    };
    let open = Section::default();
    let listed = section(true, &[allow("192.0.2.1/32").denied()]);
    assert_eq!(
        refused(&[open.clone(), proxy(open.clone()), open.clone()]),
        "commit 1 of 2 has proxy mode, which neither end has: 0.0.0.0"
    );
    assert!(
        prove(
            &open,
            &way(&[open.clone(), proxy(listed.clone())], 0),
            &proxy(listed.clone())
        )
        .is_ok()
    );
    let narrow = proxy(section(false, &[allow("192.0.2.1/32")]));
    let wide = section(false, &[allow("192.0.2.1/32"), allow("192.0.2.2/32")]);
    // Its own address is allowed all the while, but what it is forwarded for is not.
    let ways = [narrow.clone(), proxy(wide.clone())];
    assert!(prove(&narrow, &way(&ways, 0), &ways[1]).is_ok());
    let early = way(
        &[
            section(false, &[allow("192.0.2.1/32")]),
            narrow.clone(),
            proxy(wide.clone()),
        ],
        8000,
    );
    assert_eq!(
        prove(&section(false, &[allow("192.0.2.1/32")]), &early, &proxy(wide))
            .unwrap_err()
            .to_string(),
        "commit 1 of 2 denies whom another may be forwarded for: 192.0.2.2"
    );
}

#[test]
fn a_transition_says_what_it_does() {
    let to = section(false, &[allow("192.0.2.10/32")]);
    let from = section(false, &[allow("192.0.2.9/32")]);
    let plan = Transition::plan(&app(), &from, &to).unwrap();
    assert_eq!(
        (plan.to_string().as_str(), plan.commits_back()),
        ("in one commit", 1)
    );
    assert_eq!(plan.change().to_string(), "+1 192.0.2.10, -1 192.0.2.9");
    let rules: Vec<Rule> = (0..2000u32)
        .map(|n| allow(&format!("10.{}.{}.1/32", n / 250, n % 250)))
        .collect();
    let many = Transition::plan(&app(), &Section::default(), &section(false, &rules)).unwrap();
    assert_eq!(many.to_string(), format!("in {} commits", many.commits().len()));
    assert!((10..60).contains(&many.commits().len()) && (10..60).contains(&many.commits_back()));
}

#[test]
fn too_many_domains_are_refused_and_not_worked_on_forever() {
    let named = |n: u32| Rule {
        ip_address: String::new(),
        subnet_mask: "255.255.255.255".to_owned(),
        domain_name: format!("host{n}.example"),
        allowed: true,
    };
    let names: Vec<Rule> = (0..400).map(named).collect();
    let few = section(false, &names[..20]);
    assert!(Transition::plan(&app(), &few, &section(false, &[allow("192.0.2.1/32")])).is_ok());
    let many = Transition::plan(&app(), &section(false, &names), &Section::default());
    assert_eq!(many.unwrap_err(), Error::TooManyDomains { found: 400 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The proof accepts a way, good or bad, just when asking every client after every commit finds nothing wrong.
    #[test]
    fn the_proof_is_right(from in any_section(), to in any_section(), picks in any::<u32>(), unlisted in any::<bool>(), room in 0usize..400) {
        // By way of some rules of both ends.
        let mut detour = section(unlisted, &[]);
        for (at, rule) in from.rules.iter().chain(&to.rules).enumerate() {
            if picks >> at & 1 == 1 && !detour.rules.iter().any(|other| other.has_key_of(rule)) {
                detour.rules.push(rule.clone());
            }
        }
        let commits = way(&[from.clone(), detour, to.clone()], room);
        let right = clients().all(|client| {
            let mut decisions = vec![from.allows(client)];
            decisions.extend(states(&from, &commits).map(|state| state.allows(client)));
            decisions.dedup();
            // At most: denied, allowed, denied.
            decisions.len() <= if decisions[0] { 2 } else { 3 }
        });
        let proof = prove(&from, &commits, &to);
        prop_assert_eq!(proof.is_ok(), right, "{:?}", proof);
    }

    /// Every planned way is proved, there and back, with domain rules and proxy mode too.
    #[test]
    fn every_planned_way_is_proved(from in any_end(), to in any_end()) {
        let plan = Transition::plan(&app(), &from, &to);
        prop_assert!(plan.is_ok(), "{plan:?}");
        let plan = plan.unwrap();
        prop_assert_eq!(plan.commits().len(), commits(&app(), &from, &to).unwrap().len());
    }

    /// After a crash at any commit, going on and going back deny nobody whom both ends allow.
    #[test]
    fn a_crash_anywhere_can_be_resumed_and_undone(from in any_section(), to in any_section(), room in 0usize..400, at in any::<prop::sample::Index>()) {
        let commits = commits_within(&app(), &from, &to, room).unwrap();
        let mut left = vec![from.clone()];
        left.extend(states(&from, &commits));
        let left = at.get(&left);
        for end in [&to, &from] {
            let rest = commits_within(&app(), left, end, room).unwrap();
            prop_assert_eq!(prove(left, &rest, end), Ok(()));
            for state in states(left, &rest) {
                for client in clients().filter(|client| from.allows(*client) && to.allows(*client)) {
                    prop_assert!(state.allows(client), "{client} is denied in {state:?}");
                }
            }
        }
    }
}
