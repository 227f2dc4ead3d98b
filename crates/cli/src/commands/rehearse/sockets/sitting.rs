//! One sitting of a rehearsed run: a runtime of its own, which is dropped with everything in it where the scenario says that the process dies.
//!
//! What the simulated servers and the journal on disk have is all that is left then, as after a kill -9: tasks end where they wait, connections
//! are closed, nobody says goodbye to a server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver::{Clock, Gate, StopRequest};
use jiff::Timestamp;
use journal::StateDirectory;
use rollout::simulation::Chance;
use rollout::{Answer, Commit, Desk, Event, EventKind, Pause, Plan, Progress, Rollout, RunId, Sink, Verdict};
use tokio::sync::{Notify, mpsc, oneshot};

use super::super::stage::Stage;
use super::trouble::Trouble;
use crate::{people, state};

/// The real time that a sitting may take; one that takes longer does not end.
const LIMIT: Duration = Duration::from_secs(180);

/// How long a process that is to die may go on working, in milliseconds of real time: the act that follows the event is begun, half done or done.
const LAST_BREATH: usize = 40;

/// How a sitting ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// By itself.
    Finished(Verdict),
    /// The process died.
    Crashed,
}

/// A sitting to be held.
pub(super) struct Sitting {
    pub(super) stage: Arc<Stage>,
    pub(super) trouble: Arc<Trouble>,
    pub(super) runs: StateDirectory,
    pub(super) run: RunId,
    /// One clock for all sittings: time does not go back when a process starts anew.
    pub(super) clock: Clock,
    /// The plan of a run that begins here; `None` for one that goes on.
    pub(super) begins: Option<Plan>,
    /// The process dies when the journal has so many events.
    pub(super) crash_at: Option<usize>,
    /// The operator asks to stop when the journal has so many events; twice when the flag is set.
    pub(super) stop_at: Option<(usize, bool)>,
    /// What decides when nobody does: answers, and how long a dying process still works.
    pub(super) chance: Chance,
}

impl Sitting {
    /// Holds it, on a thread of its own.
    pub(super) async fn hold(self) -> Result<End, String> {
        let (said, heard) = oneshot::channel();
        std::thread::spawn(move || {
            // Whoever does not listen any more has given up the whole rehearsal.
            let _ = said.send(self.hold_here());
        });
        heard
            .await
            .unwrap_or_else(|_| Err("the sitting's thread came to a sudden end".to_owned()))
    }

    fn hold_here(self) -> Result<End, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let ended = runtime.block_on(self.perform());
        runtime.shutdown_background();
        ended
    }

    async fn perform(mut self) -> Result<End, String> {
        let world = self.stage.world(self.clock.clone(), self.run.clone(), None);
        let (operator, version) = (people::operator(), env!("CARGO_PKG_VERSION").to_owned());
        let (mut events, mut journal, kind) = match self.begins.take() {
            Some(plan) => {
                let journal = state::create(&self.runs, &self.run).map_err(|error| told(&error))?;
                let kind = EventKind::RunStarted {
                    run: self.run.clone(),
                    plan: Box::new(plan),
                    operator,
                    version,
                    inventory: "rehearsal".to_owned(),
                };
                (Vec::new(), journal, kind)
            }
            None => {
                let (events, journal) = state::open(&self.runs, &self.run).map_err(|error| told(&error))?;
                (events, journal, EventKind::RunResumed { operator, version })
            }
        };
        let begun = Commit::commit(&mut journal, self.clock.now(), kind).map_err(|error| told(&error))?;
        events.push(begun);
        let rollout = Rollout::replay(&events).map_err(|error| told(&error))?;
        let (stop, stops) = mpsc::channel(4);
        let dies = Arc::new(Notify::new());
        let last_breath =
            Duration::from_millis(u64::try_from(self.chance.below(LAST_BREATH)).unwrap_or_default());
        let eye = Eye {
            trouble: Arc::clone(&self.trouble),
            written: events.len(),
            crash_at: self.crash_at,
            dies: Arc::clone(&dies),
            stop_at: self.stop_at,
            stop,
        };
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(eye)];
        let desk = Arc::new(Dice(Mutex::new(self.chance)));
        let death = async {
            dies.notified().await;
            tokio::time::sleep(last_breath).await;
        };
        tokio::select! {
            ended = driver::run(rollout, world, &mut journal, &mut sinks, desk, Gate::default(), stops) => {
                ended.map(End::Finished).map_err(|error| told(&error))
            }
            () = death => Ok(End::Crashed),
            () = tokio::time::sleep(LIMIT) => Err(format!("the run does not end within {LIMIT:?}")),
        }
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Sees every event: trouble comes at some of them, the end of the process at one.
struct Eye {
    trouble: Arc<Trouble>,
    written: usize,
    crash_at: Option<usize>,
    dies: Arc<Notify>,
    stop_at: Option<(usize, bool)>,
    stop: mpsc::Sender<StopRequest>,
}

impl Sink for Eye {
    fn event(&mut self, event: &Event) {
        self.written += 1;
        self.trouble.see(&event.kind);
        if self.crash_at.is_some_and(|at| self.written >= at) {
            self.dies.notify_one();
        }
        if let Some((_, hard)) = self.stop_at.take_if(|(at, _)| self.written >= *at) {
            // There is room for all of them.
            let _ = self.stop.try_send(StopRequest::Soft);
            if hard {
                let _ = self.stop.try_send(StopRequest::Hard);
            }
        }
    }

    fn progress(&mut self, _at: Timestamp, _progress: &Progress) {}

    fn tick(&mut self, _at: Timestamp) {}
}

/// A person who says what chance says.
struct Dice(Mutex<Chance>);

impl Desk for Dice {
    fn ask(&self, pause: &Pause) -> (Answer, String) {
        let mut chance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (chance.pick(pause.answers(), Answer::Stop), "rehearsal".to_owned())
    }
}
