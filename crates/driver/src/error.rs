//! What can be wrong with a run as a whole. What goes wrong on one server is a [`rollout::StepError`] in an event.

use inventory::ServerName;

/// A run cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The inventory has no such server: a plan that was made from another inventory.
    #[error("server {server} is not in the inventory")]
    UnknownServer {
        /// The server.
        server: ServerName,
    },
    /// Nobody read the credential.
    #[error("server {server} logs in with credential `{credential}`, and its password was not read")]
    NoCredential {
        /// The server.
        server: ServerName,
        /// The credential's name in the inventory.
        credential: String,
    },
    /// Nobody read the file of the certificate authority.
    #[error("server {server} trusts `{ca_file}`, and that file was not read")]
    NoCertificateAuthority {
        /// The server.
        server: ServerName,
        /// The file as the inventory names it.
        ca_file: String,
    },
    /// An address that makes no URL.
    #[error("`{address}` of server {server} cannot be part of a URL")]
    Address {
        /// The server.
        server: ServerName,
        /// What stands in the inventory.
        address: String,
        /// Why.
        #[source]
        source: url::ParseError,
    },
    /// The journal could not be written: nothing new was started.
    #[error("the run was stopped, since its journal could not be written")]
    Commit {
        /// Why.
        #[source]
        source: rollout::CommitError,
    },
    /// An event did not fit the state: a damaged journal or a defect.
    #[error("the run was stopped, since an event did not fit its state")]
    Illegal {
        /// Which event and state.
        #[source]
        source: rollout::IllegalTransition,
    },
    /// The rollout has not begun: `run_started` comes before anything else.
    #[error("expected a rollout that has begun, found one without a run_started event")]
    NotStarted,
    /// A worker ended without an answer: a defect.
    #[error("the worker of server {server} ended without an answer")]
    WorkerLost {
        /// The server.
        server: ServerName,
        /// How it ended.
        #[source]
        source: tokio::task::JoinError,
    },
    /// The handlers of SIGINT and SIGTERM could not be installed.
    #[error("the handlers of SIGINT and SIGTERM could not be installed")]
    Signals {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
