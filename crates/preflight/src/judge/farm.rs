//! The farm as a whole: names of one machine, releases side by side, peers that nobody could ask.

use std::collections::{BTreeMap, BTreeSet};

use iis::service::ServiceState;
use inventory::ServerName;
use rollout::Plan;

use crate::facts::{Facts, Reading, Seen, ServerFacts};
use crate::finding::Finding;
use crate::rule::Rule;

pub(super) fn judge(plan: &Plan, facts: &Facts, found: &mut Vec<Finding>) {
    identities(facts, found);
    versions(facts, found);
    vantages(facts, found);
    for (server, (addresses, read)) in &facts.peers {
        let Err(unread) = read else { continue };
        let known = match addresses.as_slice() {
            [] => "none".to_owned(),
            addresses => addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        };
        found.push(Finding {
            rule: Rule::PeerNotRead,
            found: format!("{server} could not be asked for its addresses ({}); known: {known}", unread.found),
            remedy: format!(
                "bring {server} up and plan anew, or write the addresses of both families into the `allow` list"
            ),
            server: plan.servers.contains_key(server).then(|| server.clone()),
        });
    }
}

fn seen(facts: &Facts) -> impl Iterator<Item = (&ServerName, &ServerFacts)> {
    let seen = facts.servers.iter();
    seen.filter_map(|(server, seen)| Some((server, seen.facts()?)))
}

/// Places from which nobody can look. A server that was not seen at all, or whose web service is stopped, has a finding of its own.
fn vantages(facts: &Facts, found: &mut Vec<Finding>) {
    let serves = |server| {
        let seen = facts.servers.get(server).and_then(Seen::facts);
        let is_running = |reading: &Reading<ServiceState>| *reading == Ok(ServiceState::Running);
        seen.is_some_and(|facts| facts.services.iter().all(|(_, state)| is_running(state)))
    };
    for ((vantage, server), why) in facts.blind.iter().filter(|((_, server), _)| serves(server)) {
        found.push(Finding {
            rule: Rule::VantageBlind,
            found: format!("from vantage {vantage}: {why}"),
            remedy: "ask for the page from there by hand; correct the vantage in the inventory, or leave it out of the witness".to_owned(),
            server: Some(server.clone()),
        });
    }
}

/// Two names of the inventory that are one machine, or two machines with one identity.
fn identities(facts: &Facts, found: &mut Vec<Finding>) {
    let mut by_guid: BTreeMap<String, Vec<(&ServerName, String)>> = BTreeMap::new();
    for (server, seen) in seen(facts) {
        if let (Ok(Some(guid)), Ok(Some(name))) = (&seen.machine_guid, &seen.computer_name) {
            let name = name.to_ascii_uppercase();
            by_guid
                .entry(guid.to_ascii_lowercase())
                .or_default()
                .push((server, name));
        }
    }
    for (guid, servers) in by_guid {
        if servers.len() < 2 {
            continue;
        }
        let names: BTreeSet<&str> = servers.iter().map(|(_, name)| name.as_str()).collect();
        let who = servers
            .iter()
            .map(|(server, name)| format!("{server} ({name})"))
            .collect::<Vec<_>>()
            .join(", ");
        let (rule, remedy) = match names.len() < servers.len() {
            true => (
                Rule::SameMachine,
                "take all but one of the names out of the inventory",
            ),
            false => (
                Rule::ClonedMachine,
                "make sure that they are different machines; clones want `sysprep`",
            ),
        };
        for (server, _) in &servers {
            found.push(Finding {
                rule,
                found: format!("{who} have one MachineGuid, {guid}"),
                remedy: remedy.to_owned(),
                server: Some((*server).clone()),
            });
        }
    }
}

fn versions(facts: &Facts, found: &mut Vec<Finding>) {
    let mut by_release: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (server, seen) in seen(facts) {
        if let Ok(Some(version)) = &seen.exchange {
            let release = version
                .product()
                .map_or_else(|| version.to_string(), |product| product.to_string());
            by_release.entry(release).or_default().push(server.to_string());
        }
    }
    if by_release.len() > 1 {
        let releases: Vec<String> = by_release
            .iter()
            .map(|(release, servers)| format!("{release}: {}", servers.join(", ")))
            .collect();
        found.push(Finding {
            rule: Rule::MixedVersions,
            found: releases.join("; "),
            remedy: "nothing, if that is how the farm is meant to be".to_owned(),
            server: None,
        });
    }
}
