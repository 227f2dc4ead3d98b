//! The loop of a run: events in, one commit, one application, every sink, and the actions that come of it out to the workers.
//!
//! This is the only place that waits for more than one thing. Workers, witnesses, timers, the operator and the ticking of the screen meet here and become
//! one stream of events.

mod monitor;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use inventory::ServerName;
use jiff::{SignedDuration, Timestamp};
use rollout::{Answer, Commit, Debt, Desk, Event, EventKind, Next, Pause, Progress, Rollout, Sink, Verdict};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::error::Error;
use crate::hooks::Gate;
use crate::lease::Keeper;
use crate::shutdown::StopRequest;
use crate::watch::Watch;
use crate::world::World;
use monitor::Monitor;
use worker::Workers;

/// How often sinks may redraw, in real time.
const TICK: Duration = Duration::from_millis(250);

/// How long the workers may take to close their shells at the end of a run, in real time.
const CLOSING: Duration = Duration::from_secs(10);

/// How long a change that is under way when the operator aborts may take to end by itself, in real time. Longer than a commit of appcmd and
/// shorter than an operator's patience; an iisreset takes longer and is left alone.
const ABORTING: Duration = Duration::from_secs(5);

/// How long changes that are under way may take to end when the journal cannot be written any more: the longest is an iisreset.
const STRANDED: SignedDuration = SignedDuration::from_secs(120);

/// How long shells that were dropped may take to be deleted, in real time.
const REAPING: Duration = Duration::from_secs(5);

/// Runs a rollout to its end. `rollout` has seen `run_started` (or, on the way from a journal, `run_resumed`) already.
///
/// While a hook of `gate` is being told nothing begins, and nothing more does once one could not be told.
///
/// Every exit path closes the WinRM shells. A change that is under way when the operator asks to stop hard is left alone; the journal then has
/// an intent without an outcome, and `resume` looks again.
///
/// # Errors
/// [`Error::Commit`] when the journal cannot be written: nothing new was started since. [`Error::Illegal`] and [`Error::WorkerLost`] are defects.
pub async fn run(
    rollout: Rollout,
    world: Arc<World>,
    commit: &mut dyn Commit,
    sinks: &mut [Box<dyn Sink>],
    desk: Arc<dyn Desk>,
    gate: Gate,
    stop: mpsc::Receiver<StopRequest>,
) -> Result<Verdict, Error> {
    if rollout.run_id().is_none() {
        return Err(Error::NotStarted);
    }
    let plan = Arc::new(rollout.plan().clone());
    let (answers, answered) = mpsc::unbounded_channel();
    // Progress is dropped when a sink does not keep up; a few for each server are plenty.
    let (progress, progressed) = mpsc::channel(1024);
    let monitor = Monitor::start(&world, &plan, &answers, &progress);
    let watch = Watch::start(&world, &rollout, &answers, &progress);
    let keeper = Keeper::start(&world, plan.policy.lease, answers.clone());
    let mut dispatcher = Dispatcher {
        rollout,
        watch: &watch,
        workers: Workers::new(Arc::clone(&world), Arc::clone(&plan), answers, progress),
        world,
        commit,
        sinks,
        desk,
        gate,
    };
    dispatcher.note_taken_out();
    let ended = dispatcher.dispatch(answered, progressed, stop).await;
    let patience = match &ended {
        Ok(Verdict::Aborted) => ABORTING,
        Ok(_) => CLOSING,
        Err(_) => dispatcher.world.clock().limit(STRANDED),
    };
    let Dispatcher {
        mut workers, world, ..
    } = dispatcher;
    workers.finish(patience).await;
    keeper.stop();
    monitor.stop();
    watch.stop();
    world.leave_lookouts();
    winrm::reap(REAPING).await;
    ended
}

struct Dispatcher<'a> {
    rollout: Rollout,
    watch: &'a Watch,
    world: Arc<World>,
    workers: Workers,
    commit: &'a mut dyn Commit,
    sinks: &'a mut [Box<dyn Sink>],
    desk: Arc<dyn Desk>,
    gate: Gate,
}

impl Dispatcher<'_> {
    async fn dispatch(
        &mut self,
        mut answered: mpsc::UnboundedReceiver<EventKind>,
        mut progressed: mpsc::Receiver<Progress>,
        mut stop: mpsc::Receiver<StopRequest>,
    ) -> Result<Verdict, Error> {
        let world = Arc::clone(&self.world);
        let clock = world.clock();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut hears_stop = true;
        // The question that is out, and where its answer will arrive.
        let mut asked: Option<(Pause, oneshot::Receiver<(Answer, String)>)> = None;
        loop {
            let until = match self.rollout.next(clock.now()) {
                // What else is due by then is seen at the next tick.
                Next::Record(kind) if self.gate.holds(&kind) => None,
                Next::Record(kind) => {
                    self.record(kind)?;
                    continue;
                }
                Next::Finished(verdict) => return Ok(verdict),
                Next::Wait(until) => until,
            };
            match self.rollout.pause() {
                Some(pause) if asked.as_ref().is_none_or(|(asked, _)| asked != pause) => {
                    asked = Some((pause.clone(), self.ask(pause)));
                }
                Some(_) => {}
                None => asked = None,
            }
            let answer = async {
                match &mut asked {
                    Some((_, answer)) => answer.await,
                    None => std::future::pending().await,
                }
            };
            let timer = async {
                match until {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(kind) = answered.recv() => self.record(kind)?,
                Some(progress) = progressed.recv() => self.publish_progress(&progress),
                request = stop.recv(), if hears_stop => match request {
                    Some(request) => self.stop(request)?,
                    None => hears_stop = false,
                },
                answer = answer => {
                    asked = None;
                    // A desk that falls silent has said nothing, and that is never a yes.
                    let (answer, by) = answer.unwrap_or_else(|_| (Answer::Stop, "nobody: the question was lost".to_owned()));
                    self.record(EventKind::PersonAnswered { answer, by })?;
                }
                failed = self.gate.answer() => if let Some(failed) = failed {
                    self.record(failed)?;
                },
                Err(lost) = self.workers.next_lost() => return Err(lost),
                () = timer => {}
                _ = tick.tick() => self.tick(clock.now()),
            }
        }
    }

    /// Makes a fact durable, lets it take effect, shows it, and hands out what comes of it.
    fn record(&mut self, kind: EventKind) -> Result<(), Error> {
        let at = self.world.clock().now();
        // Only the journal gives an event its number; whether it is possible does not depend on that. An impossible event must not be
        // committed, since the journal could not be replayed any more.
        let expected = Event { seq: 0, at, kind };
        self.rollout
            .check(&expected)
            .map_err(|source| Error::Illegal { source })?;
        let event = self
            .commit
            .commit(at, expected.kind)
            .map_err(|source| Error::Commit { source })?;
        let action = self
            .rollout
            .apply(&event)
            .map_err(|source| Error::Illegal { source })?;
        self.note_taken_out();
        self.watch.note(&event);
        for sink in self.sinks.iter_mut() {
            sink.event(&event);
        }
        self.gate.hear(&event);
        if let Some(action) = action {
            self.workers.perform(action)?;
        }
        if let Some(server) = ended_server(&event) {
            self.workers.release(server);
        }
        Ok(())
    }

    /// Whom the run owes a place in rotation.
    fn note_taken_out(&self) {
        let owed = self.rollout.debts().into_iter();
        let out = owed.filter(|owed| matches!(owed.debt, Debt::Rotation { .. }));
        self.world.note_taken_out(out.map(|owed| owed.server).collect());
    }

    /// Asks the person. The desk blocks until there is an answer, on a thread of its own that nobody waits for at the end of the run.
    fn ask(&self, pause: &Pause) -> oneshot::Receiver<(Answer, String)> {
        let (answers, answer) = oneshot::channel();
        let (desk, pause) = (Arc::clone(&self.desk), pause.clone());
        std::thread::spawn(move || {
            // Nobody listens any more when the run has ended meanwhile.
            let _ = answers.send(desk.ask(&pause));
        });
        answer
    }

    fn stop(&mut self, request: StopRequest) -> Result<(), Error> {
        let hard = request == StopRequest::Hard;
        if hard {
            self.workers.abort_waits();
        }
        self.record(EventKind::StopRequested { hard })
    }

    fn publish_progress(&mut self, progress: &Progress) {
        let at = self.world.clock().now();
        for sink in self.sinks.iter_mut() {
            sink.progress(at, progress);
        }
    }

    fn tick(&mut self, at: Timestamp) {
        for sink in self.sinks.iter_mut() {
            sink.tick(at);
        }
    }
}

/// The server that has come to an end by this event: its shell is not needed any more. Should its steps be taken back later, a fresh one is
/// opened.
fn ended_server(event: &Event) -> Option<&ServerName> {
    match &event.kind {
        EventKind::ServerHealthy { server, .. }
        | EventKind::ServerFailed { server, .. }
        | EventKind::ServerUndone { server }
        | EventKind::ServerStuck { server }
        | EventKind::ServerSkipped { server } => Some(server),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
