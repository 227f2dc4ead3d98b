//! What hostile input meets first, as functions from bytes.
//!
//! Each [`Target`] takes any bytes and must come back, quickly and without a panic. It says whether the input was accepted, so that a test can
//! see that the seeds reach what they are meant for, and asserts what has to hold besides: errors are short, what was read can be written and
//! read again, pieces make no difference. Two runners call the targets: `coverage`, with libFuzzer, and [`mutation`], with nothing but the
//! standard library. `cargo xtask fuzz-smoke` chooses one of them; docs/fuzzing.md tells the rest.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a target says what it has found"
)]

mod bytes;
pub mod mutation;
pub mod seeds;
mod targets;
mod words;

pub use targets::TARGETS;

/// One reader of hostile input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Reads the input; whether it was accepted as a whole. Panics where it finds something wrong.
    pub run: fn(&[u8]) -> bool,
    /// What its inputs are made of.
    pub words: &'static [&'static str],
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Its words as libFuzzer reads them (`-dict`).
    pub fn dictionary(&self) -> String {
        let line = |word: &&str| {
            let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("\"{escaped}\"\n")
        };
        self.words.iter().map(line).collect()
    }
}
