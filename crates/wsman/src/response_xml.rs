//! Replies as a server writes them, in the shape of recorded Windows replies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::id::MessageId;
use crate::response::{
    CommandState, Config, Identity, Received, Response, ShellCreated, ShellDetails, ShellList,
};
use crate::shell::{StreamChunk, StreamName};
use crate::xml::Xml;
use crate::{Action, duration, fault_xml, namespace};

impl Response {
    /// Writes the reply as a SOAP message in UTF-8. `relates_to` is the request's `MessageID` as it stood there.
    ///
    /// # Errors
    /// [`Error::ForbiddenCharacter`] where a text cannot be carried by XML.
    pub fn write(&self, message_id: &MessageId, relates_to: Option<&str>) -> Result<Vec<u8>, Error> {
        let mut xml = Xml::new();
        if let Self::Identity(identity) = self {
            write_identity(&mut xml, identity)?;
            return xml.finish();
        }
        xml.open(
            "s:Envelope",
            &[
                ("xml:lang", "en-US"),
                ("xmlns:s", namespace::SOAP),
                ("xmlns:a", namespace::ADDRESSING),
                ("xmlns:x", namespace::TRANSFER),
                ("xmlns:w", namespace::WSMAN),
                ("xmlns:rsp", namespace::SHELL),
                ("xmlns:p", namespace::WSMV),
            ],
        )?;
        xml.open("s:Header", &[])?;
        xml.text("a:Action", &[], &self.action_uri())?;
        xml.text("a:MessageID", &[], message_id.as_str())?;
        xml.text("a:To", &[], namespace::ANONYMOUS)?;
        if let Some(relates_to) = relates_to {
            xml.text("a:RelatesTo", &[], relates_to)?;
        }
        xml.close()?;
        xml.open("s:Body", &[])?;
        self.write_body(&mut xml)?;
        xml.finish()
    }

    fn action_uri(&self) -> String {
        match self {
            Self::Identity(_) => Action::Identify.reply_uri(),
            Self::Config(_) => Action::Get.reply_uri(),
            Self::Shells(list) if list.is_pulled => Action::Pull.reply_uri(),
            Self::Shells(_) => Action::Enumerate.reply_uri(),
            Self::ShellCreated(_) => Action::Create.reply_uri(),
            Self::CommandStarted { .. } => Action::Command.reply_uri(),
            Self::Received(_) => Action::Receive.reply_uri(),
            Self::Sent => Action::Send.reply_uri(),
            Self::Signalled => Action::Signal.reply_uri(),
            Self::Deleted => Action::Delete.reply_uri(),
            Self::Fault(fault) if fault.code == "MustUnderstand" => {
                namespace::ADDRESSING_FAULT_ACTION.to_owned()
            }
            Self::Fault(_) => namespace::WSMAN_FAULT_ACTION.to_owned(),
        }
    }

    fn write_body(&self, xml: &mut Xml) -> Result<(), Error> {
        match self {
            Self::Identity(_) | Self::Deleted => Ok(()),
            Self::Config(config) => write_config(xml, config),
            Self::Shells(list) => write_list(xml, list),
            Self::ShellCreated(created) => write_created(xml, created),
            Self::CommandStarted { command_id } => {
                xml.open("rsp:CommandResponse", &[])?;
                if let Some(id) = command_id {
                    xml.text("rsp:CommandId", &[], id.as_str())?;
                }
                xml.close()
            }
            Self::Received(received) => write_received(xml, received),
            Self::Sent => xml.empty("rsp:SendResponse", &[]),
            Self::Signalled => xml.empty("rsp:SignalResponse", &[]),
            Self::Fault(fault) => fault_xml::write(xml, fault),
        }
    }
}

fn write_identity(xml: &mut Xml, identity: &Identity) -> Result<(), Error> {
    xml.open(
        "s:Envelope",
        &[("xml:lang", "en-US"), ("xmlns:s", namespace::SOAP)],
    )?;
    xml.empty("s:Header", &[])?;
    xml.open("s:Body", &[])?;
    xml.open("wsmid:IdentifyResponse", &[("xmlns:wsmid", namespace::IDENTITY)])?;
    xml.text(
        "wsmid:ProtocolVersion",
        &[],
        identity.protocol_version.as_deref().unwrap_or_default(),
    )?;
    xml.text(
        "wsmid:ProductVendor",
        &[],
        identity.vendor.as_deref().unwrap_or_default(),
    )?;
    xml.text(
        "wsmid:ProductVersion",
        &[],
        identity.version.as_deref().unwrap_or_default(),
    )
}

/// The elements that [`Config`] knows, in the order of the recorded replies.
fn write_config(xml: &mut Xml, config: &Config) -> Result<(), Error> {
    let numbers = |xml: &mut Xml, values: &[(&str, Option<u32>)]| {
        values.iter().try_for_each(|(name, value)| match value {
            Some(value) => xml.text(name, &[], &value.to_string()),
            None => Ok(()),
        })
    };
    xml.open("cfg:Config", &[("xmlns:cfg", namespace::CONFIG)])?;
    numbers(
        xml,
        &[
            ("cfg:MaxEnvelopeSizekb", config.max_envelope_size_kb),
            ("cfg:MaxTimeoutms", config.max_timeout_ms),
        ],
    )?;
    xml.open("cfg:Service", &[])?;
    numbers(
        xml,
        &[
            (
                "cfg:MaxConcurrentOperationsPerUser",
                config.max_concurrent_operations_per_user,
            ),
            ("cfg:MaxConnections", config.max_connections),
        ],
    )?;
    xml.close()?;
    xml.open("cfg:Winrs", &[])?;
    if let Some(allowed) = config.allow_remote_shell_access {
        xml.text(
            "cfg:AllowRemoteShellAccess",
            &[],
            if allowed { "true" } else { "false" },
        )?;
    }
    numbers(
        xml,
        &[
            ("cfg:IdleTimeout", config.idle_timeout_ms),
            ("cfg:MaxProcessesPerShell", config.max_processes_per_shell),
            ("cfg:MaxMemoryPerShellMB", config.max_memory_per_shell_mb),
            ("cfg:MaxShellsPerUser", config.max_shells_per_user),
        ],
    )?;
    xml.close()?;
    xml.close()
}

fn write_list(xml: &mut Xml, list: &ShellList) -> Result<(), Error> {
    let enumeration = ("xmlns:n", namespace::ENUMERATION);
    let (reply, items, end) = match list.is_pulled {
        true => ("n:PullResponse", "n:Items", "n:EndOfSequence"),
        false => ("n:EnumerateResponse", "w:Items", "w:EndOfSequence"),
    };
    xml.open(reply, &[enumeration])?;
    match &list.context {
        Some(context) => xml.text("n:EnumerationContext", &[], context)?,
        None => xml.empty("n:EnumerationContext", &[])?,
    }
    xml.open(items, &[])?;
    for shell in &list.shells {
        xml.open("rsp:Shell", &[])?;
        xml.text("rsp:ShellId", &[], shell.shell_id.as_str())?;
        if let Some(name) = &shell.name {
            xml.text("rsp:Name", &[], name)?;
        }
        if let Some(uri) = &shell.resource_uri {
            xml.text("rsp:ResourceUri", &[], uri)?;
        }
        write_details(xml, &shell.details)?;
        if let Some(state) = &shell.state {
            xml.text("rsp:State", &[], state)?;
        }
        xml.close()?;
    }
    xml.close()?;
    if list.context.is_none() {
        xml.empty(end, &[])?;
    }
    xml.close()
}

fn write_created(xml: &mut Xml, created: &ShellCreated) -> Result<(), Error> {
    xml.open("x:ResourceCreated", &[])?;
    xml.text("a:Address", &[], namespace::ANONYMOUS)?;
    xml.open("a:ReferenceParameters", &[])?;
    xml.text(
        "w:ResourceURI",
        &[],
        created.resource_uri.as_deref().unwrap_or(namespace::CMD_RESOURCE),
    )?;
    xml.open("w:SelectorSet", &[])?;
    xml.text("w:Selector", &[("Name", "ShellId")], created.shell_id.as_str())?;
    xml.close()?;
    xml.close()?;
    xml.close()?;
    let Some(details) = &created.details else {
        return Ok(());
    };
    xml.open("rsp:Shell", &[])?;
    xml.text("rsp:ShellId", &[], created.shell_id.as_str())?;
    xml.text(
        "rsp:ResourceUri",
        &[],
        created.resource_uri.as_deref().unwrap_or(namespace::CMD_RESOURCE),
    )?;
    write_details(xml, details)?;
    xml.close()
}

/// In the order of the recorded replies.
fn write_details(xml: &mut Xml, details: &ShellDetails) -> Result<(), Error> {
    let mut optional = |name: &str, text: Option<String>| match text {
        Some(text) => xml.text(name, &[], &text),
        None => Ok(()),
    };
    optional("rsp:Owner", details.owner.clone())?;
    optional("rsp:ClientIP", details.client_ip.clone())?;
    optional("rsp:WorkingDirectory", details.working_directory.clone())?;
    if !details.environment.is_empty() {
        xml.open("rsp:Environment", &[])?;
        for (name, value) in &details.environment {
            xml.text("rsp:Variable", &[("Name", name)], value)?;
        }
        xml.close()?;
    }
    let time = |time: &std::time::Duration| format!("PT{}.{:03}S", time.as_secs(), time.subsec_millis());
    if let Some(idle) = &details.idle_time_out {
        xml.text("rsp:IdleTimeOut", &[], &time(idle))?;
    }
    xml.text(
        "rsp:InputStreams",
        &[],
        &StreamName::write_list(&details.input_streams),
    )?;
    xml.text(
        "rsp:OutputStreams",
        &[],
        &StreamName::write_list(&details.output_streams),
    )?;
    for (name, value) in [
        ("rsp:ShellRunTime", details.run_time),
        ("rsp:ShellInactivity", details.inactivity),
    ] {
        if let Some(value) = value {
            xml.text(name, &[], &duration::write(value))?;
        }
    }
    Ok(())
}

fn write_received(xml: &mut Xml, received: &Received) -> Result<(), Error> {
    xml.open("rsp:ReceiveResponse", &[])?;
    for StreamChunk {
        name,
        command_id,
        data,
        end,
    } in &received.chunks
    {
        let mut attributes = vec![("Name", name.word())];
        attributes.extend(command_id.as_ref().map(|id| ("CommandId", id.as_str())));
        if *end {
            attributes.push(("End", "true"));
        }
        xml.text("rsp:Stream", &attributes, &STANDARD.encode(data))?;
    }
    for CommandState {
        command_id,
        state,
        exit_code,
    } in &received.states
    {
        let uri = state.uri();
        let mut attributes: Vec<_> = command_id.iter().map(|id| ("CommandId", id.as_str())).collect();
        attributes.push(("State", &uri));
        xml.open("rsp:CommandState", &attributes)?;
        if let Some(code) = exit_code {
            xml.text("rsp:ExitCode", &[], &code.to_string())?;
        }
        xml.close()?;
    }
    xml.close()
}
