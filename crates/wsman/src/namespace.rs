//! The XML namespaces and URIs of WS-Management (DSP0226) and MS-WSMV.

/// SOAP 1.2.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// WS-Addressing, the 2004/08 version that WS-Management builds on.
pub const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
/// WS-Transfer.
pub const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
/// WS-Enumeration.
pub const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
/// WS-Management (`wsman:` in requests, `w:` in replies).
pub const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
/// Microsoft's extensions of WS-Management (`wsmv:` in requests, `p:` in replies).
pub const WSMV: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
/// The remote shell (MS-WSMV 2.2.4).
pub const SHELL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
/// `WSManFault`, the detail of a fault.
pub const FAULT: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";
/// `Identify`.
pub const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
/// The configuration of the WinRM service.
pub const CONFIG: &str = "http://schemas.microsoft.com/wbem/wsman/1/config";
/// `MSFT_WmiError`, the other detail of a fault.
pub const WMI_ERROR: &str = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError";
/// `xml:lang` and its relatives.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The resource that is a cmd shell.
pub const CMD_RESOURCE: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
/// The resource that is every shell, whatever its kind: to be enumerated.
pub const SHELL_RESOURCE: &str = SHELL;
/// The resource that is the configuration of the WinRM service.
pub const CONFIG_RESOURCE: &str = "http://schemas.microsoft.com/wbem/wsman/1/config";
/// The address that stands for "the other end of this connection".
pub const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
/// The action of a WS-Management fault.
pub const WSMAN_FAULT_ACTION: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
/// The action of a WS-Addressing fault.
pub const ADDRESSING_FAULT_ACTION: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault";
