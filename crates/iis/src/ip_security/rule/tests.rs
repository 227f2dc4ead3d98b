use proptest::prelude::*;

use super::Rule;
use crate::Error;

fn rule(ip: &str, mask: &str, domain: &str, allowed: bool) -> Rule {
    Rule {
        ip_address: ip.to_owned(),
        subnet_mask: mask.to_owned(),
        domain_name: domain.to_owned(),
        allowed,
    }
}

fn network(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

#[test]
fn addresses_and_networks_are_written_one_way() {
    for (written, ip, mask) in [
        (
            Rule::allow_address("192.0.2.10".parse().unwrap()),
            "192.0.2.10",
            "255.255.255.255",
        ),
        (
            Rule::allow_address("2001:DB8:0::1".parse().unwrap()),
            "2001:db8::1",
            "255.255.255.255",
        ),
        (
            Rule::allow_address("::ffff:192.0.2.10".parse().unwrap()),
            "192.0.2.10",
            "255.255.255.255",
        ),
        (network("198.51.100.77/24"), "198.51.100.0", "255.255.255.0"),
        (network("203.0.113.0/28"), "203.0.113.0", "255.255.255.240"),
        (network("0.0.0.0/0"), "0.0.0.0", "0.0.0.0"),
        (network("192.0.2.10/32"), "192.0.2.10", "255.255.255.255"),
        (network("2001:db8:1::9/48"), "2001:db8:1::", "48"),
        (network("::1/128"), "::1", "255.255.255.255"),
    ] {
        assert_eq!(written, rule(ip, mask, "", true));
    }
}

#[test]
fn appcmd_forms() {
    let forms = |rule: Rule| (rule.as_new_element().unwrap(), rule.as_element_key().unwrap());
    assert_eq!(
        forms(network("192.0.2.10/32")),
        (
            "[ipAddress='192.0.2.10',allowed='True']".to_owned(),
            "[ipAddress='192.0.2.10',subnetMask='255.255.255.255',domainName='']".to_owned()
        )
    );
    assert_eq!(
        forms(network("198.51.100.0/24").denied()),
        (
            "[ipAddress='198.51.100.0',subnetMask='255.255.255.0',allowed='False']".to_owned(),
            "[ipAddress='198.51.100.0',subnetMask='255.255.255.0',domainName='']".to_owned()
        )
    );
    assert_eq!(
        forms(rule("", "255.255.255.255", "*.example.net", true)),
        (
            "[domainName='*.example.net',allowed='True']".to_owned(),
            "[ipAddress='',subnetMask='255.255.255.255',domainName='*.example.net']".to_owned()
        )
    );
    assert_eq!(
        forms(rule("fe80::1%14", "128", "", true)),
        (
            "[ipAddress='fe80::1%u002514',subnetMask='128',allowed='True']".to_owned(),
            "[ipAddress='fe80::1%u002514',subnetMask='128',domainName='']".to_owned()
        )
    );
}

#[test]
fn nothing_else_gets_onto_a_command_line() {
    for bad in [
        rule("192.0.2.1' & format c: '", "255.255.255.255", "", true),
        rule("192.0.2.1\"", "255.255.255.255", "", true),
        rule("192.0.2.1',allowed='True'][ipAddress='0.0.0.0", "", "", true),
        rule("fe80::1%14%PATH%", "128", "", true),
        rule("fe80::1%", "128", "", true),
        rule("192.0.2.1", "255.255.255.255'", "", true),
        rule("", "255.255.255.255", "a'b", true),
        rule("", "255.255.255.255", "a b", true),
        rule("", "255.255.255.255", "", true),
        rule("abc", "255.255.255.255", "", true),
        rule("192.0.2.1", "99", "", true),
        rule("192.0.2.1\r\n", "32", "", true),
    ] {
        let expected = Err(Error::UnwritableRule {
            rule: bad.to_string(),
        });
        assert_eq!(bad.as_new_element(), expected, "{bad:?}");
        assert_eq!(bad.as_element_key(), expected, "{bad:?}");
    }
}

#[test]
fn the_key_is_the_text_without_the_decision() {
    assert_eq!(
        network("192.0.2.10/32").key(),
        network("192.0.2.10/32").denied().key()
    );
    assert_eq!(
        rule("FE80::A", "128", "X", true).key(),
        ("fe80::a".to_owned(), "128".to_owned(), "x".to_owned())
    );
    let (dotted, bits) = (
        rule("198.51.100.0", "255.255.255.0", "", true),
        rule("198.51.100.0", "24", "", true),
    );
    assert!(dotted.key() != bits.key() && !dotted.has_key_of(&bits));
    assert_eq!(dotted.network(), bits.network());
}

#[test]
fn shown_as_people_write_networks() {
    for (rule, text) in [
        (network("192.0.2.10/32"), "allow 192.0.2.10"),
        (network("198.51.100.0/24").denied(), "deny 198.51.100.0/24"),
        (rule("198.51.100.9", "24", "", true), "allow 198.51.100.0/24"),
        (rule("::1", "255.255.255.255", "", true), "allow ::1"),
        (
            rule("fe80::1%14", "255.255.255.255", "", true),
            "allow fe80::1%14",
        ),
        (
            rule("", "255.255.255.255", "*.example.net", false),
            "deny domain *.example.net",
        ),
        (
            rule("10.0.0.5", "255.0.0.255", "", true),
            "allow 10.0.0.5 mask 255.0.0.255",
        ),
    ] {
        assert_eq!(rule.to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_written_network_is_read_as_itself(v6: bool, bits: u128, length in 0u8..=128) {
        let network: ipnet::IpNet = if v6 {
            ipnet::Ipv6Net::new(bits.into(), length).unwrap().into()
        } else {
            ipnet::Ipv4Net::new((bits as u32).into(), length % 33).unwrap().into()
        };
        // IPv4 mapped into IPv6 comes back as IPv4.
        prop_assume!(!matches!(network.trunc().addr(), std::net::IpAddr::V6(a) if a.to_ipv4_mapped().is_some()));
        let rule = Rule::allow_network(network);
        prop_assert_eq!(rule.network(), Some(network.trunc()));
        prop_assert!(rule.as_new_element().is_ok());
        prop_assert_eq!(Rule::allow_network(network.trunc()), rule);
    }
}
