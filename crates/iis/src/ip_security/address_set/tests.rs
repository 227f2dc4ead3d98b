use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{diff, effective};
use crate::Error;
use crate::ip_security::{Rule, Section};

fn rule(address: &str, mask: &str, allowed: bool) -> Rule {
    Rule {
        ip_address: address.to_owned(),
        subnet_mask: mask.to_owned(),
        domain_name: String::new(),
        allowed,
    }
}

fn section(allow_unlisted: bool, rules: &[Rule]) -> Section {
    Section {
        allow_unlisted,
        rules: rules.to_vec(),
        ..Section::default()
    }
}

fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

#[track_caller]
fn check(section: &Section, expected: &str) {
    assert_eq!(effective(section).unwrap().to_string(), expected);
}

#[test]
fn sets_as_people_read_them() {
    check(&section(false, &[]), "nobody");
    check(&section(true, &[]), "4294967296 all IPv4, about 2^128 all IPv6");
    check(&section(false, &[allow("::/0")]), "about 2^128 all IPv6");
    check(
        &section(
            false,
            &[
                allow("192.0.2.9/32"),
                allow("198.51.100.0/24"),
                allow("2001:db8::/64"),
            ],
        ),
        "1 192.0.2.9, 256 198.51.100.0/24, 2^64 2001:db8::/64",
    );
    check(
        &section(true, &[allow("192.0.2.9/32").denied(), allow("::1/128").denied()]),
        "4294967295 all IPv4 but 192.0.2.9, about 2^128 all IPv6 but ::1",
    );
    // What follows each other is one range; a range that is no network is told by its ends.
    check(
        &section(
            false,
            &[
                allow("10.0.0.0/25"),
                allow("10.0.0.128/25"),
                allow("10.0.2.0/32"),
                allow("10.0.2.1/32"),
                allow("10.0.2.2/32"),
            ],
        ),
        "256 10.0.0.0/24, 3 10.0.2.0-10.0.2.2",
    );
    check(
        &section(
            false,
            &[
                allow("10.0.0.5/32").denied(),
                allow("10.0.0.0/29"),
                allow("10.0.0.0/24").denied(),
            ],
        ),
        "5 10.0.0.0-10.0.0.4, 2 10.0.0.6/31",
    );
}

#[test]
fn masks_with_holes_are_exact() {
    // Somebody wrote a wildcard mask: every address that ends in .7.
    let inverse = section(false, &[rule("198.51.100.7", "0.0.0.255", true)]);
    check(&inverse, "16777216 0.0.0.7 mask 0.0.0.255");
    let meant = section(false, &[allow("198.51.100.0/24")]);
    let change = diff(&inverse, &meant).unwrap();
    let contains = |client: &str| change.lost.contains(client.parse().unwrap());
    assert!(contains("203.0.113.7") && !contains("198.51.100.7") && !contains("203.0.113.8"));
    assert_eq!((change.gained.count(), change.lost.count()), (255, (1 << 24) - 1));
    let gained = change.in_short()[..2].join(", ");
    assert_eq!(
        gained,
        "+7 198.51.100.0-198.51.100.6, +248 198.51.100.8-198.51.100.255"
    );
}

#[test]
fn a_difference_as_people_read_it() {
    let from = section(false, &[allow("192.0.2.9/32"), allow("10.0.0.0/24")]);
    let to = section(false, &[allow("198.51.100.0/24"), allow("10.0.0.0/24")]);
    assert_eq!(
        diff(&from, &to).unwrap().to_string(),
        "+256 198.51.100.0/24, -1 192.0.2.9"
    );
    assert_eq!(diff(&from, &from).unwrap().to_string(), "no address");
    let closing = diff(&Section::default(), &from).unwrap();
    assert_eq!(
        closing.to_string(),
        "-4294967039 all IPv4 but 10.0.0.0/24, 192.0.2.9, -about 2^128 all IPv6"
    );
    let many: Vec<Rule> = (0..2000u32)
        .map(|n| allow(&format!("10.1.{}.{}/32", n / 100, n % 100 * 2)))
        .collect();
    let many = diff(&from, &section(false, &many)).unwrap();
    assert_eq!(
        many.in_short(),
        [
            "+1 10.1.0.0",
            "+1 10.1.0.2",
            "+1 10.1.0.4",
            "+1 10.1.0.6",
            "+1996 in 1996 more ranges",
            "-256 10.0.0.0/24",
            "-1 192.0.2.9"
        ]
    );
}

#[test]
fn rules_that_cover_nobody_change_nothing() {
    let odd = [
        rule("example", "24", true),
        rule("192.0.2.1", "33", true),
        rule("", "", true),
    ];
    check(&section(false, &odd), "nobody");
}

#[test]
fn tangled_masks_are_refused_and_not_worked_on_forever() {
    let rules: Vec<Rule> = (0..128u32)
        .map(|n| {
            let mask = n.wrapping_mul(0x9E37_79B9).rotate_left(n) | 1;
            rule(
                &Ipv4Addr::from_bits(n.wrapping_mul(0x85EB_CA6B)).to_string(),
                &Ipv4Addr::from_bits(mask).to_string(),
                n % 2 == 0,
            )
        })
        .collect();
    assert!(matches!(
        effective(&section(true, &rules)),
        Err(Error::TangledMasks { .. })
    ));
}

/// What IIS makes of a client, worked out bit by bit from the texts, with nothing of the code that is tested.
fn naive(section: &Section, client: IpAddr) -> bool {
    fn bits(address: IpAddr) -> Vec<bool> {
        let mapped = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        match mapped.unwrap_or(address) {
            IpAddr::V4(v4) => v4.octets().into_iter().flat_map(octet).collect(),
            IpAddr::V6(v6) => v6.octets().into_iter().flat_map(octet).collect(),
        }
    }
    fn octet(octet: u8) -> impl Iterator<Item = bool> {
        (0..8).rev().map(move |bit| octet & (1 << bit) != 0)
    }
    fn mask_bits(mask: &str, width: usize, address: IpAddr) -> Vec<bool> {
        let written = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let mut all = match mask.parse::<IpAddr>() {
            Ok(_) if mask == "255.255.255.255" => vec![true; written],
            Ok(IpAddr::V4(v4)) => v4.octets().into_iter().flat_map(octet).collect(),
            Ok(IpAddr::V6(v6)) => v6.octets().into_iter().flat_map(octet).collect(),
            Err(_) => {
                let ones: usize = mask.parse().unwrap();
                (0..written).map(|bit| bit < ones).collect()
            }
        };
        // The mask of a mapped address counts from the mapped prefix on.
        all.drain(..written - width);
        all
    }
    let client = bits(client);
    for rule in &section.rules {
        if rule.ip_address.is_empty() {
            continue;
        }
        let written: IpAddr = rule.ip_address.split('%').next().unwrap().parse().unwrap();
        let address = bits(written);
        let mask = mask_bits(&rule.subnet_mask, address.len(), written);
        let fits = address.len() == client.len()
            && (0..address.len()).all(|bit| !mask[bit] || address[bit] == client[bit]);
        if fits {
            return rule.allowed;
        }
    }
    section.allow_unlisted
}

/// Rules in every form, close together so that they meet, and some anywhere.
fn any_rule() -> impl Strategy<Value = Rule> {
    let v4 = prop_oneof![
        3 => (0u32..64).prop_map(|low| 0x0A00_0000 | low),
        1 => any::<u32>(),
        1 => prop::sample::select(vec![0, u32::MAX]),
    ];
    let v6 = prop_oneof![
        3 => (0u128..64).prop_map(|low| 0x2001_0db8 << 96 | low),
        1 => any::<u128>(),
        1 => prop::sample::select(vec![0, u128::MAX, 0xFFFF_0000_0000 - 1, 0x1_0000_0000_0000]),
    ];
    let holed = (
        any::<u32>(),
        prop::sample::select(vec![
            0x0000_00FF,
            0x0000_003F,
            0xFF00_00FF,
            0xFFFF_FF0F,
            0x0000_0001,
        ]),
    )
        .prop_map(|(address, mask)| {
            (
                Ipv4Addr::from_bits(address).to_string(),
                Ipv4Addr::from_bits(mask).to_string(),
            )
        });
    let texts = prop_oneof![
        4 => (v4.clone(), 0u32..=32, any::<bool>()).prop_map(|(address, bits, dotted)| {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let mask = if dotted { Ipv4Addr::from_bits(mask).to_string() } else { bits.to_string() };
            (Ipv4Addr::from_bits(address).to_string(), mask)
        }),
        1 => holed,
        3 => (v6, 0u32..=128, any::<bool>()).prop_map(|(address, bits, zone)| {
            let address = Ipv6Addr::from_bits(address);
            // A mapped address with a mask that reaches beyond the mapped prefix is written by nobody.
            let mask = if address.to_ipv4_mapped().is_some() { 128 } else { bits };
            (format!("{address}{}", if zone { "%14" } else { "" }), mask.to_string())
        }),
        1 => (v4, 96u32..=128).prop_map(|(address, bits)| {
            (Ipv4Addr::from_bits(address).to_ipv6_mapped().to_string(), bits.to_string())
        }),
        1 => prop::sample::select(vec![("127.0.0.1", "255.255.255.255"), ("::1", "255.255.255.255"), ("2001:db8::3", "ffff::ff")])
            .prop_map(|(address, mask)| (address.to_owned(), mask.to_owned())),
    ];
    (texts, any::<bool>()).prop_map(|((address, mask), allowed)| rule(&address, &mask, allowed))
}

fn any_section() -> impl Strategy<Value = Section> {
    (any::<bool>(), prop::collection::vec(any_rule(), 0..12))
        .prop_map(|(unlisted, rules)| section(unlisted, &rules))
}

/// Addresses at the edges of the rules, one beside them, inside them, and anywhere.
fn samples(sections: &[&Section], chance: &[u128]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    let mut v4 = |bits: u32| {
        for bits in [bits, bits.wrapping_add(1), bits.wrapping_sub(1)] {
            found.push(Ipv4Addr::from_bits(bits).into());
            found.push(Ipv4Addr::from_bits(bits).to_ipv6_mapped().into());
        }
    };
    let mut sixes = vec![0, u128::MAX, 0xFFFF_0000_0000, 0xFFFF_FFFF_FFFF];
    for bits in [0, u32::MAX] {
        v4(bits);
    }
    for rule in sections.iter().flat_map(|section| &section.rules) {
        match rule.ip_address.split('%').next().unwrap().parse().unwrap() {
            IpAddr::V4(address) => {
                let mask = match rule.subnet_mask.parse::<Ipv4Addr>() {
                    Ok(mask) => mask.to_bits(),
                    Err(_) => u32::MAX
                        .checked_shl(32 - rule.subnet_mask.parse::<u32>().unwrap())
                        .unwrap_or(0),
                };
                let address = address.to_bits();
                v4(address & mask);
                v4(address | !mask);
                chance
                    .iter()
                    .for_each(|any| v4(address & mask | *any as u32 & !mask));
            }
            IpAddr::V6(address) => {
                let bits = rule.subnet_mask.parse().unwrap_or(128u32);
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                let address = address.to_bits();
                sixes.extend([address & mask, address | !mask]);
                sixes.extend(chance.iter().map(|any| address & mask | any & !mask));
            }
        }
    }
    chance.iter().for_each(|any| v4(*any as u32));
    sixes.extend(chance);
    for bits in sixes {
        found.extend(
            [bits, bits.wrapping_add(1), bits.wrapping_sub(1)]
                .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        );
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The set, and `Section::allows`, are what a naive reading of the rules says.
    #[test]
    fn the_effective_set_is_exact(list in any_section(), chance in prop::collection::vec(any::<u128>(), 4)) {
        let set = effective(&list).unwrap();
        for client in samples(&[&list], &chance) {
            let expected = naive(&list, client);
            prop_assert_eq!(set.contains(client), expected, "{} under {:?}", client, list);
            prop_assert_eq!(list.allows(client), expected, "{} under {:?}", client, list);
        }
    }

    /// Every address is in just the part of the difference where it belongs, and the counts add up.
    #[test]
    fn the_difference_is_exact(old in any_section(), new in any_section(), chance in prop::collection::vec(any::<u128>(), 4)) {
        let change = diff(&old, &new).unwrap();
        for client in samples(&[&old, &new], &chance) {
            let (before, after) = (naive(&old, client), naive(&new, client));
            prop_assert_eq!(change.gained.contains(client), !before && after, "{}", client);
            prop_assert_eq!(change.lost.contains(client), before && !after, "{}", client);
        }
        let (before, after) = (effective(&old).unwrap().count(), effective(&new).unwrap().count());
        // All addresses of both families are one too many to be counted.
        if before.max(after) < u128::MAX {
            prop_assert_eq!(before - change.lost.count(), after - change.gained.count());
        }
        prop_assert_eq!(change.is_empty(), old.same_meaning(&new));
        let back = diff(&new, &old).unwrap();
        prop_assert_eq!((back.gained.count(), back.lost.count()), (change.lost.count(), change.gained.count()));
    }

    /// How many addresses there are is what counting them one by one gives.
    #[test]
    fn counts_are_exact(rules in prop::collection::vec((0u32..256, prop::sample::select(vec![0xFFFF_FFFFu32, 0xFFFF_FFF0, 0xFFFF_FF0F, 0xFFFF_FF81, 0xFFFF_FFC0]), any::<bool>()), 0..8)) {
        let rules: Vec<Rule> = rules.iter().map(|(low, mask, allowed)| {
            rule(&Ipv4Addr::from_bits(0x0A00_0000 | low).to_string(), &Ipv4Addr::from_bits(*mask).to_string(), *allowed)
        }).collect();
        let list = section(false, &rules);
        let counted = (0..256u32).filter(|low| naive(&list, Ipv4Addr::from_bits(0x0A00_0000 | low).into())).count();
        prop_assert_eq!(effective(&list).unwrap().count(), counted as u128);
    }
}
