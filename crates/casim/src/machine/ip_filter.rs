//! What `IpRestrictionModule` makes of an effective ipSecurity section.
//!
//! Written from the documentation of the section, on purpose without the code by which casgate itself judges rules:
//! two readers of one page shall not share a misreading.
//!
//! - Entries are tried in order, the first that fits decides; `allowUnlisted` decides about the rest (documented).
//! - `subnetMask` is a dotted mask or a prefix length; on an IPv6 entry the default mask means the single address
//!   (Microsoft's own tool writes `::1` so).
//! - Entries with a `domainName` never fit: the simulator has no reverse DNS.
//! - Proxy mode judges the peer and every address in `X-Forwarded-For`, and all must be allowed. The documentation says
//!   that both are judged, not how they combine; text that is no address is passed over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::configuration::schema::{Attribute, SectionSchema};
use super::configuration::{Effective, Values};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    Denied(DenyAction),
}

/// How a denied request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DenyAction {
    AbortRequest,
    Unauthorized,
    Forbidden,
    NotFound,
}

/// Judges a request by the section that applies to its path.
pub(super) fn judge(
    schema: &'static SectionSchema,
    section: &Effective,
    client: IpAddr,
    forwarded_for: Option<&str>,
) -> Verdict {
    let mut addresses = vec![client];
    if section.is_true(schema, "enableProxyMode") {
        addresses.extend(
            forwarded_for
                .unwrap_or_default()
                .split(',')
                .filter_map(|hop| hop_address(hop.trim())),
        );
    }
    let unlisted = section.is_true(schema, "allowUnlisted");
    let entry_attributes = schema
        .collection
        .as_ref()
        .map(|c| c.attributes)
        .unwrap_or_default();
    let allowed = |address: &IpAddr| {
        let deciding = section
            .entries
            .iter()
            .find(|entry| fits(entry, entry_attributes, *address));
        deciding.map_or(unlisted, |entry| entry.get("allowed") == Some("true"))
    };
    if addresses.iter().all(allowed) {
        return Verdict::Allowed;
    }
    Verdict::Denied(match section.attribute(schema, "denyAction") {
        "AbortRequest" => DenyAction::AbortRequest,
        "Unauthorized" => DenyAction::Unauthorized,
        "NotFound" => DenyAction::NotFound,
        _ => DenyAction::Forbidden,
    })
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bracketed = hop
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(inside, _)| inside);
    let without_port = hop.rsplit_once(':').map(|(host, _)| host);
    hop.parse()
        .ok()
        .or_else(|| bracketed?.parse().ok())
        .or_else(|| without_port?.parse().ok())
}

fn fits(entry: &Values, attributes: &'static [Attribute], client: IpAddr) -> bool {
    let value = |name: &str| {
        attributes
            .iter()
            .find(|a| a.name == name)
            .map_or("", |a| entry.effective(a))
    };
    let address = value("ipAddress");
    let address = address
        .split_once('%')
        .map_or(address, |(address, _zone)| address);
    let mask = value("subnetMask");
    match (address.parse().map(unmapped), unmapped(client)) {
        (Ok(IpAddr::V4(entry)), IpAddr::V4(client)) => {
            v4_mask(mask).is_some_and(|mask| u32::from(entry) & mask == u32::from(client) & mask)
        }
        (Ok(IpAddr::V6(entry)), IpAddr::V6(client)) => {
            v6_mask(mask).is_some_and(|mask| u128::from(entry) & mask == u128::from(client) & mask)
        }
        _ => false,
    }
}

/// An IPv4 client that came in over a dual-stack socket is an IPv4 client.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn v4_mask(text: &str) -> Option<u32> {
    match text.parse::<u32>() {
        Ok(prefix) if prefix <= 32 => Some(u32::MAX.checked_shl(32 - prefix).unwrap_or(0)),
        Ok(_) => None,
        Err(_) => text.parse::<Ipv4Addr>().ok().map(u32::from),
    }
}

fn v6_mask(text: &str) -> Option<u128> {
    match text.parse::<u32>() {
        Ok(prefix) if prefix <= 128 => Some(u128::MAX.checked_shl(128 - prefix).unwrap_or(0)),
        Ok(_) => None,
        Err(_) if text == "255.255.255.255" => Some(u128::MAX),
        Err(_) => text.parse::<Ipv6Addr>().ok().map(u128::from),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{DenyAction, Verdict, judge};
    use crate::machine::configuration::schema::{IP_SECURITY, known};
    use crate::machine::configuration::{Effective, Values};

    const DENIED: Verdict = Verdict::Denied(DenyAction::Forbidden);

    /// `attributes` as `name=value`, entries as `address mask allowed`.
    fn section(attributes: &[(&'static str, &str)], entries: &[(&str, &str, bool)]) -> Effective {
        let mut values = Values::default();
        for (name, value) in attributes {
            values.set(name, *value);
        }
        let entry = |(address, mask, allowed): &(&str, &str, bool)| {
            let mut entry = Values::from([
                ("ipAddress", *address),
                ("allowed", if *allowed { "true" } else { "false" }),
            ]);
            if !mask.is_empty() {
                entry.set("subnetMask", *mask);
            }
            entry
        };
        Effective {
            attributes: values,
            entries: entries.iter().map(entry).collect(),
        }
    }

    fn verdict(section: &Effective, client: &str, forwarded_for: Option<&str>) -> Verdict {
        let client: IpAddr = client.parse().expect("an address");
        judge(
            known(IP_SECURITY).expect("in the table"),
            section,
            client,
            forwarded_for,
        )
    }

    #[test]
    fn entries_masks_and_families() {
        let closed: &[(&str, &str)] = &[("allowUnlisted", "false")];
        let cases: &[(&str, &str, &str, Verdict)] = &[
            ("192.0.2.10", "", "192.0.2.10", Verdict::Allowed),
            ("192.0.2.10", "", "192.0.2.11", DENIED),
            ("192.0.2.10", "", "::ffff:192.0.2.10", Verdict::Allowed),
            ("198.51.100.0", "255.255.255.0", "198.51.100.77", Verdict::Allowed),
            ("198.51.100.0", "24", "198.51.100.77", Verdict::Allowed),
            ("198.51.100.0", "24", "198.51.101.77", DENIED),
            ("198.51.100.0", "33", "198.51.100.0", DENIED),
            ("0.0.0.0", "0", "203.0.113.1", Verdict::Allowed),
            ("127.0.0.1", "", "::1", DENIED),
            ("::1", "", "::1", Verdict::Allowed),
            ("2001:db8::", "32", "2001:db8:7::1", Verdict::Allowed),
            ("2001:db8::", "32", "2001:db9::1", DENIED),
            ("::", "0", "2001:db9::1", Verdict::Allowed),
            (
                "fe80::de2:4f45:21dc:6c5a%14",
                "",
                "fe80::de2:4f45:21dc:6c5a",
                Verdict::Allowed,
            ),
            ("not an address", "", "192.0.2.10", DENIED),
        ];
        for (address, mask, client, expected) in cases {
            let rules = section(closed, &[(address, mask, true)]);
            assert_eq!(
                verdict(&rules, client, None),
                *expected,
                "{address} {mask} against {client}"
            );
        }
    }

    #[test]
    fn the_first_entry_that_fits_decides_and_unlisted_comes_last() {
        let rules = section(&[], &[("192.0.2.10", "", true), ("192.0.2.0", "24", false)]);
        assert_eq!(verdict(&rules, "192.0.2.10", None), Verdict::Allowed);
        assert_eq!(verdict(&rules, "192.0.2.11", None), DENIED);
        assert_eq!(verdict(&rules, "192.0.3.11", None), Verdict::Allowed);
    }

    #[test]
    fn an_entry_without_allowed_denies() {
        let entry = Values::from([("ipAddress", "192.0.2.10")]);
        let rules = Effective {
            attributes: Values::default(),
            entries: vec![entry],
        };
        assert_eq!(verdict(&rules, "192.0.2.10", None), DENIED);
    }

    #[test]
    fn proxy_mode_judges_the_peer_and_every_hop() {
        let entries: &[(&str, &str, bool)] = &[("192.0.2.5", "", true), ("203.0.113.7", "", true)];
        let proxy = section(
            &[("allowUnlisted", "false"), ("enableProxyMode", "true")],
            entries,
        );
        assert_eq!(
            verdict(&proxy, "192.0.2.5", Some("203.0.113.7:4711, unknown")),
            Verdict::Allowed
        );
        assert_eq!(verdict(&proxy, "192.0.2.5", Some("203.0.113.8")), DENIED);
        assert_eq!(verdict(&proxy, "198.51.100.1", Some("203.0.113.7")), DENIED);
        let direct = section(&[("allowUnlisted", "false")], entries);
        assert_eq!(
            verdict(&direct, "192.0.2.5", Some("203.0.113.8")),
            Verdict::Allowed
        );
    }

    #[test]
    fn the_deny_action_is_the_sections() {
        for (name, action) in [
            ("AbortRequest", DenyAction::AbortRequest),
            ("Unauthorized", DenyAction::Unauthorized),
            ("Forbidden", DenyAction::Forbidden),
            ("NotFound", DenyAction::NotFound),
        ] {
            let rules = section(&[("allowUnlisted", "false"), ("denyAction", name)], &[]);
            assert_eq!(verdict(&rules, "192.0.2.5", None), Verdict::Denied(action));
        }
    }
}
