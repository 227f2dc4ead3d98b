//! The web server's own log in the W3C format: where it is, how the part of it that matters is asked for, and what its lines say.
//!
//! [`Settings`] come from appcmd, [`LogFile`]s from a listing of the folder, [`search()`] is the line that makes the server print what is wanted of one
//! file and nothing else, and [`Reader`] takes that output apart as it arrives. Who made a request is `exchange`'s business.

mod entry;
mod fields;
mod file;
mod reader;
mod search;
mod settings;
mod window;

pub use entry::Entry;
pub use fields::Fields;
pub use file::LogFile;
pub use reader::{Faults, Reader};
pub use search::{flush, list_files, search};
pub use settings::{Period, Settings, settings};
pub use window::Window;
