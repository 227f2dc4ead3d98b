//! What a message is about: the `wsa:Action` URIs (MS-WSMV 3.1.4).

use std::fmt;

use crate::namespace;

/// The action of a request. `Identify` has none on the wire: it is told by its body.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Who are you? Answered without a resource.
    Identify,
    /// Read a resource, e.g. the service's configuration.
    Get,
    /// Make a shell.
    Create,
    /// Start a command in a shell.
    Command,
    /// Wait for output of a command.
    Receive,
    /// Write to the standard input of a command.
    Send,
    /// Interrupt or release a command.
    Signal,
    /// End a shell and everything in it.
    Delete,
    /// Begin to list resources, e.g. the shells of the server.
    Enumerate,
    /// Go on with a list.
    Pull,
    /// Anything else, by its URI.
    Other(String),
}

/// Every action with a URI, and that URI split as (namespace, last part).
const TABLE: [(Action, &str, &str); 9] = [
    (Action::Get, namespace::TRANSFER, "Get"),
    (Action::Create, namespace::TRANSFER, "Create"),
    (Action::Delete, namespace::TRANSFER, "Delete"),
    (Action::Enumerate, namespace::ENUMERATION, "Enumerate"),
    (Action::Pull, namespace::ENUMERATION, "Pull"),
    (Action::Command, namespace::SHELL, "Command"),
    (Action::Receive, namespace::SHELL, "Receive"),
    (Action::Send, namespace::SHELL, "Send"),
    (Action::Signal, namespace::SHELL, "Signal"),
];

impl Action {
    /// The action that a URI names.
    pub fn from_uri(uri: &str) -> Self {
        TABLE
            .iter()
            .find(|(_, base, word)| {
                uri.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) == Some(word)
            })
            .map_or_else(|| Self::Other(uri.to_owned()), |(action, ..)| action.clone())
    }

    /// The URI of a request; empty for `Identify`.
    pub fn uri(&self) -> String {
        match self {
            Self::Identify => String::new(),
            Self::Other(uri) => uri.clone(),
            known => TABLE
                .iter()
                .find(|(action, ..)| action == known)
                .map(|(_, base, word)| format!("{base}/{word}"))
                .unwrap_or_default(),
        }
    }

    /// The URI of the reply to it; empty for `Identify`.
    pub fn reply_uri(&self) -> String {
        match self {
            Self::Identify => String::new(),
            other => format!("{}Response", other.uri()),
        }
    }

    /// The last word of the URI, as people say it: `Create`, `Receive`.
    pub fn word(&self) -> &str {
        match self {
            Self::Identify => "Identify",
            Self::Other(uri) => uri.rsplit('/').next().unwrap_or(uri),
            known => TABLE
                .iter()
                .find(|(action, ..)| action == known)
                .map_or("", |(.., word)| word),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_uri_names_its_action() {
        for (action, base, word) in TABLE {
            assert_eq!(action.uri(), format!("{base}/{word}"));
            assert_eq!(action.word(), word);
            assert_eq!(Action::from_uri(&action.uri()), action);
        }
    }

    #[test]
    fn an_unknown_uri_is_kept() {
        let uri = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Renew";
        assert_eq!(Action::from_uri(uri), Action::Other(uri.to_owned()));
        assert_eq!(Action::from_uri(uri).to_string(), "Renew");
        assert_eq!(Action::from_uri(uri).reply_uri(), format!("{uri}Response"));
    }
}
