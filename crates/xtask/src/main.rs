//! Development chores: `cargo xtask ci`, `cargo xtask tidy`, `cargo xtask oracle`, `cargo xtask fuzz-smoke`.
//!
//! `ci` is all that a continuous-integration script has to call beside the tests; `tidy` checks what no compiler checks: who may use whom, how
//! long files are, which words stand in the tree; `oracle` puts software of other people on the other side of the wire; `fuzz-smoke`
//! gives hostile input to everything that reads.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool that talks to its developer"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the oracle's place comes from the environment"
)]

mod ci;
mod files;
mod fuzz;
mod layers;
mod oracle;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <command>

  ci       rustfmt, clippy with warnings denied, tidy, rustdoc with warnings denied
  tidy     the layer table, file sizes, words that must not stand in the tree
  oracle   casgate against foreign WinRM software (needs CASGATE_ORACLE and CASGATE_ORACLE_VENV)
  fuzz-smoke [--seconds N] [--engine coverage|mutation] [TARGET…]
           every fuzz target for N seconds (60): with libFuzzer where there is a C++ compiler, else with plain mutations";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let result = match command.as_str() {
        "ci" => ci::run(),
        "tidy" => tidy(),
        "oracle" => oracle::run(),
        "fuzz-smoke" => fuzz::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Every finding of every check, or nothing.
fn tidy() -> Result<(), String> {
    let root = tree::root();
    let mut findings = layers::findings(&root)?;
    findings.extend(files::findings(&root)?);
    if findings.is_empty() {
        println!("tidy: ok");
        return Ok(());
    }
    Err(format!(
        "tidy: {} findings\n{}",
        findings.len(),
        findings.join("\n")
    ))
}
