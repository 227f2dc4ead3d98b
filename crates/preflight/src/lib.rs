//! What must be true of a farm before a change: facts, what they mean for a plan, and what an operator accepts of it.
//!
//! [`Facts`] is what was seen; [`judge()`] turns facts and plan into [`Finding`]s, each by a [`Rule`] with a stable id; [`Report`] says what is
//! refused once the operator's [`Acceptance`]s are taken into account. Nothing here looks at a server or prints.
//!
//! Neighbours: `driver` gathers the facts, `cli` shows the findings and refuses; `rollout` carries what was accepted in the plan and the journal.

mod acceptance;
mod facts;
mod finding;
mod judge;
mod report;
mod roles;
mod row;
mod rule;

pub use acceptance::{Acceptance, NotAcceptable};
pub use facts::{ApplicationFacts, Facts, Reading, Seen, ServerFacts, Unread, Worker};
pub use finding::Finding;
pub use judge::judge;
pub use report::{Judged, Report};
pub use roles::{Addresses, is_reachable, rules};
pub use rule::{Rule, Severity};

#[cfg(test)]
mod tests;
