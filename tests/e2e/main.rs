//! Whole rollouts over real sockets against the simulated farm, with the `casgate` command as a child process.

mod apply;
mod support;
