use proptest::prelude::*;

use super::{Desired, Existing, Unlisted};
use crate::ip_security::section::tests::{any_rule, any_section, clients};
use crate::ip_security::{DenyAction, Rule, Section};

fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

fn deny(text: &str) -> Rule {
    allow(text).denied()
}

fn section(rules: &[Rule]) -> Section {
    Section {
        allow_unlisted: false,
        rules: rules.to_vec(),
        ..Section::default()
    }
}

fn target(existing: Existing, wanted: &[Rule], current: &[Rule]) -> Vec<String> {
    let desired = Desired {
        unlisted: Unlisted::Deny,
        existing,
        deny_action: None,
        proxy_mode: None,
        rules: wanted.to_vec(),
    };
    desired
        .target(&section(current))
        .rules
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn replace_leaves_only_what_is_wanted() {
    assert_eq!(
        target(
            Existing::Replace,
            &[
                allow("192.0.2.1/32"),
                allow("192.0.2.2/32"),
                allow("192.0.2.1/32")
            ],
            &[deny("192.0.2.1/32"), allow("192.0.2.2/32"), allow("10.0.0.0/8")]
        ),
        ["allow 192.0.2.2", "allow 192.0.2.1"],
        "what is there keeps its place"
    );
    assert_eq!(
        target(
            Existing::Replace,
            &[deny("10.0.0.1/32"), allow("10.0.0.0/8")],
            &[allow("10.0.0.0/8")]
        ),
        ["deny 10.0.0.1", "allow 10.0.0.0/8"],
        "where order decides it is the operator's"
    );
}

#[test]
fn keep_takes_away_only_contradictions() {
    assert_eq!(
        target(
            Existing::Keep,
            &[allow("192.0.2.1/32")],
            &[deny("192.0.2.1/32"), allow("10.0.0.0/8")]
        ),
        ["allow 10.0.0.0/8", "allow 192.0.2.1"]
    );
    assert_eq!(
        target(
            Existing::Keep,
            &[allow("10.1.2.3/32")],
            &[allow("192.0.2.9/32"), deny("10.0.0.0/8")]
        ),
        ["allow 192.0.2.9", "allow 10.1.2.3", "deny 10.0.0.0/8"],
        "a broader denial must come later, or the wanted rule is not obeyed"
    );
    assert_eq!(
        target(
            Existing::Keep,
            &[allow("10.1.2.3/32")],
            &[deny("10.0.0.0/8"), allow("10.1.2.3/32")]
        ),
        ["allow 10.1.2.3", "deny 10.0.0.0/8"],
        "also when it is there already"
    );
}

#[test]
fn the_rest_of_the_section_stays() {
    let current = Section {
        deny_action: Some(DenyAction::NotFound),
        enable_proxy_mode: Some(true),
        ..Section::default()
    };
    let desired = Desired {
        unlisted: Unlisted::Allow,
        existing: Existing::Replace,
        deny_action: None,
        proxy_mode: None,
        rules: Vec::new(),
    };
    assert_eq!(desired.target(&current), current);
    assert!(desired.satisfied_by(&current));
}

#[test]
fn satisfied_is_about_meaning() {
    let desired = Desired {
        unlisted: Unlisted::Deny,
        existing: Existing::Replace,
        deny_action: None,
        proxy_mode: None,
        rules: vec![allow("198.51.100.0/24"), allow("192.0.2.1/32")],
    };
    let mut written = section(&[allow("192.0.2.1/32"), allow("198.51.100.0/24")]);
    written.rules[1].subnet_mask = "24".to_owned();
    assert!(desired.satisfied_by(&written));
    assert!(!desired.satisfied_by(&Section {
        allow_unlisted: true,
        ..written.clone()
    }));
    written.rules.push(allow("203.0.113.7/32"));
    assert!(!desired.satisfied_by(&written), "one address too many");
    assert!(
        Desired {
            existing: Existing::Keep,
            ..desired
        }
        .satisfied_by(&written)
    );
}

#[test]
fn words_of_the_playbook() {
    let desired = Desired {
        unlisted: Unlisted::Deny,
        existing: Existing::Keep,
        deny_action: None,
        proxy_mode: None,
        rules: Vec::new(),
    };
    assert_eq!(
        serde_json::to_string(&desired).unwrap(),
        r#"{"unlisted":"deny","existing":"keep","rules":[]}"#
    );
}

fn any_desired() -> impl Strategy<Value = Desired> {
    let rules = prop_oneof![
        3 => proptest::collection::vec(any_rule().prop_map(|rule| Rule { allowed: true, ..rule }), 0..8),
        1 => proptest::collection::vec(any_rule(), 0..8),
    ];
    let deny_action = proptest::option::of(proptest::sample::select(DenyAction::ALL.to_vec()));
    let switches = (any::<bool>(), any::<bool>(), deny_action, any::<Option<bool>>());
    (switches, rules).prop_map(|((deny, keep, deny_action, proxy_mode), rules)| Desired {
        unlisted: if deny { Unlisted::Deny } else { Unlisted::Allow },
        existing: if keep { Existing::Keep } else { Existing::Replace },
        deny_action,
        proxy_mode,
        rules,
    })
}

proptest! {
    /// A second run has nothing to do.
    #[test]
    fn the_target_satisfies(desired in any_desired(), current in any_section()) {
        let target = desired.target(&current);
        prop_assert!(desired.satisfied_by(&target), "{target:?}");
        prop_assert!(target.rules.iter().enumerate().all(|(i, r)| !target.rules[..i].iter().any(|s| s.has_key_of(r))));
    }

    /// Replacing makes exactly the wanted list, whatever was there.
    #[test]
    fn replacing_forgets_what_was(desired in any_desired(), current in any_section()) {
        let desired = Desired { existing: Existing::Replace, ..desired };
        prop_assert!(desired.target(&current).same_meaning(&desired.target(&Section::default())));
    }

    /// With allow entries, every client that one of them names may come in, whatever else is kept.
    #[test]
    fn wanted_allowances_are_obeyed(desired in any_desired(), current in any_section()) {
        prop_assume!(desired.rules.iter().all(|rule| rule.allowed));
        let target = desired.target(&current);
        for client in clients() {
            if desired.rules.iter().any(|rule| rule.scope().contains(client)) {
                prop_assert!(target.allows(client), "{client} {target:?}");
            }
        }
    }
}

#[test]
fn what_a_denied_client_gets_is_left_alone_unless_it_is_wanted_otherwise() {
    let desired = |deny_action, proxy_mode| Desired {
        unlisted: Unlisted::Deny,
        existing: Existing::Keep,
        deny_action,
        proxy_mode,
        rules: Vec::new(),
    };
    let unset = section(&[]);
    let set = Section {
        deny_action: Some(DenyAction::NotFound),
        enable_proxy_mode: Some(true),
        ..unset.clone()
    };
    for there in [&unset, &set] {
        assert_eq!(desired(None, None).target(there), *there);
    }
    // What is so without being written is not written.
    let spelled = desired(Some(DenyAction::Forbidden), Some(false));
    assert!(spelled.satisfied_by(&unset) && !spelled.satisfied_by(&set));
    assert_eq!(spelled.target(&unset), unset);
    let other = desired(Some(DenyAction::NotFound), Some(true));
    assert!(!other.satisfied_by(&unset) && other.satisfied_by(&set));
    assert_eq!(other.target(&unset), set);
}
