//! Which addresses a rule covers, free of the many ways to write it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Which addresses a rule covers.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Scope {
    /// IPv4: an address matches when it equals `address` under `mask`. A mask may have holes.
    V4 { address: u32, mask: u32 },
    /// IPv6, likewise.
    V6 { address: u128, mask: u128 },
    /// A domain name, in lower case: whom it covers is known only to a reverse lookup.
    Domain(String),
    /// Neither an address with a mask nor a domain: covers nobody.
    Nothing,
}

impl Scope {
    /// Reads the three texts of a rule. A zone (`%14`) is not compared: a client's address comes without one here.
    pub(super) fn of(ip_address: &str, subnet_mask: &str, domain_name: &str) -> Self {
        let (ip, mask, domain) = (ip_address.trim(), subnet_mask.trim(), domain_name.trim());
        if ip.is_empty() {
            return if domain.is_empty() {
                Self::Nothing
            } else {
                Self::Domain(domain.to_lowercase())
            };
        }
        let ip = ip.split('%').next().unwrap_or_default();
        let scope = match ip.parse() {
            Ok(IpAddr::V4(v4)) => v4_mask(mask).map(|mask| Self::V4 {
                address: v4.to_bits() & mask,
                mask,
            }),
            Ok(IpAddr::V6(v6)) => v6_mask(mask).map(|mask| match v6.to_ipv4_mapped() {
                // IIS sees such a client as IPv4; a mask that reaches beyond the mapped prefix is left an IPv6 network.
                Some(v4) if mask.leading_ones() >= 96 => {
                    let mask = u32::try_from(mask & u128::from(u32::MAX)).unwrap_or(u32::MAX);
                    Self::V4 {
                        address: v4.to_bits() & mask,
                        mask,
                    }
                }
                _ => Self::V6 {
                    address: v6.to_bits() & mask,
                    mask,
                },
            }),
            Err(_) => None,
        };
        scope.unwrap_or(Self::Nothing)
    }

    /// Whether a client's address is covered. A domain covers nobody as far as can be told.
    pub(super) fn contains(&self, client: IpAddr) -> bool {
        match (self, client.to_canonical()) {
            (Self::V4 { address, mask }, IpAddr::V4(client)) => client.to_bits() & mask == *address,
            (Self::V6 { address, mask }, IpAddr::V6(client)) => client.to_bits() & mask == *address,
            _ => false,
        }
    }

    /// Whether some client may be covered by both. A domain may cover anybody.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => false,
            (Self::Domain(_), _) | (_, Self::Domain(_)) => true,
            (Self::V4 { address: a, mask: m }, Self::V4 { address: b, mask: n }) => (a ^ b) & m & n == 0,
            (Self::V6 { address: a, mask: m }, Self::V6 { address: b, mask: n }) => (a ^ b) & m & n == 0,
            _ => false,
        }
    }

    /// Whether whoever is covered by the other is covered by this one, as far as addresses tell.
    pub(super) fn contains_scope(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::V4 { address: a, mask: m }, Self::V4 { address: b, mask: n }) => {
                m & !n == 0 && b & m == *a
            }
            (Self::V6 { address: a, mask: m }, Self::V6 { address: b, mask: n }) => {
                m & !n == 0 && b & m == *a
            }
            _ => false,
        }
    }

    /// Whether the text of the address has bits that the mask takes away.
    pub(super) fn has_host_bits(&self, ip_address: &str) -> bool {
        let written = ip_address
            .trim()
            .split('%')
            .next()
            .unwrap_or_default()
            .parse::<IpAddr>();
        match (self, written.map(|address| address.to_canonical())) {
            (Self::V4 { address, .. }, Ok(IpAddr::V4(written))) => written.to_bits() != *address,
            (Self::V6 { address, .. }, Ok(IpAddr::V6(written))) => written.to_bits() != *address,
            _ => false,
        }
    }

    /// As a network, where the mask has no holes.
    pub(super) fn network(&self) -> Option<IpNet> {
        match *self {
            Self::V4 { address, mask } => {
                let length = prefix(mask.leading_ones(), mask.count_ones())?;
                Ipv4Net::new(Ipv4Addr::from_bits(address), length)
                    .ok()
                    .map(IpNet::V4)
            }
            Self::V6 { address, mask } => {
                let length = prefix(mask.leading_ones(), mask.count_ones())?;
                Ipv6Net::new(Ipv6Addr::from_bits(address), length)
                    .ok()
                    .map(IpNet::V6)
            }
            Self::Domain(_) | Self::Nothing => None,
        }
    }
}

fn prefix(leading: u32, all: u32) -> Option<u8> {
    (leading == all).then(|| u8::try_from(all).ok()).flatten()
}

/// A mask for IPv4: dotted, or a number of bits.
fn v4_mask(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(u32::MAX);
    }
    match text.parse::<Ipv4Addr>() {
        Ok(mask) => Some(mask.to_bits()),
        Err(_) => bits(text, 32).map(|n| u32::MAX.checked_shl(32 - n).unwrap_or(0)),
    }
}

/// A mask for IPv6: a number of bits, or an address; the dotted default means one address.
fn v6_mask(text: &str) -> Option<u128> {
    if text.is_empty() || text == "255.255.255.255" {
        return Some(u128::MAX);
    }
    match text.parse::<Ipv6Addr>() {
        Ok(mask) => Some(mask.to_bits()),
        Err(_) => bits(text, 128).map(|n| u128::MAX.checked_shl(128 - n).unwrap_or(0)),
    }
}

fn bits(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| *n <= most)
}

#[cfg(test)]
mod tests {
    use super::Scope;

    fn covers(ip: &str, mask: &str, client: &str) -> bool {
        Scope::of(ip, mask, "").contains(client.parse().unwrap())
    }

    #[test]
    fn masks_in_all_their_forms() {
        for (ip, mask, inside, outside) in [
            ("192.0.2.10", "255.255.255.255", "192.0.2.10", "192.0.2.11"),
            ("192.0.2.10", "", "192.0.2.10", "192.0.2.11"),
            ("198.51.100.77", "255.255.255.0", "198.51.100.1", "198.51.101.1"),
            ("198.51.100.0", "24", "198.51.100.255", "198.51.99.255"),
            ("10.0.0.5", "255.0.0.255", "10.9.9.5", "10.9.9.6"),
            (
                "fe80::de2:4f45:21dc:6c5a%14",
                "255.255.255.255",
                "fe80::de2:4f45:21dc:6c5a",
                "fe80::1",
            ),
            ("2001:db8::", "32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::", "ffff:ffff::", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "128", "::1", "::2"),
            ("192.0.2.10", "32", "::ffff:192.0.2.10", "::ffff:192.0.2.11"),
            ("::ffff:192.0.2.0", "120", "192.0.2.200", "192.0.3.1"),
        ] {
            assert!(covers(ip, mask, inside), "{ip} {mask} {inside}");
            assert!(!covers(ip, mask, outside), "{ip} {mask} {outside}");
        }
        assert!(covers("0.0.0.0", "0", "203.0.113.9") && !covers("0.0.0.0", "0", "2001:db8::1"));
        assert!(covers("::", "0", "2001:db8::1") && !covers("::", "0", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_address_covers_nobody() {
        for (ip, mask) in [
            ("", ""),
            ("example", "32"),
            ("192.0.2.1", "33"),
            ("192.0.2.1", "+8"),
            ("192.0.2.1", "x"),
            ("::1", "129"),
        ] {
            assert_eq!(Scope::of(ip, mask, ""), Scope::Nothing, "{ip} {mask}");
        }
        assert_eq!(
            Scope::of("", "255.255.255.255", "*.Example.net"),
            Scope::Domain("*.example.net".to_owned())
        );
    }

    #[test]
    fn two_texts_with_one_meaning_are_equal() {
        assert_eq!(
            Scope::of("198.51.100.9", "24", ""),
            Scope::of("198.51.100.0", "255.255.255.0", "")
        );
        assert_eq!(
            Scope::of("FE80::1%3", "128", ""),
            Scope::of("fe80::1", "255.255.255.255", "")
        );
    }

    #[test]
    fn overlap_is_about_common_clients() {
        let scope = |ip: &str, mask: &str| Scope::of(ip, mask, "");
        assert!(scope("10.0.0.0", "8").overlaps(&scope("10.1.2.3", "32")));
        assert!(!scope("10.0.0.0", "16").overlaps(&scope("10.1.2.3", "32")));
        assert!(!scope("10.0.0.0", "8").overlaps(&scope("::1", "128")));
        assert!(scope("10.0.0.0", "8").overlaps(&Scope::of("", "", "example.net")));
    }
}
