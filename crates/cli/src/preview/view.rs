//! A preview for programs: one value for each application, one for each server that was not read, one for each finding.

use exchange::traffic::{CutOff, Requester};
use serde_json::{Value, json};

use super::{Application, Judgement};

/// How many names or addresses a list has at most.
const LISTED: usize = 10_000;

/// The values, in their order.
pub(super) fn json(judgement: &Judgement) -> Vec<Value> {
    let Judgement { farm, findings, .. } = judgement;
    let applications = farm.applications.iter().map(|(name, application)| {
        json!({ "preview": name, "hours": farm.hours, "max_bytes": farm.max_bytes, "clients": clients(application),
            "probes": probes(application), "unseen": application.traffic.unseen().collect::<Vec<_>>(), "servers": servers(application) })
    });
    let unread = farm
        .unread
        .iter()
        .map(|(server, error)| json!({ "not_read": server, "error": error }));
    let findings = findings.iter().map(|finding| {
        let accepted = judgement.accepted(finding);
        json!({ "finding": finding.rule.id(), "refuses": finding.refuses && accepted.is_none(), "accepted": accepted, "found": finding.found,
            "hint": finding.hint })
    });
    applications.chain(unread).chain(findings).collect()
}

fn servers(application: &Application) -> Value {
    let server = |(name, part): (&inventory::ServerName, &super::Server)| {
        let coverage = &part.coverage;
        json!({ "server": name, "requests": part.requests, "denied": part.denied, "bytes": coverage.bytes, "files": coverage.files,
            "searches": coverage.searches, "wanted": coverage.wanted, "whole_from": coverage.whole_from, "part": coverage.part,
            "complete": !coverage.is_cut, "malformed": coverage.faults.malformed, "too_long": coverage.faults.too_long })
    };
    application.servers.iter().map(server).collect()
}

fn clients(application: &Application) -> Value {
    let traffic = &application.traffic;
    let (addresses, is_whole) = traffic.addresses();
    let denied: Vec<Value> = traffic
        .denied_addresses()
        .into_iter()
        .take(LISTED)
        .map(|(address, requests)| json!({ "address": address, "requests": requests }))
        .collect();
    json!({ "requests": traffic.requests, "denied": traffic.denied, "already_refused": traffic.already_refused,
        "unjudged": traffic.unjudged, "addresses": addresses, "addresses_complete": is_whole, "denied_addresses": denied,
        "users": people(&traffic.users()), "devices": people(&traffic.devices()) })
}

fn people(cut_off: &CutOff<'_>) -> Value {
    let listed: Vec<Value> = cut_off
        .clients
        .iter()
        .take(LISTED)
        .map(|(name, client)| {
            json!({ "name": name, "denied": client.cut_off, "allowed": client.kept, "user": client.user, "kind": client.kind })
        })
        .collect();
    json!({ "cut_off": cut_off.clients.len(), "of": cut_off.of, "complete": cut_off.is_whole, "list": listed })
}

fn probes(application: &Application) -> Value {
    let kinds = [
        Requester::ManagedAvailability,
        Requester::HealthMailbox,
        Requester::HealthPage,
    ];
    let probe = |requester: Requester| {
        let probes = application.traffic.probes(requester);
        json!({ "kind": requester, "requests": probes.requests, "denied": probes.denied,
            "denied_addresses": probes.denied_addresses().into_iter().map(|(address, _)| address).collect::<Vec<_>>() })
    };
    kinds.into_iter().map(probe).collect()
}
