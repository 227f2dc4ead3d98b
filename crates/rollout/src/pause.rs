//! Where a run waits for a person, and what the person may say.

use std::fmt;

use inventory::ServerName;
use serde::{Deserialize, Serialize};

/// Why nothing goes on until a person has said what to do. Without anybody to ask the answer is [`Answer::Stop`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// The policy's `pause_after` names the wave that has just ended.
    AfterWave {
        /// From 0.
        wave: usize,
    },
    /// A server failed, and servers that the run has not touched degraded with it: the cause is not the change, and an undo would not mend it.
    AmbientIncident {
        /// The server that failed.
        server: ServerName,
    },
    /// It could not be seen whether the server is healthy: neither a pass nor a reason to undo.
    Inconclusive {
        /// The server.
        server: ServerName,
    },
    /// A server failed, and the policy is to ask.
    Failure {
        /// The server.
        server: ServerName,
    },
}

impl Pause {
    /// What may be answered, the safest first.
    pub fn answers(&self) -> &'static [Answer] {
        match self {
            Self::AfterWave { .. } | Self::AmbientIncident { .. } => &[Answer::Stop, Answer::GoOn],
            Self::Inconclusive { .. } => &[Answer::Stop, Answer::Retry, Answer::Undo, Answer::GoOn],
            Self::Failure { .. } => &[Answer::Stop, Answer::Retry, Answer::Undo],
        }
    }

    /// The server that it is about.
    pub fn server(&self) -> Option<&ServerName> {
        match self {
            Self::AfterWave { .. } => None,
            Self::AmbientIncident { server } | Self::Inconclusive { server } | Self::Failure { server } => {
                Some(server)
            }
        }
    }
}

/// What a person may say.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on as the policy says.
    GoOn,
    /// Begin the server again from its survey; it does not count as failed any more.
    Retry,
    /// Put the server back to what it was, and its wave, once the budget is spent.
    Undo,
    /// After a failure: leave the server as it is, as `on_failure = "stop"` does. Anywhere else: end the run, which can be resumed.
    Stop,
}

impl Answer {
    /// The answer as one word, as it stands in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GoOn => "go_on",
            Self::Retry => "retry",
            Self::Undo => "undo",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a server that the run has not touched looked before and after another one failed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Healthy before and now.
    Steady,
    /// Healthy before, and not any more.
    Degraded,
    /// Not healthy before either: it says nothing.
    Unwell,
    /// It could not be looked at, before or now: it says nothing.
    Unseen,
}
