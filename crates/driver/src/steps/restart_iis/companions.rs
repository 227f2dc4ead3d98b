//! The other services: what ran before a restart of IIS runs after it.
//!
//! Stopping IIS stops the services that need it (the listeners of Net.Tcp and Net.Pipe, for one), and whoever then starts W3SVC alone leaves them
//! stopped: nobody notices until a back end does not answer.

use std::collections::BTreeSet;

use iis::service;
use rollout::{ServiceObserved, StepError};

use super::{EVERY, SETTLED_WITHIN};
use crate::failure::{StepErrorExt, from_iis, timed_out};
use crate::session::Session;
use crate::steps::services::{SERVICES, list_running, start};

/// IIS's own third service, which `iisreset` stops and starts as well.
const IISADMIN: &str = "IISADMIN";

/// Services that ran before and do not now.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Missing {
    /// Those that IIS stopped with itself: it, or something that needs it.
    pub(super) of_iis: Vec<String>,
    /// Others. Windows stops some of its services by itself when they have nothing to do.
    pub(super) others: Vec<String>,
}

/// What a restart has to bring back: IIS's two services as they are, and all others that run.
pub(in crate::steps) fn beside(
    iis: Vec<ServiceObserved>,
    running: Vec<ServiceObserved>,
) -> Vec<ServiceObserved> {
    let others = running.into_iter().filter(|service| !is_iis(&service.name));
    iis.into_iter().chain(others).collect()
}

fn is_iis(name: &str) -> bool {
    SERVICES.iter().any(|service| service.eq_ignore_ascii_case(name))
}

/// Looks for services that ran before and do not now. What IIS has to do with them is asked only where there are some.
pub(super) async fn missing(session: &mut Session, before: &[ServiceObserved]) -> Result<Missing, StepError> {
    let now = list_running(session).await?;
    let gone = gone(before, &now);
    if gone.is_empty() {
        return Ok(Missing::default());
    }
    let mut needing = BTreeSet::from([IISADMIN.to_lowercase()]);
    for name in SERVICES.into_iter().chain([IISADMIN]) {
        let doing = format!("list the services that need {name}");
        let told = |error: iis::Error| from_iis(&doing, "a list of services", &error);
        match session
            .look(&doing, &service::dependents(name).map_err(told)?)
            .await?
        {
            Ok(dependents) => {
                needing.extend(dependents.into_iter().map(|service| service.name.to_lowercase()))
            }
            // There are web servers without IISADMIN.
            Err(error) if error.exit_code() == Some(NO_SUCH_SERVICE) => {}
            Err(error) => return Err(told(error)),
        }
    }
    let (of_iis, others) = gone
        .into_iter()
        .partition(|name| needing.contains(&name.to_lowercase()));
    Ok(Missing { of_iis, others })
}

/// `ERROR_SERVICE_DOES_NOT_EXIST`
const NO_SUCH_SERVICE: u32 = 1060;

fn gone(before: &[ServiceObserved], now: &[ServiceObserved]) -> Vec<String> {
    let runs = |name: &str| now.iter().any(|service| service.name.eq_ignore_ascii_case(name));
    before
        .iter()
        .filter(|service| service.running && !is_iis(&service.name) && !runs(&service.name))
        .map(|service| service.name.clone())
        .collect()
}

/// Starts what IIS took along and did not bring back, and waits until it runs.
pub(in crate::steps) async fn bring_back(
    session: &mut Session,
    before: &[ServiceObserved],
    facts: &mut Vec<String>,
) -> Result<(), StepError> {
    let healthy_within = session.plan().policy.healthy_deadline;
    let patience = session.clock().deadline(SETTLED_WITHIN.min(healthy_within));
    let mut started: BTreeSet<String> = BTreeSet::new();
    loop {
        let missing = missing(session, before).await?;
        if missing.of_iis.is_empty() {
            facts.extend(
                missing
                    .others
                    .iter()
                    .map(|name| format!("{name} ran before and does not now; it does not need IIS")),
            );
            return Ok(());
        }
        if patience.has_passed() {
            return Err(left_stopped(&missing.of_iis));
        }
        session.doing(format!("not running: {}", missing.of_iis.join(", ")));
        for name in &missing.of_iis {
            if !started.insert(name.clone()) {
                continue;
            }
            facts.push(match start(session, name).await.map_err(StepError::from) {
                Ok(()) => format!("{name} was left stopped and was started"),
                Err(error) => format!(
                    "{name} was left stopped and could not be started: {}",
                    error.found
                ),
            });
        }
        session.clock().pause(EVERY).await;
    }
}

pub(super) fn left_stopped(names: &[String]) -> StepError {
    timed_out(
        "look at the services that need IIS",
        "every service that ran before the restart runs",
        format!("not running: {}", names.join(", ")),
    )
    .hint("start them on the server (`sc start NAME`); the System event log says why they do not start, then resume")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(names: &[&str]) -> Vec<ServiceObserved> {
        names
            .iter()
            .map(|name| ServiceObserved {
                name: (*name).to_owned(),
                running: true,
                pid: 4,
            })
            .collect()
    }

    #[test]
    fn what_ran_before_is_missed_in_any_spelling() {
        let before = running(&["W3SVC", "WAS", "IISADMIN", "NetTcpActivator", "Spooler"]);
        assert_eq!(
            gone(&before, &running(&["iisadmin", "SPOOLER", "BITS"])),
            ["NetTcpActivator"]
        );
        let stopped = ServiceObserved {
            running: false,
            ..before[3].clone()
        };
        assert_eq!(gone(&[stopped], &[]), Vec::<String>::new());
    }

    #[test]
    fn the_two_services_of_iis_are_listed_once() {
        let all = beside(running(&["W3SVC", "WAS"]), running(&["was", "W3svc", "Spooler"]));
        let names: Vec<&str> = all.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["W3SVC", "WAS", "Spooler"]);
    }
}
