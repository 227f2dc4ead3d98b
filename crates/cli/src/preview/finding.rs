//! What a preview finds wrong with the rules, each by a rule of `preflight`'s table, so that a refusal is named and answered for like any other.

use exchange::traffic::{CutOff, Gateway, Requester, Traffic};
use inventory::{Quantity, ServerName};
use preflight::Rule;

use super::{Application, Farm};

/// One finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    /// Whether `apply` refuses because of it, where the playbook sets `max_cut_off`.
    pub(crate) refuses: bool,
    /// Where; `None` for the farm as a whole, of which the counts are.
    pub(crate) server: Option<ServerName>,
    /// What was found.
    pub(crate) found: String,
    /// What to do.
    pub(crate) hint: String,
}

/// Everything that is wrong, the refusals first.
pub(crate) fn findings(farm: &Farm, limit: Option<Quantity>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (server, error) in &farm.unread {
        findings.push(Finding {
            rule: Rule::LogNotRead,
            refuses: true,
            server: Some(server.clone()),
            found: format!(
                "{server}: the log was not read: expected {}, found {}",
                error.expected, error.found
            ),
            hint: "nobody knows whom the rules would cut off there: see to it that the log can be read"
                .to_owned(),
        });
    }
    for (name, application) in &farm.applications {
        for (server, part) in &application.servers {
            if part.coverage.is_blind {
                findings.push(Finding {
                    rule: Rule::LogNotRead,
                    refuses: true,
                    server: Some(server.clone()),
                    found: format!("{server}: the log has no column for the client's address (c-ip) or the path (cs-uri-stem)"),
                    hint: "add both to the site's logExtFileFlags, and come back a day later".to_owned(),
                });
            }
        }
        probes(name, application, farm, &mut findings);
        hidden(name, application, farm, &mut findings);
        if let Some(limit) = limit {
            let traffic = &application.traffic;
            for (what, cut_off) in [("users", traffic.users()), ("devices", traffic.devices())] {
                findings.extend(above(name, what, &cut_off, limit));
            }
        }
    }
    if !farm.applications.is_empty() && farm.applications.values().all(|a| a.traffic.requests == 0) {
        findings.push(Finding {
            rule: Rule::NoTrafficSeen,
            refuses: true,
            server: None,
            found: format!("no request of any client in the last {} hours", farm.hours),
            hint: "ask for more hours (`casgate preview --hours`), or see whether clients come to these servers at all".to_owned(),
        });
    }
    findings.sort_by_key(|finding| !finding.refuses);
    findings
}

/// More than the limit allows.
fn above(name: &str, what: &str, cut_off: &CutOff<'_>, limit: Quantity) -> Option<Finding> {
    let count = u64::try_from(cut_off.clients.len()).unwrap_or(u64::MAX);
    let of = u64::try_from(cut_off.of).unwrap_or(u64::MAX);
    let is_above = match limit {
        Quantity::Count(most) => count > u64::from(most),
        Quantity::Percent(most) => count.saturating_mul(100) > of.saturating_mul(u64::from(most)),
    };
    is_above.then(|| Finding {
        rule: Rule::CutOff,
        refuses: true,
        server: None,
        found: format!(
            "{name}: {count} of {of} {what} would be cut off, more than max_cut_off = {}",
            shown(limit)
        ),
        hint: "add the addresses that they come from to the allow list, or raise the limit".to_owned(),
    })
}

fn shown(limit: Quantity) -> String {
    match limit {
        Quantity::Count(count) => count.to_string(),
        Quantity::Percent(_) => format!("\"{limit}\""),
    }
}

fn probes(name: &str, application: &Application, farm: &Farm, findings: &mut Vec<Finding>) {
    let traffic = &application.traffic;
    for (requester, role, consequence) in [
        (
            Requester::ManagedAvailability,
            "loopback",
            "Exchange would take itself for ill and restart what is well",
        ),
        (
            Requester::HealthMailbox,
            "loopback",
            "Exchange would take itself for ill and restart what is well",
        ),
        (
            Requester::HealthPage,
            "load_balancer_probes",
            "the load balancer would take every server out",
        ),
    ] {
        let probes = traffic.probes(requester);
        if probes.denied == 0 {
            continue;
        }
        let from: Vec<String> = probes
            .denied_addresses()
            .into_iter()
            .take(4)
            .map(|(address, count)| format!("{address} ({count})"))
            .collect();
        // Anybody may ask for the health page; only the load balancer must have it.
        let is_balancer = requester != Requester::HealthPage
            || probes
                .denied_addresses()
                .iter()
                .any(|(address, _)| farm.probes_from.contains(address));
        let consequence = match is_balancer {
            true => consequence.to_owned(),
            false => "if that is the load balancer, it would take every server out".to_owned(),
        };
        findings.push(Finding {
            rule: Rule::ProbesCutOff,
            refuses: is_balancer,
            server: None,
            found: format!(
                "{name}: probes would be denied ({requester}), from {}: {consequence}",
                from.join(", ")
            ),
            hint: format!("add {{ role = \"{role}\" }} to the allow list, or the addresses"),
        });
    }
}

/// One or two addresses with a crowd behind each.
fn hidden(name: &str, application: &Application, farm: &Farm, findings: &mut Vec<Finding>) {
    const AT_THE_BALANCER: &str = "restrict at the load balancer, which sees the clients; or have it send their addresses in X-Forwarded-For and \
        write proxy_mode = true in the `restrict` step (enableProxyMode, IIS 8 and later)";
    for gateway in application.traffic.gateways() {
        let Gateway {
            address,
            clients,
            allowed,
            ..
        } = gateway;
        let share = gateway.requests.saturating_mul(100) / application.traffic.requests.max(1);
        let crowd = format!(
            "{name}: {address} makes up {share} % of all requests, with {clients} or more clients behind it"
        );
        let is_balancer = farm.probes_from.contains(&address);
        let (refuses, rest, hint) = if application.proxy_mode {
            let rest = "the section is in proxy mode, but the log does not tell who is behind it, so nobody knows who would be denied";
            (
                true,
                rest,
                "add X-Forwarded-For to the log as a column of that name, and come back a day later",
            )
        } else if !allowed {
            let rest = "a load balancer seems to hide the clients behind its own address (SNAT). The list does not allow it: everybody would be cut \
                off; with it on the list, everybody would be let in";
            (true, rest, AT_THE_BALANCER)
        } else if is_balancer {
            let rest = "the load balancer hides the clients behind its own address (SNAT). The list allows it, for its probes, so everybody would be \
                let in: the rules would be useless";
            (true, rest, AT_THE_BALANCER)
        } else {
            let rest = "the list allows it. That is right if all devices come through a gateway there; if a load balancer hides the clients behind it \
                (SNAT), everybody would be let in: the rules would be useless";
            (false, rest, "see to whom the address belongs")
        };
        findings.push(Finding {
            rule: Rule::ClientsHidden,
            refuses,
            server: None,
            found: format!("{crowd}: {rest}"),
            hint: hint.to_owned(),
        });
    }
}

/// Whether anybody would lose something, for the sentence at the end.
pub(super) fn loses(traffic: &Traffic) -> bool {
    !traffic.users().clients.is_empty() || !traffic.devices().clients.is_empty()
}
