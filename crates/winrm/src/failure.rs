//! How far a request came that failed.

use crate::error::Error;

/// A request that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How far it came.
    pub(crate) reach: Reach,
    /// Why.
    pub(crate) error: Error,
}

/// How far a failed request came, which decides whether it may be made again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Nothing was sent: it never can be, or the login before it failed.
    Nothing,
    /// Nothing was sent, since the connection had been closed while it was idle.
    Idle,
    /// The server wants a login first. Nothing ran.
    Door,
    /// It was sent. It may have run.
    Sent,
}

impl Failure {
    /// Nothing was sent.
    pub(crate) fn nothing(error: Error) -> Self {
        Self {
            reach: Reach::Nothing,
            error,
        }
    }
}
