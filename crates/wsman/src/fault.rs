//! SOAP faults, with every detail that Windows puts into them.

use std::fmt;

use crate::error::shortened;

/// Codes of `WSManFault` that mean something to a client. Sources: recorded Windows replies, MS-ERREF.
pub mod code {
    /// Nothing happened within `OperationTimeout`: ask again. 0x80338029.
    pub const TIMED_OUT: u32 = 2_150_858_793;
    /// No such shell or command, any more or ever. 0x8033805B.
    pub const NOT_FOUND: u32 = 2_150_858_843;
    /// Too many shells of this user. 0x803381A5.
    pub const SHELL_QUOTA: u32 = 2_150_859_173;
    /// Too many operations of this user. 0x803381A6.
    pub const OPERATION_QUOTA: u32 = 2_150_859_174;
    /// Every quota of WinRM: its code, and the setting that holds it (wsmerror.h, by Microsoft's own name of each code). Those from 0x803381E4
    /// on are told by Windows Server 2012 and later.
    pub const QUOTAS: [(u32, &str); 11] = [
        (SHELL_QUOTA, "MaxShellsPerUser"),
        (OPERATION_QUOTA, "MaxConcurrentOperationsPerUser"),
        (0x8033_81A7, "MaxConcurrentOperationsPerUser"),
        (0x8033_81A8, "MaxConcurrentOperations"),
        (0x8033_81AB, "MaxConcurrentUsers"),
        (0x8033_81E4, "MaxShellsPerUser"),
        (0x8033_81E5, "MaxConcurrentUsers"),
        (0x8033_81E6, "MaxShells"),
        (0x8033_81E7, "MaxConcurrentOperations"),
        (0x8033_81E8, "MaxConcurrentOperationsPerUser"),
        (COMMAND_QUOTA, "MaxProcessesPerShell"),
    ];
    /// Too many commands in one shell. 0x803381E9.
    pub const COMMAND_QUOTA: u32 = 0x8033_81E9;
    /// `E_OUTOFMEMORY`: what remains of a shell that used more than it may have.
    pub const OUT_OF_MEMORY: u32 = 0x8007_000E;
    /// The message does not follow its schema. 0x80338041.
    pub const SCHEMA: u32 = 2_150_858_817;
    /// `ERROR_ACCESS_DENIED`, after a login that went well.
    pub const ACCESS_DENIED: u32 = 5;
    /// `ERROR_INVALID_PARAMETER`
    pub const INVALID_PARAMETER: u32 = 87;
    /// `ERROR_OPERATION_ABORTED`: the operation was ended from outside.
    pub const ABORTED: u32 = 995;
    /// `ERROR_FILE_NOT_FOUND` as an HRESULT: no such program.
    pub const PROGRAM_NOT_FOUND: u32 = 2_147_942_402;
}

/// A SOAP fault.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fault {
    /// Who is to blame, without its prefix: `Sender`, `Receiver`, `MustUnderstand`.
    pub code: String,
    /// What is wrong, as a name with its prefix: `w:TimedOut`.
    pub subcode: Option<String>,
    /// What is wrong, in the server's language.
    pub reason: String,
    /// `w:FaultDetail`: a URI that tells more.
    pub fault_detail: Option<String>,
    /// `WSManFault`, the usual detail.
    pub wsman: Option<Box<WsmanFault>>,
    /// `MSFT_WmiError`, the detail of quota faults.
    pub wmi: Option<Box<WmiError>>,
}

/// `f:WSManFault` (MS-WSMV 2.2.4.43).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WsmanFault {
    /// The code, a Windows error or HRESULT. `None` where it is not a number.
    pub code: Option<u32>,
    /// The server as it calls itself.
    pub machine: Option<String>,
    /// The text that stands directly in `Message`.
    pub message: String,
    /// What a provider below the service said.
    pub provider: Option<ProviderFault>,
}

/// `f:ProviderFault`: the error of a plug-in of the WinRM service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderFault {
    /// The plug-in's name.
    pub provider: Option<String>,
    /// The plug-in's file.
    pub path: Option<String>,
    /// The text that stands directly in it.
    pub message: String,
    /// The plug-in's own faults.
    pub faults: Vec<WsmanFault>,
    /// `ExtendedError`: names and values.
    pub extended: Vec<(String, String)>,
}

/// `MSFT_WmiError`
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WmiError {
    /// `error_Code`
    pub code: Option<u32>,
    /// `CIMStatusCode`
    pub cim_status: Option<u32>,
    /// `MessageID`, e.g. `HRESULT 0x803381a5`.
    pub message_id: Option<String>,
    /// `Message`, which often says more than the fault's reason.
    pub message: String,
}

impl Fault {
    /// A fault of the usual shape: reason, subcode and a `WSManFault` with code and the same text.
    pub fn new(code: u32, subcode: &str, text: &str) -> Self {
        Self {
            code: "Receiver".to_owned(),
            subcode: Some(subcode.to_owned()),
            reason: text.to_owned(),
            wsman: Some(Box::new(WsmanFault {
                code: Some(code),
                machine: None,
                message: text.to_owned(),
                provider: None,
            })),
            ..Self::default()
        }
    }

    /// Nothing to say within `OperationTimeout`; the text is Windows' own.
    pub fn timed_out() -> Self {
        Self::new(
            code::TIMED_OUT,
            "w:TimedOut",
            "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
        )
    }

    /// No such command; the text is Windows' own.
    pub fn no_such_command() -> Self {
        Self {
            code: "Sender".to_owned(),
            reason: "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. ".to_owned(),
            fault_detail: Some("http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors".to_owned()),
            ..Self::new(
                code::NOT_FOUND,
                "w:InvalidSelectors",
                "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. Either the command has completed execution or the client specified an invalid command identifier. ",
            )
        }
    }

    /// No such shell.
    pub fn no_such_shell(shell: &str) -> Self {
        Self {
            code: "Sender".to_owned(),
            fault_detail: Some(
                "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors".to_owned(),
            ),
            ..Self::new(
                code::NOT_FOUND,
                "w:InvalidSelectors",
                &format!(
                    "The request for the Windows Remote Shell with ShellId {shell} failed because the shell was not found on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the server. Provide the correct ShellId or create a new shell and retry the operation. "
                ),
            )
        }
    }

    /// The request is not what it should be.
    pub fn bad_request(text: &str) -> Self {
        Self {
            code: "Sender".to_owned(),
            ..Self::new(
                code::SCHEMA,
                "w:SchemaValidationError",
                &shortened(text.to_owned()),
            )
        }
    }

    /// A header that had to be understood was not.
    pub fn must_understand(header: &str) -> Self {
        let header = shortened(header.to_owned());
        Self {
            code: "MustUnderstand".to_owned(),
            reason: format!(
                "The WS-Management service cannot process a SOAP header in the request that is marked as mustUnderstand by the client: {header}."
            ),
            ..Self::default()
        }
    }

    /// The error code, from whichever detail has one.
    pub fn error_code(&self) -> Option<u32> {
        let wsman = self.wsman.as_ref().and_then(|fault| fault.code);
        wsman.or_else(|| self.wmi.as_ref().and_then(|error| error.code))
    }

    /// Nothing happened within `OperationTimeout`. Not an error: ask again.
    pub fn is_timed_out(&self) -> bool {
        match self.error_code() {
            Some(code) => code == code::TIMED_OUT,
            None => self
                .subcode
                .as_deref()
                .is_some_and(|name| local(name) == "TimedOut"),
        }
    }

    /// The shell or the command does not exist, any more or ever.
    pub fn is_gone(&self) -> bool {
        self.error_code() == Some(code::NOT_FOUND)
    }

    /// The user has too many shells, operations or commands.
    pub fn is_quota(&self) -> bool {
        self.error_code()
            .is_some_and(|found| code::QUOTAS.iter().any(|(code, _)| *code == found))
    }

    /// The setting of the service whose limit was reached, e.g. `MaxShellsPerUser`.
    pub fn quota_setting(&self) -> Option<&'static str> {
        let found = self.error_code()?;
        if found == code::OUT_OF_MEMORY {
            return Some("MaxMemoryPerShellMB");
        }
        code::QUOTAS
            .iter()
            .find(|(code, _)| *code == found)
            .map(|(_, setting)| *setting)
    }

    /// The user may not do this, although the login went well.
    pub fn is_access_denied(&self) -> bool {
        self.error_code() == Some(code::ACCESS_DENIED)
    }

    /// The text that says most: the innermost provider's, else the detail's, else the reason.
    pub fn message(&self) -> &str {
        let wsman = self.wsman.as_deref().map(WsmanFault::innermost_message);
        let wmi = self.wmi.as_ref().map(|error| error.message.as_str());
        [wsman, wmi]
            .into_iter()
            .flatten()
            .map(str::trim)
            .find(|text| !text.is_empty())
            .unwrap_or_else(|| self.reason.trim())
    }
}

impl WsmanFault {
    /// The deepest text of the chain of providers; its own if there is none.
    fn innermost_message(&self) -> &str {
        let mut fault = self;
        let mut message = self.message.as_str();
        while let Some(provider) = &fault.provider {
            if !provider.message.trim().is_empty() {
                message = &provider.message;
            }
            let Some(inner) = provider.faults.first() else {
                break;
            };
            if !inner.message.trim().is_empty() {
                message = &inner.message;
            }
            fault = inner;
        }
        message
    }
}

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fault")?;
        if let Some(code) = self.error_code() {
            write!(f, " {code}")?;
        }
        match &self.subcode {
            Some(subcode) => write!(f, " ({subcode})")?,
            None => write!(f, " ({})", self.code)?,
        }
        match self.message() {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_comes_from_either_detail() {
        assert_eq!(Fault::timed_out().error_code(), Some(code::TIMED_OUT));
        let quota = Fault {
            wmi: Some(Box::new(WmiError {
                code: Some(code::SHELL_QUOTA),
                ..WmiError::default()
            })),
            ..Fault::default()
        };
        assert!(quota.is_quota());
        assert!(!quota.is_timed_out());
    }

    #[test]
    fn timed_out_is_known_by_its_subcode_where_there_is_no_code() {
        let bare = Fault {
            subcode: Some("wsman:TimedOut".to_owned()),
            ..Fault::default()
        };
        assert!(bare.is_timed_out());
        let other = Fault {
            subcode: Some("w:TimedOut".to_owned()),
            ..Fault::new(code::ABORTED, "w:TimedOut", "")
        };
        assert!(!other.is_timed_out());
    }

    #[test]
    fn a_fault_reads_as_one_line() {
        assert_eq!(
            Fault::new(code::ACCESS_DENIED, "w:AccessDenied", "Access is denied. ").to_string(),
            "fault 5 (w:AccessDenied): Access is denied."
        );
        assert_eq!(
            Fault {
                code: "Sender".to_owned(),
                ..Fault::default()
            }
            .to_string(),
            "fault (Sender)"
        );
    }
}
