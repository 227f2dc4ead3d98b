//! Failures as data: every error of the layers below becomes a [`StepError`] that says what was expected, what was found and what to do.

use std::error::Error as StdError;

use iis::{AppcmdError, AppcmdErrorKind};
use inventory::ServerName;
use rollout::{FailureKind, Outcome, StepError};
use winrm::ErrorKind;

use crate::load_balancer::BalancerError;
use crate::web::WebError;

/// How a change ended, if not well.
#[derive(Debug)]
pub(crate) enum Setback {
    /// It is known to have failed.
    Failed(StepError),
    /// It may have happened or not.
    Unknown(StepError),
}

impl From<StepError> for Setback {
    fn from(error: StepError) -> Self {
        Self::Failed(error)
    }
}

impl From<Setback> for Outcome {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Failed(error) => Self::Failed(error),
            Setback::Unknown(error) => Self::Unknown(error),
        }
    }
}

impl From<Setback> for StepError {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Failed(error) | Setback::Unknown(error) => error,
        }
    }
}

/// A failure of the plain kind: something else was found than expected.
pub(crate) fn failed(
    doing: impl Into<String>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> StepError {
    StepError {
        kind: FailureKind::Failed,
        doing: doing.into(),
        expected: expected.into(),
        found: found.into(),
        hint: None,
        causes: Vec::new(),
    }
}

/// What can be said more of a failure.
pub(crate) trait StepErrorExt {
    /// Of another kind than `Failed`.
    fn of_kind(self, kind: FailureKind) -> Self;
    /// What the operator can do.
    fn hint(self, hint: impl Into<String>) -> Self;
    /// What the operator can do, if nothing better is known.
    fn or_hint(self, hint: impl Into<String>) -> Self;
    /// The causes of `error`, outermost first; its own text is taken to be told already.
    fn caused_by(self, error: &dyn StdError) -> Self;
}

impl StepErrorExt for StepError {
    fn of_kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn or_hint(self, hint: impl Into<String>) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.hint(hint),
        }
    }

    fn caused_by(mut self, error: &dyn StdError) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some libraries repeat a cause's text in the text of the error around it.
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }
}

/// A deadline passed while something else than expected was seen all the time.
pub(crate) fn timed_out(
    doing: impl Into<String>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> StepError {
    failed(doing, expected, found).of_kind(FailureKind::TimedOut)
}

/// A failure between casgate and a server's WinRM.
pub(crate) fn from_winrm(doing: &str, server: &ServerName, error: &winrm::Error) -> StepError {
    let (kind, expected) = match error.kind() {
        ErrorKind::Unreachable => (FailureKind::Unreachable, "WinRM answers"),
        ErrorKind::LoginRefused => (FailureKind::LoginRefused, "the login is accepted"),
        ErrorKind::TimedOut => (FailureKind::TimedOut, "an answer in time"),
        ErrorKind::Unknown => (FailureKind::Unknown, "the command's whole answer"),
        ErrorKind::Protocol => (FailureKind::Failed, "messages as MS-WSMV describes them"),
        ErrorKind::Refused => (FailureKind::Failed, "WinRM carries out the request"),
    };
    let layers = || format!("`casgate ping {server}` tries one layer after the other");
    let hint = match (error.hint(), error.kind()) {
        (Some(hint), ErrorKind::Unreachable | ErrorKind::TimedOut) => format!("{hint}; {}", layers()),
        (Some(hint), _) => hint,
        (None, _) => layers(),
    };
    // The text may name a whole command line, and those are long.
    failed(doing, expected, one_line(&error.to_string()))
        .of_kind(kind)
        .hint(hint)
        .caused_by(error)
}

/// A failure between casgate and a load balancer.
pub(crate) fn from_balancer(doing: &str, error: &BalancerError) -> StepError {
    let (kind, hint) = match error {
        BalancerError::Unreachable { source, .. } if is_permission(source.as_ref()) => (
            FailureKind::Unreachable,
            "the socket's `mode`, `user` and `group` in haproxy.cfg say who may open it (Debian: group haproxy)",
        ),
        BalancerError::Unreachable { .. } => (
            FailureKind::Unreachable,
            "does the inventory say where it is steered (`socket` or `url`, and `ca_file`), and may this machine reach it?",
        ),
        BalancerError::NotRun { .. } => (
            FailureKind::Failed,
            "`command` of the load balancer names a program and its arguments; no shell looks for it",
        ),
        BalancerError::NoCredential { .. } | BalancerError::NoAuthority { .. } => (
            FailureKind::Failed,
            "the inventory says where it is: `password` of the credential, or `ca_file` beside the inventory",
        ),
        BalancerError::TimedOut { .. } => (
            FailureKind::TimedOut,
            "steering it takes a moment usually: is it another service that listens there, or is `timeout` too short?",
        ),
        BalancerError::Refused { .. } => (
            FailureKind::Failed,
            "may casgate steer it (HAProxy: `level admin`), and are backend and server called as the load balancer calls them?",
        ),
        BalancerError::NoBackend { .. } | BalancerError::NoMember { .. } | BalancerError::Name { .. } => (
            FailureKind::Failed,
            "set `backend` of the load balancer and `load_balancer_name` of the server in the inventory to the load balancer's own names",
        ),
        BalancerError::NoColumn { .. } | BalancerError::TooLong { .. } => {
            (FailureKind::Failed, "is it HAProxy that listens there?")
        }
    };
    failed(doing, "the load balancer answers", error.to_string())
        .of_kind(kind)
        .hint(hint)
        .caused_by(error)
}

/// Whether a local rule forbids to open the socket.
fn is_permission(error: &(dyn StdError + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// A front end that gave no answer.
pub(crate) fn from_web(doing: &str, expected: &str, error: &WebError) -> StepError {
    let told = failed(doing, expected, error.to_string()).caused_by(error);
    if let WebError::Lost { error, .. } = error {
        // Whatever kept the vantage from looking, nothing is known of the server that nobody looked at.
        return StepError {
            kind: FailureKind::Unknown,
            hint: error.hint.clone(),
            causes: error.causes.clone(),
            ..told
        };
    }
    match () {
        () if error.is_timeout() => told.of_kind(FailureKind::TimedOut),
        () if error.is_connect() => told.of_kind(FailureKind::Unreachable).hint(
            "the inventory says where the front end is (`address`, `https_port`), which name its certificate bears (`vip` of the pool) and \
             who signed it (`ca_file`)",
        ),
        () => told,
    }
}

const NO_ADMINISTRATOR: &str = "the login has no administrative token: the account must be a local administrator of the server, and for a \
    local account LocalAccountTokenFilterPolicy decides";

/// appcmd said no.
pub(crate) fn from_appcmd(doing: &str, expected: &str, error: &AppcmdError) -> StepError {
    let hint = match error.kind {
        AppcmdErrorKind::AccessDenied => Some(NO_ADMINISTRATOR),
        AppcmdErrorKind::Locked => Some(
            "the section is locked above the application; casgate writes location tags in applicationHost.config and never unlocks \
             sections",
        ),
        AppcmdErrorKind::UnknownAttribute => Some(
            "this version of IIS does not know the attribute (IIS 7.x knows neither denyAction nor enableProxyMode)",
        ),
        AppcmdErrorKind::UnknownObject => Some(
            "no such site, application or pool on this server: compare the playbook with `appcmd list app`",
        ),
        AppcmdErrorKind::FileChangedOnDisk => Some(
            "another program writes applicationHost.config at the same time: an open IIS Manager, Exchange setup, a certificate tool",
        ),
        AppcmdErrorKind::Duplicate
        | AppcmdErrorKind::Missing
        | AppcmdErrorKind::Unreadable
        | AppcmdErrorKind::Other => None,
    };
    StepError {
        hint: hint.map(str::to_owned),
        ..failed(doing, expected, one_line(&error.to_string()))
    }
}

/// Another program of Windows said no, or a line for it could not be written.
pub(crate) fn from_iis(doing: &str, expected: &str, error: &iis::Error) -> StepError {
    /// ERROR_ACCESS_DENIED and ERROR_ELEVATION_REQUIRED.
    const NOT_ELEVATED: [u32; 2] = [5, 740];
    let is_elevated = !error.exit_code().is_some_and(|code| NOT_ELEVATED.contains(&code));
    StepError {
        hint: (!is_elevated).then(|| NO_ADMINISTRATOR.to_owned()),
        ..failed(doing, expected, one_line(&error.to_string())).caused_by(error)
    }
}

/// Text of a program on one line, cut to what a screen can show. The middle goes: programs tell last what went wrong.
pub(crate) fn one_line(text: &str) -> String {
    const HEAD: usize = 200;
    const TAIL: usize = 150;
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = joined.chars().count();
    if length <= HEAD + TAIL {
        return joined;
    }
    let head: String = joined.chars().take(HEAD).collect();
    let tail: String = joined.chars().skip(length - TAIL).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("middle")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn causes_are_listed_outermost_first_without_the_error_itself() {
        let outer = Outer(Middle(std::io::Error::other("inner")));
        let error = failed("log in", "x", outer.to_string()).caused_by(&outer);
        assert_eq!(
            (error.found.as_str(), error.causes),
            ("outer", vec!["middle".to_owned(), "inner".to_owned()])
        );
    }

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(one_line(" a\r\n  b "), "a b");
        assert_eq!(one_line(&"ü".repeat(350)), "ü".repeat(350));
        let long = format!("{}{}", "ü".repeat(300), "ß".repeat(300));
        assert_eq!(
            one_line(&long),
            format!("{} … {}", "ü".repeat(200), "ß".repeat(150))
        );
    }

    #[test]
    fn a_lost_change_stays_unknown() {
        let lost = failed("a", "b", "c").of_kind(FailureKind::Unknown);
        assert_eq!(
            Outcome::from(Setback::Unknown(lost.clone())),
            Outcome::Unknown(lost.clone())
        );
        assert_eq!(Outcome::from(Setback::from(lost.clone())), Outcome::Failed(lost));
    }
}
