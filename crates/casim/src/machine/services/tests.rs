//! Dependencies, shared processes and timetables of services.

use std::time::Duration;

use super::{IISADMIN, NET_PIPE, NET_TCP, ServiceError, ServiceState, Services, W3SVC, WAS, WebServiceEvent};
use crate::machine::ExchangeRelease;
use crate::machine::chance::Chance;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fresh() -> (Services, Chance) {
    let mut chance = Chance::new(7, "CAS01");
    (Services::running(ExchangeRelease::default(), &mut chance), chance)
}

fn look(services: &Services, name: &str) -> (ServiceState, u32) {
    services
        .get(name)
        .map(|s| (s.state, s.pid))
        .expect("a known service")
}

#[test]
fn the_two_iis_services_share_a_process() {
    let (services, _) = fresh();
    assert_eq!(look(&services, W3SVC), look(&services, WAS));
    assert_ne!(look(&services, W3SVC).1, look(&services, IISADMIN).1);
}

#[test]
fn was_cannot_be_stopped_under_w3svc_and_starts_with_it() {
    let (mut services, mut chance) = fresh();
    let before = look(&services, W3SVC).1;
    assert_eq!(
        services.stop(WAS, s(0), s(2)),
        Err(ServiceError::DependentServicesRunning)
    );
    assert_eq!(services.stop("w3svc", s(0), s(2)), Ok(()));
    assert_eq!(look(&services, W3SVC).0, ServiceState::StopPending);
    assert_eq!(
        services.stop(W3SVC, s(1), s(2)),
        Err(ServiceError::CannotAcceptControl)
    );
    assert_eq!(services.settle(s(2), &mut chance), [WebServiceEvent::Stopped]);
    assert_eq!(
        services.stop(WAS, s(2), s(2)),
        Err(ServiceError::DependentServicesRunning),
        "the listeners need it too"
    );
    let names: Vec<&str> = services
        .dependents(WAS)
        .expect("a service")
        .iter()
        .map(|service| service.profile.name)
        .collect();
    assert_eq!(names, [W3SVC, NET_PIPE, NET_TCP]);
    stop_listeners(&mut services);
    services.settle(s(2), &mut chance);
    assert_eq!(services.stop(WAS, s(2), s(2)), Ok(()));
    services.settle(s(4), &mut chance);
    assert_eq!(look(&services, WAS), (ServiceState::Stopped, 0));
    assert_eq!(services.start(W3SVC, s(5), s(3), &mut chance), Ok(()));
    assert_eq!(
        services.settle(s(9), &mut chance),
        [WebServiceEvent::Started(s(8))]
    );
    assert_eq!(look(&services, WAS).0, ServiceState::Running);
    assert_ne!(look(&services, W3SVC).1, before);
    assert_eq!(look(&services, WAS).1, look(&services, W3SVC).1);
}

fn stop_listeners(services: &mut Services) {
    for name in [NET_TCP, NET_PIPE] {
        assert_eq!(services.stop(name, s(0), s(1)), Ok(()));
    }
}

#[test]
fn starting_while_the_dependency_stops_is_refused() {
    let (mut services, mut chance) = fresh();
    services.stop(W3SVC, s(0), s(1)).expect("running");
    stop_listeners(&mut services);
    services.settle(s(1), &mut chance);
    services.stop(WAS, s(1), s(5)).expect("running");
    assert_eq!(
        services.start(W3SVC, s(2), s(1), &mut chance),
        Err(ServiceError::DependencyFailed)
    );
    assert_eq!(
        services.start("nosuch", s(2), s(1), &mut chance),
        Err(ServiceError::DoesNotExist)
    );
}

#[test]
fn a_planned_restart_goes_on_by_itself() {
    let (mut services, mut chance) = fresh();
    let before = [look(&services, IISADMIN).1, look(&services, WAS).1];
    services.restart_internet_later(s(0), s(3), s(8));
    assert!(!services.web_runs());
    let events = services.settle(s(60), &mut chance);
    assert_eq!(events, [WebServiceEvent::Stopped, WebServiceEvent::Started(s(8))]);
    assert!(services.web_runs());
    let after = [look(&services, IISADMIN).1, look(&services, WAS).1];
    assert!(before.iter().all(|pid| !after.contains(pid)));
    assert_eq!(look(&services, WAS).1, look(&services, W3SVC).1);
}
