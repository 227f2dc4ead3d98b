//! Who uses an application, by the web server's log, and whom proposed rules would cut off.
//!
//! [`Requester`] tells probes from people, [`Judge`] holds the rules of one server, and [`Traffic`] counts what the judge says of each line; that of
//! several servers adds up. Its memory is bounded however long the log is and whatever stands in it.

mod capped;
mod count;
mod judge;
mod requester;
mod words;

pub use count::{Client, CutOff, Gateway, Probes, Traffic};
pub use judge::Judge;
pub use requester::Requester;
