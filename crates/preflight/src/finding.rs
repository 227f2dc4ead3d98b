//! One thing that was found.

use inventory::ServerName;

use crate::rule::Rule;

/// One thing that was found.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// By which rule: how grave it is, and why it matters.
    pub rule: Rule,
    /// What was found, so that the same thing on several servers has the same words.
    pub found: String,
    /// What to do.
    pub remedy: String,
    /// Where; `None` for the farm as a whole.
    pub server: Option<ServerName>,
}
