//! Who is told when something happens: programs of the operator, and addresses that messages are posted to.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::template::{Hole, Template};

/// `[[hook]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Hook {
    /// The events that it is told of, by their names in the journal.
    pub on: Vec<String>,
    /// What is done.
    #[serde(flatten)]
    pub act: HookAct,
    /// How long that may take.
    #[serde(serialize_with = "friendly")]
    pub timeout: SignedDuration,
    /// Whether nothing begins until it has been told, and nothing more if that fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

impl Hook {
    /// The events that a hook can be told of.
    pub const EVENTS: [&'static str; 15] = [
        "run_started",
        "run_resumed",
        "wave_started",
        "wave_finished",
        "server_failed",
        "server_undone",
        "server_stuck",
        "budget_spent",
        "window_closed",
        "run_paused",
        "witness_breached",
        "floor_broken",
        "debt_unpaid",
        "stop_requested",
        "run_finished",
    ];
}

/// What a hook does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookAct {
    /// Run this program with these arguments, without a shell; what happened stands in its environment.
    Command(Vec<String>),
    /// Post a message.
    Post {
        /// The environment variable that holds the URL: such URLs are secrets.
        url_env: String,
        /// In whose form.
        format: HookFormat,
    },
}

/// In whose form a message is posted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookFormat {
    /// One flat JSON object.
    #[default]
    Generic,
    /// An adaptive card, as the workflows of Microsoft Teams take it.
    Teams,
    /// `{"text": …}`, as Slack's incoming webhooks take it.
    Slack,
    /// The operator's own.
    Body(Template<HookHole>),
}

/// What a hole in the operator's own body stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HookHole {
    /// The run's name.
    Run,
    /// The event's name.
    Event,
    /// When it happened.
    At,
    /// The server that it is about; empty where it is about none.
    Server,
    /// All of it in words.
    Text,
}

impl Hole for HookHole {
    const ALL: &'static [(&'static str, Self)] = &[
        ("run", Self::Run),
        ("event", Self::Event),
        ("at", Self::At),
        ("server", Self::Server),
        ("text", Self::Text),
    ];
}
