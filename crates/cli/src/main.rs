//! The `casgate` binary.

fn main() -> std::process::ExitCode {
    cli::main()
}
