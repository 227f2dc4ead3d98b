//! What continuous integration checks beside the tests.

use crate::tree;

/// rustfmt, clippy, tidy, rustdoc: stops at the first that fails.
pub(crate) fn run() -> Result<(), String> {
    let root = tree::root();
    tree::run(&root, "cargo", &["fmt", "--all", "--check"], &[])?;
    tree::run(
        &root,
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        &[],
    )?;
    crate::tidy()?;
    tree::run(
        &root,
        "cargo",
        &["doc", "--workspace", "--no-deps", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}
