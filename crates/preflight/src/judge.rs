//! From facts and plan to findings.

mod allowed;
mod application;
mod farm;
mod machine;
mod web_server;

use inventory::{Inventory, Restrict, ServerName, Step};
use rollout::Plan;

use crate::facts::{Facts, Reading, Seen, ServerFacts};
use crate::finding::Finding;
use crate::rule::Rule;

/// Everything that the facts say against a plan, and for it.
pub fn judge(plan: &Plan, inventory: &Inventory, facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (server, seen) in &facts.servers {
        let seen = match seen {
            Seen::Facts(seen) => seen,
            Seen::NotSeen(error) => {
                let remedy = error.hint.clone();
                found.push(Finding {
                    rule: Rule::ServerNotSeen,
                    found: match error.causes.last() {
                        Some(cause) => format!("{}: {} ({cause})", error.doing, error.found),
                        None => format!("{}: {}", error.doing, error.found),
                    },
                    remedy: remedy.unwrap_or_else(|| {
                        format!("`casgate ping {server}` tries one layer after the other")
                    }),
                    server: Some(server.clone()),
                });
                continue;
            }
        };
        let mut here = Here {
            plan,
            inventory,
            farm: facts,
            server,
            facts: seen,
            found: &mut found,
        };
        // Without rights, or through the wrong shell, nothing else that was read means anything.
        if here.machine_can_be_asked() {
            here.machine();
            here.web_server();
            for restrict in restrictions(plan) {
                here.application(restrict);
            }
        }
    }
    farm::judge(plan, facts, &mut found);
    found
}

/// The steps that restrict an application.
fn restrictions(plan: &Plan) -> impl Iterator<Item = &Restrict> {
    plan.steps.iter().filter_map(|step| match step {
        Step::Restrict(restrict) => Some(restrict),
        _ => None,
    })
}

/// One server under judgement.
struct Here<'a> {
    plan: &'a Plan,
    inventory: &'a Inventory,
    farm: &'a Facts,
    server: &'a ServerName,
    facts: &'a ServerFacts,
    found: &'a mut Vec<Finding>,
}

impl<'a> Here<'a> {
    fn say(&mut self, rule: Rule, found: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Finding {
            rule,
            found: found.into(),
            remedy: remedy.into(),
            server: Some(self.server.clone()),
        });
    }

    /// A fact that a refusal hangs on; where it could not be read, that is a refusal of its own.
    fn known<T>(&mut self, what: &str, reading: &'a Reading<T>) -> Option<&'a T> {
        match reading {
            Ok(value) => Some(value),
            Err(unread) => {
                let found = format!("{what}: {}", unread.found);
                self.say(
                    Rule::FactNotRead,
                    found,
                    "look at the server by hand (`casgate exec`), then accept this with what was seen as the reason",
                );
                None
            }
        }
    }
}
