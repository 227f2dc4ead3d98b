//! What the tests of several modules say.

use command::Output;

/// What a program says, and ends with.
pub(crate) fn said(exit_code: u32, stdout: &str) -> Output {
    Output {
        exit_code,
        stdout: stdout.into(),
        stderr: Vec::new(),
    }
}
