//! The entries of an allow list as rules: roles become addresses, server by server.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use command::Invocation;
use iis::ip_security::Rule;
use iis::network;
use inventory::{AllowEntry, AllowWhat, Role};
use rollout::StepError;

use crate::failure::{StepErrorExt, failed, from_iis};
use crate::session::Session;

const DOING: &str = "find the addresses of the allow list";

/// The rules of an allow list on this server, each once.
pub(super) async fn rules(session: &mut Session, allow: &[AllowEntry]) -> Result<Vec<Rule>, StepError> {
    let mut rules = Vec::new();
    for entry in allow {
        match &entry.what {
            AllowWhat::Address(address) => rules.push(Rule::allow_address(*address)),
            AllowWhat::Network(network) => rules.push(Rule::allow_network(*network)),
            AllowWhat::Name(name) => {
                return Err(failed(
                    DOING,
                    format!("the addresses of {name}, pinned in the plan"),
                    "a name",
                )
                .hint("make the plan anew: names are resolved when a plan is made"));
            }
            AllowWhat::Role(role) => rules.extend(role_rules(session, *role).await?),
        }
    }
    let mut seen = BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.key()));
    Ok(rules)
}

async fn role_rules(session: &mut Session, role: Role) -> Result<Vec<Rule>, StepError> {
    let addresses: Vec<IpAddr> = match role {
        Role::Loopback => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Role::OwnAddresses => return own_addresses(session).await,
        Role::LoadBalancerProbes => session.world().probe_sources(session.server()).to_vec(),
        Role::Operator => {
            let found = session.world().operator_address(session.server()).await;
            vec![found.map_err(|error| {
                failed(
                    DOING,
                    format!("this machine's address towards {}", session.server().address),
                    error.to_string(),
                )
            })?]
        }
    };
    Ok(addresses.into_iter().map(Rule::allow_address).collect())
}

async fn own_addresses(session: &mut Session) -> Result<Vec<Rule>, StepError> {
    let mut rules = Vec::new();
    for listing in network::own_addresses() {
        let told = |error: iis::Error| from_iis(DOING, "the server's own addresses", &error);
        rules.extend(session.look(DOING, &with_zones(listing)).await?.map_err(told)?);
    }
    Ok(rules)
}

/// Link-local addresses as Windows prints them, zone included: `fe80::1%14` is what IIS compares with ("ipSecurity" as Microsoft's own
/// Exchange script writes it).
fn with_zones(
    listing: Invocation<Result<Vec<IpAddr>, iis::Error>>,
) -> Invocation<Result<Vec<Rule>, iis::Error>> {
    let line = listing.line().clone();
    Invocation::new(line, move |output| {
        let addresses = listing.parse(output)?;
        let text = output.stdout_text();
        Ok(addresses
            .into_iter()
            .map(|address| {
                let zoned = format!("{address}%");
                let printed = text.split_whitespace().find(|word| word.starts_with(&zoned));
                let mut rule = Rule::allow_address(address);
                if let Some(printed) = printed {
                    rule.ip_address = printed.to_owned();
                }
                rule
            })
            .collect())
    })
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::*;

    #[test]
    fn link_local_addresses_keep_their_zone() {
        let [_, v6] = network::own_addresses();
        let printed = "\r\nInterface 14: Ethernet\r\n\r\n\
            Other      Preferred     infinite   infinite fe80::de2:4f45:21dc:6c5a%14\r\n\
            Manual     Preferred     infinite   infinite 2001:db8::10\r\n";
        let output = Output {
            stdout: printed.into(),
            ..Output::default()
        };
        let rules = with_zones(v6).parse(&output).unwrap();
        let addresses: Vec<_> = rules.iter().map(|rule| rule.ip_address.as_str()).collect();
        assert_eq!(addresses, ["fe80::de2:4f45:21dc:6c5a%14", "2001:db8::10"]);
        assert!(rules.iter().all(|rule| rule.allowed));
    }
}
