//! All that the steps of one server work with: the plan, the world, the server's shell, and a voice.

use std::ops::ControlFlow;
use std::sync::Arc;

use command::{CommandLine, Invocation, Output};
use inventory::{Server, ServerName};
use jiff::{SignedDuration, Timestamp};
use rollout::{EventKind, Plan, Progress, StepError};
use tokio::sync::mpsc;
use winrm::{Streamed, Upload};

use crate::clock::Clock;
use crate::failure::{Setback, StepErrorExt, failed};
use crate::remote::Remote;
use crate::steps::Baseline;
use crate::world::World;

/// One server's session. It lives as long as the run; the shell in it comes and goes.
pub(crate) struct Session {
    world: Arc<World>,
    plan: Arc<Plan>,
    server: Server,
    remote: Remote,
    progress: mpsc::Sender<Progress>,
    /// When its turn came, as far as this sitting knows.
    began: Timestamp,
    facts: mpsc::UnboundedSender<EventKind>,
    /// What unchanged pages answered before anything was changed.
    pub(crate) baseline: Baseline,
}

impl Session {
    /// Connects to nothing yet.
    pub(crate) fn new(
        world: Arc<World>,
        plan: Arc<Plan>,
        server: Server,
        progress: mpsc::Sender<Progress>,
        facts: mpsc::UnboundedSender<EventKind>,
    ) -> Self {
        Self {
            remote: Remote::new(&world, server.name.clone()),
            began: world.clock().now(),
            world,
            plan,
            server,
            progress,
            facts,
            baseline: Baseline::default(),
        }
    }

    /// Looks at a server of the inventory in a session of its own, whose progress and facts nobody listens to, and which is closed again.
    pub(crate) async fn visit<T>(
        world: &Arc<World>,
        plan: &Plan,
        server: &ServerName,
        look: impl AsyncFnOnce(&mut Self) -> Result<T, StepError>,
    ) -> Result<T, StepError> {
        let written = world.server(server).map_err(|error| {
            let doing = "look at the server";
            failed(doing, "a server of the inventory", error.to_string()).caused_by(&error)
        })?;
        let (progress, _) = mpsc::channel(1);
        let (facts, _) = mpsc::unbounded_channel();
        let plan = Arc::new(plan.clone());
        let mut session = Self::new(Arc::clone(world), plan, written.clone(), progress, facts);
        let seen = look(&mut session).await;
        session.close().await;
        seen
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.world.clock()
    }

    /// Tells what the step is doing or waiting for. Dropped when nobody keeps up with reading.
    pub(crate) fn doing(&self, detail: impl Into<String>) {
        let _ = self.progress.try_send(Progress::Doing {
            server: self.server.name.clone(),
            detail: detail.into(),
        });
    }

    /// The server's turn has come: from now on it is no witness for others.
    pub(crate) fn begin(&mut self) {
        self.began = self.clock().now();
        self.world.control_group().touch(&self.server.name);
    }

    /// When the server's turn came.
    pub(crate) fn began(&self) -> Timestamp {
        self.began
    }

    /// Tells a fact beside the answer to an action. Nobody listens to those of a mere look.
    pub(crate) fn tell(&self, fact: EventKind) {
        let _ = self.facts.send(fact);
    }

    /// The server's shell.
    pub(crate) fn remote(&mut self) -> &mut Remote {
        &mut self.remote
    }

    /// WinRM's HTTP requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.remote.requests()
    }

    /// Opens the shell if it is not open.
    pub(crate) async fn open(&mut self) -> Result<(), StepError> {
        self.remote.open("log in and open a shell").await.map(|_| ())
    }

    /// As [`Remote::look`].
    pub(crate) async fn look<T>(&mut self, doing: &str, invocation: &Invocation<T>) -> Result<T, StepError> {
        self.remote.look(doing, invocation).await
    }

    /// As [`Remote::change`].
    pub(crate) async fn change<T>(
        &mut self,
        doing: &str,
        invocation: &Invocation<T>,
        limit: SignedDuration,
    ) -> Result<T, Setback> {
        self.remote.change(doing, invocation, limit).await
    }

    /// As [`Remote::execute`].
    pub(crate) async fn execute(
        &mut self,
        doing: &str,
        line: &CommandLine,
        stdin: Option<&[u8]>,
        limit: SignedDuration,
    ) -> Result<Output, Setback> {
        self.remote.execute(doing, line, stdin, limit).await
    }

    /// As [`Remote::upload`].
    pub(crate) async fn upload(
        &mut self,
        doing: &str,
        upload: &Upload,
        bytes: &[u8],
        limit: SignedDuration,
    ) -> Result<(), Setback> {
        self.remote.upload(doing, upload, bytes, limit).await
    }

    /// As [`Remote::stream`].
    pub(crate) async fn stream(
        &mut self,
        doing: &str,
        line: &CommandLine,
        limit: SignedDuration,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Streamed, StepError> {
        self.remote.stream(doing, line, limit, take).await
    }

    /// As [`Remote::close`].
    pub(crate) async fn close(&mut self) {
        self.remote.close().await;
    }
}
