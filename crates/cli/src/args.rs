//! What the operator types.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use inventory::Moment;
use preflight::Acceptance;

use crate::error::Error;

/// Restrict who may reach Exchange ActiveSync, over a whole farm, without the farm ever losing its service.
#[derive(Debug, Parser)]
#[command(name = "casgate", version, about, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, ClapArgs, Debug)]
pub(crate) struct Common {
    /// The inventory file (TOML)
    #[arg(short, long, global = true, value_name = "FILE", env = "CASGATE_INVENTORY")]
    pub(crate) inventory: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When colours are used (NO_COLOR and TERM=dumb are honoured by `auto`)
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
    /// Bars on a terminal, or lines
    #[arg(long, global = true, value_enum, default_value_t = ProgressKind::Auto, value_name = "KIND")]
    pub(crate) progress: ProgressKind,
    /// Where runs are recorded
    #[arg(long, global = true, value_name = "FOLDER", env = "CASGATE_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON value a line, for programs; text goes to standard error
    Jsonl,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Lines with time stamps, wherever they go
    Lines,
    /// Only the summary
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a rollout on a simulated farm in this process, through the same engine and real sockets
    Rehearse(Rehearse),
    /// Read the inventory and the playbook and report every problem at once
    Check(Check),
    /// Look at each server layer by layer: name, TCP, TLS, login, shell, rights, limits, versions
    Ping(Ping),
    /// Run commands or a PowerShell script on servers
    Exec(Exec),
    /// Put a file onto servers, compared by SHA-256
    Upload(Upload),
    /// Look at every server of a playbook and say what speaks against the change
    Preflight(Preflight),
    /// Show the waves, the proof of availability, and what would change on each server
    Plan(Plan),
    /// Whom the playbook's rules would cut off, by the logs of the web servers
    Preview(Preview),
    /// Do what `plan` shows
    Apply(Apply),
    /// What each server enforces now, compared with the playbook
    Status(Status),
    /// Go on with a run that was interrupted or stopped
    Resume(Resume),
    /// Take a whole run back: every step that has a way back, the last waves first
    Undo(Undo),
    /// Why a server stands where it stands in a run, what it waits for, what Ctrl-C would do now, and what was done
    Explain(Explain),
    /// Put IIS's whole configuration on one server back as a run's backup has it; stops IIS, and loses every change since
    RestoreBackup(RestoreBackup),
    /// List the recorded runs
    Runs,
    /// Check offline that a run's journal is as it was written
    Verify(Verify),
    /// Run simulated Exchange servers until Ctrl-C
    Simulate(Simulate),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Rehearse {
    /// The playbook; without one, the embedded playbooks/restrict-activesync.toml
    pub(crate) playbook: Option<PathBuf>,
    /// How many simulated servers (without an inventory)
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) servers: u16,
    /// Seed of everything random in the simulated farm
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many times faster than real time
    #[arg(long, default_value_t = 30.0, default_value_if("sockets", "true", "200"), value_parser = speed)]
    pub(crate) speed: f64,
    /// Play so many random farms, playbooks, faults and crashes, from --seed on, through the decision core in virtual time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["playbook", "servers", "rate", "change", "finish_by"])]
    pub(crate) seeds: Option<u64>,
    /// With --seeds: play them over real sockets against simulated servers, 200 times faster than real time
    #[arg(long, requires = "seeds")]
    pub(crate) sockets: bool,
    /// Requests a second of the simulated clients
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,
    #[command(flatten)]
    pub(crate) timing: Timing,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Check {
    /// The playbook; without one, only the inventory is checked
    pub(crate) playbook: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Ping {
    /// Which servers: a name, `@pool`, `cas0*`, `@pool and not cas07`
    #[arg(default_value = "all")]
    pub(crate) selector: String,
    /// List the shells that casgate left behind (and those of others, by number)
    #[arg(long)]
    pub(crate) shells: bool,
    /// With --shells: end those of them that nobody has used for a minute
    #[arg(long, requires = "shells")]
    pub(crate) clean: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Exec {
    /// Which servers: a name, `@pool`, `cas0*`, `@pool and not cas07`
    pub(crate) selector: String,
    /// The command line, as cmd.exe takes it
    #[arg(last = true, required_unless_present_any = ["command", "powershell", "script"], conflicts_with_all = ["command", "powershell", "script"])]
    pub(crate) line: Vec<String>,
    /// A command line; several are run one after the other in one shell, up to the first that fails
    #[arg(long, value_name = "LINE", conflicts_with_all = ["powershell", "script"])]
    pub(crate) command: Vec<String>,
    /// A PowerShell script, of any length; beside --script it needs no text
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "")]
    pub(crate) powershell: Option<String>,
    /// A file with a PowerShell script, of any length
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Hand this command's standard input to the remote one (not from a terminal)
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Go on with the next command after one that failed
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// How long a command may take, e.g. `90s`
    #[arg(long, default_value = "5m")]
    pub(crate) timeout: jiff::SignedDuration,
    /// How many servers at a time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Upload {
    /// Which servers: a name, `@pool`, `cas0*`, `@pool and not cas07`
    pub(crate) selector: String,
    /// The file here
    pub(crate) local: PathBuf,
    /// Its name there: `%NAME%` is expanded on the server; a relative path starts in the user's profile folder
    pub(crate) remote: String,
    /// How long it may take on one server, e.g. `10m`
    #[arg(long, default_value = "10m")]
    pub(crate) timeout: jiff::SignedDuration,
    /// How many servers at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
}

/// Refusals of the preflight, and of what the logs say, that the operator accepts.
#[derive(ClapArgs, Debug, Default)]
pub(crate) struct Accept {
    /// Accept what is refused by this rule (docs/preflight.md); recorded with its reason
    #[arg(long = "accept", value_name = "RULE", requires = "reasons")]
    pub(crate) rules: Vec<String>,
    /// Why; one for each --accept, in the same order
    #[arg(long = "reason", value_name = "TEXT", requires = "rules")]
    pub(crate) reasons: Vec<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Preflight {
    /// The playbook
    pub(crate) playbook: PathBuf,
    #[command(flatten)]
    pub(crate) accept: Accept,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Plan {
    /// The playbook
    pub(crate) playbook: PathBuf,
    /// Save the plan, with what each server looks like now, for `apply`
    #[arg(short, long, value_name = "FILE", conflicts_with = "offline")]
    pub(crate) output: Option<PathBuf>,
    /// Do not ask the servers: only the waves and the proof
    #[arg(long)]
    pub(crate) offline: bool,
    /// Exit with 3 when changes are pending
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) timing: Timing,
    #[command(flatten)]
    pub(crate) accept: Accept,
}

/// For which change, and until when.
#[derive(ClapArgs, Debug, Default)]
pub(crate) struct Timing {
    /// The number of the change, e.g. CHG0042137: part of the plan, and in every line, in the journal and in the leases on the servers
    #[arg(long, value_name = "NUMBER", value_parser = change)]
    pub(crate) change: Option<String>,
    /// Be finished by then, e.g. 03:30, by the clock of the playbook's window or else of this machine: later waves are put together as far as needed
    #[arg(long, value_name = "TIME")]
    pub(crate) finish_by: Option<Moment>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Preview {
    /// The playbook
    pub(crate) playbook: PathBuf,
    /// How many hours of the logs, back from now
    #[arg(long, default_value_t = DEFAULT_HOURS, value_parser = clap::value_parser!(u32).range(1..=744))]
    pub(crate) hours: u32,
    /// How much is read from each server at most: a number of bytes, or e.g. `64MiB`
    #[arg(long, default_value = "32MiB", value_parser = bytes, value_name = "BYTES")]
    pub(crate) max_bytes: u64,
    #[command(flatten)]
    pub(crate) accept: Accept,
}

/// How many hours of the logs are read where nobody says.
pub(crate) const DEFAULT_HOURS: u32 = 24;

/// How much of each server's log is read where nobody says.
pub(crate) const DEFAULT_MAX_BYTES: u64 = 32 * 1024 * 1024;

#[derive(ClapArgs, Debug)]
pub(crate) struct Apply {
    /// The playbook, or a plan that `plan -o` saved
    pub(crate) playbook: PathBuf,
    #[command(flatten)]
    pub(crate) timing: Timing,
    #[command(flatten)]
    pub(crate) approval: Approval,
    /// Take over the leases of this run although they count: only when that casgate is dead
    #[arg(long, value_name = "RUN")]
    pub(crate) steal_lease: Option<String>,
    #[command(flatten)]
    pub(crate) accept: Accept,
}

/// What stands for the operator's typed `yes`.
#[derive(ClapArgs, Debug)]
pub(crate) struct Approval {
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Go ahead only if the plan still has this hash
    #[arg(long, value_name = "HASH", conflicts_with = "yes")]
    pub(crate) approve: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Status {
    /// The playbook to compare with
    pub(crate) playbook: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Resume {
    /// The run, as `casgate runs` lists it
    pub(crate) run: String,
    /// Take over the leases of this other run although they count: only when that casgate is dead
    #[arg(long, value_name = "RUN")]
    pub(crate) steal_lease: Option<String>,
    /// Begin nothing that may not have ended by then, e.g. 03:30, its way back included
    #[arg(long, value_name = "TIME")]
    pub(crate) finish_by: Option<Moment>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Undo {
    /// The run, as `casgate runs` lists it
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) approval: Approval,
    /// Take over the leases of this other run although they count: only when that casgate is dead
    #[arg(long, value_name = "RUN")]
    pub(crate) steal_lease: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Explain {
    /// The run, as `casgate runs` lists it; it may be under way
    pub(crate) run: String,
    /// The server
    pub(crate) server: String,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Verify {
    /// The run, as `casgate runs` lists it
    pub(crate) run: String,
    /// The head that was printed when the run ended: shows that nothing was cut off the end since
    #[arg(long, value_name = "HASH")]
    pub(crate) head: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct RestoreBackup {
    /// The run that made the backup: its name, a part of it, or `latest`
    pub(crate) run: String,
    /// The server
    pub(crate) server: String,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Simulate {
    /// How many servers
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) servers: u16,
    /// Write an inventory (and the farm's CA certificate beside it)
    #[arg(long, value_name = "FILE")]
    pub(crate) write_inventory: Option<PathBuf>,
    /// How many times faster than real time the servers work
    #[arg(long, default_value_t = 1.0, value_parser = speed, value_name = "FACTOR")]
    pub(crate) speed: f64,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Servers of every age: Windows Server 2008 R2 to 2019, Exchange 2010 to 2019
    #[arg(long)]
    pub(crate) mixed: bool,
    /// First port of the fixed layout of inventory/lab.toml (15985); without it, free ports are taken
    #[arg(long, value_name = "PORT")]
    pub(crate) first_port: Option<u16>,
    /// Give each server a log of the last 24 hours of about so many bytes, e.g. `256MiB`, for `preview`; it takes neither memory nor disk
    #[arg(long, value_parser = bytes, value_name = "BYTES")]
    pub(crate) former_log: Option<u64>,
}

impl Accept {
    /// The pairs of rules and reasons.
    ///
    /// # Errors
    /// For a rule that nobody knows or that cannot be accepted, and for one without a reason.
    pub(crate) fn read(&self) -> Result<Vec<Acceptance>, Error> {
        if self.rules.len() != self.reasons.len() {
            return Err(Error::UnevenAcceptances {
                rules: self.rules.len(),
                reasons: self.reasons.len(),
            });
        }
        let pairs = self.rules.iter().zip(&self.reasons);
        Acceptance::read(pairs.map(|(rule, reason)| (rule.as_str(), reason.as_str())))
            .map_err(|source| Error::NotAcceptable { source })
    }
}

/// A number of a change: what can stand in a line, in a registry value and in a shell without being misread.
fn change(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match (1..=32).contains(&text.len()) && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("expected up to 32 letters, digits, `-`, `_` and `.`, such as CHG0042137".to_owned()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.1..=200.0).contains(&value) => Ok(value),
        _ => Err("expected a number between 0.1 and 200".to_owned()),
    }
}

/// `33554432`, `32768KiB`, `32MiB`, `1GiB`.
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 3] = [("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024 * 1024 * 1024)];
    let (digits, unit) = UNITS
        .iter()
        .find_map(|(name, factor)| Some((text.strip_suffix(name)?.trim_end(), *factor)))
        .unwrap_or((text, 1));
    let number: Option<u64> = digits.parse().ok();
    match number.and_then(|number| number.checked_mul(unit)) {
        Some(bytes) if (64 * 1024..=1024 * 1024 * 1024 * 1024).contains(&bytes) => Ok(bytes),
        _ => Err("expected 64KiB to 1024GiB, such as 64MiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn bytes_have_units() {
        assert_eq!(super::bytes("32MiB"), Ok(super::DEFAULT_MAX_BYTES));
        assert_eq!(super::bytes("65536"), Ok(65_536));
        assert_eq!(super::bytes("1 GiB"), Ok(1 << 30));
        for bad in ["", "MiB", "32MB", "-1", "1.5MiB", "99999999999999GiB", "1"] {
            assert!(super::bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_change_is_one_plain_word() {
        assert_eq!(super::change("CHG0042137"), Ok("CHG0042137".to_owned()));
        for bad in ["", "CHG 42", "a;b", "a\nb", "\"", "ÄND1", &"x".repeat(33)] {
            assert!(super::change(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_argument_table_is_consistent() {
        super::Args::command().debug_assert();
    }
}
