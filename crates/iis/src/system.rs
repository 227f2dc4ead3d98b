//! Which machine it is, and which Windows and which IIS it runs: what their setups left in the registry.

use std::fmt;

use command::Invocation;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::registry::{self, Values};

const WINDOWS_KEY: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const IIS_KEY: &str = r"HKLM\SOFTWARE\Microsoft\InetStp";
const NAME_KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName";
const GUID_KEY: &str = r"HKLM\SOFTWARE\Microsoft\Cryptography";

/// A release of Windows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Windows {
    /// `ProductName`, e.g. `Windows Server 2019 Standard`.
    pub product: String,
    /// The build, e.g. `17763`. The number has borne two names, and the older one is on every version.
    pub build: Option<String>,
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.build {
            Some(build) => write!(f, "{}, build {build}", self.product),
            None => f.write_str(&self.product),
        }
    }
}

/// A release of IIS.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct IisVersion {
    /// `MajorVersion`.
    pub major: u32,
    /// `MinorVersion`.
    pub minor: u32,
}

impl fmt::Display for IisVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Reads the release of Windows; `None` when its key names none.
///
/// # Errors
/// Never: the key is a good one.
pub fn windows() -> Result<Invocation<Result<Option<Windows>, Error>>, Error> {
    let read = |values: Values| {
        Some(Windows {
            product: values.get("ProductName")?.to_owned(),
            build: values
                .get("CurrentBuildNumber")
                .or(values.get("CurrentBuild"))
                .map(str::to_owned),
        })
    };
    Ok(registry::query_key(WINDOWS_KEY)?.map(move |values| Ok(values?.and_then(read))))
}

/// Reads the release of IIS; `None` when there is none.
///
/// # Errors
/// Never: the key is a good one.
pub fn iis() -> Result<Invocation<Result<Option<IisVersion>, Error>>, Error> {
    let read = |values: Values| {
        Some(IisVersion {
            major: values.number("MajorVersion")?,
            minor: values.number("MinorVersion")?,
        })
    };
    Ok(registry::query_key(IIS_KEY)?.map(move |values| Ok(values?.and_then(read))))
}

/// Reads the computer's name.
///
/// # Errors
/// Never: the key is a good one.
pub fn computer_name() -> Result<Invocation<Result<Option<String>, Error>>, Error> {
    registry::query(NAME_KEY, "ComputerName")
}

/// Reads the identity that setup gave to this installation of Windows. A machine that was cloned without `sysprep` has its original's.
///
/// # Errors
/// Never: the key is a good one.
pub fn machine_guid() -> Result<Invocation<Result<Option<String>, Error>>, Error> {
    registry::query(GUID_KEY, "MachineGuid")
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::*;

    fn printed(key: &str, values: &[(&str, &str, &str)]) -> Output {
        let lines = values
            .iter()
            .map(|(name, kind, data)| format!("    {name}    {kind}    {data}\r\n"));
        Output {
            exit_code: 0,
            stdout: format!("\r\n{key}\r\n{}\r\n", lines.collect::<String>()).into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn windows_tells_its_name_and_its_build_under_either_name() {
        let windows = windows().unwrap();
        assert_eq!(
            windows.line().as_str(),
            r#"reg query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion""#
        );
        let read = |values: &[(&str, &str, &str)]| {
            let seen = windows.parse(&printed("HKEY_LOCAL_MACHINE", values)).unwrap();
            seen.map(|windows| windows.to_string())
        };
        let name = ("ProductName", "REG_SZ", "Windows Server 2019 Standard");
        assert_eq!(
            read(&[name, ("CurrentBuild", "REG_SZ", "17763")]).as_deref(),
            Some("Windows Server 2019 Standard, build 17763")
        );
        let old = (
            "CurrentBuild",
            "REG_SZ",
            "1.511.1 () (Obsolete data - do not use)",
        );
        assert_eq!(
            read(&[name, ("CurrentBuildNumber", "REG_SZ", "7601"), old]).as_deref(),
            Some("Windows Server 2019 Standard, build 7601")
        );
        assert_eq!(read(&[name]).as_deref(), Some("Windows Server 2019 Standard"));
        assert_eq!(read(&[old]), None);
    }

    #[test]
    fn iis_tells_its_numbers() {
        let iis = iis().unwrap();
        let values = [
            ("MajorVersion", "REG_DWORD", "0x7"),
            ("MinorVersion", "REG_DWORD", "0x5"),
        ];
        let seen = iis
            .parse(&printed("HKEY_LOCAL_MACHINE", &values))
            .unwrap()
            .unwrap();
        assert_eq!(seen.to_string(), "7.5");
        assert!(seen < IisVersion { major: 8, minor: 0 });
        assert_eq!(
            iis.parse(&Output {
                exit_code: 1,
                ..Output::default()
            }),
            Ok(None)
        );
    }

    #[test]
    fn a_machine_has_a_name_and_an_identity() {
        let guid = machine_guid().unwrap();
        assert_eq!(
            guid.line().as_str(),
            r"reg query HKLM\SOFTWARE\Microsoft\Cryptography /v MachineGuid"
        );
        let value = "5f1d2c3b-0000-4000-8000-00000000a001";
        assert_eq!(
            guid.parse(&printed(
                "HKEY_LOCAL_MACHINE",
                &[("MachineGuid", "REG_SZ", value)]
            )),
            Ok(Some(value.to_owned()))
        );
        let name = computer_name().unwrap();
        assert_eq!(
            name.parse(&printed(
                "HKEY_LOCAL_MACHINE",
                &[("ComputerName", "REG_SZ", "CAS01")]
            )),
            Ok(Some("CAS01".to_owned()))
        );
    }
}
