//! Replies as a client reads them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use roxmltree::Node;

use crate::document::{self, boolean, child, child_text, children};
use crate::error::{Error, shortened};
use crate::id::{CommandId, MessageId, ShellId};
use crate::namespace::{self, SHELL};
use crate::response::{
    CommandState, Config, Identity, ListedShell, Received, Response, ShellCreated, ShellDetails, ShellList,
    State,
};
use crate::shell::{StreamChunk, StreamName};
use crate::{Action, duration, fault_xml};

/// Takes base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Response {
    /// Reads a reply. With `request`, the reply must relate to that message; a fault that relates to nothing at all is taken as well,
    /// since some quota faults do, and so is an answer to `Identify`, which has no header.
    ///
    /// # Errors
    /// Any [`Error`] but those of writing. A fault is not an error.
    pub fn parse(bytes: &[u8], request: Option<&MessageId>) -> Result<Self, Error> {
        let document = document::parse(document::text(bytes)?)?;
        let envelope = document.root_element();
        let header = child(envelope, namespace::SOAP, "Header");
        let body = child(envelope, namespace::SOAP, "Body")
            .ok_or_else(|| Error::unexpected("a SOAP body", "an envelope without one"))?;
        let action = header.and_then(|header| child_text(header, namespace::ADDRESSING, "Action"));
        let response = read_body(body, action.as_deref())?;
        if let Some(request) = request {
            let relates_to = header.and_then(|header| child_text(header, namespace::ADDRESSING, "RelatesTo"));
            let may_be_absent = matches!(response, Self::Fault(_) | Self::Identity(_));
            let fits = match &relates_to {
                Some(id) => id == request.as_str(),
                None => may_be_absent,
            };
            if !fits {
                return Err(Error::OtherMessage {
                    expected: request.to_string(),
                    found: relates_to.map(shortened),
                });
            }
        }
        Ok(response)
    }
}

/// What a body is, is told by its first element; by the action where it has none.
fn read_body(body: Node<'_, '_>, action: Option<&str>) -> Result<Response, Error> {
    let Some(first) = document::first_element(body) else {
        return match action {
            Some(action) if action == Action::Delete.reply_uri() => Ok(Response::Deleted),
            Some(action) if action == Action::Send.reply_uri() => Ok(Response::Sent),
            Some(action) if action == Action::Signal.reply_uri() => Ok(Response::Signalled),
            action => Err(Error::unexpected(
                "a reply with a body",
                format!("an empty one, action `{}`", action.unwrap_or_default()),
            )),
        };
    };
    let tag = first.tag_name();
    match (tag.namespace().unwrap_or_default(), tag.name()) {
        (namespace::SOAP, "Fault") => Ok(Response::Fault(Box::new(fault_xml::read(first)))),
        (namespace::IDENTITY, "IdentifyResponse") => Ok(Response::Identity(Identity {
            protocol_version: child_text(first, namespace::IDENTITY, "ProtocolVersion"),
            vendor: child_text(first, namespace::IDENTITY, "ProductVendor"),
            version: child_text(first, namespace::IDENTITY, "ProductVersion"),
        })),
        (namespace::CONFIG, "Config") => read_config(first).map(Response::Config),
        (namespace::ENUMERATION, "EnumerateResponse" | "PullResponse") => {
            read_list(first).map(Response::Shells)
        }
        (namespace::TRANSFER, "ResourceCreated") | (SHELL, "Shell") => {
            read_created(body).map(Response::ShellCreated)
        }
        (SHELL, "CommandResponse") => Ok(Response::CommandStarted {
            command_id: child_text(first, SHELL, "CommandId").map(|id| CommandId::from(id.as_str())),
        }),
        (SHELL, "ReceiveResponse") => read_received(first).map(Response::Received),
        (SHELL, "SendResponse") => Ok(Response::Sent),
        (SHELL, "SignalResponse") => Ok(Response::Signalled),
        _ => Err(Error::unexpected(
            "a reply of WS-Management",
            document::name(first),
        )),
    }
}

/// The two numbers at the top must be numbers; of the limits below them, what does not read as one is passed over.
fn read_config(config: Node<'_, '_>) -> Result<Config, Error> {
    let inner = |group: &str, name: &str| {
        child(config, namespace::CONFIG, group).and_then(|group| child_text(group, namespace::CONFIG, name))
    };
    let limit = |group, name| inner(group, name).and_then(|text| text.parse().ok());
    Ok(Config {
        max_envelope_size_kb: number(config, "MaxEnvelopeSizekb")?,
        max_timeout_ms: number(config, "MaxTimeoutms")?,
        max_concurrent_operations_per_user: limit("Service", "MaxConcurrentOperationsPerUser"),
        max_connections: limit("Service", "MaxConnections"),
        allow_remote_shell_access: inner("Winrs", "AllowRemoteShellAccess").and_then(|text| boolean(&text)),
        idle_timeout_ms: limit("Winrs", "IdleTimeout"),
        max_processes_per_shell: limit("Winrs", "MaxProcessesPerShell"),
        max_memory_per_shell_mb: limit("Winrs", "MaxMemoryPerShellMB"),
        max_shells_per_user: limit("Winrs", "MaxShellsPerUser"),
    })
}

/// `Items` and `EndOfSequence` stand in WS-Management's namespace in an optimized `EnumerateResponse`, in WS-Enumeration's in a `PullResponse`.
fn read_list(reply: Node<'_, '_>) -> Result<ShellList, Error> {
    let either =
        |name| child(reply, namespace::WSMAN, name).or_else(|| child(reply, namespace::ENUMERATION, name));
    let shells = either("Items")
        .map(|items| children(items, SHELL, "Shell").map(read_listed).collect())
        .unwrap_or_else(|| Ok(Vec::new()))?;
    Ok(ShellList {
        shells,
        context: match either("EndOfSequence") {
            Some(_) => None,
            None => child_text(reply, namespace::ENUMERATION, "EnumerationContext"),
        },
        is_pulled: reply.tag_name().name() == "PullResponse",
    })
}

fn read_listed(shell: Node<'_, '_>) -> Result<ListedShell, Error> {
    let text = |name| child_text(shell, SHELL, name);
    let id = text("ShellId")
        .or_else(|| shell.attribute("ShellId").map(str::to_owned))
        .ok_or_else(|| Error::unexpected("the name of a listed shell", "none"))?;
    Ok(ListedShell {
        shell_id: ShellId::from(id.as_str()),
        name: text("Name"),
        resource_uri: text("ResourceUri"),
        state: text("State"),
        details: read_details(shell),
    })
}

fn number(node: Node<'_, '_>, name: &str) -> Result<Option<u32>, Error> {
    let Some(text) = child_text(node, namespace::CONFIG, name) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| Error::unexpected(format!("a number in {name}"), format!("`{text}`")))
}

/// The name stands in the selectors of `ResourceCreated`, in `rsp:Shell`, or in both.
fn read_created(body: Node<'_, '_>) -> Result<ShellCreated, Error> {
    let parameters = child(body, namespace::TRANSFER, "ResourceCreated")
        .and_then(|created| child(created, namespace::ADDRESSING, "ReferenceParameters"));
    let selected = parameters
        .and_then(|parameters| child(parameters, namespace::WSMAN, "SelectorSet"))
        .and_then(|set| {
            children(set, namespace::WSMAN, "Selector")
                .find(|selector| selector.attribute("Name") == Some("ShellId"))
        })
        .map(document::trimmed)
        .filter(|id| !id.is_empty());
    let shell = child(body, SHELL, "Shell");
    let shell_id = selected
        .or_else(|| shell.and_then(|shell| child_text(shell, SHELL, "ShellId")))
        .ok_or_else(|| Error::unexpected("the name of the new shell", "a reply without it"))?;
    let resource_uri = parameters
        .and_then(|parameters| child_text(parameters, namespace::WSMAN, "ResourceURI"))
        .or_else(|| shell.and_then(|shell| child_text(shell, SHELL, "ResourceUri")));
    Ok(ShellCreated {
        shell_id: ShellId::from(shell_id.as_str()),
        resource_uri,
        details: shell.map(read_details),
    })
}

fn read_details(shell: Node<'_, '_>) -> ShellDetails {
    let text = |name| child_text(shell, SHELL, name);
    let time = |name| text(name).and_then(|text| duration::read(&text));
    let list = |name| {
        text(name)
            .map(|text| StreamName::read_list(&text))
            .unwrap_or_default()
    };
    ShellDetails {
        owner: text("Owner"),
        client_ip: text("ClientIP"),
        working_directory: text("WorkingDirectory"),
        environment: child(shell, SHELL, "Environment")
            .map(read_environment)
            .unwrap_or_default(),
        idle_time_out: time("IdleTimeOut"),
        input_streams: list("InputStreams"),
        output_streams: list("OutputStreams"),
        run_time: time("ShellRunTime"),
        inactivity: time("ShellInactivity"),
    }
}

pub(crate) fn read_environment(environment: Node<'_, '_>) -> Vec<(String, String)> {
    children(environment, SHELL, "Variable")
        .map(|variable| {
            (
                variable.attribute("Name").unwrap_or_default().to_owned(),
                document::raw_text(variable),
            )
        })
        .collect()
}

fn read_received(reply: Node<'_, '_>) -> Result<Received, Error> {
    let chunks = children(reply, SHELL, "Stream")
        .map(read_chunk)
        .collect::<Result<_, _>>()?;
    let states = children(reply, SHELL, "CommandState")
        .map(read_state)
        .collect::<Result<_, _>>()?;
    Ok(Received { chunks, states })
}

/// `rsp:Stream`, in a `Send` as in a `ReceiveResponse`.
pub(crate) fn read_chunk(stream: Node<'_, '_>) -> Result<StreamChunk, Error> {
    let name = stream
        .attribute("Name")
        .ok_or_else(|| Error::unexpected("a stream with a name", "one without"))?;
    let mut encoded = document::raw_text(stream).into_bytes();
    encoded.retain(|byte| !byte.is_ascii_whitespace());
    let data = BASE64
        .decode(&encoded)
        .map_err(|error| Error::unexpected(format!("base64 in stream {name}"), error.to_string()))?;
    Ok(StreamChunk {
        name: StreamName::from_word(name),
        command_id: command_id(stream),
        data,
        end: stream.attribute("End").and_then(boolean).unwrap_or(false),
    })
}

fn read_state(state: Node<'_, '_>) -> Result<CommandState, Error> {
    let uri = state
        .attribute("State")
        .ok_or_else(|| Error::unexpected("a state in CommandState", "none"))?;
    let exit_code = child_text(state, SHELL, "ExitCode")
        .map(|text| read_exit_code(&text))
        .transpose()?;
    Ok(CommandState {
        command_id: command_id(state),
        state: State::from_uri(uri),
        exit_code,
    })
}

/// Windows writes exit codes without a sign; a signed one is taken as the same 32 bits.
fn read_exit_code(text: &str) -> Result<u32, Error> {
    text.parse::<u32>()
        .or_else(|_| text.parse::<i32>().map(i32::cast_unsigned))
        .map_err(|_| Error::unexpected("an exit code of 32 bits", format!("`{text}`")))
}

/// The attribute, unless it is blank.
pub(crate) fn command_id(node: Node<'_, '_>) -> Option<CommandId> {
    node.attribute("CommandId")
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(CommandId::from)
}
