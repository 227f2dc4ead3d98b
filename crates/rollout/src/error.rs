//! What can be wrong with a plan, an event or a journal's events.

use inventory::{Quantity, ServerName};
use jiff::SignedDuration;

use crate::plan::Instant;

/// An event that does not fit the state: a damaged journal, or a defect of ours.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("event `{event}` is not possible while {state}")]
pub struct IllegalTransition {
    /// The state, in words.
    pub state: String,
    /// The event, in words.
    pub event: String,
}

/// Why no plan can be made, or a run cannot be rebuilt from its events.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The plan could break a floor.
    #[error(
        "{whose}: {instant} leaves {left} of {size} in rotation; min_in_rotation is {written}{}: {remedy}",
        became(written, floor)
    )]
    FloorUnreachable {
        /// `pool eas` or `site dc1`.
        whose: String,
        /// Its servers.
        size: u32,
        /// When the floor breaks first.
        instant: Instant,
        /// What would be left in rotation then.
        left: u32,
        /// `min_in_rotation` as written.
        written: Quantity,
        /// `min_in_rotation` as a number.
        floor: u32,
        /// The smallest change of one number that makes the plan possible.
        remedy: String,
    },
    /// The plan could leave too little weight in rotation.
    #[error(
        "{whose}: {instant}: {who} leaves weight {left} of {weight} in rotation; min_in_rotation is {written}, which is weight {floor}: {remedy}"
    )]
    WeightUnreachable {
        /// `pool eas` or `site dc1`.
        whose: Box<str>,
        /// When the floor breaks first.
        instant: Instant,
        /// The server that cannot be taken out, and what has failed beside it, each with its weight.
        who: Box<str>,
        /// What would be left.
        left: u32,
        /// What all weigh together.
        weight: u32,
        /// `min_in_rotation` as written.
        written: Quantity,
        /// The floor as a weight.
        floor: u32,
        /// The smallest change of one number that makes the plan possible.
        remedy: Box<str>,
    },
    /// A server lacks the label that the policy's `spread` goes by.
    #[error("spread goes by the label `{label}`, which server {server} does not have")]
    Unlabelled {
        /// The server.
        server: ServerName,
        /// The label.
        label: String,
    },
    /// No plan with these floors and this first wave is finished in time.
    #[error(
        "{left:#} are left, and the fastest plan with these floors and this first wave takes about {needed:#}, the way back of everything included: {:#} too long",
        needed.saturating_sub(*left)
    )]
    TooLate {
        /// How long there is.
        left: SignedDuration,
        /// How long it takes as a rule.
        needed: SignedDuration,
    },
    /// A name in an allow list was not resolved before planning.
    #[error("allow entry `{name}` was not resolved")]
    UnresolvedName {
        /// The name.
        name: String,
    },
    /// The playbook's selector does not fit the inventory, or selects nobody.
    #[error("the playbook's servers cannot be selected")]
    Selection {
        /// Why.
        #[source]
        source: inventory::Error,
    },
    /// There is no event at all.
    #[error("the journal holds no event: nothing was begun")]
    NoEvents,
    /// The first event is not the start of a run.
    #[error("expected `run_started` as the first event, found `{found}`")]
    NoStart {
        /// The event's tag.
        found: &'static str,
    },
    /// An event does not follow from those before it.
    #[error("event {seq} does not follow from those before it")]
    IllegalEvent {
        /// Its position, from 0.
        seq: u64,
        /// Why.
        #[source]
        source: IllegalTransition,
    },
}

/// What a share became; nothing for a count, which is what it is.
fn became(written: &Quantity, floor: &u32) -> String {
    match written {
        Quantity::Count(_) => String::new(),
        Quantity::Percent(_) => format!(", which is {floor}"),
    }
}
