use std::net::IpAddr;

use proptest::prelude::*;

use super::{DenyAction, Section};
use crate::ip_security::Rule;

fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

fn deny(text: &str) -> Rule {
    allow(text).denied()
}

fn section(allow_unlisted: bool, rules: &[Rule]) -> Section {
    Section {
        allow_unlisted,
        rules: rules.to_vec(),
        ..Section::default()
    }
}

fn allows(section: &Section, client: &str) -> bool {
    section.allows(client.parse::<IpAddr>().unwrap())
}

#[test]
fn the_first_match_decides_and_unlisted_comes_last() {
    let list = section(
        true,
        &[deny("192.0.2.10/32"), allow("192.0.2.0/24"), deny("0.0.0.0/0")],
    );
    assert!(!allows(&list, "192.0.2.10"));
    assert!(allows(&list, "192.0.2.11"));
    assert!(!allows(&list, "198.51.100.1"));
    assert!(allows(&list, "2001:db8::1"), "no rule is about IPv6");
    assert!(!allows(&section(false, &list.rules), "2001:db8::1"));
}

#[test]
fn an_open_section_allows_everybody() {
    assert!(allows(&Section::default(), "192.0.2.1") && allows(&Section::default(), "::1"));
}

#[test]
fn mapped_clients_are_ipv4_clients() {
    let list = section(false, &[allow("192.0.2.10/32"), allow("::1/128")]);
    assert!(allows(&list, "::ffff:192.0.2.10") && allows(&list, "::1"));
    assert!(!allows(&list, "::ffff:192.0.2.11"));
    assert!(
        !allows(&section(false, &[allow("::/0")]), "::ffff:192.0.2.11"),
        "an IPv6 network is not about IPv4 clients"
    );
}

#[test]
fn domain_rules_are_passed_over() {
    let mut list = section(false, &[allow("192.0.2.10/32")]);
    list.rules.insert(
        0,
        Rule {
            ip_address: String::new(),
            subnet_mask: "255.255.255.255".to_owned(),
            domain_name: "example.net".to_owned(),
            allowed: false,
        },
    );
    assert!(allows(&list, "192.0.2.10"));
}

#[test]
fn one_meaning_in_other_words() {
    let dotted = section(false, &[allow("198.51.100.0/24"), allow("192.0.2.10/32")]);
    let mut bits = section(
        false,
        &[
            allow("192.0.2.10/32"),
            allow("198.51.100.0/24"),
            allow("192.0.2.10/32"),
        ],
    );
    bits.rules[1].subnet_mask = "24".to_owned();
    bits.deny_action = Some(DenyAction::Forbidden);
    bits.enable_proxy_mode = Some(false);
    assert!(dotted.same_meaning(&bits) && bits.same_meaning(&dotted));

    let halves = section(
        false,
        &[
            allow("198.51.100.0/25"),
            allow("198.51.100.128/25"),
            allow("192.0.2.10/32"),
        ],
    );
    assert!(dotted.same_meaning(&halves));
    let idle = section(true, &[allow("192.0.2.0/24")]);
    assert!(
        idle.same_meaning(&Section::default()),
        "allowing some of those who are allowed anyway"
    );
    let everybody = section(false, &[allow("0.0.0.0/0"), allow("::/0")]);
    assert!(everybody.same_meaning(&Section::default()));
}

#[test]
fn other_meanings() {
    let base = section(false, &[allow("192.0.2.0/24")]);
    for other in [
        section(true, &base.rules),
        section(false, &[]),
        section(false, &[allow("192.0.2.0/25")]),
        section(false, &[allow("192.0.2.0/24"), allow("::1/128")]),
        section(false, &[deny("192.0.2.255/32"), allow("192.0.2.0/24")]),
        section(false, &[allow("0.0.0.0/0")]),
        Section {
            deny_action: Some(DenyAction::NotFound),
            ..base.clone()
        },
        Section {
            enable_proxy_mode: Some(true),
            ..base.clone()
        },
    ] {
        assert!(
            !base.same_meaning(&other) && !other.same_meaning(&base),
            "{other:?}"
        );
    }
    assert!(
        base.same_meaning(&section(false, &[allow("192.0.2.0/24"), deny("192.0.2.255/32")])),
        "a denial that never comes to bear"
    );
}

#[test]
fn rules_that_cannot_be_judged_must_be_the_same() {
    let domain = |name: &str, allowed| Rule {
        ip_address: String::new(),
        subnet_mask: "255.255.255.255".to_owned(),
        domain_name: name.to_owned(),
        allowed,
    };
    let list = section(false, &[domain("a.example", true), allow("192.0.2.1/32")]);
    assert!(list.same_meaning(&section(
        false,
        &[allow("192.0.2.1/32"), domain("A.example", true)]
    )));
    assert!(!list.same_meaning(&section(false, &[allow("192.0.2.1/32")])));
    assert!(!list.same_meaning(&section(
        false,
        &[domain("b.example", true), allow("192.0.2.1/32")]
    )));
    let mixed = section(false, &[domain("a.example", false), allow("192.0.2.1/32")]);
    assert!(
        !mixed.same_meaning(&section(
            false,
            &[allow("192.0.2.1/32"), domain("a.example", false)]
        )),
        "order may matter"
    );
}

#[test]
fn the_journal_uses_the_words_of_iis() {
    let list = Section {
        deny_action: Some(DenyAction::NotFound),
        ..section(false, &[allow("192.0.2.10/32")])
    };
    let json = r#"{"allowUnlisted":false,"denyAction":"NotFound","enableProxyMode":null,"rules":[{"ipAddress":"192.0.2.10","subnetMask":"255.255.255.255","domainName":"","allowed":true}]}"#;
    assert_eq!(serde_json::to_string(&list).unwrap(), json);
    assert_eq!(serde_json::from_str::<Section>(json).unwrap(), list);
    assert_eq!(serde_json::from_str::<Section>("{}").unwrap(), Section::default());
}

/// Few networks, so that they overlap often.
pub(in crate::ip_security) fn any_rule() -> impl Strategy<Value = Rule> {
    let networks = prop_oneof![
        4 => (0u32..16, 28u8..=32).prop_map(|(host, bits)| format!("10.0.0.{host}/{bits}")),
        1 => Just("0.0.0.0/0".to_owned()),
        1 => (0u32..4, 126u8..=128).prop_map(|(host, bits)| format!("2001:db8::{host}/{bits}")),
        1 => Just("::/0".to_owned()),
    ];
    (networks, any::<bool>()).prop_map(|(network, allowed)| Rule {
        allowed,
        ..allow(&network)
    })
}

/// A section as IIS would accept it: no two rules with one key.
pub(in crate::ip_security) fn any_section() -> impl Strategy<Value = Section> {
    (any::<bool>(), proptest::collection::vec(any_rule(), 0..10)).prop_map(|(allow_unlisted, rules)| {
        let mut list = section(allow_unlisted, &[]);
        for rule in rules {
            if !list.rules.iter().any(|r| r.has_key_of(&rule)) {
                list.rules.push(rule);
            }
        }
        list
    })
}

/// Every client that the rules of [`any_rule`] can tell apart.
pub(in crate::ip_security) fn clients() -> impl Iterator<Item = IpAddr> {
    let v4 = (0..17).map(|host| IpAddr::from([10, 0, 0, host]));
    let v6 = (0..5).map(|host| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]));
    v4.chain(v6)
        .chain(["192.0.2.1".parse().unwrap(), "::1".parse().unwrap()])
}

proptest! {
    #[test]
    fn same_meaning_is_to_decide_alike(a in any_section(), b in any_section()) {
        let alike = clients().all(|client| a.allows(client) == b.allows(client));
        prop_assert_eq!(a.same_meaning(&b), alike);
        prop_assert_eq!(b.same_meaning(&a), alike);
    }
}
