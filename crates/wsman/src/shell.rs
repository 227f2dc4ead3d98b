//! What requests ask of a shell (MS-WSMV 3.1.4.5 to 3.1.4.15). The same types are written by the client and read by the server.

use std::fmt;
use std::time::Duration;

use crate::id::{CommandId, ShellId};
use crate::namespace;

/// A shell to be made: the body of `Create` and the options that go with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewShell {
    /// The name that the client chose.
    pub shell_id: Option<ShellId>,
    /// `WINRS_NOPROFILE`: whether the user's profile stays unloaded.
    pub no_profile: Option<bool>,
    /// `WINRS_CODEPAGE`: 65001 is UTF-8.
    pub code_page: Option<u32>,
    /// Streams into commands; a client's list always has `stdin`.
    pub input_streams: Vec<StreamName>,
    /// Streams out of commands.
    pub output_streams: Vec<StreamName>,
    /// Variables of the environment, in the order written.
    pub environment: Vec<(String, String)>,
    /// How long the shell may be unused before the server ends it.
    pub idle_time_out: Option<Duration>,
    /// How long the shell may live at all.
    pub lifetime: Option<Duration>,
    /// A label for people.
    pub name: Option<String>,
    /// Where commands start.
    pub working_directory: Option<String>,
}

impl NewShell {
    /// A shell with the usual three streams and nothing else said.
    pub fn plain() -> Self {
        Self {
            input_streams: vec![StreamName::Stdin],
            output_streams: vec![StreamName::Stdout, StreamName::Stderr],
            ..Self::default()
        }
    }
}

/// A command to be started: the body of `Command` and the options that go with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewCommand {
    /// The name that the client chose.
    pub command_id: Option<CommandId>,
    /// The command itself.
    pub command: String,
    /// What the server puts behind it, each after one space and without any quoting.
    pub arguments: Vec<String>,
    /// `WINRS_CONSOLEMODE_STDIN`: `false` makes the standard input a pipe, with an end.
    pub console_mode_stdin: Option<bool>,
    /// `WINRS_SKIP_CMD_SHELL`: `false` runs the command through `cmd /c`.
    pub skip_cmd_shell: Option<bool>,
}

impl NewCommand {
    /// Command and arguments as the server puts them together.
    pub fn line(&self) -> String {
        let mut line = self.command.clone();
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(argument);
        }
        line
    }
}

/// What to wait for: the body of `Receive` and the option that goes with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receive {
    /// Whose output.
    pub command_id: Option<CommandId>,
    /// Which streams.
    pub streams: Vec<StreamName>,
    /// `WSMAN_CMDSHELL_OPTION_KEEPALIVE`
    pub keep_alive: bool,
}

/// A piece of a stream: in a `Send` (into a command) or in a `ReceiveResponse` (out of one).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamChunk {
    /// Which stream.
    pub name: StreamName,
    /// Whose.
    pub command_id: Option<CommandId>,
    /// The bytes; may be none.
    pub data: Vec<u8>,
    /// Whether this was the last piece.
    pub end: bool,
}

/// What to do to a command: the body of `Signal`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signal {
    /// To which.
    pub command_id: Option<CommandId>,
    /// What.
    pub code: SignalCode,
}

/// The name of a stream.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum StreamName {
    /// Standard input.
    Stdin,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Anything else, e.g. `pr` of PowerShell remoting.
    Other(String),
}

impl StreamName {
    /// The stream that a word names.
    pub fn from_word(word: &str) -> Self {
        match word {
            "stdin" => Self::Stdin,
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word on the wire.
    pub fn word(&self) -> &str {
        match self {
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Other(word) => word,
        }
    }

    /// Reads a list such as `stdout stderr`.
    pub(crate) fn read_list(text: &str) -> Vec<Self> {
        text.split_whitespace().map(Self::from_word).collect()
    }

    /// Writes a list such as `stdout stderr`.
    pub(crate) fn write_list(names: &[Self]) -> String {
        names.iter().map(Self::word).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a signal means (MS-WSMV 2.2.4.38).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignalCode {
    /// Release the command; required once all output has been read.
    Terminate,
    /// As if Ctrl+C was pressed.
    CtrlC,
    /// As if Ctrl+Break was pressed.
    CtrlBreak,
    /// Anything else, by its URI.
    Other(String),
}

impl SignalCode {
    /// The signal that a URI names. The specification spells `Terminate`, clients write `terminate`: both are taken.
    pub fn from_uri(uri: &str) -> Self {
        let word = uri
            .strip_prefix(namespace::SHELL)
            .and_then(|rest| rest.strip_prefix("/signal/"));
        match word.map(str::to_ascii_lowercase).as_deref() {
            Some("terminate") => Self::Terminate,
            Some("ctrl_c") => Self::CtrlC,
            Some("ctrl_break") => Self::CtrlBreak,
            _ => Self::Other(uri.to_owned()),
        }
    }

    /// The URI on the wire.
    pub fn uri(&self) -> String {
        let word = match self {
            Self::Terminate => "terminate",
            Self::CtrlC => "ctrl_c",
            Self::CtrlBreak => "ctrl_break",
            Self::Other(uri) => return uri.clone(),
        };
        format!("{}/signal/{word}", namespace::SHELL)
    }
}
