//! How much of a log was read, and why not more.

use iis::web_log::{Faults, Window};
use jiff::civil::DateTime;

/// How much of a server's log was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Coverage {
    /// The time that was asked for, in UTC.
    pub wanted: Window,
    /// Of that, from here on everything was read; its end where the reading broke off before anything was whole.
    pub whole_from: DateTime,
    /// A further, older piece that was read in part: from its beginning to where the reading broke off.
    pub part: Option<(DateTime, DateTime)>,
    /// How many bytes of the log came over the wire.
    pub bytes: u64,
    /// How many files were searched.
    pub files: u32,
    /// How many searches that took.
    pub searches: u32,
    /// Lines that could not be read.
    pub faults: Faults,
    /// The limit ended the reading.
    pub is_cut: bool,
    /// No column of the log tells a client's address or the path: nobody can be judged.
    pub is_blind: bool,
}

impl Coverage {
    pub(super) fn of(wanted: Window) -> Self {
        Self {
            wanted,
            whole_from: wanted.to,
            part: None,
            bytes: 0,
            files: 0,
            searches: 0,
            faults: Faults::default(),
            is_cut: false,
            is_blind: false,
        }
    }
}
