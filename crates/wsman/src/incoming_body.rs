//! The bodies of requests as a server reads them.

use roxmltree::Node;

use crate::action::Action;
use crate::document::{self, boolean, child, child_text, children};
use crate::duration;
use crate::error::Error;
use crate::id::ShellId;
use crate::incoming::IncomingBody;
use crate::namespace::{ENUMERATION, SHELL, WSMAN};
use crate::response_reader::{command_id, read_chunk, read_environment};
use crate::shell::{NewCommand, NewShell, Receive, Signal, SignalCode, StreamName};

/// A value by its name, without regard to letter case.
pub(crate) fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// Reads a body. Which elements it must have is told by the action.
pub(crate) fn read(
    action: &Action,
    body: Node<'_, '_>,
    options: &[(String, String)],
) -> Result<IncomingBody, Error> {
    let element = |name: &str| {
        child(body, SHELL, name).ok_or_else(|| {
            let found = document::first_element(body).map_or_else(|| "nothing".to_owned(), document::name);
            Error::unexpected(format!("{name} in the body"), found)
        })
    };
    let flag = |name| find(options, name).and_then(boolean);
    Ok(match action {
        Action::Identify => IncomingBody::Identify,
        Action::Get => IncomingBody::Get,
        Action::Delete => IncomingBody::Delete,
        Action::Enumerate | Action::Pull => {
            let asks = document::first_element(body).filter(|node| {
                node.has_tag_name((ENUMERATION, "Enumerate")) || node.has_tag_name((ENUMERATION, "Pull"))
            });
            let asks = asks.ok_or_else(|| Error::unexpected("Enumerate or Pull in the body", "neither"))?;
            let most = child_text(asks, WSMAN, "MaxElements")
                .or_else(|| child_text(asks, ENUMERATION, "MaxElements"))
                .and_then(|text| text.parse().ok());
            match action {
                Action::Pull => IncomingBody::Pull(child_text(asks, ENUMERATION, "EnumerationContext"), most),
                _ => IncomingBody::Enumerate(most),
            }
        }
        Action::Create => IncomingBody::Create(NewShell {
            no_profile: flag("WINRS_NOPROFILE"),
            code_page: find(options, "WINRS_CODEPAGE").and_then(|page| page.parse().ok()),
            ..read_shell(element("Shell")?)?
        }),
        Action::Command => {
            let line = element("CommandLine")?;
            IncomingBody::Command(NewCommand {
                command_id: command_id(line),
                command: child(line, SHELL, "Command")
                    .map(document::raw_text)
                    .unwrap_or_default(),
                arguments: children(line, SHELL, "Arguments")
                    .map(document::raw_text)
                    .collect(),
                console_mode_stdin: flag("WINRS_CONSOLEMODE_STDIN"),
                skip_cmd_shell: flag("WINRS_SKIP_CMD_SHELL"),
            })
        }
        Action::Receive => {
            let stream = child(element("Receive")?, SHELL, "DesiredStream")
                .ok_or_else(|| Error::unexpected("DesiredStream in Receive", "none"))?;
            IncomingBody::Receive(Receive {
                command_id: command_id(stream),
                streams: StreamName::read_list(&document::raw_text(stream)),
                keep_alive: flag("WSMAN_CMDSHELL_OPTION_KEEPALIVE").unwrap_or(false),
            })
        }
        Action::Send => IncomingBody::Send(
            children(element("Send")?, SHELL, "Stream")
                .map(read_chunk)
                .collect::<Result<_, _>>()?,
        ),
        Action::Signal => {
            let signal = element("Signal")?;
            let code = child_text(signal, SHELL, "Code")
                .ok_or_else(|| Error::unexpected("Code in Signal", "none"))?;
            IncomingBody::Signal(Signal {
                command_id: command_id(signal),
                code: SignalCode::from_uri(&code),
            })
        }
        Action::Other(_) => {
            IncomingBody::Other(document::first_element(body).map(|node| node.tag_name().name().to_owned()))
        }
    })
}

fn read_shell(shell: Node<'_, '_>) -> Result<NewShell, Error> {
    let time = |name: &str| match child_text(shell, SHELL, name) {
        Some(text) => duration::read(&text)
            .map(Some)
            .ok_or_else(|| Error::unexpected(format!("a duration in {name}"), format!("`{text}`"))),
        None => Ok(None),
    };
    let list = |name| {
        child_text(shell, SHELL, name)
            .map(|text| StreamName::read_list(&text))
            .unwrap_or_default()
    };
    Ok(NewShell {
        shell_id: shell
            .attribute("ShellId")
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(ShellId::from),
        input_streams: list("InputStreams"),
        output_streams: list("OutputStreams"),
        environment: child(shell, SHELL, "Environment")
            .map(read_environment)
            .unwrap_or_default(),
        idle_time_out: time("IdleTimeOut")?,
        lifetime: time("Lifetime")?,
        name: child_text(shell, SHELL, "Name"),
        working_directory: child_text(shell, SHELL, "WorkingDirectory"),
        ..NewShell::default()
    })
}
