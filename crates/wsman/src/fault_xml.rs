//! Faults as XML, both ways.

use roxmltree::Node;

use crate::document::{self, child, child_text, children};
use crate::error::Error;
use crate::fault::{Fault, ProviderFault, WmiError, WsmanFault, local};
use crate::namespace::{FAULT, SOAP, WMI_ERROR, WSMAN};
use crate::xml::Xml;

/// Reads `s:Fault`. Never fails: whatever is missing stays empty, since any fault is better told than refused.
pub(crate) fn read(fault: Node<'_, '_>) -> Fault {
    let code = child(fault, SOAP, "Code");
    let detail = child(fault, SOAP, "Detail");
    Fault {
        code: code
            .and_then(|code| child_text(code, SOAP, "Value"))
            .map(|value| local(&value).to_owned())
            .unwrap_or_default(),
        subcode: code
            .and_then(|code| child(code, SOAP, "Subcode"))
            .and_then(|subcode| child_text(subcode, SOAP, "Value")),
        reason: child(fault, SOAP, "Reason")
            .and_then(|reason| child(reason, SOAP, "Text"))
            .map(document::raw_text)
            .unwrap_or_default(),
        fault_detail: detail.and_then(|detail| child_text(detail, WSMAN, "FaultDetail")),
        wsman: detail
            .and_then(|detail| child(detail, FAULT, "WSManFault"))
            .map(read_wsman)
            .map(Box::new),
        wmi: detail
            .and_then(|detail| child(detail, WMI_ERROR, "MSFT_WmiError"))
            .map(read_wmi)
            .map(Box::new),
    }
}

/// Recursion is bounded by the depth that the document was checked for.
fn read_wsman(fault: Node<'_, '_>) -> WsmanFault {
    let message = child(fault, FAULT, "Message");
    WsmanFault {
        code: fault.attribute("Code").and_then(|code| code.trim().parse().ok()),
        machine: fault.attribute("Machine").map(str::to_owned),
        message: message
            .map(document::raw_text)
            .map(unless_blank)
            .unwrap_or_default(),
        provider: message
            .and_then(|message| child(message, FAULT, "ProviderFault"))
            .map(read_provider),
    }
}

fn read_provider(fault: Node<'_, '_>) -> ProviderFault {
    let extended = child(fault, FAULT, "ExtendedError")
        .and_then(document::first_element)
        .map(|status| {
            let pair = |node: Node<'_, '_>| (node.tag_name().name().to_owned(), document::trimmed(node));
            status
                .children()
                .filter(Node::is_element)
                .map(pair)
                .filter(|(_, value)| !value.is_empty())
                .collect()
        });
    ProviderFault {
        provider: fault.attribute("provider").map(str::to_owned),
        path: fault.attribute("path").map(str::to_owned),
        message: unless_blank(document::raw_text(fault)),
        faults: children(fault, FAULT, "WSManFault").map(read_wsman).collect(),
        extended: extended.unwrap_or_default(),
    }
}

fn read_wmi(error: Node<'_, '_>) -> WmiError {
    let number = |name| child_text(error, WMI_ERROR, name).and_then(|text| text.parse().ok());
    WmiError {
        code: number("error_Code"),
        cim_status: number("CIMStatusCode"),
        message_id: child_text(error, WMI_ERROR, "MessageID"),
        message: child(error, WMI_ERROR, "Message")
            .map(document::raw_text)
            .map(unless_blank)
            .unwrap_or_default(),
    }
}

/// The white space between child elements is no text.
fn unless_blank(text: String) -> String {
    if text.trim().is_empty() {
        String::new()
    } else {
        text
    }
}

/// Writes `s:Fault`.
pub(crate) fn write(xml: &mut Xml, fault: &Fault) -> Result<(), Error> {
    xml.open("s:Fault", &[])?;
    xml.open("s:Code", &[])?;
    xml.text("s:Value", &[], &format!("s:{}", fault.code))?;
    if let Some(subcode) = &fault.subcode {
        xml.open("s:Subcode", &[])?;
        xml.text("s:Value", &[], subcode)?;
        xml.close()?;
    }
    xml.close()?;
    xml.open("s:Reason", &[])?;
    xml.text("s:Text", &[("xml:lang", "en-US")], &fault.reason)?;
    xml.close()?;
    if fault.fault_detail.is_some() || fault.wsman.is_some() || fault.wmi.is_some() {
        xml.open("s:Detail", &[])?;
        if let Some(uri) = &fault.fault_detail {
            xml.text("w:FaultDetail", &[], uri)?;
        }
        if let Some(wsman) = &fault.wsman {
            write_wsman(xml, wsman)?;
        }
        if let Some(wmi) = &fault.wmi {
            write_wmi(xml, wmi)?;
        }
        xml.close()?;
    }
    xml.close()
}

fn write_wsman(xml: &mut Xml, fault: &WsmanFault) -> Result<(), Error> {
    let code = fault.code.map(|code| code.to_string());
    let mut attributes = vec![("xmlns:f", FAULT)];
    attributes.extend(code.as_deref().map(|code| ("Code", code)));
    attributes.extend(fault.machine.as_deref().map(|machine| ("Machine", machine)));
    xml.open("f:WSManFault", &attributes)?;
    match &fault.provider {
        None => xml.text("f:Message", &[], &fault.message)?,
        Some(provider) => {
            xml.open("f:Message", &[])?;
            xml.chars("f:Message", &fault.message)?;
            write_provider(xml, provider)?;
            xml.close()?;
        }
    }
    xml.close()
}

fn write_provider(xml: &mut Xml, fault: &ProviderFault) -> Result<(), Error> {
    let attributes: Vec<_> = [("path", &fault.path), ("provider", &fault.provider)]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
        .collect();
    xml.open("f:ProviderFault", &attributes)?;
    xml.chars("f:ProviderFault", &fault.message)?;
    for inner in &fault.faults {
        write_wsman(xml, inner)?;
    }
    if !fault.extended.is_empty() {
        xml.open("f:ExtendedError", &[])?;
        xml.open("f:Status", &[])?;
        for (name, value) in &fault.extended {
            xml.text(&format!("f:{name}"), &[], value)?;
        }
        xml.close()?;
        xml.close()?;
    }
    xml.close()
}

fn write_wmi(xml: &mut Xml, error: &WmiError) -> Result<(), Error> {
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    xml.open("m:MSFT_WmiError", &[("xmlns:m", WMI_ERROR)])?;
    xml.text("m:CIMStatusCode", &[], &number(error.cim_status))?;
    xml.text("m:Message", &[], &error.message)?;
    xml.text(
        "m:MessageID",
        &[],
        error.message_id.as_deref().unwrap_or_default(),
    )?;
    xml.text("m:error_Code", &[], &number(error.code))?;
    xml.close()
}
