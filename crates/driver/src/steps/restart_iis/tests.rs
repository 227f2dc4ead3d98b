//! What counts as restarted.

use jiff::Timestamp;

use super::*;

fn worker(pid: u32, pool: &str) -> WorkerProcessObserved {
    WorkerProcessObserved {
        pid,
        application_pool: pool.to_owned(),
        started: None,
    }
}

fn service(name: &str, pid: u32) -> ServiceObserved {
    ServiceObserved {
        name: name.to_owned(),
        running: pid != 0,
        pid,
    }
}

fn seen(w3svc: u32, workers: &[u32]) -> WebServer {
    WebServer {
        services: vec![service("W3SVC", w3svc), service("WAS", w3svc)],
        workers: workers
            .iter()
            .map(|pid| worker(*pid, "MSExchangeSyncAppPool"))
            .collect(),
        stopped: Vec::new(),
    }
}

#[test]
fn former_processes_have_to_be_gone() {
    let before = seen(900, &[4100, 4200]);
    let former = Former::of(&before.workers, &before.services);
    // (W3SVC's process, workers, whether that is a restart)
    for (w3svc, workers, expected) in [
        (1200, &[5100, 5200][..], true),
        // Workers come with the first request.
        (1200, &[], true),
        (1200, &[4200], false),
        (900, &[4100, 4200], false),
        // All workers are new, which is what matters; svchost may host other services too.
        (900, &[5100], true),
    ] {
        assert_eq!(
            former.is_gone(&seen(w3svc, workers)),
            expected,
            "{w3svc} {workers:?}"
        );
    }
}

#[test]
fn an_id_that_comes_back_is_told_apart_by_when_its_process_started() {
    let at = |second: i64| Timestamp::from_second(second).ok();
    let dated = |pids: &[(u32, Option<Timestamp>)]| {
        let mut seen = seen(900, &pids.iter().map(|(pid, _)| *pid).collect::<Vec<_>>());
        for (worker, (_, started)) in seen.workers.iter_mut().zip(pids) {
            worker.started = *started;
        }
        seen
    };
    let before = dated(&[(4100, at(10)), (4200, at(20))]);
    let former = Former::of(&before.workers, &before.services);
    // (workers, whether that is a restart)
    for (workers, expected) in [
        (&[(4100, at(30)), (5200, at(31))][..], true),
        (&[(4100, at(30)), (4200, at(20))], false),
        (&[(4100, at(10))], false),
        // A clock that was set back proves nothing.
        (&[(4100, at(5))], false),
        (&[(4100, None)], false),
    ] {
        assert_eq!(former.is_gone(&dated(workers)), expected, "{workers:?}");
    }
    assert_eq!(
        former.in_words(&dated(&[(4100, at(30)), (5200, at(31))])),
        "worker processes 4100, 4200 -> 4100, 5200 (4100: an id that came back), W3SVC 900 -> 900"
    );
    assert_eq!(
        former.in_words(&dated(&[(4100, None)])),
        "worker processes 4100, 4200 -> 4100 (4100: when it started is not known), W3SVC 900 -> 900"
    );
    let undated = seen(900, &[4100]);
    let former = Former::of(&undated.workers, &undated.services);
    assert!(
        !former.is_gone(&dated(&[(4100, at(30))])),
        "nothing to compare with"
    );
}

#[test]
fn where_no_worker_ran_the_service_tells() {
    let before = seen(900, &[]);
    let former = Former::of(&before.workers, &before.services);
    assert!(former.is_gone(&seen(1200, &[])));
    assert!(!former.is_gone(&seen(900, &[5100])));
    let stopped = seen(0, &[]);
    let former = Former::of(&stopped.workers, &stopped.services);
    assert!(former.is_gone(&seen(1200, &[])), "whatever runs now is new");
}

#[test]
fn a_recycled_pool_is_judged_by_its_own_workers() {
    let before = [
        worker(4100, "MSExchangeSyncAppPool"),
        worker(4200, "MSExchangeOWAAppPool"),
    ];
    let former = Former::of_pools(&before, &["msexchangesyncapppool".to_owned()]);
    assert!(former.is_gone(&seen(900, &[4200, 5100])));
    assert!(!former.is_gone(&seen(900, &[4100])));
}

#[test]
fn the_proof_names_processes_before_and_after() {
    let before = seen(900, &[4100, 4200]);
    let former = Former::of(&before.workers, &before.services);
    assert_eq!(
        former.in_words(&seen(1200, &[5100])),
        "worker processes 4100, 4200 -> 5100, W3SVC 900 -> 1200"
    );
    assert_eq!(
        former.in_words(&seen(0, &[])),
        "worker processes 4100, 4200 -> none"
    );
}

#[test]
fn what_does_not_settle_says_which_of_both_it_was() {
    let before = seen(900, &[4100]);
    let former = Former::of(&before.workers, &before.services);
    let stopped = unsettled("restart IIS", &former, &seen(0, &[]));
    assert_eq!(stopped.found, "not running: W3SVC, WAS");
    let same = unsettled("restart IIS", &former, &before);
    assert_eq!(
        same.found,
        "worker processes 4100 -> 4100 (4100: when it started is not known), W3SVC 900 -> 900"
    );
}
