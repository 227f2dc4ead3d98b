//! `HKEY_LOCAL_MACHINE` as far as anybody asks for it, and whatever is written to it.

use std::collections::BTreeMap;

use super::{ExchangeRelease, MachineOptions, WindowsRelease};

/// One named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// Empty for the default value.
    pub(super) name: String,
    /// `REG_SZ`, ...
    pub(super) kind: String,
    /// As `reg query` prints it.
    pub(super) data: String,
}

#[derive(Debug, Clone)]
struct Key {
    /// The path as it was first written.
    path: String,
    values: Vec<Value>,
}

/// The registry: keys by their path in upper case.
#[derive(Debug, Clone)]
pub(super) struct Registry(BTreeMap<String, Key>);

/// Long and short names of the hives.
const HIVES: &[(&str, &str)] = &[
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CURRENT_CONFIG", "HKCC"),
];

/// The key with the hive's long name, without a backslash at the end; `None` when no hive is named.
pub(super) fn full_path(key: &str) -> Option<String> {
    let key = key.trim_end_matches('\\');
    let (hive, rest) = key
        .split_once('\\')
        .map_or((key, None), |(hive, rest)| (hive, Some(rest)));
    let fits =
        |(long, short): &&(&str, &str)| hive.eq_ignore_ascii_case(long) || hive.eq_ignore_ascii_case(short);
    let (long, _) = HIVES.iter().find(fits)?;
    Some(rest.map_or_else(|| (*long).to_owned(), |rest| format!(r"{long}\{rest}")))
}

impl Registry {
    /// What the setups of Windows, IIS and Exchange wrote.
    pub(super) fn fresh(options: &MachineOptions) -> Self {
        let mut registry = Self(BTreeMap::new());
        registry.write_web_server(options.windows);
        registry.write_exchange(options.exchange);
        registry.write_windows(options);
        registry
    }

    fn write_web_server(&mut self, windows: WindowsRelease) {
        let (major, minor) = windows.iis();
        let key = r"SOFTWARE\Microsoft\InetStp";
        self.write(
            key,
            "VersionString",
            "REG_SZ",
            &format!("Version {major}.{minor}"),
        );
        self.write(key, "SetupString", "REG_SZ", &format!("IIS {major}.{minor}"));
        self.write(key, "MajorVersion", "REG_DWORD", &format!("{major:#x}"));
        self.write(key, "MinorVersion", "REG_DWORD", &format!("{minor:#x}"));
        self.write(key, "InstallPath", "REG_SZ", r"C:\Windows\system32\inetsrv");
    }

    fn write_exchange(&mut self, exchange: ExchangeRelease) {
        let generation = exchange.generation().to_lowercase();
        let key = format!(r"SOFTWARE\Microsoft\ExchangeServer\{generation}\Setup");
        let names = [
            "MsiProductMajor",
            "MsiProductMinor",
            "MsiBuildMajor",
            "MsiBuildMinor",
        ];
        for (name, number) in names.into_iter().zip(exchange.setup_version()) {
            self.write(&key, name, "REG_DWORD", &format!("{number:#x}"));
        }
        self.write(&key, "OwaVersion", "REG_SZ", exchange.owa_version());
        self.write(
            &key,
            "MsiInstallPath",
            "REG_SZ",
            &format!(r"{}\", exchange.folder()),
        );
    }

    fn write_windows(&mut self, options: &MachineOptions) {
        let key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        self.write(key, "ProductName", "REG_SZ", options.windows.product_name());
        self.write(key, "CurrentBuild", "REG_SZ", options.windows.build());
        self.write(
            key,
            "CurrentVersion",
            "REG_SZ",
            options.windows.registry_version(),
        );
        let name = options.name.to_uppercase();
        for key in ["ComputerName", "ActiveComputerName"] {
            let key = format!(r"SYSTEM\CurrentControlSet\Control\ComputerName\{key}");
            self.write(&key, "ComputerName", "REG_SZ", &name);
        }
        let identity = options.name.bytes().fold(options.seed, |hash, byte| {
            hash.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(byte))
        });
        let guid = format!("5f1d2c3b-8a4e-4c0d-9b7e-{:012x}", identity & 0xffff_ffff_ffff);
        self.write(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", "REG_SZ", &guid);
        let key = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
        self.write(key, "Hostname", "REG_SZ", &options.name);
        self.write(key, "Domain", "REG_SZ", &options.domain);
    }

    /// Writes a value below `HKEY_LOCAL_MACHINE`.
    fn write(&mut self, key: &str, name: &str, kind: &str, data: &str) {
        let value = Value {
            name: name.to_owned(),
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        self.set(&format!(r"HKEY_LOCAL_MACHINE\{key}"), Some(value));
    }

    /// The key's path as it is spelt, and its values; `None` when there is no such key.
    pub(super) fn key(&self, path: &str) -> Option<(String, Vec<Value>)> {
        let wanted = path.to_uppercase();
        if let Some(key) = self.0.get(&wanted) {
            return Some((key.path.clone(), key.values.clone()));
        }
        let below = format!(r"{wanted}\");
        let child = self.0.iter().find(|(upper, _)| upper.starts_with(&below))?.1;
        let depth = path.split('\\').count();
        Some((
            child.path.split('\\').take(depth).collect::<Vec<_>>().join("\\"),
            Vec::new(),
        ))
    }

    /// The paths of the keys right below.
    pub(super) fn children(&self, path: &str) -> Vec<String> {
        let depth = path.split('\\').count() + 1;
        let below = format!(r"{}\", path.to_uppercase());
        let mut found: Vec<String> = Vec::new();
        for key in self
            .0
            .iter()
            .filter(|(upper, _)| upper.starts_with(&below))
            .map(|(_, key)| key)
        {
            let child = key.path.split('\\').take(depth).collect::<Vec<_>>().join("\\");
            if !found.iter().any(|f| f.eq_ignore_ascii_case(&child)) {
                found.push(child);
            }
        }
        found
    }

    /// One value, the name compared without case.
    pub(super) fn value(&self, path: &str, name: &str) -> Option<Value> {
        let key = self.0.get(&path.to_uppercase())?;
        key.values
            .iter()
            .find(|v| v.name.eq_ignore_ascii_case(name))
            .cloned()
    }

    /// Makes the key and writes a value into it.
    pub(super) fn set(&mut self, path: &str, value: Option<Value>) {
        let key = self.0.entry(path.to_uppercase()).or_insert_with(|| Key {
            path: path.to_owned(),
            values: Vec::new(),
        });
        if let Some(value) = value {
            match key
                .values
                .iter_mut()
                .find(|v| v.name.eq_ignore_ascii_case(&value.name))
            {
                Some(slot) => {
                    *slot = Value {
                        name: slot.name.clone(),
                        ..value
                    }
                }
                None => key.values.push(value),
            }
        }
    }

    /// Removes one value; whether it was there.
    pub(super) fn remove_value(&mut self, path: &str, name: &str) -> bool {
        self.0.get_mut(&path.to_uppercase()).is_some_and(|key| {
            let before = key.values.len();
            key.values.retain(|v| !v.name.eq_ignore_ascii_case(name));
            key.values.len() != before
        })
    }

    /// Removes a key with all below it; whether there was one.
    pub(super) fn remove_key(&mut self, path: &str) -> bool {
        let upper = path.to_uppercase();
        let below = format!(r"{upper}\");
        let before = self.0.len();
        self.0.retain(|key, _| *key != upper && !key.starts_with(&below));
        self.0.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::{MachineOptions, Registry, Value, full_path};

    #[test]
    fn keys_and_values_are_found_without_case_and_kept_as_written() {
        let mut registry = Registry::fresh(&MachineOptions::named("cas01"));
        let key = full_path(r"hklm\software\Contoso\casgate\").expect("a hive");
        assert_eq!(key, r"HKEY_LOCAL_MACHINE\software\Contoso\casgate");
        let value = |data: &str| Value {
            name: "Run".into(),
            kind: "REG_SZ".into(),
            data: data.into(),
        };
        registry.set(&key, Some(value("1")));
        registry.set(
            &key.to_uppercase(),
            Some(Value {
                name: "RUN".into(),
                ..value("2")
            }),
        );
        assert_eq!(registry.value(&key, "run"), Some(value("2")));
        let parent = r"HKEY_LOCAL_MACHINE\SOFTWARE\CONTOSO";
        assert_eq!(
            registry.key(parent),
            Some((r"HKEY_LOCAL_MACHINE\software\Contoso".into(), vec![]))
        );
        assert_eq!(
            registry.children(parent),
            [r"HKEY_LOCAL_MACHINE\software\Contoso\casgate"]
        );
        assert!(registry.remove_value(&key, "Run") && !registry.remove_value(&key, "Run"));
        assert!(registry.remove_key(parent) && registry.key(&key).is_none());
        assert_eq!(full_path("nohive\\x"), None);
    }

    #[test]
    fn setup_left_the_versions() {
        let registry = Registry::fresh(&MachineOptions::named("cas01"));
        let data = |key: &str, name: &str| {
            full_path(key)
                .and_then(|key| registry.value(&key, name))
                .map(|value| value.data)
        };
        assert_eq!(
            data(r"HKLM\SOFTWARE\Microsoft\InetStp", "VersionString").as_deref(),
            Some("Version 10.0")
        );
        let computer = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName";
        assert_eq!(data(computer, "ComputerName").as_deref(), Some("CAS01"));
    }
}
