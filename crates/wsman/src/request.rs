//! What all requests of one client session share, and the requests themselves.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::action::Action;
use crate::error::Error;
use crate::id::{CommandId, MessageId, SessionId, ShellId};
use crate::shell::{NewCommand, NewShell, Receive, Signal, StreamChunk, StreamName};
use crate::xml::Xml;
use crate::{duration, namespace};

/// The client's side of a conversation: the headers that are the same on every request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// The URL of the endpoint.
    pub to: String,
    /// Names the session.
    pub session_id: SessionId,
    /// The language of messages, e.g. `en-US`.
    pub locale: String,
    /// The most bytes that a reply may have, and that this client's requests have.
    pub max_envelope_size: u32,
    /// How long the server may think before it says `TimedOut`.
    pub operation_timeout: Duration,
}

impl Session {
    /// What Windows 2008 R2 and later all accept as the size of an envelope, in either direction.
    pub const SAFE_ENVELOPE_SIZE: u32 = 153_600;
}

/// How many items one reply of a list may have: what Windows' own client asks for. The envelope bounds it first.
const MOST_ITEMS: &str = "32000";

/// A request, as a client makes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// Who are you?
    Identify,
    /// Read the configuration of the WinRM service (administrators only).
    GetConfig,
    /// List the shells of the server. Who is no administrator sees only those of the same user.
    ListShells,
    /// Go on with the list.
    ListMoreShells {
        /// Where, as the reply before told.
        context: String,
    },
    /// Make a shell.
    Create(NewShell),
    /// Start a command.
    Command {
        /// Where.
        shell: ShellId,
        /// What.
        command: NewCommand,
    },
    /// Wait for output.
    Receive {
        /// Where.
        shell: ShellId,
        /// Of what.
        receive: Receive,
    },
    /// Write to a command.
    Send {
        /// Where.
        shell: ShellId,
        /// What.
        chunks: Vec<StreamChunk>,
    },
    /// Interrupt or release a command.
    Signal {
        /// Where.
        shell: ShellId,
        /// What.
        signal: Signal,
    },
    /// End a shell.
    Delete {
        /// Which.
        shell: ShellId,
    },
}

impl Request {
    /// Wait for both outputs of a command.
    pub fn receive(shell: &ShellId, command: &CommandId) -> Self {
        Self::Receive {
            shell: shell.clone(),
            receive: Receive {
                command_id: Some(command.clone()),
                streams: vec![StreamName::Stdout, StreamName::Stderr],
                keep_alive: true,
            },
        }
    }

    /// Write a piece of the standard input of a command.
    pub fn send(shell: &ShellId, command: &CommandId, data: &[u8], end: bool) -> Self {
        Self::Send {
            shell: shell.clone(),
            chunks: vec![StreamChunk {
                name: StreamName::Stdin,
                command_id: Some(command.clone()),
                data: data.to_vec(),
                end,
            }],
        }
    }

    /// Its action.
    pub fn action(&self) -> Action {
        match self {
            Self::Identify => Action::Identify,
            Self::GetConfig => Action::Get,
            Self::ListShells => Action::Enumerate,
            Self::ListMoreShells { .. } => Action::Pull,
            Self::Create(_) => Action::Create,
            Self::Command { .. } => Action::Command,
            Self::Receive { .. } => Action::Receive,
            Self::Send { .. } => Action::Send,
            Self::Signal { .. } => Action::Signal,
            Self::Delete { .. } => Action::Delete,
        }
    }

    /// The shell it is about.
    pub fn shell(&self) -> Option<&ShellId> {
        match self {
            Self::Identify
            | Self::GetConfig
            | Self::ListShells
            | Self::ListMoreShells { .. }
            | Self::Create(_) => None,
            Self::Command { shell, .. }
            | Self::Receive { shell, .. }
            | Self::Send { shell, .. }
            | Self::Signal { shell, .. }
            | Self::Delete { shell } => Some(shell),
        }
    }

    /// Writes it as a SOAP message in UTF-8.
    ///
    /// # Errors
    /// [`Error::ForbiddenCharacter`] where a text cannot be carried by XML.
    pub fn write(&self, session: &Session, message_id: &MessageId) -> Result<Vec<u8>, Error> {
        let mut xml = Xml::new();
        if matches!(self, Self::Identify) {
            xml.open(
                "s:Envelope",
                &[("xmlns:s", namespace::SOAP), ("xmlns:wsmid", namespace::IDENTITY)],
            )?;
            xml.empty("s:Header", &[])?;
            xml.open("s:Body", &[])?;
            xml.empty("wsmid:Identify", &[])?;
            return xml.finish();
        }
        xml.open(
            "s:Envelope",
            &[
                ("xmlns:rsp", namespace::SHELL),
                ("xmlns:s", namespace::SOAP),
                ("xmlns:wsa", namespace::ADDRESSING),
                ("xmlns:wsman", namespace::WSMAN),
                ("xmlns:wsmv", namespace::WSMV),
            ],
        )?;
        self.write_header(&mut xml, session, message_id)?;
        xml.open("s:Body", &[])?;
        self.write_body(&mut xml)?;
        xml.finish()
    }

    /// In pypsrp's order, which recorded Windows servers of every version accepted.
    fn write_header(&self, xml: &mut Xml, session: &Session, message_id: &MessageId) -> Result<(), Error> {
        const MUST: (&str, &str) = ("s:mustUnderstand", "true");
        const MAY: (&str, &str) = ("s:mustUnderstand", "false");
        let language = ("xml:lang", session.locale.as_str());
        let resource = match self {
            Self::GetConfig => namespace::CONFIG_RESOURCE,
            Self::ListShells | Self::ListMoreShells { .. } => namespace::SHELL_RESOURCE,
            _ => namespace::CMD_RESOURCE,
        };
        xml.open("s:Header", &[])?;
        xml.text("wsa:Action", &[MUST], &self.action().uri())?;
        xml.empty("wsmv:DataLocale", &[MAY, language])?;
        xml.empty("wsman:Locale", &[MAY, language])?;
        xml.text(
            "wsman:MaxEnvelopeSize",
            &[MUST],
            &session.max_envelope_size.to_string(),
        )?;
        xml.text("wsa:MessageID", &[], message_id.as_str())?;
        xml.text(
            "wsman:OperationTimeout",
            &[],
            &duration::write(session.operation_timeout),
        )?;
        xml.open("wsa:ReplyTo", &[])?;
        xml.text("wsa:Address", &[MUST], namespace::ANONYMOUS)?;
        xml.close()?;
        xml.text("wsman:ResourceURI", &[MUST], resource)?;
        xml.text("wsmv:SessionId", &[MAY], session.session_id.as_str())?;
        xml.text("wsa:To", &[], &session.to)?;
        let options = self.options();
        if !options.is_empty() {
            xml.open("wsman:OptionSet", &[MUST])?;
            for (name, value) in &options {
                xml.text("wsman:Option", &[("Name", name)], value)?;
            }
            xml.close()?;
        }
        if let Some(shell) = self.shell() {
            xml.open("wsman:SelectorSet", &[])?;
            xml.text("wsman:Selector", &[("Name", "ShellId")], shell.as_str())?;
            xml.close()?;
        }
        xml.close()
    }

    /// The options of the header (MS-WSMV 2.2.5), in the order of their names.
    fn options(&self) -> Vec<(&'static str, String)> {
        let flag =
            |name, value: Option<bool>| value.map(|on| (name, if on { "TRUE" } else { "FALSE" }.to_owned()));
        match self {
            Self::Create(new) => [
                new.code_page.map(|page| ("WINRS_CODEPAGE", page.to_string())),
                flag("WINRS_NOPROFILE", new.no_profile),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::Command { command, .. } => [
                flag("WINRS_CONSOLEMODE_STDIN", command.console_mode_stdin),
                flag("WINRS_SKIP_CMD_SHELL", command.skip_cmd_shell),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::Receive { receive, .. } => flag(
                "WSMAN_CMDSHELL_OPTION_KEEPALIVE",
                receive.keep_alive.then_some(true),
            )
            .into_iter()
            .collect(),
            _ => Vec::new(),
        }
    }

    fn write_body(&self, xml: &mut Xml) -> Result<(), Error> {
        match self {
            Self::Identify | Self::GetConfig | Self::Delete { .. } => Ok(()),
            Self::ListShells => {
                xml.open("wsen:Enumerate", &[("xmlns:wsen", namespace::ENUMERATION)])?;
                xml.empty("wsman:OptimizeEnumeration", &[])?;
                xml.text("wsman:MaxElements", &[], MOST_ITEMS)
            }
            Self::ListMoreShells { context } => {
                xml.open("wsen:Pull", &[("xmlns:wsen", namespace::ENUMERATION)])?;
                xml.text("wsen:EnumerationContext", &[], context)?;
                xml.text("wsen:MaxElements", &[], MOST_ITEMS)
            }
            Self::Create(new) => write_shell(xml, new),
            Self::Command { command, .. } => {
                xml.open("rsp:CommandLine", &command_id(command.command_id.as_ref()))?;
                xml.text("rsp:Command", &[], &command.command)?;
                for argument in &command.arguments {
                    xml.text("rsp:Arguments", &[], argument)?;
                }
                Ok(())
            }
            Self::Receive { receive, .. } => {
                xml.open("rsp:Receive", &[])?;
                let streams = StreamName::write_list(&receive.streams);
                xml.text(
                    "rsp:DesiredStream",
                    &command_id(receive.command_id.as_ref()),
                    &streams,
                )
            }
            Self::Send { chunks, .. } => {
                xml.open("rsp:Send", &[])?;
                for chunk in chunks {
                    let mut attributes = command_id(chunk.command_id.as_ref());
                    attributes.push(("End", if chunk.end { "true" } else { "false" }));
                    attributes.push(("Name", chunk.name.word()));
                    xml.text("rsp:Stream", &attributes, &STANDARD.encode(&chunk.data))?;
                }
                Ok(())
            }
            Self::Signal { signal, .. } => {
                xml.open("rsp:Signal", &command_id(signal.command_id.as_ref()))?;
                xml.text("rsp:Code", &[], &signal.code.uri())
            }
        }
    }
}

fn command_id(id: Option<&CommandId>) -> Vec<(&str, &str)> {
    id.map(|id| ("CommandId", id.as_str())).into_iter().collect()
}

/// In the order of the recorded requests.
fn write_shell(xml: &mut Xml, new: &NewShell) -> Result<(), Error> {
    let id: Vec<_> = new.shell_id.iter().map(|id| ("ShellId", id.as_str())).collect();
    xml.open("rsp:Shell", &id)?;
    xml.text(
        "rsp:InputStreams",
        &[],
        &StreamName::write_list(&new.input_streams),
    )?;
    xml.text(
        "rsp:OutputStreams",
        &[],
        &StreamName::write_list(&new.output_streams),
    )?;
    if !new.environment.is_empty() {
        xml.open("rsp:Environment", &[])?;
        for (name, value) in &new.environment {
            xml.text("rsp:Variable", &[("Name", name)], value)?;
        }
        xml.close()?;
    }
    if let Some(time) = new.idle_time_out {
        xml.text("rsp:IdleTimeOut", &[], &duration::write(time))?;
    }
    if let Some(time) = new.lifetime {
        xml.text("rsp:Lifetime", &[], &duration::write(time))?;
    }
    if let Some(name) = &new.name {
        xml.text("rsp:Name", &[], name)?;
    }
    if let Some(folder) = &new.working_directory {
        xml.text("rsp:WorkingDirectory", &[], folder)?;
    }
    Ok(())
}

/// How many bytes of standard input fit into one `Send`, so that the whole envelope stays below the limit: what is left after the
/// header, in base64. At least 1 KiB, so that a limit that is too small shows as the server's fault and not as an endless loop.
///
/// # Errors
/// As [`Request::write`].
pub fn input_chunk_size(session: &Session, shell: &ShellId, command: &CommandId) -> Result<usize, Error> {
    /// For a message id of another length and the like.
    const SLACK: usize = 256;
    let empty =
        Request::send(shell, command, &[], true).write(session, &MessageId::new(uuid::Uuid::nil()))?;
    let limit = usize::try_from(session.max_envelope_size).unwrap_or(usize::MAX);
    Ok((limit.saturating_sub(empty.len() + SLACK) / 4 * 3).max(1024))
}
