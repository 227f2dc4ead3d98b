//! The section's XML element, as applicationHost.config and appcmd write it.

use roxmltree::Node;

use super::inheritance::{Directive, Level, inherited};
use super::rule::Rule;
use super::section::Section;
use crate::Error;

/// The most entries that are read. Lists of whole countries have some thousand; the work on two lists grows with the product of their lengths.
const MOST_ENTRIES: usize = 10_000;

/// Reads what an `ipSecurity` element makes of itself, with nothing inherited.
pub(crate) fn read(element: Node<'_, '_>) -> Result<Section, Error> {
    inherited(&[level(element)?])
}

/// Reads an `ipSecurity` element: attributes by name, `add`, `remove` and `clear` in document order. What the schema does not know is passed over.
pub(crate) fn level(element: Node<'_, '_>) -> Result<Level, Error> {
    let mut level = Level::default();
    for attribute in element.attributes() {
        match attribute.name() {
            "allowUnlisted" => level.allow_unlisted = Some(boolean("allowUnlisted", attribute.value())?),
            "denyAction" => level.deny_action = Some(attribute.value().trim().parse()?),
            "enableProxyMode" => {
                level.enable_proxy_mode = Some(boolean("enableProxyMode", attribute.value())?)
            }
            _ => {}
        }
    }
    for (number, child) in element.children().filter(Node::is_element).enumerate() {
        if number == MOST_ENTRIES {
            return Err(Error::TooManyRules { limit: MOST_ENTRIES });
        }
        match child.tag_name().name() {
            "add" => level.directives.push(Directive::Add(rule(child)?)),
            "remove" => level.directives.push(Directive::Remove(rule(child)?)),
            "clear" => level.directives.push(Directive::Clear),
            _ => {}
        }
    }
    Ok(level)
}

fn rule(element: Node<'_, '_>) -> Result<Rule, Error> {
    let text = |name: &str, default: &str| element.attribute(name).unwrap_or(default).trim().to_owned();
    Ok(Rule {
        ip_address: text("ipAddress", ""),
        subnet_mask: text("subnetMask", "255.255.255.255"),
        domain_name: text("domainName", ""),
        allowed: boolean("allowed", element.attribute("allowed").unwrap_or("false"))?,
    })
}

fn boolean(attribute: &'static str, text: &str) -> Result<bool, Error> {
    match text.trim() {
        t if t.eq_ignore_ascii_case("true") => Ok(true),
        t if t.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(Error::BadAttribute {
            attribute,
            expected: "true or false",
            found: other.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use roxmltree::Document;

    use super::read;
    use crate::Error;
    use crate::ip_security::{DenyAction, Section};

    fn section(xml: &str) -> Result<Section, Error> {
        read(Document::parse(xml).unwrap().root_element())
    }

    #[test]
    fn the_block_of_a_real_server() {
        let section = section(
            r#"<ipSecurity allowUnlisted="false">
                <add ipAddress="192.168.100.5" allowed="true" />
                <add ipAddress="fe80::de2:4f45:21dc:6c5a%14" allowed="true" />
                <add ipAddress="::1" allowed="true" />
                <add ipAddress="127.0.0.1" allowed="true" />
            </ipSecurity>"#,
        )
        .unwrap();
        let allows = |client: &str| section.allows(client.parse::<IpAddr>().unwrap());
        assert!(
            [
                "192.168.100.5",
                "fe80::de2:4f45:21dc:6c5a",
                "::1",
                "127.0.0.1",
                "::ffff:127.0.0.1"
            ]
            .into_iter()
            .all(allows)
        );
        assert!(!["192.168.100.6", "fe80::1", "::2"].into_iter().any(allows));
        assert_eq!(section.rules[1].to_string(), "allow fe80::de2:4f45:21dc:6c5a%14");
    }

    #[test]
    fn an_entry_that_does_not_say_is_a_denial() {
        let section = section(r#"<ipSecurity><add ipAddress="192.0.2.1" /></ipSecurity>"#).unwrap();
        assert!(section.allow_unlisted && !section.rules[0].allowed);
        assert_eq!(section.rules[0].subnet_mask, "255.255.255.255");
    }

    #[test]
    fn every_attribute_and_element() {
        let section = section(
            r#"<ipSecurity allowUnlisted="True" denyAction="NotFound" enableProxyMode="true" enableReverseDns="false">
                <add ipAddress="192.0.2.1" allowed="true" /><clear /><add domainName="*.example.net" allowed="TRUE" />
                <add ipAddress="2001:DB8::1" /><remove ipAddress="2001:db8::1" />
                <add ipAddress="198.51.100.0" subnetMask="24" allowed="true" />
            </ipSecurity>"#,
        )
        .unwrap();
        assert_eq!(
            (section.deny_action, section.enable_proxy_mode),
            (Some(DenyAction::NotFound), Some(true))
        );
        let rules: Vec<String> = section.rules.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["allow domain *.example.net", "allow 198.51.100.0/24"]);
    }

    #[test]
    fn a_list_without_end_is_an_error() {
        let list = |adds: u32| {
            let adds: String = (0..adds)
                .map(|n| format!(r#"<add ipAddress="{}" />"#, std::net::Ipv4Addr::from(n)))
                .collect();
            section(&format!("<ipSecurity>{adds}</ipSecurity>"))
        };
        assert_eq!(list(10_000).unwrap().rules.len(), 10_000);
        assert_eq!(list(10_001), Err(Error::TooManyRules { limit: 10_000 }));
    }

    #[test]
    fn what_the_schema_forbids_is_an_error() {
        let bad = |attribute, expected, found: &str| {
            Err(Error::BadAttribute {
                attribute,
                expected,
                found: found.to_owned(),
            })
        };
        assert_eq!(
            section(r#"<ipSecurity allowUnlisted="maybe" />"#),
            bad("allowUnlisted", "true or false", "maybe")
        );
        assert_eq!(
            section(r#"<ipSecurity denyAction="418" />"#),
            bad(
                "denyAction",
                "AbortRequest, Unauthorized, Forbidden or NotFound",
                "418"
            )
        );
    }
}
