//! What to look at or to do about an error.

use wsman::{Fault, code};

use crate::error::Error;

impl Error {
    /// What to look at or to do, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidEndpoint { .. } => {
                "set `transport = \"https\"` or `auth = \"negotiate\"`; `allow_unencrypted` is for closed test networks"
            }
            Self::Unreachable { .. } => {
                "is the server up, is its WinRM service running (`winrm quickconfig`), and does the firewall let this machine through?"
            }
            Self::TlsFailed { .. } => {
                "name the authority of the server's certificate with `ca_file`, and the server by the name in that certificate; an RSA \
                 certificate on Windows Server 2012 R2 offers no cipher suite that is still safe"
            }
            Self::LoginRefused { offered, scheme, .. } => return Some(login_hint(scheme, offered)),
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

fn login_hint(scheme: &str, offered: &[String]) -> String {
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
    "wrong user or password (write DOMAIN\\user, or user@domain), a locked account, an account that is no administrator of the server, or \
     a service that binds logins to its TLS certificate (CbtHardeningLevel=Strict) behind a proxy; with `basic` over http the service \
     also needs AllowUnencrypted"
        .to_owned()
}

fn fault_hint(fault: &Fault) -> Option<String> {
    let hint = match fault.error_code()? {
        code::ACCESS_DENIED => {
            "the login went well, but the user may not use the shell: it must be an administrator of the server or a member of Remote \
             Management Users (a local account may be held back by UAC remote restrictions)"
        }
        code::SHELL_QUOTA | code::OPERATION_QUOTA => {
            "too many shells or operations of this user are open on the server; they end by themselves when idle (winrm/config/winrs)"
        }
        code::PROGRAM_NOT_FOUND => "the program does not exist on the server",
        _ => return None,
    };
    Some(hint.to_owned())
}
