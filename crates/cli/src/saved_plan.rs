//! A plan as a file: all that will be done, and what every server looked like when it was planned. No secret stands in it: a plan has none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use driver::World;
use inventory::{ServerName, Source};
use jiff::Timestamp;
use preflight::Acceptance;
use rollout::{Accepted, Found, Plan, StepError};
use serde::{Deserialize, Serialize};

use crate::args::Common;
use crate::commands::Looks;
use crate::error::Error;
use crate::inputs::Fleet;
use crate::people;

/// The format that is written, and the newest that can be read.
const FORMAT: u64 = 1;

/// What is true of each server beside what the steps find: name and value, such as `IIS` and `Version 10.0`.
pub(crate) type Observed = BTreeMap<ServerName, Result<BTreeMap<String, String>, StepError>>;

/// A plan as a file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedPlan {
    /// The format. The first key, so that the file is told from a playbook whatever it is called.
    casgate_plan: u64,
    /// The plan's hash, all 64 digits.
    hash: String,
    saved: Timestamp,
    operator: String,
    version: String,
    inventory: String,
    pub(crate) plan: Plan,
    servers: BTreeMap<ServerName, Seen>,
}

/// One server when it was planned.
#[derive(Debug, Deserialize, Serialize)]
struct Seen {
    facts: BTreeMap<String, String>,
    /// What each step that changes something found, by its index.
    steps: Vec<(usize, Found)>,
}

/// Only what tells a saved plan from anything else.
#[derive(Deserialize)]
struct Header {
    casgate_plan: u64,
}

/// Looks at what the steps do not look at. Servers that could not be looked at are not asked again.
pub(crate) async fn observe(world: &Arc<World>, fleet: &Fleet, looks: &Looks) -> Observed {
    let seen: Vec<ServerName> = looks
        .iter()
        .filter(|(_, look)| look.is_ok())
        .map(|(server, _)| server.clone())
        .collect();
    let mut observed = driver::observe(world, &seen).await;
    for (name, facts) in &mut observed {
        if let (Ok(facts), Some(server)) = (facts, fleet.inventory.servers.get(name)) {
            facts.insert(
                "address".to_owned(),
                format!("{}:{}", server.address, server.port),
            );
            let pool = server.pool.as_ref().map_or("none", |pool| pool.as_str());
            facts.insert("pool".to_owned(), pool.to_owned());
        }
    }
    observed
}

impl SavedPlan {
    /// All that is needed to apply this plan later. Refused where a server could not be looked at: nobody could tell what changed there.
    pub(crate) fn new(
        plan: &Plan,
        fleet: &Fleet,
        looks: &Looks,
        mut observed: Observed,
    ) -> Result<Self, Error> {
        let mut servers = BTreeMap::new();
        let mut unseen = Vec::new();
        for (server, look) in looks {
            let is_whole = |steps: &&Vec<(usize, Found)>| {
                !steps.iter().any(|(_, found)| matches!(found, Found::Failed(_)))
            };
            match (look.as_ref().ok().filter(is_whole), observed.remove(server)) {
                (Some(steps), Some(Ok(facts))) => {
                    let steps = steps.clone();
                    servers.insert(server.clone(), Seen { facts, steps });
                }
                _ => unseen.push(format!("{server} could not be looked at")),
            }
        }
        if !unseen.is_empty() {
            return Err(Error::Unseen { servers: unseen });
        }
        Ok(Self {
            casgate_plan: FORMAT,
            hash: plan.hash().as_str().to_owned(),
            saved: driver::Clock::real().now(),
            operator: people::operator(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inventory: fleet.absolute_path(),
            plan: plan.clone(),
            servers,
        })
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::from);
        text.and_then(|text| std::fs::write(path, text + "\n"))
            .map_err(|source| Error::Unwritable {
                path: path.to_owned(),
                source,
            })
    }

    /// The saved plan in a file; `None` when it is something else, which a playbook is: TOML never begins with a brace.
    pub(crate) fn read(path: &Path, source: &Source) -> Result<Option<Self>, Error> {
        if !source.text.trim_start().starts_with('{') {
            return Ok(None);
        }
        let wrong = |problem: String| Error::NoSavedPlan {
            path: path.to_owned(),
            problem,
        };
        let header: Header = serde_json::from_str(&source.text).map_err(|error| wrong(error.to_string()))?;
        if header.casgate_plan != FORMAT {
            let found = header.casgate_plan;
            return Err(wrong(format!(
                "it has format {found}, this casgate knows format {FORMAT}"
            )));
        }
        let saved: Self = serde_json::from_str(&source.text).map_err(|error| wrong(error.to_string()))?;
        let found = saved.plan.hash();
        if found.as_str() != saved.hash {
            return Err(Error::ForgedPlan {
                path: path.to_owned(),
                written: saved.hash,
                found: found.as_str().to_owned(),
            });
        }
        Ok(Some(saved))
    }

    /// What was accepted when the plan was made.
    pub(crate) fn acceptances(&self) -> Result<Vec<Acceptance>, Error> {
        let accepted = self.plan.accepted.iter();
        Acceptance::read(accepted.map(|accepted| (accepted.rule.as_str(), accepted.reason.as_str())))
            .map_err(|source| Error::NotAcceptable { source })
    }

    /// An acceptance holds for the servers on which the thing was found when the plan was made, and for no others.
    pub(crate) fn check_accepted(&self, path: &Path, now: &[Accepted]) -> Result<(), Error> {
        let covers = |rule: &str, server: &ServerName| {
            let mut then = self.plan.accepted.iter();
            then.any(|accepted| accepted.rule == rule && accepted.servers.contains(server))
        };
        let news = now.iter().flat_map(|accepted| {
            let new = accepted
                .servers
                .iter()
                .filter(|server| !covers(&accepted.rule, server));
            new.map(|server| {
                format!(
                    "{server}: {} was accepted for others, and is found here too",
                    accepted.rule
                )
            })
        });
        let changes: Vec<String> = news.collect();
        match changes.is_empty() {
            true => Ok(()),
            false => Err(Error::StaleServers {
                path: path.to_owned(),
                changes: changes.join("\n  "),
            }),
        }
    }

    /// The inventory that the operator names now, or that the plan was made with.
    pub(crate) fn fleet(&self, common: &Common) -> Result<Fleet, Error> {
        match &common.inventory {
            Some(_) => Fleet::read(common),
            None => Fleet::read_file(Path::new(&self.inventory)),
        }
    }

    /// Whether everything is as it was when the plan was saved.
    pub(crate) fn check(
        &self,
        path: &Path,
        fleet: &Fleet,
        looks: &Looks,
        observed: &Observed,
    ) -> Result<(), Error> {
        let mut changes = Vec::new();
        for (name, planned) in &self.plan.pools {
            let now = fleet.inventory.members(name).count();
            if u32::try_from(now) != Ok(planned.size) {
                changes.push(format!(
                    "pool {name}  planned with {} servers, now {now}",
                    planned.size
                ));
            }
        }
        for (server, was) in &self.servers {
            let lines = was.differences(&self.plan, looks.get(server), observed.get(server));
            if !lines.is_empty() {
                changes.push(format!(
                    "{server}  changed since the plan was saved ({:.0})",
                    self.saved
                ));
                changes.extend(lines.into_iter().map(|line| format!("    {line}")));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        Err(Error::StaleServers {
            path: path.to_owned(),
            changes: changes.join("\n  "),
        })
    }
}

impl Seen {
    fn differences(
        &self,
        plan: &Plan,
        look: Option<&Result<Vec<(usize, Found)>, StepError>>,
        observed: Option<&Result<BTreeMap<String, String>, StepError>>,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        let (steps, facts) = match (look, observed) {
            (Some(Ok(steps)), Some(Ok(facts))) => (steps, facts),
            (Some(Err(error)), _) | (_, Some(Err(error))) => {
                lines.push("it could be looked at then, and cannot be now".to_owned());
                lines.extend(report::wording::failure(error));
                return lines;
            }
            _ => return vec!["the inventory does not have it any more".to_owned()],
        };
        let names = self
            .facts
            .keys()
            .chain(facts.keys().filter(|name| !self.facts.contains_key(*name)));
        for name in names {
            let told = |facts: &BTreeMap<String, String>| {
                facts.get(name).cloned().unwrap_or_else(|| "none".to_owned())
            };
            let (then, now) = (told(&self.facts), told(facts));
            if then != now {
                lines.push(format!("{name}: planned {then}, now {now}"));
            }
        }
        for (index, was) in &self.steps {
            let now = steps
                .iter()
                .find(|(step, _)| step == index)
                .map(|(_, found)| found);
            if let (Some(step), Some(now)) = (plan.steps.get(*index), now) {
                lines.extend(report::changed(step, was, now));
            }
        }
        lines
    }
}
