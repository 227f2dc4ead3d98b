//! Why a load balancer gave no usable answer.

use std::time::Duration;

/// What went wrong between casgate and a load balancer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BalancerError {
    /// No connection, or it broke.
    #[error("cannot talk to the load balancer at {socket}")]
    Unreachable {
        socket: String,
        #[source]
        source: std::io::Error,
    },
    /// A limit passed.
    #[error("the load balancer at {socket} did not answer `{command}` within {limit:?}")]
    TimedOut {
        socket: String,
        command: String,
        limit: Duration,
    },
    /// It answered with text where the runtime API answers with nothing or a table: that is how it says no.
    #[error("the load balancer answered `{command}` with: {answer}")]
    Refused { command: String, answer: String },
    /// The table lacks a column that casgate reads.
    #[error("the table of `show stat` has no column `{column}`")]
    NoColumn { column: &'static str },
    /// The answer is longer than any table of a farm.
    #[error("the load balancer's answer to `{command}` is longer than {limit} bytes")]
    TooLong { command: String, limit: u64 },
    /// A name that could end the command and begin another.
    #[error("`{name}` cannot be a name in the load balancer's runtime API")]
    Name { name: String },
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
