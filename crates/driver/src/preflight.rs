//! Gathers the facts of a preflight: every server of a plan, many at a time, read only, by Windows' own programs.

mod vantages;

use std::collections::BTreeMap;
use std::sync::Arc;

use command::Invocation;
use exchange::version::{self, SETUP_KEY, SETUP_KEY_2010};
use exchange::{Product, Version, component_state};
use futures::stream::{self, StreamExt};
use iis::ip_security::{Rule, Section};
use iis::{
    ApplicationPath, IP_SECURITY_FEATURE, appcmd, disk, feature, network, process, redirection, schema,
};
use iis::{service, shell, system};
use inventory::{AllowEntry, AllowWhat, Role, ServerName, Step};
use preflight::{ApplicationFacts, Facts, Reading, Seen, ServerFacts, Unread, Worker};
use rollout::{Plan, StepError};

use crate::remote::Remote;
use crate::world::World;

/// How many servers are looked at together: looking changes nothing, so only our own sockets limit it.
const AT_A_TIME: usize = 16;

/// Looks at every server of a plan. Nothing is changed, and every shell is closed again.
pub async fn gather(world: &Arc<World>, plan: &Plan) -> Facts {
    let seen: BTreeMap<ServerName, Seen> = stream::iter(plan.servers.keys().cloned())
        .map(|server| async move {
            let seen = match look(world, plan, &server).await {
                Ok(facts) => Seen::Facts(Box::new(facts)),
                Err(error) => Seen::NotSeen(error),
            };
            (server, seen)
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    let mut facts = Facts {
        servers: seen,
        blind: vantages::blind(world, plan).await,
        ..Facts::default()
    };
    note_addresses(world, &facts).await;
    if has_role(plan, Role::ExchangePeers) || has_2010(&facts) {
        for server in world.inventory().servers.keys() {
            let known = world.addresses_of(server).await;
            facts.peers.insert(server.clone(), (known.addresses, known.read));
        }
    }
    if has_role(plan, Role::Operator) {
        for server in plan.servers.keys() {
            if let Ok(written) = world.server(server)
                && let Ok(address) = world.operator_address(written).await
            {
                facts.operator.insert(server.clone(), address);
            }
        }
    }
    facts
}

/// What the servers told of themselves need not be asked for again.
async fn note_addresses(world: &Arc<World>, facts: &Facts) {
    for (server, seen) in &facts.servers {
        if let Some(Ok(own)) = seen.facts().map(|facts| &facts.own) {
            let addresses = own.iter().filter_map(|rule| rule.ip_address.parse().ok());
            world.note_addresses(server, addresses.collect()).await;
        }
    }
}

fn restrictions(plan: &Plan) -> impl Iterator<Item = (&ApplicationPath, &[AllowEntry])> {
    plan.steps.iter().filter_map(|step| match step {
        Step::Restrict(step) => Some((&step.application, step.allow.as_slice())),
        _ => None,
    })
}

fn has_role(plan: &Plan, role: Role) -> bool {
    restrictions(plan).any(|(_, allow)| allow.iter().any(|entry| entry.what == AllowWhat::Role(role)))
}

fn has_2010(facts: &Facts) -> bool {
    let mut versions = facts
        .servers
        .values()
        .filter_map(Seen::facts)
        .filter_map(|facts| facts.exchange.as_ref().ok().copied().flatten());
    versions.any(|version| version.product() == Some(Product::Exchange2010))
}

async fn look(world: &Arc<World>, plan: &Plan, server: &ServerName) -> Result<ServerFacts, StepError> {
    let mut eyes = Eyes {
        remote: Remote::new(world, server.clone()),
    };
    let seen = eyes.facts(plan).await;
    eyes.remote.close().await;
    seen
}

/// One server's shell, and a way to ask that tells a lost server from a program that said no.
struct Eyes {
    remote: Remote,
}

impl Eyes {
    async fn ask<T, E>(
        &mut self,
        what: &str,
        line: &Invocation<Result<T, E>>,
    ) -> Result<Reading<T>, StepError>
    where
        Unread: From<E>,
    {
        let seen = self.remote.look(&format!("look at {what}"), line).await?;
        Ok(seen.map_err(Unread::from))
    }

    /// A line that could not even be built cannot be asked.
    async fn ask_built<T>(
        &mut self,
        what: &str,
        line: Result<Invocation<Result<T, iis::Error>>, iis::Error>,
    ) -> Result<Reading<T>, StepError> {
        match line {
            Ok(line) => self.ask(what, &line).await,
            Err(error) => Ok(Err(Unread::from(error))),
        }
    }

    async fn facts(&mut self, plan: &Plan) -> Result<ServerFacts, StepError> {
        let mut services = Vec::new();
        let mut restricted = BTreeMap::new();
        self.remote.open("log in and open a shell").await?;
        for name in ["WAS", "W3SVC"] {
            let state = self.ask_built(name, service::query(name)).await?;
            services.push((name, state.map(|status| status.state)));
        }
        for (application, _) in restrictions(plan) {
            restricted.insert(application.clone(), self.application(application).await?);
        }
        Ok(ServerFacts {
            architecture: self.ask("the shell", &shell::architecture()).await?,
            elevation: self.ask("the shell's rights", &shell::elevation()).await?,
            computer_name: self
                .ask_built("the computer's name", system::computer_name())
                .await?,
            machine_guid: self
                .ask_built("the machine's identity", system::machine_guid())
                .await?,
            windows: self
                .ask_built("the version of Windows", system::windows())
                .await?,
            iis: self.ask_built("the version of IIS", system::iis()).await?,
            exchange: self.exchange().await?,
            source: self.ask("redirection.config", &redirection::source()).await?,
            feature: self
                .ask_built("the feature", feature::state(IP_SECURITY_FEATURE))
                .await?,
            modules: self.ask("the modules", &appcmd::list_modules()).await?,
            schema: self.ask("IIS's schema", &schema::ip_security()).await?,
            sites: self.ask("the sites", &appcmd::list_sites()).await?,
            applications: self.ask("the applications", &appcmd::list_applications()).await?,
            pools: self
                .ask("the application pools", &appcmd::list_app_pools())
                .await?,
            workers: self.workers().await?,
            setup: self
                .ask("the processes", &process::list())
                .await?
                .map(|processes| images(&exchange::setup::running(&processes))),
            free_bytes: self.ask("the disk", &disk::free()).await?,
            taken_out: self
                .ask("the component states", &component_state::taken_out())
                .await?,
            own: self.own().await?,
            services,
            restricted,
        })
    }

    /// Setup of 2013 and later leaves its numbers at one place, that of 2010 at another.
    async fn exchange(&mut self) -> Result<Reading<Option<Version>>, StepError> {
        let mut seen = Ok(None);
        for key in [SETUP_KEY, SETUP_KEY_2010] {
            seen = self
                .ask_built("the version of Exchange", version::query(key))
                .await?;
            if !matches!(seen, Ok(None)) {
                break;
            }
        }
        Ok(seen)
    }

    async fn workers(&mut self) -> Result<Reading<Vec<Worker>>, StepError> {
        let workers = match self
            .ask("the worker processes", &appcmd::list_worker_processes())
            .await?
        {
            Ok(workers) => workers,
            Err(unread) => return Ok(Err(unread)),
        };
        let line = process::with_restriction_module();
        let loaded = self
            .ask("what they have loaded", &line)
            .await?
            .unwrap_or_default();
        Ok(Ok(workers
            .into_iter()
            .map(|worker| Worker {
                has_module: loaded.get(&worker.pid).copied(),
                pid: worker.pid,
                application_pool: worker.application_pool,
            })
            .collect()))
    }

    async fn own(&mut self) -> Result<Reading<Vec<Rule>>, StepError> {
        let mut rules = Vec::new();
        for listing in network::own_rules() {
            match self.ask("the server's addresses", &listing).await? {
                Ok(seen) => rules.extend(seen),
                Err(unread) => return Ok(Err(unread)),
            }
        }
        Ok(Ok(rules))
    }

    async fn application(
        &mut self,
        application: &ApplicationPath,
    ) -> Result<Reading<ApplicationFacts>, StepError> {
        let line = appcmd::list_effective_section(application);
        let effective = match self.ask("the rules", &line).await? {
            Ok(effective) => effective,
            Err(unread) => return Ok(Err(unread)),
        };
        let mut above: Vec<(String, Section)> = Vec::new();
        match self
            .ask("the rules of the server", &appcmd::list_server_section())
            .await?
        {
            Ok(section) => above.push(("the server".to_owned(), section)),
            Err(unread) => return Ok(Err(unread)),
        }
        for level in levels_above(application) {
            match self.ask("the rules above", &appcmd::list_section(&level)).await? {
                Ok(section) => above.push((level.to_string(), section)),
                Err(unread) => return Ok(Err(unread)),
            }
        }
        Ok(Ok(ApplicationFacts { above, effective }))
    }
}

fn images(processes: &[&process::Process]) -> Vec<String> {
    processes.iter().map(|process| process.image.clone()).collect()
}

/// The site, and the folders between it and the application.
fn levels_above(application: &ApplicationPath) -> Vec<ApplicationPath> {
    let path = application.path();
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    let folders = ends.filter_map(|end| path.get(..end));
    std::iter::once("/")
        .chain(folders)
        .filter(|level| *level != path)
        .filter_map(|level| ApplicationPath::new(application.site(), level).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ports, plan, world};

    #[test]
    fn levels_lie_between_the_server_and_the_application() {
        let levels = |text: &str| -> Vec<String> {
            let levels = levels_above(&text.parse().unwrap());
            levels.iter().map(ToString::to_string).collect()
        };
        assert_eq!(levels("Default Web Site/owa"), ["Default Web Site"]);
        assert_eq!(
            levels("Default Web Site/owa/auth/15"),
            [
                "Default Web Site",
                "Default Web Site/owa",
                "Default Web Site/owa/auth"
            ]
        );
        assert_eq!(levels("Default Web Site"), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_and_peers_have_what_their_names_resolve_to() {
        let world = world(&Ports::default(), 1.0);
        let plan = plan(
            &world,
            "[[step]]\nrestrict = { application = \"Default Web Site/ecp\", unlisted = \"deny\", existing = \"keep\", \
             allow = [{ role = \"exchange_peers\" }, { role = \"operator\" }] }\n",
        );
        let facts = gather(&world, &plan).await;
        assert!(facts.servers.values().all(|seen| seen.facts().is_none()));
        assert_eq!(facts.operator.len(), 2);
        let (addresses, read) = &facts.peers[&ServerName::from("cas02")];
        // Of loopback addresses none is reachable from another machine.
        assert!(addresses.is_empty());
        assert!(
            read.as_ref()
                .is_err_and(|unread| unread.found.contains("refused")),
            "{read:?}"
        );
    }
}
