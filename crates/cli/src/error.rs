//! Everything that ends a command before its result, with its exit code and its hint.

use std::path::PathBuf;

use inventory::{Diagnostic, Severity, Source};

use crate::exit_code::ExitCode;

/// Everything that ends a command before its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no inventory was named")]
    NoInventory,
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} cannot be written", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} found; nothing was touched", count(diagnostics))]
    Wrong { diagnostics: Vec<(Diagnostic, Source)> },
    #[error("selector `{text}` names no servers")]
    Selector {
        text: String,
        #[source]
        source: inventory::Error,
    },
    #[error("credential `{credential}`: no password in {place}")]
    NoPassword {
        credential: String,
        place: String,
        hint: String,
        #[source]
        source: Option<std::io::Error>,
    },
    #[error("allow entry `{name}` does not resolve to an address")]
    NameNotResolved {
        name: String,
        #[source]
        source: Option<std::io::Error>,
    },
    #[error("no plan can be made; nothing was touched")]
    NoPlan {
        #[source]
        source: rollout::Error,
    },
    #[error("the logs of the web servers stand against the plan ({rules}); nothing was touched")]
    CutOff { rules: String },
    #[error("the plan was not approved; nothing was touched")]
    NotApproved { hint: String },
    #[error("the approved plan is {approved}, this plan is {found}; nothing was touched")]
    StalePlan { approved: String, found: String },
    #[error("the plan in {} is stale; nothing was touched", path.display())]
    StaleServers { path: PathBuf, changes: String },
    #[error("{} is no plan that this casgate can apply: {problem}; nothing was touched", path.display())]
    NoSavedPlan { path: PathBuf, problem: String },
    #[error("the plan in {} was changed after it was saved: its hash is {found}, the file says {written}; nothing was touched", path.display())]
    ForgedPlan {
        path: PathBuf,
        written: String,
        found: String,
    },
    #[error("the plan was not saved: {}", servers.join(", "))]
    Unseen { servers: Vec<String> },
    #[error("another run is at work; nothing was touched")]
    Leased {
        #[source]
        source: HeldServers,
    },
    #[error("run `{run}` has nothing to take back: no step that has a way back was begun, or all are undone")]
    NothingToUndo { run: String },
    #[error("the plan of run `{run}` has no server `{server}`")]
    NoSuchServer { run: String, server: String },
    #[error("the preflight refuses {refusals} {}; nothing was touched", if *refusals == 1 { "thing" } else { "things" })]
    Preflight { refusals: usize, acceptable: bool },
    #[error("expected a --reason for each --accept, found {rules} --accept and {reasons} --reason")]
    UnevenAcceptances { rules: usize, reasons: usize },
    #[error("a saved plan has its acceptances in it; nothing was touched")]
    AcceptedAfterwards,
    #[error("the change window {window} is not open; nothing was touched")]
    WindowShut { window: String, opens: Option<String> },
    #[error("{left} are left, and the first wave with its way back may take {needed}; nothing was touched")]
    WindowTooShort { left: String, needed: String },
    #[error("it cannot be finished by then; nothing was touched")]
    TooLate {
        #[source]
        source: rollout::Error,
        earliest: String,
    },
    #[error("a saved plan has {option} in it, or has none; nothing was touched")]
    DecidedAfterwards { option: &'static str },
    #[error("nothing was looked at, and nothing touched")]
    NotAcceptable {
        #[source]
        source: preflight::NotAcceptable,
    },
    #[error("run `{run}` recorded nothing: it never began")]
    NothingBegun { run: String },
    #[error("run `{run}` has nothing to resume: {}", report::wording::verdict_text(*verdict))]
    NothingToResume { run: String, verdict: rollout::Verdict },
    #[error(
        "the journal of run `{run}` ends with {found}, expected {noted}: lines were cut off its end, or all were written anew"
    )]
    OtherHead {
        run: String,
        noted: String,
        found: String,
    },
    #[error("run `{run}` made no backup on `{server}`: nothing was touched")]
    NoBackup { run: String, server: String },
    #[error("no place to record runs: neither --state-dir nor a home folder")]
    NoStateFolder,
    #[error("the journal")]
    Journal {
        #[source]
        source: journal::Error,
    },
    #[error("the run ended early; its journal is intact")]
    Driver {
        #[source]
        source: driver::Error,
    },
    #[error("the command line cannot be run")]
    CommandLine {
        #[source]
        source: command::Error,
    },
    #[error("expected --script FILE or --powershell 'TEXT', found both")]
    TwoScripts,
    #[error("--stdin is for one command that reads it, found {found}")]
    Input { found: &'static str },
    #[error("the simulated farm did not start")]
    Farm {
        #[source]
        source: casim::Error,
    },
    #[error("the journal does not fit together")]
    Replay {
        #[source]
        source: rollout::IllegalTransition,
    },
    #[error("the journal does not fit together")]
    Past {
        #[source]
        source: rollout::Error,
    },
}

/// Which servers are held, and by whom: one a line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n           "))]
pub(crate) struct HeldServers(pub(crate) Vec<String>);

fn count(diagnostics: &[(Diagnostic, Source)]) -> String {
    match diagnostics
        .iter()
        .filter(|(d, _)| d.severity == Severity::Error)
        .count()
    {
        1 => "1 error".to_owned(),
        n => format!("{n} errors"),
    }
}

impl Error {
    /// The rendered diagnostics of input files.
    pub(crate) fn diagnostics(&self, color: bool) -> Vec<String> {
        match self {
            Self::Wrong { diagnostics } => diagnostics
                .iter()
                .map(|(d, source)| d.render(source, color))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What the operator can do.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoInventory => {
                "name it with -i FILE, or try `casgate rehearse`, which needs none".to_owned()
            }
            Self::NoPassword { hint, .. } | Self::NotApproved { hint } => hint.clone(),
            Self::StaleServers { changes, .. } => {
                format!("{changes}\n  run `casgate plan -o` again, and read what is new")
            }
            Self::WindowShut { opens: Some(opens), .. } => format!("it opens {opens}"),
            Self::WindowShut { opens: None, .. } => "it is over for good: give the playbook's `window` a new date".to_owned(),
            Self::WindowTooShort { .. } => "begin in the next opening, or earlier in this one; fewer servers in the first wave need less".to_owned(),
            Self::TooLate { earliest, .. } => format!(
                "--finish-by {earliest} or later is possible; fewer servers, a shorter `min_healthy_time` or `canary_hold`, and a lower floor need less"
            ),
            Self::NoSavedPlan { .. } | Self::ForgedPlan { .. } | Self::AcceptedAfterwards | Self::DecidedAfterwards { .. } => "save it again with `casgate plan PLAYBOOK -o FILE`".to_owned(),
            Self::Unseen { .. } => "a saved plan knows every server: `casgate ping` says what is wrong with these".to_owned(),
            Self::Leased { .. } => {
                "wait until that run has ended, or until its leases have; if that casgate is dead, add --steal-lease RUN".to_owned()
            }
            Self::CutOff { .. } => {
                "the lines above say whom and why; `casgate preview` looks again without changing anything, `--accept RULE --reason TEXT` takes a refusal upon yourself, and is recorded"
                    .to_owned()
            }
            Self::Preflight { acceptable: true, .. } => {
                "each finding says what to do; `--accept RULE --reason TEXT` takes a refusal upon yourself, and is recorded".to_owned()
            }
            Self::Preflight { .. } => "each finding says what to do".to_owned(),
            Self::NotAcceptable {
                source: preflight::NotAcceptable::Unknown { nearest: Some(nearest), .. },
            } => format!("did you mean `{nearest}`?"),
            Self::NotAcceptable { .. } => "docs/preflight.md lists what can be accepted".to_owned(),
            Self::StalePlan { .. } => "run `casgate plan` again, read it, and approve its hash".to_owned(),
            Self::Journal { source } => return source.hint().map(str::to_owned),
            Self::OtherHead { .. } => {
                "put back a copy of the file whose `casgate verify` shows the head that was noted".to_owned()
            }
            Self::NothingToResume { .. } => {
                "`casgate apply` looks at every server anew, in a run of its own".to_owned()
            }
            Self::NoBackup { .. } => {
                "`appcmd list backups` on the server shows what is there; a person can restore it with `appcmd restore backup`".to_owned()
            }
            Self::NoStateFolder => "name a folder with --state-dir".to_owned(),
            Self::Selector { .. } => {
                "a server's name, `@pool`, a pattern such as `cas0*`, joined by `and`, `or`, `not`".to_owned()
            }
            Self::Driver { .. } => {
                "`casgate runs` lists the run; `casgate resume RUN` looks at every server again".to_owned()
            }
            _ => return None,
        })
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoInventory
            | Self::Unreadable { .. }
            | Self::Wrong { .. }
            | Self::Selector { .. }
            | Self::CommandLine { .. }
            | Self::NoSavedPlan { .. }
            | Self::NoSuchServer { .. }
            | Self::TwoScripts
            | Self::UnevenAcceptances { .. }
            | Self::AcceptedAfterwards
            | Self::DecidedAfterwards { .. }
            | Self::NotAcceptable { .. }
            | Self::Input { .. } => ExitCode::Usage,
            Self::NoPassword { .. }
            | Self::NameNotResolved { .. }
            | Self::NoPlan { .. }
            | Self::NotApproved { .. }
            | Self::Unseen { .. }
            | Self::NothingToUndo { .. }
            | Self::CutOff { .. }
            | Self::Preflight { .. }
            | Self::NothingBegun { .. }
            | Self::NoBackup { .. }
            | Self::NothingToResume { .. }
            | Self::NoStateFolder => ExitCode::Refused,
            Self::StalePlan { .. } | Self::StaleServers { .. } | Self::ForgedPlan { .. } => {
                ExitCode::StalePlan
            }
            Self::WindowShut { .. } | Self::WindowTooShort { .. } | Self::TooLate { .. } => {
                ExitCode::WindowClosed
            }
            Self::Leased { .. } => ExitCode::Locked,
            Self::Journal {
                source: journal::Error::Held { .. },
            } => ExitCode::Locked,
            Self::Journal {
                source: journal::Error::NoSuchRun { .. } | journal::Error::ManyRuns { .. },
            } => ExitCode::Usage,
            Self::Unwritable { .. }
            | Self::OtherHead { .. }
            | Self::Journal { .. }
            | Self::Driver { .. }
            | Self::Farm { .. }
            | Self::Replay { .. }
            | Self::Past { .. } => ExitCode::Failure,
        }
    }
}
