//! What the tests stand on: a simulated farm, a folder, the `casgate` command as a child process, and eyes on all of them.

mod child;
mod haproxy;
mod patrol;
mod playbook;
mod sitting;
mod stage;
mod story;
mod terminal;

pub(crate) use child::Ended;
pub(crate) use haproxy::{Haproxy, column, converse};
pub(crate) use playbook::PLAYBOOK;
pub(crate) use stage::{APPLY_UNSEEN, OUTSIDE, PASSWORD, Stage, assert_nowhere};
pub(crate) use terminal::Terminal;
