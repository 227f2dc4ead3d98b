use proptest::prelude::*;

use super::{FindingKind, findings};
use crate::ip_security::section::tests::any_section;
use crate::ip_security::{Rule, Section};

fn rule(decision: &str, address: &str, mask: &str) -> Rule {
    Rule {
        ip_address: address.to_owned(),
        subnet_mask: mask.to_owned(),
        domain_name: String::new(),
        allowed: decision == "allow",
    }
}

#[track_caller]
fn check(rules: &[Rule], expected: &[&str]) {
    let section = Section {
        allow_unlisted: false,
        rules: rules.to_vec(),
        ..Section::default()
    };
    let found: Vec<String> = findings(&section)
        .iter()
        .map(|finding| {
            let place = |at: Option<usize>| at.map_or("-".to_owned(), |at| at.to_string());
            format!(
                "{:?} {} {}: {finding}",
                finding.kind,
                place(finding.rule),
                place(finding.other)
            )
        })
        .collect();
    assert_eq!(found, expected);
}

const ONE: &str = "255.255.255.255";

#[test]
fn nothing_is_odd_about_a_plain_list() {
    check(
        &[
            rule("allow", "192.0.2.10", ONE),
            rule("allow", "198.51.100.0", "255.255.255.0"),
            rule("allow", "127.0.0.1", ONE),
            rule("allow", "::1", ONE),
            rule("allow", "fe80::1%14", ONE),
            rule("allow", "10.1.0.0", "16"),
            rule("allow", "2001:db8::", "32"),
        ],
        &[],
    );
    check(&[], &[]);
}

#[test]
fn a_rule_that_never_decides() {
    check(
        &[rule("deny", "192.0.2.0", "24"), rule("allow", "192.0.2.9", ONE)],
        &["Shadowed 1 0: `allow 192.0.2.9` never decides: `deny 192.0.2.0/24` covers all of it"],
    );
    // Two halves make a whole.
    check(
        &[
            rule("allow", "192.0.2.0", "25"),
            rule("deny", "192.0.2.128", "25"),
            rule("allow", "192.0.2.0", "24"),
        ],
        &["Shadowed 2 -: `allow 192.0.2.0/24` never decides: rules in front of it cover all of it"],
    );
}

#[test]
fn a_rule_that_another_one_behind_it_makes_needless() {
    check(
        &[rule("allow", "192.0.2.9", ONE), rule("allow", "192.0.2.0", "24")],
        &["Covered 0 1: `allow 192.0.2.9` is covered by `allow 192.0.2.0/24` behind it"],
    );
    // Not where a denial stands between.
    check(
        &[
            rule("allow", "192.0.2.9", ONE),
            rule("deny", "192.0.2.8", "31"),
            rule("allow", "192.0.2.0", "24"),
        ],
        &[],
    );
}

#[test]
fn the_same_clients_twice() {
    check(
        &[
            rule("allow", "192.0.2.0", "24"),
            rule("allow", "192.0.2.0", "255.255.255.0"),
        ],
        &[
            "Duplicate 1 0: `allow 192.0.2.0/24` is there twice, as 192.0.2.0 mask 24 and as 192.0.2.0 mask 255.255.255.0",
        ],
    );
    check(
        &[rule("allow", "192.0.2.9", ONE), rule("allow", "192.0.2.9", ONE)],
        &["Duplicate 1 0: `allow 192.0.2.9` is written twice: IIS refuses such a section (500.19)"],
    );
}

#[test]
fn the_same_clients_allowed_and_denied() {
    check(
        &[rule("allow", "192.0.2.9", ONE), rule("deny", "192.0.2.9", ONE)],
        &[
            "Contradicting 1 0: `deny 192.0.2.9` has the key of `allow 192.0.2.9`: IIS refuses both together (500.19)",
        ],
    );
    check(
        &[
            rule("deny", "192.0.2.0", "24"),
            rule("allow", "192.0.2.0", "255.255.255.0"),
        ],
        &[
            "Contradicting 1 0: `allow 192.0.2.0/24` contradicts `deny 192.0.2.0/24`, which comes first and decides",
        ],
    );
}

#[test]
fn what_one_rule_shows_by_itself() {
    check(
        &[rule("allow", "192.0.2.9", "255.255.255.0")],
        &[
            "HostBits 0 -: `192.0.2.9 mask 255.255.255.0` has bits beyond its mask: IIS reads `allow 192.0.2.0/24`",
        ],
    );
    check(
        &[rule("deny", "198.51.100.0", "0.0.0.255")],
        &[
            "HoledMask 0 -: `deny 198.51.100.0 mask 0.0.0.255` has a mask with holes: was 255.255.255.0 meant?",
        ],
    );
    check(
        &[rule("deny", "example", "24")],
        &["CoversNobody 0 -: `deny example mask 24` is no address with a mask: it covers nobody"],
    );
    let named = Rule {
        domain_name: "gateway.example".to_owned(),
        ..rule("allow", "", ONE)
    };
    check(
        &[named],
        &[
            "DomainName 0 -: `allow domain gateway.example` needs enableReverseDns, and whoever answers for an address chooses its name",
        ],
    );
}

#[test]
fn allowances_that_are_hardly_restrictions() {
    check(
        &[rule("allow", "198.18.0.0", "15"), rule("deny", "10.0.0.0", "8")],
        &["Broad 0 -: `allow 198.18.0.0/15` is broader than /16: hardly a restriction"],
    );
    check(
        &[rule("allow", "2001:db8::", "31")],
        &["Broad 0 -: `allow 2001:db8::/31` is broader than /32: hardly a restriction"],
    );
    check(
        &[rule("allow", "0.0.0.0", "0.0.0.0"), rule("allow", "::", "0")],
        &[
            "Everybody 0 -: `allow 0.0.0.0/0` lets in all IPv4 addresses",
            "Everybody 1 -: `allow ::/0` lets in all IPv6 addresses",
        ],
    );
}

#[test]
fn loopback_over_one_family_only() {
    check(
        &[rule("allow", "127.0.0.1", ONE)],
        &["OneFamily - -: 127.0.0.1 is allowed and ::1 is not: Exchange asks itself over both"],
    );
    check(
        &[rule("allow", "::1", ONE)],
        &["OneFamily - -: ::1 is allowed and 127.0.0.1 is not: Exchange asks itself over both"],
    );
}

#[test]
fn more_than_five_hundred_rules() {
    let rules: Vec<Rule> = (0..501u32)
        .map(|n| rule("allow", &format!("10.0.{}.{}", n / 256, n % 256), ONE))
        .collect();
    check(&rules[..500], &[]);
    check(
        &rules,
        &["ManyRules - -: 501 rules: more than 500 are slow, and nobody reads them"],
    );
}

proptest! {
    /// Rules that are called needless can go, one at a time, and nobody notices; and every other rule is noticed by somebody or decides like
    /// `allowUnlisted`.
    #[test]
    fn needless_rules_can_go(section in any_section()) {
        for finding in findings(&section) {
            let needless = matches!(
                finding.kind,
                FindingKind::Shadowed | FindingKind::Covered | FindingKind::Duplicate
            );
            if let (true, Some(at)) = (needless, finding.rule) {
                let mut without = section.clone();
                without.rules.remove(at);
                prop_assert!(without.same_meaning(&section), "{finding} in {section:?}");
            }
        }
        let shadowed: Vec<_> = findings(&section).into_iter().filter(|f| f.kind == FindingKind::Shadowed).filter_map(|f| f.rule).collect();
        for at in 0..section.rules.len() {
            // A rule decides somewhere just when turning it round changes something for somebody.
            let mut turned = section.clone();
            turned.rules[at].allowed = !turned.rules[at].allowed;
            prop_assert_eq!(turned.same_meaning(&section), shadowed.contains(&at), "{} in {:?}", at, section);
        }
    }
}
