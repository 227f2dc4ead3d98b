//! A shell on a server, seen from this side: its name, the connection it is talked to over, and which failures may be tried again.
//!
//! The shell belongs to the server and outlives connections. What may be repeated over a fresh one is decided here, by one rule: a request
//! that certainly did not run may be made once more; one that may have run is repeated only where repeating changes nothing.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wsman::{CommandId, Fault, NewShell, Request, Response, ShellId, Signal, SignalCode, code};

use crate::connection::{Connection, session};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::failure::{Failure, Reach};
use crate::mark;

/// How long the server keeps a shell that nobody uses. What leaks in spite of everything heals after that time.
const IDLE_TIME_OUT: Duration = Duration::from_secs(300);

/// The most that cleaning up waits for one reply.
const CLEANING: Duration = Duration::from_secs(10);

/// The least that a server may be set to (DSP0226 6.2).
const LEAST_ENVELOPE: u32 = 8192;

/// The most that is made use of: beyond it requests get larger and hardly fewer.
const MOST_ENVELOPE: u32 = 2 * 1024 * 1024;

/// A shell on a server.
pub(crate) struct RemoteShell {
    endpoint: Arc<Endpoint>,
    session: wsman::Session,
    id: ShellId,
    /// Whether the server may have it.
    exists: bool,
    /// A command in it that was not released yet.
    running: Option<CommandId>,
    connection: Option<Connection>,
    /// Whether the service was asked for the size of its envelopes.
    is_measured: bool,
    /// Requests of connections that are gone.
    requests_before: u64,
}

impl RemoteShell {
    /// A shell that does not exist yet.
    pub(crate) fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            session: session(&endpoint),
            endpoint,
            id: ShellId::new(Uuid::new_v4()),
            exists: false,
            running: None,
            connection: None,
            is_measured: false,
            requests_before: 0,
        }
    }

    /// Takes it out, and leaves one that does not exist.
    pub(crate) fn take(&mut self) -> Self {
        let fresh = Self::new(Arc::clone(&self.endpoint));
        std::mem::replace(self, fresh)
    }

    pub(crate) fn id(&self) -> &ShellId {
        &self.id
    }

    pub(crate) fn session(&self) -> &wsman::Session {
        &self.session
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    pub(crate) fn url(&self) -> String {
        self.endpoint.name()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests_before + self.connection.as_ref().map_or(0, Connection::requests)
    }

    /// Makes the shell on the server, under a name chosen here: should the reply be lost, it can be deleted all the same.
    pub(crate) async fn create(&mut self) -> Result<(), Error> {
        self.id = mark::shell_id(Uuid::new_v4());
        self.running = None;
        self.exists = true;
        let request = Request::Create(NewShell {
            shell_id: Some(self.id.clone()),
            no_profile: Some(true),
            code_page: Some(65001),
            idle_time_out: Some(IDLE_TIME_OUT),
            ..NewShell::plain()
        });
        let error = match self.call(&request, self.session.operation_timeout).await {
            Ok(Response::ShellCreated(created)) => {
                self.id = created.shell_id;
                return Ok(());
            }
            Ok(Response::Fault(fault)) => {
                let unsure = fault.is_timed_out();
                let error = Error::Fault {
                    url: self.url(),
                    step: "Create",
                    fault,
                };
                if unsure {
                    return Err(error);
                }
                error
            }
            Ok(other) => return Err(self.unexpected("a reply to Create", &other)),
            Err(failure) if failure.reach == Reach::Sent => return Err(failure.error),
            Err(failure) => failure.error,
        };
        // The server said no, or never heard of it.
        self.exists = false;
        Err(error)
    }

    /// Asks the service, once, how large a message may be, before much is sent. Where it does not say, or the user may not ask (fault 5), the
    /// size stays what every server takes.
    pub(crate) async fn widen(&mut self) {
        if std::mem::replace(&mut self.is_measured, true) {
            return;
        }
        let Ok(Response::Config(config)) = self.repeatable(&Request::GetConfig).await else {
            return;
        };
        if let Some(kilobytes) = config.max_envelope_size_kb {
            let told = kilobytes.saturating_mul(1024);
            self.session.max_envelope_size = told.clamp(LEAST_ENVELOPE, MOST_ENVELOPE);
        }
    }

    /// One request, over a fresh connection where the old one is gone. `operation` is how long the server may think.
    ///
    /// Nothing is sent twice that may have run: only what met a connection closed while idle, or a 401, is made again, each once.
    pub(crate) async fn call(&mut self, request: &Request, operation: Duration) -> Result<Response, Failure> {
        let session = wsman::Session {
            operation_timeout: operation,
            ..self.session.clone()
        };
        let (mut was_idle, mut was_at_door) = (false, false);
        loop {
            let failure = match self.connected().await?.call(&session, request).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            self.disconnect();
            match failure.reach {
                Reach::Idle if !was_idle => was_idle = true,
                Reach::Door if !was_at_door => was_at_door = true,
                _ => return Err(failure),
            }
        }
    }

    /// Releases a command, or ends it where it still runs. Whatever the server says, there is no second try: deleting the shell does
    /// the same.
    pub(crate) async fn terminate(&mut self) {
        let Some(command_id) = self.running.clone() else {
            return;
        };
        let signal = Signal {
            command_id: Some(command_id),
            code: SignalCode::Terminate,
        };
        let _ = self
            .repeatable(&Request::Signal {
                shell: self.id.clone(),
                signal,
            })
            .await;
        self.running = None;
    }

    /// Leaves the shell to the server, which ends it once it is idle for long enough.
    pub(crate) fn forget(&mut self) {
        self.exists = false;
    }

    /// Ends the shell and all that is in it.
    pub(crate) async fn delete(&mut self) -> Result<(), Error> {
        if !self.exists {
            return Ok(());
        }
        self.terminate().await;
        let response = self
            .repeatable(&Request::Delete {
                shell: self.id.clone(),
            })
            .await
            .map_err(|failure| failure.error)?;
        match response {
            Response::Deleted => {}
            Response::Fault(fault) if is_gone(&fault) => {}
            Response::Fault(fault) => {
                return Err(Error::Fault {
                    url: self.url(),
                    step: "Delete",
                    fault,
                });
            }
            other => return Err(self.unexpected("a reply to Delete", &other)),
        }
        self.exists = false;
        Ok(())
    }

    /// Notes the command that is about to be started.
    pub(crate) fn starts(&mut self, command: &CommandId) {
        self.running = Some(command.clone());
    }

    /// Notes that no command runs.
    pub(crate) fn runs_nothing(&mut self) {
        self.running = None;
    }

    /// A request that may be made again even though it may have run, since a second time changes nothing.
    async fn repeatable(&mut self, request: &Request) -> Result<Response, Failure> {
        let operation = self.session.operation_timeout.min(CLEANING);
        match self.call(request, operation).await {
            Err(Failure {
                reach: Reach::Sent, ..
            }) => self.call(request, operation).await,
            other => other,
        }
    }

    async fn connected(&mut self) -> Result<&mut Connection, Failure> {
        let connection = match self.connection.take() {
            Some(connection) if connection.is_open() => connection,
            gone => {
                self.requests_before += gone.map_or(0, |connection| connection.requests());
                Connection::open(&self.endpoint).await.map_err(Failure::nothing)?
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.requests_before += connection.requests();
        }
    }

    pub(crate) fn unexpected(&self, expected: &'static str, response: &Response) -> Error {
        Error::UnexpectedReply {
            url: self.url(),
            expected,
            found: response.word().to_owned(),
        }
    }
}

/// The shell or the command is not there any more, or was ended from outside: what cleaning up wants.
fn is_gone(fault: &Fault) -> bool {
    fault.is_gone() || fault.error_code() == Some(code::ABORTED)
}
