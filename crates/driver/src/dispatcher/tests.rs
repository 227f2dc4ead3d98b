//! Runs against servers that are not there, or that never answer: what the loop does with events, errors and the operator.

use std::sync::Mutex;

use rollout::{CommitError, RunId, Survey};
use tokio::net::TcpListener;

use super::*;
use crate::testing::{LoadBalancer, Ports, plan, world};

const STEPS: &str = "[policy]\nmax_failures = 0\n[[step]]\nrestart_iis = {}\n";

/// A journal in memory that refuses to take more than `room` events.
struct Memory {
    events: Vec<Event>,
    room: usize,
}

impl Commit for Memory {
    fn commit(&mut self, at: Timestamp, kind: EventKind) -> Result<Event, CommitError> {
        if self.events.len() >= self.room {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull).into();
            return Err(CommitError { source });
        }
        let seq = self.events.len() as u64;
        let event = Event { seq, at, kind };
        self.events.push(event.clone());
        Ok(event)
    }
}

/// What a sink was told.
#[derive(Clone, Default)]
struct Told {
    events: Arc<Mutex<Vec<Event>>>,
    progress: Arc<Mutex<Vec<Progress>>>,
}

impl Sink for Told {
    fn event(&mut self, event: &Event) {
        self.events.lock().unwrap().push(event.clone());
    }

    fn progress(&mut self, _at: Timestamp, progress: &Progress) {
        self.progress.lock().unwrap().push(progress.clone());
    }

    fn tick(&mut self, _at: Timestamp) {}
}

/// A rollout that has begun, and its journal with room for `room` more events.
fn begun(world: &World, room: usize) -> (Rollout, Memory) {
    let plan = plan(world, STEPS);
    let mut rollout = Rollout::new(plan.clone());
    let mut journal = Memory {
        events: Vec::new(),
        room: room.saturating_add(1),
    };
    let started = EventKind::RunStarted {
        run: RunId::new("20261124-0214-7f3a"),
        plan: Box::new(plan),
        operator: "ops@jump".to_owned(),
        version: "0.1.0".to_owned(),
        inventory: "test.toml".to_owned(),
    };
    let event = journal.commit(world.clock().now(), started).unwrap();
    rollout.apply(&event).unwrap();
    (rollout, journal)
}

/// Nobody sits at the desk.
struct Nobody;

impl Desk for Nobody {
    fn ask(&self, _pause: &Pause) -> (Answer, String) {
        (Answer::Stop, "nobody: no terminal".to_owned())
    }
}

/// [`run`] without anybody at the desk, and without hooks.
async fn unattended(
    rollout: Rollout,
    world: Arc<World>,
    journal: &mut Memory,
    sinks: &mut [Box<dyn Sink>],
    stopped: mpsc::Receiver<StopRequest>,
) -> Result<Verdict, Error> {
    run(
        rollout,
        world,
        journal,
        sinks,
        Arc::new(Nobody),
        Gate::default(),
        stopped,
    )
    .await
}

/// An open port that accepts nothing: connections stay in the kernel's queue for ever.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name()).collect()
}

#[tokio::test]
async fn what_is_committed_is_shown_and_a_lost_server_spends_the_budget() {
    let world = world(&Ports::default(), 100.0);
    let (rollout, mut journal) = begun(&world, usize::MAX - 1);
    let told = Told::default();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(told.clone())];
    let (_stop, stopped) = mpsc::channel(1);
    let verdict = unattended(rollout, world, &mut journal, &mut sinks, stopped)
        .await
        .unwrap();
    assert_eq!(verdict, Verdict::BudgetSpent);
    assert_eq!(
        names(&journal.events),
        [
            "run_started",
            "wave_started",
            "server_started",
            "surveyed",
            "server_failed",
            "budget_spent",
            "server_skipped",
            "wave_finished",
            "run_finished",
        ]
    );
    // `run_started` was committed, and shown, by whoever made the rollout.
    assert_eq!(*told.events.lock().unwrap(), journal.events[1..]);
    let EventKind::Surveyed {
        survey: Survey::Failed(error),
        ..
    } = &journal.events[3].kind
    else {
        panic!("{:?}", journal.events[3])
    };
    assert_eq!(error.kind, rollout::FailureKind::Unreachable);
    assert!(
        error.hint.as_deref().unwrap().contains("casgate ping cas01"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_ends_the_run_before_anything_new_is_begun() {
    let (_listener, winrm) = silent().await;
    let ports = Ports {
        winrm,
        ..Ports::default()
    };
    let world = world(&ports, 100.0);
    // Room for `wave_started`, not for `server_started`.
    let (rollout, mut journal) = begun(&world, 1);
    let told = Told::default();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(told.clone())];
    let (_stop, stopped) = mpsc::channel(1);
    let error = unattended(rollout, world, &mut journal, &mut sinks, stopped)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Commit { .. }), "{error:?}");
    assert_eq!(names(&told.events.lock().unwrap()), ["wave_started"]);
}

#[tokio::test]
async fn a_hard_stop_ends_a_wait_at_once_and_leaves_the_intent_open() {
    let (_listener, winrm) = silent().await;
    let ports = Ports {
        winrm,
        ..Ports::default()
    };
    let world = world(&ports, 1.0);
    let (rollout, mut journal) = begun(&world, usize::MAX - 1);
    let (stop, stopped) = mpsc::channel(2);
    stop.send(StopRequest::Soft).await.unwrap();
    stop.send(StopRequest::Hard).await.unwrap();
    let began = tokio::time::Instant::now();
    let verdict = unattended(rollout, world, &mut journal, &mut [], stopped)
        .await
        .unwrap();
    assert_eq!(verdict, Verdict::Aborted);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(
        names(&journal.events),
        [
            "run_started",
            "wave_started",
            "server_started",
            "stop_requested",
            "stop_requested",
            "run_finished",
        ]
    );
}

#[tokio::test]
async fn a_soft_stop_lets_what_runs_come_to_its_end() {
    let world = world(&Ports::default(), 100.0);
    let (rollout, mut journal) = begun(&world, usize::MAX - 1);
    let (stop, stopped) = mpsc::channel(1);
    stop.send(StopRequest::Soft).await.unwrap();
    drop(stop);
    unattended(rollout, world, &mut journal, &mut [], stopped)
        .await
        .unwrap();
    let names = names(&journal.events);
    assert!(
        names.contains(&"stop_requested") && names.contains(&"surveyed"),
        "{names:?}"
    );
    assert_eq!(names.iter().filter(|name| **name == "server_started").count(), 1);
}

#[tokio::test]
async fn the_rotation_is_watched_all_run_long() {
    let balancer = LoadBalancer::start().await;
    let (_listener, winrm) = silent().await;
    let ports = Ports {
        winrm,
        balancer: Some(balancer.socket.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 100.0);
    let (rollout, mut journal) = begun(&world, usize::MAX - 1);
    let told = Told::default();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(told.clone())];
    let (stop, stopped) = mpsc::channel(1);
    let watched = Arc::clone(&world);
    let looking = tokio::spawn(async move {
        let seen = |world: &World| world.rotation_seen().into_values().next();
        let until = |least: u32| {
            let world = Arc::clone(&watched);
            async move {
                while seen(&world).is_none_or(|seen| seen.least != least) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        until(2).await;
        balancer.set_admin("cas02", "maint");
        until(1).await;
        balancer.set_admin("cas02", "ready");
        stop.send(StopRequest::Hard).await.unwrap();
    });
    unattended(rollout, Arc::clone(&world), &mut journal, &mut sinks, stopped)
        .await
        .unwrap();
    looking.await.unwrap();
    let seen = world.rotation_seen()[&"eas".into()];
    assert_eq!((seen.least, seen.members), (1, 2));
    let told = told.progress.lock().unwrap();
    assert!(
        told.iter().any(|progress| matches!(
            progress,
            Progress::Rotation {
                in_rotation: 1,
                members: 2,
                ..
            }
        )),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_rollout_that_has_not_begun_is_refused() {
    let world = world(&Ports::default(), 1.0);
    let rollout = Rollout::new(plan(&world, STEPS));
    let mut journal = Memory {
        events: Vec::new(),
        room: usize::MAX,
    };
    let (_stop, stopped) = mpsc::channel(1);
    let error = unattended(rollout, world, &mut journal, &mut [], stopped)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotStarted), "{error:?}");
    assert_eq!(journal.events, []);
}
