//! Events to people and programs: bars on a terminal, plain lines in a pipe, JSON lines for programs, a summary at the end.
//!
//! Every sink is fed by the same [`rollout::Event`]s; [`Model`] folds them into what is true now, [`wording`] makes sentences of them. Nothing is
//! ever printed through indicatif: with `NO_COLOR`, `TERM=dumb` or a pipe it drops text silently, so permanent lines go to the terminal by
//! ourselves while the bars are taken away for that moment.

mod bars;
mod change;
mod json;
mod lines;
mod meter;
mod model;
mod paragraph;
mod proof;
mod restriction;
mod summary;
mod witnesses;
pub mod wording;

pub use bars::Bars;
pub use change::{changed, describe};
pub use json::JsonLines;
pub use lines::Lines;
pub use meter::Meter;
pub use model::{Model, Row, RowState};
pub use paragraph::wrapped;
pub use proof::proof;
pub use restriction::restriction;
pub use summary::summary;
pub use witnesses::Witnesses;
