//! The `casgate` command.

fn main() {}
