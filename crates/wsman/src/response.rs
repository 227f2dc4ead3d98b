//! Replies: what they say.

use std::time::Duration;

use crate::fault::Fault;
use crate::id::{CommandId, ShellId};
use crate::namespace::SHELL;
use crate::shell::{StreamChunk, StreamName};

/// A reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Response {
    /// To `Identify`.
    Identity(Identity),
    /// To `Get` of the configuration.
    Config(Config),
    /// To `Enumerate` and `Pull` of shells.
    Shells(ShellList),
    /// To `Create`.
    ShellCreated(ShellCreated),
    /// To `Command`.
    CommandStarted {
        /// The command's name; OMI leaves it out.
        command_id: Option<CommandId>,
    },
    /// To `Receive`.
    Received(Received),
    /// To `Send`.
    Sent,
    /// To `Signal`.
    Signalled,
    /// To `Delete`.
    Deleted,
    /// Instead of any of these.
    Fault(Box<Fault>),
}

/// Who the server says it is. Without a login the version is blank.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    /// The version of WS-Management, a URI.
    pub protocol_version: Option<String>,
    /// E.g. `Microsoft Corporation`.
    pub vendor: Option<String>,
    /// E.g. `OS: 10.0.17763 SP: 0.0 Stack: 3.0`.
    pub version: Option<String>,
}

/// The parts of the service's configuration that matter to a client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Config {
    /// `MaxEnvelopeSizekb`: the largest request, in KiB.
    pub max_envelope_size_kb: Option<u32>,
    /// `MaxTimeoutms`: the longest `OperationTimeout`, in milliseconds.
    pub max_timeout_ms: Option<u32>,
    /// `Service/MaxConcurrentOperationsPerUser`
    pub max_concurrent_operations_per_user: Option<u32>,
    /// `Service/MaxConnections`
    pub max_connections: Option<u32>,
    /// `Winrs/AllowRemoteShellAccess`
    pub allow_remote_shell_access: Option<bool>,
    /// `Winrs/IdleTimeout`, in milliseconds.
    pub idle_timeout_ms: Option<u32>,
    /// `Winrs/MaxProcessesPerShell`
    pub max_processes_per_shell: Option<u32>,
    /// `Winrs/MaxMemoryPerShellMB`
    pub max_memory_per_shell_mb: Option<u32>,
    /// `Winrs/MaxShellsPerUser`
    pub max_shells_per_user: Option<u32>,
}

/// Shells of a server, or a part of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShellList {
    /// The shells.
    pub shells: Vec<ListedShell>,
    /// Where to go on with `Pull`; `None` at the end of the list.
    pub context: Option<String>,
    /// Whether this part answers a `Pull`; the two replies differ in their words.
    pub is_pulled: bool,
}

/// A shell in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedShell {
    /// Its name.
    pub shell_id: ShellId,
    /// Its label for people.
    pub name: Option<String>,
    /// What kind of shell.
    pub resource_uri: Option<String>,
    /// E.g. `Connected`; Windows Server 2012 and later tell it.
    pub state: Option<String>,
    /// The rest.
    pub details: ShellDetails,
}

/// A new shell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShellCreated {
    /// Its name, to be used exactly as it stands.
    pub shell_id: ShellId,
    /// What kind of shell.
    pub resource_uri: Option<String>,
    /// What the server tells of it; WinRM 1 and Windows 7 tell nothing.
    pub details: Option<ShellDetails>,
}

/// `rsp:Shell` of a reply (MS-WSMV 2.2.4.36).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShellDetails {
    /// The user, without a domain.
    pub owner: Option<String>,
    /// The client's address as the server sees it.
    pub client_ip: Option<String>,
    /// Where commands start.
    pub working_directory: Option<String>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
    /// How long the shell may be unused.
    pub idle_time_out: Option<Duration>,
    /// Streams into commands.
    pub input_streams: Vec<StreamName>,
    /// Streams out of commands.
    pub output_streams: Vec<StreamName>,
    /// How long it has lived.
    pub run_time: Option<Duration>,
    /// How long it has been unused.
    pub inactivity: Option<Duration>,
}

/// Output.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Received {
    /// Pieces of streams, in the order sent. A piece may end in the middle of a character.
    pub chunks: Vec<StreamChunk>,
    /// States of commands; one reply may have several of the same command.
    pub states: Vec<CommandState>,
}

impl Received {
    /// `Some` when the command is done: its exit code, or `None` inside where the server told none.
    /// A state that names no command (OMI) speaks of the one that was asked about.
    pub fn done(&self, command: &CommandId) -> Option<Option<u32>> {
        let ours = |state: &&CommandState| state.command_id.as_ref().is_none_or(|id| id.same(command));
        let mut done = self
            .states
            .iter()
            .filter(ours)
            .filter(|state| state.state == State::Done)
            .peekable();
        done.peek()?;
        Some(done.find_map(|state| state.exit_code))
    }
}

/// What has become of a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandState {
    /// Which; OMI leaves it out.
    pub command_id: Option<CommandId>,
    /// What.
    pub state: State,
    /// With `Done`; unsigned, e.g. 3221225786 for Ctrl+C. OMI leaves it out.
    pub exit_code: Option<u32>,
}

/// Running or not (MS-WSMV 2.2.4.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// More to come.
    Running,
    /// Not started yet.
    Pending,
    /// Ended, all output told.
    Done,
    /// Anything else, by its URI.
    Other(String),
}

impl State {
    /// The state that a URI names.
    pub fn from_uri(uri: &str) -> Self {
        match uri
            .strip_prefix(SHELL)
            .and_then(|rest| rest.strip_prefix("/CommandState/"))
        {
            Some("Running") => Self::Running,
            Some("Pending") => Self::Pending,
            Some("Done") => Self::Done,
            _ => Self::Other(uri.to_owned()),
        }
    }

    /// The URI on the wire.
    pub fn uri(&self) -> String {
        let word = match self {
            Self::Running => "Running",
            Self::Pending => "Pending",
            Self::Done => "Done",
            Self::Other(uri) => return uri.clone(),
        };
        format!("{SHELL}/CommandState/{word}")
    }
}

impl Response {
    /// One word for errors: which reply it is.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Identity(_) => "IdentifyResponse",
            Self::Config(_) => "GetResponse",
            Self::Shells(list) if list.is_pulled => "PullResponse",
            Self::Shells(_) => "EnumerateResponse",
            Self::ShellCreated(_) => "CreateResponse",
            Self::CommandStarted { .. } => "CommandResponse",
            Self::Received(_) => "ReceiveResponse",
            Self::Sent => "SendResponse",
            Self::Signalled => "SignalResponse",
            Self::Deleted => "DeleteResponse",
            Self::Fault(_) => "Fault",
        }
    }
}
