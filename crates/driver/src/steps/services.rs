//! What of IIS runs: its two services and the worker processes.

use std::collections::BTreeSet;

use iis::service::{self, ServiceState};
use iis::{appcmd, process};
use jiff::SignedDuration;
use rollout::{ServiceObserved, StepError, WorkerProcessObserved};

use crate::failure::{Setback, from_appcmd, from_iis};
use crate::session::Session;

/// The web service and the one that makes worker processes.
pub(super) const SERVICES: [&str; 2] = ["W3SVC", "WAS"];

const START_LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// What of IIS runs at one instant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct WebServer {
    pub(super) services: Vec<ServiceObserved>,
    pub(super) workers: Vec<WorkerProcessObserved>,
    /// Services that are neither running nor on their way to anything.
    pub(super) stopped: Vec<String>,
}

impl WebServer {
    /// Whether both services run.
    pub(super) fn is_running(&self) -> bool {
        self.services.iter().all(|service| service.running)
    }

    /// The services that do not run, in words.
    pub(super) fn idle_in_words(&self) -> String {
        let idle = self.services.iter().filter(|service| !service.running);
        let idle: Vec<&str> = idle.map(|service| service.name.as_str()).collect();
        format!("not running: {}", idle.join(", "))
    }

    /// Every process of IIS: the web service's and the workers'.
    pub(super) fn pids(&self) -> BTreeSet<u32> {
        let workers = self.workers.iter().map(|worker| worker.pid);
        workers.chain(w3svc_pid(&self.services)).collect()
    }
}

/// The process of the web service, if it runs.
pub(super) fn w3svc_pid(services: &[ServiceObserved]) -> Option<u32> {
    services
        .iter()
        .find(|service| service.name == SERVICES[0] && service.running)
        .map(|service| service.pid)
}

/// The web service's process now, if it runs.
pub(super) async fn web_service(session: &mut Session) -> Result<Option<u32>, StepError> {
    let status = query(session, SERVICES[0]).await?;
    Ok((status.state == ServiceState::Running).then_some(status.pid))
}

/// The worker processes now. Without its service IIS has none, and appcmd nobody to ask.
pub(super) async fn workers(session: &mut Session) -> Result<Vec<WorkerProcessObserved>, StepError> {
    match web_service(session).await? {
        Some(_) => list_workers(session).await,
        None => Ok(Vec::new()),
    }
}

/// Every process of IIS now: the web service's and the workers'.
pub(super) async fn pids(session: &mut Session) -> Result<BTreeSet<u32>, StepError> {
    let Some(w3svc) = web_service(session).await? else {
        return Ok(BTreeSet::new());
    };
    let workers = list_workers(session).await?;
    Ok(workers.iter().map(|worker| worker.pid).chain([w3svc]).collect())
}

/// Every service of the server that runs, the two of IIS included.
pub(super) async fn list_running(session: &mut Session) -> Result<Vec<ServiceObserved>, StepError> {
    let doing = "list the services that run";
    let listed = session.look(doing, &service::list_active()).await?;
    let listed = listed.map_err(|error| from_iis(doing, "a list of services", &error))?;
    Ok(listed
        .into_iter()
        .filter(|service| service.state == ServiceState::Running)
        .map(|service| ServiceObserved {
            name: service.name,
            running: true,
            pid: service.pid,
        })
        .collect())
}

/// Looks at both services, and at the worker processes if there can be any.
pub(super) async fn observe(session: &mut Session) -> Result<WebServer, StepError> {
    let mut seen = WebServer::default();
    for name in SERVICES {
        let status = query(session, name).await?;
        seen.services.push(ServiceObserved {
            name: name.to_owned(),
            running: status.state == ServiceState::Running,
            pid: status.pid,
        });
        if status.state == ServiceState::Stopped {
            seen.stopped.push(name.to_owned());
        }
    }
    if seen.is_running() {
        seen.workers = list_workers(session).await?;
    }
    Ok(seen)
}

async fn query(session: &mut Session, name: &str) -> Result<service::ServiceStatus, StepError> {
    let doing = format!("look at service {name}");
    let told = |error: iis::Error| from_iis(&doing, "the service's state", &error);
    let line = service::query(name).map_err(told)?;
    session.look(&doing, &line).await?.map_err(told)
}

async fn list_workers(session: &mut Session) -> Result<Vec<WorkerProcessObserved>, StepError> {
    let doing = "list the worker processes";
    let listed = session.look(doing, &appcmd::list_worker_processes()).await?;
    let listed = listed.map_err(|error| from_appcmd(doing, "a list of worker processes", &error))?;
    let mut workers: Vec<_> = listed
        .into_iter()
        .map(|worker| WorkerProcessObserved {
            pid: worker.pid,
            application_pool: worker.application_pool,
            started: None,
        })
        .collect();
    workers.sort();
    Ok(workers)
}

/// Adds when each of the worker processes started, as far as that can be read: where it cannot, their ids have to do.
pub(super) async fn date(
    session: &mut Session,
    workers: &mut [WorkerProcessObserved],
) -> Result<(), StepError> {
    if workers.is_empty() {
        return Ok(());
    }
    let doing = "look when the worker processes started";
    let line = process::start_times().map_err(|error| from_iis(doing, "a line that can be run", &error))?;
    let times = session.look(doing, &line).await?.unwrap_or_default();
    for worker in workers {
        worker.started = times.get(&worker.pid).copied();
    }
    Ok(())
}

/// Starts a service; those that it needs come along.
pub(super) async fn start(session: &mut Session, name: &str) -> Result<(), Setback> {
    let doing = format!("start {name}");
    let told = |error: iis::Error| from_iis(&doing, "the service starts", &error);
    let line = service::start(name).map_err(told)?;
    let started = session.change(&doing, &line, START_LIMIT).await?;
    started.map_err(|error| told(error).into())
}

/// Process ids for people: `4100, 4200`, or `none`. An Exchange server has some twenty worker processes; the journal has all of them.
pub(super) fn listed(pids: impl IntoIterator<Item = u32>) -> String {
    const SHOWN: usize = 4;
    let pids: Vec<String> = pids.into_iter().map(|pid| pid.to_string()).collect();
    match pids.split_at_checked(SHOWN) {
        _ if pids.is_empty() => "none".to_owned(),
        Some((shown, rest)) if !rest.is_empty() => format!("{} and {} more", shown.join(", "), rest.len()),
        _ => pids.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_few_processes_are_named_and_many_are_counted() {
        assert_eq!(listed([]), "none");
        assert_eq!(listed([4, 8, 12, 16]), "4, 8, 12, 16");
        assert_eq!(listed([4, 8, 12, 16, 20, 24]), "4, 8, 12, 16 and 2 more");
    }
}
