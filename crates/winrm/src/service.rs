//! What one asks of the WinRM service itself, and not of a shell: who it is, its limits, the shells that are open.

use std::sync::Arc;

use wsman::{Config, Identity, ListedShell, Request, Response, ShellId, ShellList};

use crate::connection::{Connection, session};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::mark;

/// After so many parts a list is taken to have no end.
const MOST_PARTS: usize = 1000;

/// The WinRM service of a server, over a connection of its own.
#[derive(Debug)]
pub struct Service {
    endpoint: Arc<Endpoint>,
    connection: Connection,
    session: wsman::Session,
}

/// An open shell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenShell {
    /// What the server tells of it.
    pub shell: ListedShell,
    /// Whether this client made it, in this or another process: its name says so.
    pub is_ours: bool,
}

impl Service {
    /// Logs in.
    ///
    /// # Errors
    /// Those of [`Connection::open`].
    pub async fn open(endpoint: Arc<Endpoint>) -> Result<Self, Error> {
        let connection = Connection::open(&endpoint).await?;
        Ok(Self {
            session: session(&endpoint),
            endpoint,
            connection,
        })
    }

    /// The connection, for what it knows of itself.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Who the service says it is.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn identify(&mut self) -> Result<Identity, Error> {
        self.connection.identify().await
    }

    /// The service's limits. For administrators only: others get [`Error::Fault`] with code 5.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn config(&mut self) -> Result<Config, Error> {
        match self.ask(&Request::GetConfig, "Get").await? {
            Response::Config(config) => Ok(config),
            other => Err(self.unexpected("the configuration", &other)),
        }
    }

    /// The open shells: all of them for an administrator, the user's own for others.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn shells(&mut self) -> Result<Vec<OpenShell>, Error> {
        let mut shells = Vec::new();
        let mut list = self.part(&Request::ListShells, "Enumerate").await?;
        for _ in 0..MOST_PARTS {
            shells.extend(list.shells.into_iter().map(|shell| OpenShell {
                is_ours: mark::is_ours(&shell.shell_id),
                shell,
            }));
            let Some(context) = list.context.take() else {
                return Ok(shells);
            };
            list = self.part(&Request::ListMoreShells { context }, "Pull").await?;
        }
        Err(Error::UnexpectedReply {
            url: self.endpoint.name(),
            expected: "a list of shells with an end",
            found: format!("{MOST_PARTS} parts of one"),
        })
    }

    /// Ends a shell and whatever runs in it. One that is gone already is fine.
    ///
    /// # Errors
    /// Those of any request; a shell of another kind than cmd's cannot be ended so.
    pub async fn end_shell(&mut self, shell: &ShellId) -> Result<(), Error> {
        let request = Request::Delete { shell: shell.clone() };
        match self.ask(&request, "Delete").await {
            Ok(Response::Deleted) => Ok(()),
            Ok(other) => Err(self.unexpected("a reply to Delete", &other)),
            Err(Error::Fault { fault, .. }) if fault.is_gone() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn part(&mut self, request: &Request, step: &'static str) -> Result<ShellList, Error> {
        match self.ask(request, step).await? {
            Response::Shells(list) => Ok(list),
            other => Err(self.unexpected("a list of shells", &other)),
        }
    }

    async fn ask(&mut self, request: &Request, step: &'static str) -> Result<Response, Error> {
        match self.connection.call(&self.session, request).await {
            Ok(Response::Fault(fault)) => Err(Error::Fault {
                url: self.endpoint.name(),
                step,
                fault,
            }),
            Ok(response) => Ok(response),
            Err(failure) => Err(failure.error),
        }
    }

    fn unexpected(&self, expected: &'static str, found: &Response) -> Error {
        Error::UnexpectedReply {
            url: self.endpoint.name(),
            expected,
            found: found.word().to_owned(),
        }
    }
}
