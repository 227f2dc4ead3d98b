//! A change as the operator wrote it down: for whom, at which pace, in which steps.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::hook::Hook;
use crate::quantity::Quantity;
use crate::selector::Selector;
use crate::step::Step;
use crate::window::Window;

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
    /// Who is told of what happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

/// At which pace, and what to do when something fails.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Policy {
    /// Whether the next servers wait for a whole wave, or begin one by one.
    #[serde(default)]
    pub strategy: Strategy,
    /// Size of each wave, shares taken of all selected servers; what remains is one more wave.
    pub waves: Vec<Quantity>,
    /// How long the changed servers of the first wave are watched on before the second one may begin.
    #[serde(default, serialize_with = "friendly")]
    pub canary_hold: SignedDuration,
    /// After which waves, counted from 1, a person has to say that it may go on.
    #[serde(default)]
    pub pause_after: Vec<u32>,
    /// The label of which no two servers with the same value may be out together.
    #[serde(default)]
    pub spread: Option<String>,
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
    /// How long a server waits, before it is drained, for its pool and its site to have one to spare. Each step has a limit of its own.
    #[serde(serialize_with = "friendly")]
    pub progress_deadline: SignedDuration,
    /// How long a server's lease keeps other runs away without being renewed.
    #[serde(default = "ten_minutes", serialize_with = "friendly")]
    pub lease: SignedDuration,
    /// What to do with servers that failed, and with their wave once the budget is spent.
    pub on_failure: OnFailure,
    /// How many users, and how many devices, the rules may cut off by what the servers' logs tell; a share of those who are served there. With `None`
    /// nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cut_off: Option<Quantity>,
    /// When a run may begin things; at any time without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

fn ten_minutes() -> SignedDuration {
    SignedDuration::from_mins(10)
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            strategy: Strategy::Waves,
            waves: vec![Quantity::Count(1), Quantity::Percent(25), Quantity::Percent(50)],
            canary_hold: SignedDuration::ZERO,
            pause_after: Vec::new(),
            spread: None,
            max_parallel: Quantity::Percent(100),
            max_failures: 0,
            min_healthy_time: SignedDuration::from_secs(60),
            healthy_deadline: SignedDuration::from_mins(10),
            progress_deadline: SignedDuration::from_mins(30),
            lease: ten_minutes(),
            on_failure: OnFailure::Undo,
            max_cut_off: None,
            window: None,
        }
    }
}

/// Whether the next servers wait for a whole wave, or begin one by one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// A wave begins when every server of the one before has come to its end.
    #[default]
    Waves,
    /// No waves: the next server begins as soon as one is healthy, bounded by the same floors.
    Sliding,
}

impl Strategy {
    /// The word in the playbook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waves => "waves",
            Self::Sliding => "sliding",
        }
    }
}

/// What to do with servers that failed, and with their wave once the budget is spent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Put the failed server back to what it was, and once the budget is spent the servers of that wave.
    #[default]
    Undo,
    /// The same, and once the budget is spent every server that this run changed.
    UndoAll,
    /// Leave them as they are, for a person to look at.
    Stop,
    /// Ask the person at the terminal each time; without a terminal the same as `stop`.
    Ask,
}

impl OnFailure {
    /// The word in the playbook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::UndoAll => "undo_all",
            Self::Stop => "stop",
            Self::Ask => "ask",
        }
    }
}
