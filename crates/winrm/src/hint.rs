//! What to look at or to do about an error.

use wsman::{Fault, code};

use crate::circumstances::Circumstances;
use crate::error::Error;
use crate::handshake::TlsProblem;
use crate::quota;

impl Error {
    /// What to look at or to do, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidEndpoint { expected, .. } if expected.contains("proxy") => {
                "write `proxy = \"socks5://host:port\"`, or `proxy = \"none\"` where [defaults] has one"
            }
            Self::InvalidEndpoint { .. } => {
                "set `transport = \"https\"` or `auth = \"negotiate\"`; `allow_unencrypted` is for closed test networks"
            }
            Self::Unreachable { .. } => {
                "is the server up, is its WinRM service running (`winrm quickconfig`), and does the firewall let this machine through?"
            }
            Self::TlsFailed { source, .. } => match source.downcast_ref::<TlsProblem>() {
                Some(problem) => return Some(problem.hint()),
                None => {
                    "does the port speak TLS at all (5986 does, 5985 does not)? Certificates to trust are named with `ca_file` or `fingerprint`"
                }
            },
            Self::LoginRefused {
                offered,
                scheme,
                circumstances,
                ..
            } => return Some(login_hint(scheme, offered, circumstances)),
            Self::AccessDenied { local_account, .. } => return Some(access_hint(*local_account)),
            Self::KerberosFailed { source, .. } => return source.hint().map(str::to_owned),
            Self::LoginFailed { .. } | Self::ClearReply { .. } | Self::Unsealed { .. } => {
                "somebody may stand between this machine and the server, or a proxy rewrites its replies; nothing was sent in clear"
            }
            Self::Silent { .. } => {
                "the server accepts connections and does not answer: look at its WinRM service and its load"
            }
            Self::HttpStatus { status: 404, .. } => {
                "the path of the URL is wrong (usually `/wsman`), or another service listens there"
            }
            Self::HttpStatus { status: 407, .. } => {
                "the proxy wants a login of its own, which is not in this version: use another one, or none"
            }
            Self::HttpStatus { status: 415, .. } => "the server does not take sealed messages of this kind",
            Self::HttpStatus { status: 503, .. } => "the WinRM service is stopped or overloaded",
            Self::Fault { fault, .. } => return fault_hint(fault),
            Self::OutcomeUnknown { .. } | Self::OutputGap { .. } | Self::NoExitCode { .. } => {
                "look at what the command should have changed before it is run again"
            }
            Self::Deadline { .. } => {
                "the command was terminated; give it more time, or look at what holds it up on the server"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn login_hint(scheme: &str, offered: &[String], circumstances: &Circumstances) -> String {
    let wanted = match scheme {
        "basic" => "Basic",
        "kerberos" => "Kerberos",
        _ => "Negotiate",
    };
    if !offered.is_empty() && !offered.iter().any(|name| name.eq_ignore_ascii_case(wanted)) {
        return format!(
            "the WinRM service does not offer `{wanted}`: set another `auth`, or allow it there (winrm/config/service/auth)"
        );
    }
    let mut hints = circumstances.hints();
    // A clock that is known to be wrong comes before a password that is only supposed to be.
    let at = usize::from(circumstances.clock.is_some());
    hints.insert(
        at,
        "wrong user or password (write DOMAIN\\user, or user@domain), a locked account, or one that is no administrator of the server"
            .to_owned(),
    );
    hints.join("; or ")
}

fn access_hint(local_account: bool) -> String {
    if local_account {
        return "an account of the server itself is no administrator from afar unless UAC lets it be: on the server, `reg add \
                HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 1 /f`, or \
                use an account of the domain"
            .to_owned();
    }
    "the user must be an administrator of the server or a member of its group Remote Management Users (`winrm configSDDL default` shows who \
     may)"
        .to_owned()
}

fn fault_hint(fault: &Fault) -> Option<String> {
    if let Some(hint) = quota::hint(fault) {
        return Some(hint);
    }
    let hint = match fault.error_code()? {
        code::ACCESS_DENIED => {
            "the login went well, but the user may not use the shell: it must be an administrator of the server or a member of Remote \
             Management Users (a local account may be held back by UAC remote restrictions)"
        }
        code::PROGRAM_NOT_FOUND => "the program does not exist on the server",
        _ => return None,
    };
    Some(hint.to_owned())
}
