//! What can be wrong with a plan, an event or a journal's events.

use inventory::PoolName;

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
    /// The plan could break the pool's floor.
    #[error(
        "pool {pool}: {size} servers, {failures} may fail and one must be out at a time, which leaves {left}; min_in_rotation is {floor}: {remedy}"
    )]
    FloorUnreachable {
        /// The pool.
        pool: PoolName,
        /// Its servers.
        size: u32,
        /// `max_failures`.
        failures: u32,
        /// What would be left in rotation.
        left: u32,
        /// `min_in_rotation` as a number.
        floor: u32,
        /// The smallest change of one number that makes the plan possible.
        remedy: String,
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
