//! The faults that the service answers with, beside those that `wsman` has ready.

use std::ops::RangeInclusive;
use std::time::Duration;

use wsman::{Fault, ProviderFault, WmiError, WsmanFault, code};

/// `ERROR_ALREADY_EXISTS`
const ALREADY_EXISTS: u32 = 183;
/// `ERROR_WSMAN_RESOURCE_NOT_FOUND`, 0x80338000.
const RESOURCE_NOT_FOUND: u32 = 2_150_858_752;

fn sender(number: u32, subcode: &str, text: &str) -> Fault {
    Fault {
        code: "Sender".to_owned(),
        ..Fault::new(number, subcode, text)
    }
}

fn detail(name: &str) -> Option<String> {
    Some(format!(
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/{name}"
    ))
}

pub(super) fn no_such_resource(uri: &str) -> Fault {
    Fault {
        code: "Sender".to_owned(),
        fault_detail: detail("InvalidResourceURI"),
        ..Fault::new(
            RESOURCE_NOT_FOUND,
            "a:DestinationUnreachable",
            &format!(
                "The WS-Management service cannot process the request. The resource URI ({uri}) was not found in the \
                 WS-Management catalog. The catalog contains the metadata that describes resources, or logical \
                 endpoints. "
            ),
        )
    }
}

pub(super) fn no_command_named() -> Fault {
    provider_fault(
        code::INVALID_PARAMETER,
        "w:InvalidParameter",
        "The parameter is incorrect. ",
    )
}

/// A fault of the plug-in that runs cmd shells, in the shape of recorded ones.
fn provider_fault(number: u32, subcode: &str, text: &str) -> Fault {
    Fault {
        code: "Sender".to_owned(),
        fault_detail: detail("InvalidValue"),
        wsman: Some(Box::new(WsmanFault {
            code: Some(number),
            provider: Some(ProviderFault {
                provider: Some("Shell cmd plugin".to_owned()),
                path: Some(r"%systemroot%\system32\winrscmd.dll".to_owned()),
                message: text.to_owned(),
                ..ProviderFault::default()
            }),
            ..WsmanFault::default()
        })),
        ..Fault::new(number, subcode, text)
    }
}

pub(super) fn out_of_range(what: &str, range: &RangeInclusive<u64>, found: Duration) -> Fault {
    Fault {
        code: "Sender".to_owned(),
        fault_detail: detail("InvalidValue"),
        ..Fault::new(
            code::INVALID_PARAMETER,
            "w:InvalidParameter",
            &format!(
                "{what}: expected {} to {} seconds, found {} ",
                range.start(),
                range.end(),
                found.as_secs()
            ),
        )
    }
}

/// The quota fault has its code in `MSFT_WmiError`, not in `WSManFault`.
pub(super) fn too_many_shells(most: usize) -> Fault {
    Fault {
        code: "Sender".to_owned(),
        subcode: Some("w:QuotaLimit".to_owned()),
        reason: "The WS-Management service cannot process the request. The maximum number of concurrent shells for \
                 this user has been exceeded. Close existing shells or raise the quota for this user. "
            .to_owned(),
        wmi: Some(Box::new(WmiError {
            code: Some(code::SHELL_QUOTA),
            cim_status: Some(27),
            message_id: Some(format!("HRESULT {:#x}", code::SHELL_QUOTA)),
            message: format!(
                "The WS-Management service cannot process the request. This user is allowed a maximum number of {most} \
                 concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
            ),
        })),
        ..Fault::default()
    }
}

pub(super) fn no_such_action(word: &str) -> Fault {
    let text = format!("the action {word} is not supported by this resource ");
    sender(code::SCHEMA, "a:ActionNotSupported", &text)
}

pub(super) fn no_such_list() -> Fault {
    let text =
        "The WS-Management service cannot process the request because the enumeration context is not valid. ";
    sender(code::INVALID_PARAMETER, "n:InvalidEnumerationContext", text)
}

pub(super) fn small_envelope(least: usize, found: usize) -> Fault {
    let text = format!("MaxEnvelopeSize: expected at least {least}, found {found} ");
    Fault {
        fault_detail: detail("MinimumEnvelopeLimit"),
        ..sender(code::SCHEMA, "w:EncodingLimit", &text)
    }
}

pub(super) fn already_exists(what: &str) -> Fault {
    sender(
        ALREADY_EXISTS,
        "w:AlreadyExists",
        &format!("The {what} already exists. "),
    )
}

pub(super) fn access_denied() -> Fault {
    sender(code::ACCESS_DENIED, "w:AccessDenied", "Access is denied. ")
}

pub(super) fn too_many_processes(most: usize) -> Fault {
    let text = format!("The maximum number of {most} processes of this shell has been exceeded. ");
    sender(code::COMMAND_QUOTA, "w:QuotaLimit", &text)
}

/// `WINRS_SKIP_CMD_SHELL` needs the full path of a program.
pub(super) fn no_such_program() -> Fault {
    provider_fault(
        code::PROGRAM_NOT_FOUND,
        "w:InternalError",
        "The system cannot find the file specified. ",
    )
}
