//! Requests as a server reads them.

use std::time::Duration;

use roxmltree::Node;

use crate::action::Action;
use crate::document::{self, boolean, child, child_text, children};
use crate::duration;
use crate::error::Error;
use crate::fault::Fault;
use crate::id::ShellId;
use crate::incoming_body::{self, find};
use crate::namespace::{self, ADDRESSING, IDENTITY, SOAP, WSMAN, WSMV};
use crate::shell::{NewCommand, NewShell, Receive, Signal, StreamChunk};

/// A request that arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IncomingRequest {
    /// What is asked.
    pub action: Action,
    /// The message's name as it stands; `Identify` may have none.
    pub message_id: Option<String>,
    /// Where it was sent, as the client says.
    pub to: Option<String>,
    /// What it is about.
    pub resource_uri: Option<String>,
    /// The client session.
    pub session_id: Option<String>,
    /// The language of messages.
    pub locale: Option<String>,
    /// The most bytes that the reply may have.
    pub max_envelope_size: Option<u32>,
    /// How long the server may think.
    pub operation_timeout: Option<Duration>,
    /// Names and values, in the order written.
    pub options: Vec<(String, String)>,
    /// Names and values, in the order written.
    pub selectors: Vec<(String, String)>,
    /// The rest.
    pub body: IncomingBody,
}

/// The body of a request, together with the options that belong to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IncomingBody {
    /// Who are you?
    Identify,
    /// Read a resource.
    Get,
    /// List resources: how many at most in one reply.
    Enumerate(Option<u32>),
    /// Go on with a list: where, and how many at most.
    Pull(Option<String>, Option<u32>),
    /// Make a shell.
    Create(NewShell),
    /// Start a command.
    Command(NewCommand),
    /// Wait for output.
    Receive(Receive),
    /// Write to commands.
    Send(Vec<StreamChunk>),
    /// Interrupt or release a command.
    Signal(Signal),
    /// End a shell.
    Delete,
    /// Anything else: the name of the first element.
    Other(Option<String>),
}

/// A request that cannot be carried out, and the fault to answer with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// The request's `MessageID`, if it could be read.
    pub relates_to: Option<String>,
    /// What to answer.
    pub fault: Fault,
}

impl IncomingRequest {
    /// Reads a request. Clients write namespaces, order and letter case differently; all recorded ones are taken.
    ///
    /// # Errors
    /// The fault to answer with, where the message is not XML, not SOAP, lacks its action, or demands a header to be understood that is
    /// not.
    pub fn parse(bytes: &[u8]) -> Result<Self, Box<Refused>> {
        let refused = |relates_to: Option<String>, fault: Fault| Box::new(Refused { relates_to, fault });
        let bad = |error: Error| refused(None, Fault::bad_request(&error_text(&error)));
        let document = document::text(bytes).and_then(document::parse).map_err(bad)?;
        let envelope = document.root_element();
        let body = child(envelope, SOAP, "Body")
            .ok_or_else(|| bad(Error::unexpected("a SOAP body", "an envelope without one")))?;
        let header = child(envelope, SOAP, "Header");
        let message_id = header.and_then(|header| child_text(header, ADDRESSING, "MessageID"));
        Self::read(header, body, message_id.clone()).map_err(|fault| refused(message_id, fault))
    }

    fn read(
        header: Option<Node<'_, '_>>,
        body: Node<'_, '_>,
        message_id: Option<String>,
    ) -> Result<Self, Fault> {
        if child(body, IDENTITY, "Identify").is_some() {
            return Ok(Self::bare(Action::Identify, message_id, IncomingBody::Identify));
        }
        let header = header.ok_or_else(|| Fault::bad_request("the request has no header"))?;
        check_understood(header)?;
        let text = |uri, name| child_text(header, uri, name);
        let action =
            text(ADDRESSING, "Action").ok_or_else(|| Fault::bad_request("the request has no Action"))?;
        let number = |name| match text(WSMAN, name) {
            Some(value) => value
                .parse()
                .map(Some)
                .map_err(|_| Fault::bad_request(&format!("{name} is `{value}`"))),
            None => Ok(None),
        };
        let operation_timeout = match text(WSMAN, "OperationTimeout") {
            Some(value) => Some(
                duration::read(&value)
                    .ok_or_else(|| Fault::bad_request(&format!("OperationTimeout is `{value}`")))?,
            ),
            None => None,
        };
        let options = pairs(child(header, WSMAN, "OptionSet"), "Option");
        let action = Action::from_uri(&action);
        let body = incoming_body::read(&action, body, &options)
            .map_err(|error| Fault::bad_request(&error_text(&error)))?;
        Ok(Self {
            to: text(ADDRESSING, "To"),
            resource_uri: text(WSMAN, "ResourceURI"),
            session_id: text(WSMV, "SessionId"),
            locale: child(header, WSMAN, "Locale")
                .and_then(|locale| locale.attribute((namespace::XML, "lang")))
                .map(str::to_owned),
            max_envelope_size: number("MaxEnvelopeSize")?,
            operation_timeout,
            selectors: pairs(child(header, WSMAN, "SelectorSet"), "Selector"),
            options,
            ..Self::bare(action, message_id, body)
        })
    }

    fn bare(action: Action, message_id: Option<String>, body: IncomingBody) -> Self {
        Self {
            action,
            message_id,
            to: None,
            resource_uri: None,
            session_id: None,
            locale: None,
            max_envelope_size: None,
            operation_timeout: None,
            options: Vec::new(),
            selectors: Vec::new(),
            body,
        }
    }

    /// The value of an option, by its name without regard to letter case.
    pub fn option(&self, name: &str) -> Option<&str> {
        find(&self.options, name)
    }

    /// The value of a selector, by its name without regard to letter case.
    pub fn selector(&self, name: &str) -> Option<&str> {
        find(&self.selectors, name)
    }

    /// The shell that the request is about.
    pub fn shell_id(&self) -> Option<ShellId> {
        self.selector("ShellId").map(ShellId::from)
    }
}

/// The error and its causes in one line.
fn error_text(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A header marked with `s:mustUnderstand` that this crate does not know is a fault (SOAP 1.2, 5.2.3).
fn check_understood(header: Node<'_, '_>) -> Result<(), Fault> {
    const KNOWN: [(&str, &[&str]); 3] = [
        (
            ADDRESSING,
            &[
                "Action",
                "MessageID",
                "ReplyTo",
                "FaultTo",
                "From",
                "To",
                "RelatesTo",
            ],
        ),
        (
            WSMAN,
            &[
                "ResourceURI",
                "SelectorSet",
                "OptionSet",
                "MaxEnvelopeSize",
                "OperationTimeout",
                "Locale",
                "FragmentTransfer",
            ],
        ),
        (
            WSMV,
            &[
                "SessionId",
                "DataLocale",
                "OperationID",
                "SequenceId",
                "ActivityId",
            ],
        ),
    ];
    let demanded =
        |node: &Node<'_, '_>| node.attribute((SOAP, "mustUnderstand")).and_then(boolean) == Some(true);
    let unknown = |node: &Node<'_, '_>| {
        let tag = node.tag_name();
        !KNOWN
            .iter()
            .any(|(uri, names)| tag.namespace() == Some(uri) && names.contains(&tag.name()))
    };
    match header
        .children()
        .filter(Node::is_element)
        .filter(demanded)
        .find(unknown)
    {
        Some(node) => Err(Fault::must_understand(&document::name(node))),
        None => Ok(()),
    }
}

fn pairs(set: Option<Node<'_, '_>>, name: &'static str) -> Vec<(String, String)> {
    let pair = |node: Node<'_, '_>| {
        (
            node.attribute("Name").unwrap_or_default().to_owned(),
            document::trimmed(node),
        )
    };
    set.map(|set| children(set, WSMAN, name).map(pair).collect())
        .unwrap_or_default()
}
