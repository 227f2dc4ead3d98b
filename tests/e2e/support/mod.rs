//! A stage for each test: a simulated farm, a folder, the `casgate` command as a child process.

mod stage;

pub(crate) use stage::{Ended, Stage};
