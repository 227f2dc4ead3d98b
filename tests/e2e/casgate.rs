//! The `casgate` command, for the tests.

fn main() -> std::process::ExitCode {
    cli::main()
}
