//! One worker a server: takes one order after the other and answers each action with one event.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use inventory::ServerName;
use rollout::{Action, EventKind, Plan, Progress};
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::session::Session;
use crate::steps;
use crate::world::World;

/// What a worker is told.
enum Order {
    /// Do it and answer.
    Perform(Action),
    /// Nothing more is to be done for now: close the shell.
    Close,
}

/// The workers of a run.
pub(super) struct Workers {
    world: Arc<World>,
    plan: Arc<Plan>,
    answers: mpsc::UnboundedSender<EventKind>,
    progress: mpsc::Sender<Progress>,
    orders: BTreeMap<ServerName, mpsc::UnboundedSender<Order>>,
    tasks: JoinSet<()>,
    names: HashMap<task::Id, ServerName>,
    abort: CancellationToken,
}

impl Workers {
    /// None is there yet: a server's worker comes with its first action.
    pub(super) fn new(
        world: Arc<World>,
        plan: Arc<Plan>,
        answers: mpsc::UnboundedSender<EventKind>,
        progress: mpsc::Sender<Progress>,
    ) -> Self {
        Self {
            world,
            plan,
            answers,
            progress,
            orders: BTreeMap::new(),
            tasks: JoinSet::new(),
            names: HashMap::new(),
            abort: CancellationToken::new(),
        }
    }

    /// Hands an action to its server's worker.
    pub(super) fn perform(&mut self, action: Action) -> Result<(), Error> {
        let server = action.server().clone();
        if !self.orders.contains_key(&server) {
            self.hire(&server)?;
        }
        if let Some(orders) = self.orders.get(&server) {
            // Fails only when the worker has ended, which `next_lost` reports.
            let _ = orders.send(Order::Perform(action));
        }
        Ok(())
    }

    /// Lets a server's worker close its shell.
    pub(super) fn release(&self, server: &ServerName) {
        if let Some(orders) = self.orders.get(server) {
            let _ = orders.send(Order::Close);
        }
    }

    /// Ends whatever only looks or waits, at once. Changes are left alone.
    pub(super) fn abort_waits(&self) {
        self.abort.cancel();
    }

    /// Waits until a worker ends without having been told to, which only a defect does. Never answers while all is well.
    pub(super) async fn next_lost(&mut self) -> Result<(), Error> {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(Err(source)) => {
                    let server = self.names.get(&source.id());
                    return Err(Error::WorkerLost {
                        server: server.cloned().unwrap_or_else(|| ServerName::from("?")),
                        source,
                    });
                }
                Some(Ok(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Lets every worker finish what it does and close its shell. Who takes longer than `patience` is left to itself: what it does on the server
    /// is not signalled.
    pub(super) async fn finish(&mut self, patience: Duration) {
        self.abort_waits();
        self.orders.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.tasks.detach_all();
        }
    }

    fn hire(&mut self, server: &ServerName) -> Result<(), Error> {
        let (orders, heard) = mpsc::unbounded_channel();
        let session = Session::new(
            Arc::clone(&self.world),
            Arc::clone(&self.plan),
            self.world.server(server)?.clone(),
            self.progress.clone(),
            self.answers.clone(),
        );
        let work = work(session, heard, self.answers.clone(), self.abort.clone());
        self.names.insert(self.tasks.spawn(work).id(), server.clone());
        self.orders.insert(server.clone(), orders);
        Ok(())
    }
}

async fn work(
    mut session: Session,
    mut orders: mpsc::UnboundedReceiver<Order>,
    answers: mpsc::UnboundedSender<EventKind>,
    abort: CancellationToken,
) {
    while let Some(order) = orders.recv().await {
        let action = match order {
            Order::Perform(action) => action,
            Order::Close => {
                session.close().await;
                continue;
            }
        };
        let answer = if may_change_the_server(&action) {
            Some(steps::perform(&mut session, action).await)
        } else {
            abort
                .run_until_cancelled(steps::perform(&mut session, action))
                .await
        };
        let is_heard = answer.is_some_and(|answer| answers.send(answer).is_ok());
        if !is_heard || abort.is_cancelled() {
            break;
        }
    }
    session.close().await;
}

/// A change is never cut short: killing it midway would leave the server in a state that nobody chose.
fn may_change_the_server(action: &Action) -> bool {
    match action {
        Action::Apply { .. } | Action::Undo { .. } | Action::PayDebt { .. } => true,
        Action::Survey { .. }
        | Action::Probe { .. }
        | Action::Verify { .. }
        | Action::Soak { .. }
        | Action::LookAtControl { .. } => false,
    }
}
