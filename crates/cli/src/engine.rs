//! One way to perform a run, for `apply`, `resume` and `rehearse` alike: the core, the driver, the journal and the sinks put together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver::{Gate, Hooks, StopRequest, World};
use jiff::Timestamp;
use journal::Journal;
use report::Model;
use rollout::{Event, EventKind, Plan, Progress, Rollout, RunId, Sink, Verdict};
use tokio::sync::mpsc;

use crate::desk::Terminal;
use crate::error::Error;
use crate::leftovers;
use crate::people;
use crate::printer::Printer;
use crate::secrets;

/// The operator's requests to stop, from SIGINT and SIGTERM.
pub(crate) fn signals() -> Result<mpsc::Receiver<StopRequest>, Error> {
    driver::signals().map_err(|source| Error::Driver { source })
}

/// How long the end of a run waits for hooks that are still to be told.
const HOOKS: Duration = Duration::from_secs(60);

/// What is needed to perform a run.
pub(crate) struct Engine<'a> {
    pub(crate) world: Arc<World>,
    pub(crate) journal: Journal,
    pub(crate) printer: &'a Printer,
    pub(crate) stop: mpsc::Receiver<StopRequest>,
    /// The run whose leases the operator allowed to take over.
    pub(crate) steal: Option<RunId>,
    /// When everything has to have ended.
    pub(crate) until: Option<Timestamp>,
}

/// How a run goes on.
pub(crate) enum Onward {
    /// Everything that is not proven done is looked at again.
    Resume,
    /// Backwards.
    Undo,
}

impl Engine<'_> {
    /// A fresh run.
    pub(crate) async fn start(
        mut self,
        plan: Plan,
        run: RunId,
        inventory: String,
    ) -> Result<(Verdict, Model), Error> {
        let at = self.world.clock().now();
        let started = EventKind::RunStarted {
            run,
            plan: Box::new(plan.clone()),
            operator: people::operator(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inventory,
        };
        let mut events = vec![self.commit(at, started)?];
        events.extend(self.enter_window()?);
        events.extend(self.approve_steal()?);
        self.go(plan, events, 0).await
    }

    /// Goes on with the run that these events tell.
    pub(crate) async fn go_on(
        mut self,
        plan: Plan,
        mut events: Vec<Event>,
        onward: Onward,
    ) -> Result<(Verdict, Model), Error> {
        let shown = events.len();
        let at = self.world.clock().now();
        let operator = people::operator();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let kind = match onward {
            Onward::Resume => EventKind::RunResumed { operator, version },
            Onward::Undo => EventKind::UndoRequested { operator, version },
        };
        events.push(self.commit(at, kind)?);
        events.extend(self.enter_window()?);
        events.extend(self.approve_steal()?);
        self.go(plan, events, shown).await
    }

    /// The takeover is on disk before the first lease is taken over.
    fn approve_steal(&mut self) -> Result<Option<Event>, Error> {
        let Some(from) = self.steal.take() else {
            return Ok(None);
        };
        let at = self.world.clock().now();
        let operator = people::operator();
        self.commit(at, EventKind::StealApproved { from, operator })
            .map(Some)
    }

    fn enter_window(&mut self) -> Result<Option<Event>, Error> {
        let Some(until) = self.until else {
            return Ok(None);
        };
        let at = self.world.clock().now();
        self.commit(at, EventKind::WindowEntered { until }).map(Some)
    }

    fn commit(&mut self, at: Timestamp, kind: EventKind) -> Result<Event, Error> {
        rollout::Commit::commit(&mut self.journal, at, kind).map_err(|source| Error::Driver {
            source: driver::Error::Commit { source },
        })
    }

    /// Replays `events` (the first `shown` of which earlier sittings have shown) and drives the run to its end.
    async fn go(mut self, plan: Plan, events: Vec<Event>, shown: usize) -> Result<(Verdict, Model), Error> {
        let mut rollout = Rollout::new(plan);
        for event in &events {
            rollout.apply(event).map_err(|source| Error::Replay { source })?;
        }
        let (past, fresh) = events.split_at(shown);
        let folded = Arc::new(Mutex::new(Folded {
            model: Model::default(),
            rollout: Rollout::new(rollout.plan().clone()),
        }));
        let mut sinks = self.printer.sinks(past);
        let mut fold = Fold(Arc::clone(&folded));
        past.iter().for_each(|event| fold.event(event));
        sinks.push(Box::new(fold));
        let mut gate = Gate::default();
        let hooks = rollout
            .run_id()
            .filter(|_| !rollout.plan().hooks.is_empty())
            .map(|run| {
                let plan = rollout.plan();
                let (hooks, change) = (&plan.hooks, plan.change.as_deref());
                let urls = secrets::urls(plan, self.world.inventory());
                gate = Gate::new(hooks, &urls, run, change);
                if !rollout.is_taken_back() {
                    gate.hear_again(past);
                }
                let (sink, hooks) = Hooks::start(hooks, &urls, run, change);
                sinks.push(Box::new(sink));
                hooks
            });
        for event in fresh {
            sinks.iter_mut().for_each(|sink| sink.event(event));
            gate.hear(event);
        }
        let verdict = driver::run(
            rollout,
            Arc::clone(&self.world),
            &mut self.journal,
            &mut sinks,
            Arc::new(Terminal::new(self.printer)),
            gate,
            self.stop,
        )
        .await
        .map_err(|source| Error::Driver { source });
        drop(sinks);
        if let Some(hooks) = hooks {
            for failure in hooks.finish(HOOKS).await {
                self.printer.note(&format!("warning: {failure}"));
            }
        }
        let verdict = verdict?;
        self.printer.note(&format!(
            "journal: {} events, head {}",
            self.journal.length(),
            self.journal.head()
        ));
        let folded = folded.lock().unwrap_or_else(PoisonError::into_inner);
        let shells = leftovers::shells(&folded.rollout, &self.world);
        for line in leftovers::lines(&folded.rollout, &self.world)
            .into_iter()
            .chain(shells)
        {
            self.printer.text(&line);
        }
        Ok((verdict, folded.model.clone()))
    }
}

/// What is true at the end of a run, for its summary.
struct Folded {
    model: Model,
    rollout: Rollout,
}

struct Fold(Arc<Mutex<Folded>>);

impl Sink for Fold {
    fn event(&mut self, event: &Event) {
        let mut folded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folded.model.apply(event);
        // The driver has applied it to a state of its own before it came here.
        let _ = folded.rollout.apply(event);
    }

    fn progress(&mut self, _at: Timestamp, progress: &Progress) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .model
            .progress(progress);
    }

    fn tick(&mut self, _at: Timestamp) {}
}
