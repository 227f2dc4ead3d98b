//! One entry of the list.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use crate::Error;

/// The mask that IIS assumes where none is written: one address, of either family.
const ONE_ADDRESS: &str = "255.255.255.255";

/// One `<add>` of the section, with the texts as they stand in the file.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// An IPv4 or IPv6 address (with a zone, perhaps: `fe80::1%14`), or empty for a domain rule.
    #[serde(default)]
    pub ip_address: String,
    /// A dotted mask or a number of bits; `255.255.255.255` means one address, also for IPv6.
    #[serde(default = "one_address")]
    pub subnet_mask: String,
    /// A domain name, perhaps starting with `*.`; needs reverse lookups, which are off unless `enableReverseDns` is set.
    #[serde(default)]
    pub domain_name: String,
    /// Allowed or denied. An entry that does not say is a denial.
    #[serde(default)]
    pub allowed: bool,
}

fn one_address() -> String {
    ONE_ADDRESS.to_owned()
}

impl Rule {
    /// Allows one address. IPv4 addresses mapped into IPv6 are written as IPv4.
    pub fn allow_address(address: IpAddr) -> Self {
        Self {
            ip_address: address.to_canonical().to_string(),
            subnet_mask: one_address(),
            domain_name: String::new(),
            allowed: true,
        }
    }

    /// Allows a network: a dotted mask for IPv4, a number of bits for IPv6 (as Microsoft's own Exchange script writes it); a network of one
    /// address is written as that address. Bits beyond the mask are cleared.
    pub fn allow_network(network: IpNet) -> Self {
        let network = network.trunc();
        if network.prefix_len() == network.max_prefix_len() {
            return Self::allow_address(network.addr());
        }
        let subnet_mask = match network {
            IpNet::V4(v4) => v4.netmask().to_string(),
            IpNet::V6(v6) => v6.prefix_len().to_string(),
        };
        Self {
            ip_address: network.addr().to_string(),
            subnet_mask,
            domain_name: String::new(),
            allowed: true,
        }
    }

    /// The same rule with the opposite decision.
    #[must_use]
    pub fn denied(self) -> Self {
        Self {
            allowed: false,
            ..self
        }
    }

    /// What the rule covers, as a network; `None` for a domain, for a mask with holes, and for what is no address.
    pub fn network(&self) -> Option<IpNet> {
        self.scope().network()
    }

    /// What makes an entry unique in IIS: address, mask and domain name *as texts*, without regard to case. `allowed` is no part of it, so an allow
    /// and a deny of one address collide; `24` and `255.255.255.0` are two keys with one meaning.
    pub fn key(&self) -> (String, String, String) {
        (
            self.ip_address.to_ascii_lowercase(),
            self.subnet_mask.to_ascii_lowercase(),
            self.domain_name.to_ascii_lowercase(),
        )
    }

    /// Whether IIS would call both the same entry.
    pub fn has_key_of(&self, other: &Self) -> bool {
        self.ip_address.eq_ignore_ascii_case(&other.ip_address)
            && self.subnet_mask.eq_ignore_ascii_case(&other.subnet_mask)
            && self.domain_name.eq_ignore_ascii_case(&other.domain_name)
    }

    /// The texts as they stand in the file: `198.51.100.0 mask 24`.
    pub(super) fn as_written(&self) -> String {
        format!("{} mask {}", self.ip_address, self.subnet_mask)
    }

    /// What somebody may have meant who wrote a mask with holes: its reverse, if that has none, or one address.
    pub(super) fn likely_mask(&self) -> String {
        let reversed = self
            .subnet_mask
            .parse()
            .map(|mask: Ipv4Addr| Ipv4Addr::from_bits(!mask.to_bits()));
        match reversed {
            Ok(mask) if mask.to_bits().leading_ones() == mask.to_bits().count_ones() => mask.to_string(),
            _ => ONE_ADDRESS.to_owned(),
        }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::of(&self.ip_address, &self.subnet_mask, &self.domain_name)
    }

    /// appcmd's form of a new entry: `[ipAddress='198.51.100.0',subnetMask='255.255.255.0',allowed='True']`.
    pub(super) fn as_new_element(&self) -> Result<String, Error> {
        self.check()?;
        let mut text = String::from("[");
        if !self.ip_address.is_empty() {
            text.push_str(&format!("ipAddress='{}',", escaped(&self.ip_address)));
        }
        if self.subnet_mask != ONE_ADDRESS {
            text.push_str(&format!("subnetMask='{}',", self.subnet_mask));
        }
        if !self.domain_name.is_empty() {
            text.push_str(&format!("domainName='{}',", self.domain_name));
        }
        text.push_str(if self.allowed {
            "allowed='True']"
        } else {
            "allowed='False']"
        });
        Ok(text)
    }

    /// appcmd's form of an entry that is there: its whole key, with the texts of the file.
    pub(super) fn as_element_key(&self) -> Result<String, Error> {
        self.check()?;
        let Self {
            subnet_mask,
            domain_name,
            ..
        } = self;
        let ip_address = escaped(&self.ip_address);
        Ok(format!(
            "[ipAddress='{ip_address}',subnetMask='{subnet_mask}',domainName='{domain_name}']"
        ))
    }

    /// Nothing but the characters of addresses and names goes into a command line, whatever a configuration file may hold.
    fn check(&self) -> Result<(), Error> {
        let (address, zone) = self.ip_address.split_once('%').unwrap_or((&self.ip_address, "0"));
        let safe = address
            .chars()
            .all(|c| c.is_ascii_hexdigit() || c == '.' || c == ':')
            && !zone.is_empty()
            && zone.chars().all(|c| c.is_ascii_alphanumeric())
            && self
                .subnet_mask
                .chars()
                .all(|c| c.is_ascii_hexdigit() || c == '.' || c == ':')
            && self
                .domain_name
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.*".contains(c));
        if safe && self.scope() != Scope::Nothing {
            Ok(())
        } else {
            Err(Error::UnwritableRule {
                rule: self.to_string(),
            })
        }
    }
}

/// appcmd takes `%14` and `%u0014` in its arguments for the character with that number, and a commit with one fails with `c00cee2b`
/// (microsoft/IIS.ServiceMonitor#71). So the percent sign in front of a zone is written as one itself, in the form that IIS 7 knows too:
/// <https://insidethe.com/blog/2009/11/iis-7-appcmd-example-changin-default-isapi-settings>.
fn escaped(address: &str) -> String {
    address.replace('%', "%u0025")
}

impl fmt::Display for Rule {
    /// `allow 192.0.2.10`, `deny 198.51.100.0/24`, `allow domain *.example.net`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.allowed { "allow " } else { "deny " })?;
        match (self.network(), &self.domain_name) {
            (Some(net), _) if net.prefix_len() == net.max_prefix_len() && self.ip_address.contains('%') => {
                f.write_str(&self.ip_address)
            }
            (Some(net), _) if net.prefix_len() == net.max_prefix_len() => write!(f, "{}", net.addr()),
            (Some(net), _) => write!(f, "{net}"),
            (None, domain) if self.ip_address.is_empty() => write!(f, "domain {domain}"),
            (None, _) => write!(f, "{} mask {}", self.ip_address, self.subnet_mask),
        }
    }
}

#[cfg(test)]
mod tests;
