//! What a preflight came to, once it is known what the operator accepts.

use std::collections::BTreeMap;

use inventory::ServerName;
use rollout::Accepted;

use crate::acceptance::Acceptance;
use crate::finding::Finding;
use crate::rule::{Rule, Severity};

/// One thing that was found, wherever it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judged {
    /// By which rule.
    pub rule: Rule,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: String,
    /// On which servers; none for the farm as a whole.
    pub servers: Vec<ServerName>,
    /// Why the operator accepts it.
    pub accepted: Option<String>,
}

impl Judged {
    /// Whether nothing may be touched because of it.
    pub fn refuses(&self) -> bool {
        self.rule.severity() == Severity::Refuse && self.accepted.is_none()
    }
}

/// What a preflight came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// What was found: the gravest first, one entry for the same thing on several servers.
    pub findings: Vec<Judged>,
    /// Acceptances of what was not found.
    pub unused: Vec<Rule>,
}

impl Report {
    /// Joins findings of several servers, and marks what is accepted.
    pub fn new(mut findings: Vec<Finding>, acceptances: &[Acceptance]) -> Self {
        findings.sort();
        findings.dedup();
        let reason = |rule: Rule| {
            acceptances
                .iter()
                .find(|acceptance| acceptance.rule() == rule)
                .map(|acceptance| acceptance.reason().to_owned())
        };
        let mut joined: Vec<Judged> = Vec::new();
        for finding in findings {
            let Finding {
                rule,
                found,
                remedy,
                server,
            } = finding;
            match joined.last_mut() {
                Some(last) if (last.rule, &last.found, &last.remedy) == (rule, &found, &remedy) => {
                    last.servers.extend(server);
                }
                _ => joined.push(Judged {
                    rule,
                    found,
                    remedy,
                    servers: server.into_iter().collect(),
                    accepted: reason(rule),
                }),
            }
        }
        let unused = acceptances
            .iter()
            .map(Acceptance::rule)
            .filter(|rule| !joined.iter().any(|judged| judged.rule == *rule))
            .collect();
        Self {
            findings: joined,
            unused,
        }
    }

    /// Whether nothing may be touched.
    pub fn refuses(&self) -> bool {
        self.findings.iter().any(Judged::refuses)
    }

    /// How many findings refuse.
    pub fn refusals(&self) -> usize {
        self.findings.iter().filter(|judged| judged.refuses()).count()
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let of_it = |judged: &&Judged| judged.rule.severity() == severity;
        self.findings.iter().filter(of_it).count()
    }

    /// What was accepted: part of the plan, and so of what is approved and recorded. An acceptance holds for the servers on which the thing was
    /// found, and for no others.
    pub fn accepted(&self) -> Vec<Accepted> {
        let mut accepted: BTreeMap<Rule, Accepted> = BTreeMap::new();
        for judged in &self.findings {
            if let Some(reason) = &judged.accepted {
                let entry = accepted.entry(judged.rule).or_insert_with(|| Accepted {
                    rule: judged.rule.id().to_owned(),
                    reason: reason.clone(),
                    servers: Vec::new(),
                });
                entry.servers.extend(judged.servers.iter().cloned());
            }
        }
        let mut accepted: Vec<Accepted> = accepted.into_values().collect();
        for entry in &mut accepted {
            entry.servers.sort();
            entry.servers.dedup();
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: Rule, found: &str, server: &str) -> Finding {
        Finding {
            rule,
            found: found.to_owned(),
            remedy: "do".to_owned(),
            server: Some(server.into()),
        }
    }

    fn accept(id: &str) -> Vec<Acceptance> {
        Acceptance::read([(id, "why not")]).unwrap()
    }

    #[test]
    fn the_gravest_comes_first_and_the_same_is_told_once() {
        let report = Report::new(
            vec![
                finding(Rule::OlderSchema, "a", "cas01"),
                finding(Rule::LowDisk, "5 MB", "cas02"),
                finding(Rule::SetupRunning, "ExSetup.exe", "cas02"),
                finding(Rule::SetupRunning, "ExSetup.exe", "cas01"),
                finding(Rule::LowDisk, "7 MB", "cas01"),
            ],
            &[],
        );
        let told: Vec<String> = report
            .findings
            .iter()
            .map(|judged| format!("{} {} {:?}", judged.rule, judged.found, judged.servers))
            .collect();
        assert_eq!(told.len(), 4);
        assert!(
            told[0].starts_with("setup-running ExSetup.exe") && told[0].contains("cas02"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("low-disk 5 MB") && told[2].starts_with("low-disk 7 MB"),
            "{told:?}"
        );
        assert_eq!((report.refusals(), report.count(Severity::Note)), (3, 1));
        assert!(report.refuses() && report.accepted().is_empty());
    }

    #[test]
    fn an_acceptance_covers_its_rule_on_the_servers_where_it_was_found() {
        let findings = vec![
            finding(Rule::LowDisk, "7 MB", "cas02"),
            finding(Rule::LowDisk, "5 MB", "cas01"),
        ];
        let report = Report::new(findings.clone(), &accept("low-disk"));
        assert!(!report.refuses());
        let accepted = report.accepted();
        assert_eq!(
            accepted,
            [Accepted {
                rule: "low-disk".to_owned(),
                reason: "why not".to_owned(),
                servers: vec!["cas01".into(), "cas02".into()],
            }]
        );
        let other = Report::new(findings, &accept("setup-running"));
        assert!(other.refuses());
        assert_eq!(other.unused, [Rule::SetupRunning]);
    }

    #[test]
    fn nothing_found_is_nothing_refused() {
        assert!(!Report::new(Vec::new(), &[]).refuses());
        assert!(!Report::new(vec![finding(Rule::OpenHole, "x", "cas01")], &[]).refuses());
    }
}
