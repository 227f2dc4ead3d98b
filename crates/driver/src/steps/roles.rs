//! The entries of an allow list as rules: roles become addresses, server by server.

use std::net::IpAddr;

use iis::ip_security::Rule;
use iis::network;
use inventory::{AllowEntry, AllowWhat, Role};
use preflight::Addresses;
use rollout::StepError;

use crate::failure::{StepErrorExt, failed, from_iis};
use crate::session::Session;

const DOING: &str = "find the addresses of the allow list";

/// The rules of an allow list on this server, each once.
pub(super) async fn rules(session: &mut Session, allow: &[AllowEntry]) -> Result<Vec<Rule>, StepError> {
    let mut addresses = Addresses::default();
    for entry in allow {
        if let AllowWhat::Role(role) = entry.what {
            find(session, role, &mut addresses).await?;
        }
    }
    preflight::rules(allow, &addresses).map_err(|name| {
        failed(
            DOING,
            format!("the addresses of {name}, pinned in the plan"),
            "a name",
        )
        .hint("make the plan anew: names are resolved when a plan is made")
    })
}

/// Finds the addresses that a role stands for.
async fn find(session: &mut Session, role: Role, addresses: &mut Addresses) -> Result<(), StepError> {
    match role {
        Role::Loopback => {}
        Role::OwnAddresses => addresses.own = own_rules(session).await?,
        Role::LoadBalancerProbes => {
            addresses.probes = session.world().probe_sources(session.server()).to_vec();
        }
        Role::ExchangePeers => addresses.peers = peers(session).await?,
        Role::Operator => {
            let found = session.world().operator_address(session.server()).await;
            addresses.operator = Some(found.map_err(|error| {
                failed(
                    DOING,
                    format!("this machine's address towards {}", session.server().address),
                    error.to_string(),
                )
            })?);
        }
    }
    Ok(())
}

async fn own_rules(session: &mut Session) -> Result<Vec<Rule>, StepError> {
    let mut rules = Vec::new();
    for listing in network::own_rules() {
        let told = |error: iis::Error| from_iis(DOING, "the server's own addresses", &error);
        rules.extend(session.look(DOING, &listing).await?.map_err(told)?);
    }
    Ok(rules)
}

/// The addresses of the other servers. Each is asked once in a run; one that cannot be asked any more keeps those that it told, or has those to
/// which its name resolves.
async fn peers(session: &Session) -> Result<Vec<IpAddr>, StepError> {
    let this = session.server().name.clone();
    let servers: Vec<_> = session.world().inventory().servers.keys().cloned().collect();
    let mut addresses = Vec::new();
    for server in servers.into_iter().filter(|server| *server != this) {
        let known = session.world().addresses_of(&server).await;
        if known.addresses.is_empty() {
            let why = known.read.err().map_or_else(String::new, |unread| unread.found);
            return Err(
                failed(DOING, format!("the addresses of {server}"), why).hint(format!(
                    "bring {server} up, or write its addresses into the `allow` list instead of the role exchange_peers"
                )),
            );
        }
        addresses.extend(known.addresses);
    }
    Ok(addresses)
}
