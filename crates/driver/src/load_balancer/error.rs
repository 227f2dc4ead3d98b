//! Why a load balancer gave no usable answer.

use std::time::Duration;

/// What went wrong between casgate and a load balancer. Nothing in it is ever a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BalancerError {
    /// No connection, or it broke.
    #[error("cannot talk to the load balancer at {place}")]
    Unreachable {
        place: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program that steers it cannot be run.
    #[error("the load balancer's program {program} cannot be run")]
    NotRun {
        program: String,
        #[source]
        source: std::io::Error,
    },
    /// Nobody read the credential.
    #[error("the load balancer is steered with credential `{credential}`, and its password was not read")]
    NoCredential { credential: String },
    /// Nobody read the file of its certificate authority.
    #[error("the load balancer's certificate is judged by `{ca_file}`, and that file was not read")]
    NoAuthority { ca_file: String },
    /// A limit passed.
    #[error("the load balancer at {place} did not answer `{request}` within {limit:?}")]
    TimedOut {
        place: String,
        request: String,
        limit: Duration,
    },
    /// It answered with something else than what a yes looks like. HAProxy's runtime API says no in prose.
    #[error("the load balancer at {place} answered `{request}` with: {answer}")]
    Refused {
        place: String,
        request: String,
        answer: String,
    },
    /// The table lacks a column that casgate reads.
    #[error("the load balancer's table `{table}` has no column `{column}`")]
    NoColumn {
        table: &'static str,
        column: &'static str,
    },
    /// The answer is longer than any table of a farm.
    #[error("the load balancer's answer to `{request}` is longer than {limit} bytes")]
    TooLong { request: String, limit: u64 },
    /// A name that could end the command and begin another.
    #[error("`{name}` cannot be a name in the load balancer's runtime API")]
    Name { name: String },
    /// There is no such backend.
    #[error("the load balancer at {place} has no backend `{backend}`; it has {known}")]
    NoBackend {
        place: String,
        backend: String,
        known: String,
    },
    /// The member is not in the backend.
    #[error("backend `{backend}` has no server `{name}`; it has {known}")]
    NoMember {
        backend: String,
        name: String,
        known: String,
    },
}

impl BalancerError {
    /// Whether it was the way there, and not the load balancer, that said no: the next look may well succeed.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }
}
