//! What can go wrong between casgate and a server, and what to do about it.

use std::time::Duration;

use command::Output;
use wsman::Fault;

use crate::circumstances::Circumstances;

/// A cause of another library.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a request, a login or a command came to nothing, or to nothing certain. Every text names the server's URL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint cannot be used as it is written. Nothing was sent.
    #[error("{url}: expected {expected}, found {found}")]
    InvalidEndpoint {
        /// The server.
        url: String,
        /// What an endpoint needs.
        expected: &'static str,
        /// What this one has.
        found: String,
    },
    /// No TCP connection.
    #[error("{url}: no connection")]
    Unreachable {
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A TCP connection, but no TLS on it.
    #[error("{url}: the TLS handshake failed")]
    TlsFailed {
        /// The server.
        url: String,
        /// Why: a [`TlsProblem`](crate::TlsProblem) where it is one of those.
        #[source]
        source: Cause,
    },
    /// The server does not let this user in, or not in this way.
    #[error("{url}: {user} was refused with `{scheme}`; the server offers {}", list(.offered))]
    LoginRefused {
        /// The server.
        url: String,
        /// Who.
        user: String,
        /// How.
        scheme: &'static str,
        /// The schemes in the server's `WWW-Authenticate` headers.
        offered: Vec<String>,
        /// What may explain it.
        circumstances: Box<Circumstances>,
    },
    /// The server's side of the login is not acceptable.
    #[error("{url}: the server's side of the login is not acceptable")]
    LoginFailed {
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: auth::Error,
    },
    /// Kerberos gives this user no way in: no realm, no KDC, no ticket, or a ticket that the server does not take.
    #[error("{url}: Kerberos does not let {user} in")]
    KerberosFailed {
        /// The server.
        url: String,
        /// Who.
        user: String,
        /// Why, with the code of the KDC or of the server.
        #[source]
        source: Box<auth::Error>,
    },
    /// The login went well, and the user may not have a shell (fault 5).
    #[error("{url}: {user} logged in and may not have a shell: {fault}")]
    AccessDenied {
        /// The server.
        url: String,
        /// Who.
        user: String,
        /// Whether that is an account of the server itself, which UAC holds back from afar.
        local_account: bool,
        /// What the server said.
        fault: Box<Fault>,
    },
    /// The server kept silent.
    #[error("{url}: expected a reply to {step} within {limit:?}, found silence")]
    Silent {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection broke while a reply was due.
    #[error("{url}: the connection broke before the reply to {step} was complete")]
    ConnectionLost {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// An answer of HTTP where one of WS-Management was due. Its text comes from nobody who proved anything.
    #[error("{url}: expected a SOAP reply to {step}, found HTTP status {status}{}", told(.text))]
    HttpStatus {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// The status.
        status: u16,
        /// The beginning of the body.
        text: String,
    },
    /// A success in clear on a sealed session: somebody else answers. The connection is given up.
    #[error("{url}: expected a sealed reply to {step}, found one in clear (HTTP status {status})")]
    ClearReply {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// The status.
        status: u16,
    },
    /// A message could not be sealed, or a sealed reply was not the server's.
    #[error("{url}: the protection of the messages failed at {step}")]
    Unsealed {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// Why.
        #[source]
        source: auth::Error,
    },
    /// A reply of more bytes than are read.
    #[error("{url}: expected a reply to {step} of at most {limit} bytes, found more")]
    ReplyTooLarge {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// A message that could not be written, or a reply that could not be read.
    #[error("{url}: {step} is no message of WS-Management")]
    Malformed {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// Why.
        #[source]
        source: wsman::Error,
    },
    /// A reply to something else.
    #[error("{url}: expected {expected}, found {found}")]
    UnexpectedReply {
        /// The server.
        url: String,
        /// What was due.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The server answered with a fault. Nothing ran.
    #[error("{url}: {step} was answered with {fault}")]
    Fault {
        /// The server.
        url: String,
        /// What was being done.
        step: &'static str,
        /// What the server said.
        fault: Box<Fault>,
    },
    /// The command was sent and its end was not seen: it may have run or not. It was not sent again.
    #[error("{url}: outcome unknown of `{line}`{}", afterwards(.found.as_deref()))]
    OutcomeUnknown {
        /// The server.
        url: String,
        /// The command.
        line: String,
        /// What the server told of the command when it was asked again by the name that this client had chosen for it: its whole
        /// output and exit code. `None` where it knew nothing or was not asked.
        found: Option<Box<Output>>,
        /// What hid the outcome.
        #[source]
        source: Box<Error>,
    },
    /// The command ended, but part of its output may have been lost with a connection that broke.
    #[error("{url}: the output of `{line}` may have a gap; its exit code was {}", .output.exit_code)]
    OutputGap {
        /// The server.
        url: String,
        /// The command.
        line: String,
        /// What arrived.
        output: Box<Output>,
        /// What broke.
        #[source]
        source: Box<Error>,
    },
    /// The command took longer than its limit. It was terminated.
    #[error("{url}: expected `{line}` to end within {limit:?}, found it still running")]
    Deadline {
        /// The server.
        url: String,
        /// The command.
        line: String,
        /// The limit.
        limit: Duration,
        /// What it had written so far.
        partial: Box<Partial>,
    },
    /// The command wrote more than is kept. It was terminated.
    #[error("{url}: expected at most {limit} bytes from `{line}`, found more")]
    OutputTooLarge {
        /// The server.
        url: String,
        /// The command.
        line: String,
        /// The most that is kept.
        limit: usize,
    },
    /// What the command was to read could not be read here. It was terminated.
    #[error("{url}: the input of `{line}` cannot be read")]
    InputUnreadable {
        /// The server.
        url: String,
        /// The command.
        line: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server did not take a file. The one that was there before is still there.
    #[error("{url}: the file was not taken")]
    UploadFailed {
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: command::Error,
    },
    /// A script or a line that cannot be sent at all. Nothing was sent.
    #[error("{url}: the command cannot be written")]
    Unspeakable {
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: command::Error,
    },
    /// The server says that the command is done, but not how it ended.
    #[error("{url}: expected an exit code of `{line}`, found none")]
    NoExitCode {
        /// The server.
        url: String,
        /// The command.
        line: String,
    },
}

/// What a command wrote before it was terminated.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Partial {
    /// Standard output, raw bytes.
    pub stdout: Vec<u8>,
    /// Standard error, raw bytes.
    pub stderr: Vec<u8>,
}

/// What an error means to somebody who must decide what to do next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// There is nobody to talk to. Nothing ran.
    Unreachable,
    /// The login was refused. Nothing ran.
    LoginRefused,
    /// Something took too long: the login, a request, or a command, which was then terminated.
    TimedOut,
    /// A command may have run or not, or may have said more than is known.
    Unknown,
    /// The other side does not speak as MS-WSMV describes. No command ran.
    Protocol,
    /// The request was understood and refused. Nothing ran.
    Refused,
}

impl Error {
    /// What it means.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } | Self::TlsFailed { .. } | Self::ConnectionLost { .. } => {
                ErrorKind::Unreachable
            }
            Self::HttpStatus {
                status: 502..=504, ..
            } => ErrorKind::Unreachable,
            Self::Fault { fault, .. } if fault.is_timed_out() => ErrorKind::TimedOut,
            Self::KerberosFailed { source, .. } if matches!(**source, auth::Error::KdcUnreachable { .. }) => {
                ErrorKind::Unreachable
            }
            Self::LoginRefused { .. } | Self::KerberosFailed { .. } => ErrorKind::LoginRefused,
            Self::Silent { .. } | Self::Deadline { .. } => ErrorKind::TimedOut,
            Self::OutcomeUnknown { .. }
            | Self::OutputGap { .. }
            | Self::OutputTooLarge { .. }
            | Self::InputUnreadable { .. }
            | Self::NoExitCode { .. } => ErrorKind::Unknown,
            Self::UploadFailed { .. } | Self::Unspeakable { .. } => ErrorKind::Refused,
            Self::LoginFailed { .. }
            | Self::HttpStatus { .. }
            | Self::ClearReply { .. }
            | Self::Unsealed { .. }
            | Self::ReplyTooLarge { .. }
            | Self::Malformed { .. }
            | Self::UnexpectedReply { .. } => ErrorKind::Protocol,
            Self::InvalidEndpoint { .. } | Self::AccessDenied { .. } | Self::Fault { .. } => {
                ErrorKind::Refused
            }
        }
    }
}

/// `Negotiate, Kerberos`, or `nothing`.
fn list(offered: &[String]) -> String {
    if offered.is_empty() {
        "nothing".to_owned()
    } else {
        offered.join(", ")
    }
}

/// A text from the network behind a colon, made harmless for a terminal.
fn told(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!(" ({})", text.escape_debug()),
    }
}

fn afterwards(found: Option<&Output>) -> String {
    found.map_or_else(String::new, |output| {
        format!(
            "; asked again, the server says that it ended with exit code {}",
            output.exit_code
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://cas01:5985/wsman";

    fn refused(scheme: &'static str, offered: &[&str]) -> Error {
        Error::LoginRefused {
            url: URL.to_owned(),
            user: r"CONTOSO\operator".to_owned(),
            scheme,
            offered: offered.iter().map(|&name| name.to_owned()).collect(),
            circumstances: Box::default(),
        }
    }

    #[test]
    fn a_refused_login_says_what_is_offered_and_what_that_means() {
        let error = refused("negotiate", &["Kerberos", "Basic"]);
        assert_eq!(
            error.to_string(),
            r"http://cas01:5985/wsman: CONTOSO\operator was refused with `negotiate`; the server offers Kerberos, Basic"
        );
        assert!(error.hint().unwrap().contains("does not offer `Negotiate`"));
        let error = refused("ntlm", &["Negotiate"]);
        assert!(error.hint().unwrap().starts_with("wrong user or password"));
        assert!(
            refused("ntlm", &[])
                .to_string()
                .ends_with("the server offers nothing")
        );
    }

    #[test]
    fn text_from_the_network_cannot_move_the_cursor() {
        let error = Error::HttpStatus {
            url: URL.to_owned(),
            step: "Command",
            status: 500,
            text: "\u{1b}[2Jgone".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            r"http://cas01:5985/wsman: expected a SOAP reply to Command, found HTTP status 500 (\u{1b}[2Jgone)"
        );
    }

    #[test]
    fn an_unknown_outcome_says_whether_the_server_knew_more() {
        let lost = || {
            Box::new(Error::Silent {
                url: URL.to_owned(),
                step: "Command",
                limit: Duration::from_secs(25),
            })
        };
        let unknown = |found| Error::OutcomeUnknown {
            url: URL.to_owned(),
            line: "iisreset".to_owned(),
            found,
            source: lost(),
        };
        assert_eq!(
            unknown(None).to_string(),
            "http://cas01:5985/wsman: outcome unknown of `iisreset`"
        );
        let output = Output {
            exit_code: 0,
            ..Output::default()
        };
        assert_eq!(
            unknown(Some(Box::new(output))).to_string(),
            "http://cas01:5985/wsman: outcome unknown of `iisreset`; asked again, the server says that it ended with exit code 0"
        );
        assert_eq!(unknown(None).kind(), ErrorKind::Unknown);
    }

    #[test]
    fn errors_are_small_enough_to_be_handed_up() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
    }
}
