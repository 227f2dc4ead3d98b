//! A change as the operator wrote it down: for whom, at which pace, in which steps.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::selector::Selector;
use crate::step::Step;

/// What `read_playbook` makes of a file without errors.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Playbook {
    /// One line for people.
    pub title: String,
    /// The servers that it is for.
    pub servers: Selector,
    /// At which pace, and what to do when something fails.
    pub policy: Policy,
    /// What happens on each server, in this order.
    pub steps: Vec<Step>,
}

/// At which pace, and what to do when something fails.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Policy {
    /// Size of each wave, shares taken of all selected servers; what remains is one more wave.
    pub waves: Vec<Quantity>,
    /// How many servers may be under way at a time.
    pub max_parallel: Quantity,
    /// How many servers may fail, whichever way and over the whole run, before nothing new is started.
    pub max_failures: u32,
    /// How long a server must stay healthy after its return before it counts as done.
    #[serde(serialize_with = "friendly")]
    pub min_healthy_time: SignedDuration,
    /// How long a server may take to become healthy after its change.
    #[serde(serialize_with = "friendly")]
    pub healthy_deadline: SignedDuration,
    /// How long a server may take for its whole change.
    #[serde(serialize_with = "friendly")]
    pub progress_deadline: SignedDuration,
    /// What to do with the wave in which the budget was spent.
    pub on_failure: OnFailure,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            waves: vec![Quantity::Count(1), Quantity::Percent(25), Quantity::Percent(50)],
            max_parallel: Quantity::Percent(100),
            max_failures: 0,
            min_healthy_time: SignedDuration::from_secs(60),
            healthy_deadline: SignedDuration::from_mins(10),
            progress_deadline: SignedDuration::from_mins(30),
            on_failure: OnFailure::Undo,
        }
    }
}

/// What to do with the wave in which the budget was spent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Put the servers of that wave back to what they were.
    #[default]
    Undo,
    /// Leave them as they are, for a person to look at.
    Stop,
}
