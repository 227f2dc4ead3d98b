//! Windows features as `dism` sees them.

use super::WindowsRelease;
use super::configuration::schema::{GLOBAL_MODULES, MODULES, known};
use super::configuration::{ConfigPath, Configuration, Edit, Position};

/// The state of a feature, in `dism`'s words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeatureState {
    Enabled,
    Disabled,
    DisabledWithPayloadRemoved,
    EnablePending,
    DisablePending,
}

impl FeatureState {
    /// As printed.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::DisabledWithPayloadRemoved => "Disabled with Payload Removed",
            Self::EnablePending => "Enable Pending",
            Self::DisablePending => "Disable Pending",
        }
    }
}

/// One feature.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    pub(super) display_name: &'static str,
    pub(super) description: &'static str,
    pub(super) state: FeatureState,
}

/// The feature whose modules enforce ipSecurity.
pub(super) const IP_SECURITY: &str = "IIS-IPSecurity";

const DYNAMIC: &str = "DynamicIpRestrictionModule";

/// The native modules that the feature brings, with their libraries.
const IP_SECURITY_MODULES: &[(&str, &str)] = &[
    ("IpRestrictionModule", r"%windir%\System32\inetsrv\iprestr.dll"),
    (DYNAMIC, r"%windir%\System32\inetsrv\diprestr.dll"),
];

static FEATURES: &[Feature] = &[
    Feature {
        name: "IIS-WebServerRole",
        display_name: "Internet Information Services",
        description: "Internet Information Services provides support for Web and FTP servers.",
        state: FeatureState::Enabled,
    },
    Feature {
        name: "IIS-WebServer",
        display_name: "World Wide Web Services",
        description: "Installs the IIS web server.",
        state: FeatureState::Enabled,
    },
    Feature {
        name: "IIS-Security",
        display_name: "Security",
        description: "Enables additional security protocols to secure servers, sites, applications, and vdirs.",
        state: FeatureState::Enabled,
    },
    Feature {
        name: "IIS-BasicAuthentication",
        display_name: "Basic Authentication",
        description: "Requires a valid Windows user name and password for connection.",
        state: FeatureState::Enabled,
    },
    Feature {
        name: IP_SECURITY,
        display_name: "IP Security",
        description: "Allows or denies content access based on IP address or domain name.",
        state: FeatureState::Disabled,
    },
    Feature {
        name: "IIS-Metabase",
        display_name: "IIS Metabase and IIS 6 configuration compatibility",
        description: "Installs IIS metabase and compatibility layer.",
        state: FeatureState::Enabled,
    },
    Feature {
        name: "TelnetClient",
        display_name: "Telnet Client",
        description: "Allows you to connect to other computers remotely.",
        state: FeatureState::Disabled,
    },
    Feature {
        name: "NetFx3",
        display_name: ".NET Framework 3.5 (includes .NET 2.0 and 3.0)",
        description: ".NET Framework 3.5 (includes .NET 2.0 and 3.0)",
        state: FeatureState::DisabledWithPayloadRemoved,
    },
];

/// Every feature of the machine.
#[derive(Debug, Clone)]
pub(super) struct Features(Vec<Feature>);

impl Features {
    /// What a fresh Exchange server has.
    pub(super) fn fresh(windows: WindowsRelease) -> Self {
        let mut features = FEATURES.to_vec();
        for feature in &mut features {
            if feature.state == FeatureState::DisabledWithPayloadRemoved && !windows.has_features_on_demand()
            {
                feature.state = FeatureState::Disabled;
            }
        }
        Self(features)
    }

    /// IP restrictions are there when their module is registered.
    pub(super) fn follow(&mut self, configuration: &Configuration) {
        let registered = known(GLOBAL_MODULES)
            .and_then(|schema| configuration.effective(schema, &ConfigPath::apphost()).ok())
            .is_some_and(|effective| {
                let module = IP_SECURITY_MODULES.first().map(|(name, _)| *name);
                effective.entries.iter().any(|entry| entry.get("name") == module)
            });
        for feature in self.0.iter_mut().filter(|feature| feature.name == IP_SECURITY) {
            feature.state = match registered {
                true => FeatureState::Enabled,
                false => FeatureState::Disabled,
            };
        }
    }

    /// The feature with this name, ignoring case.
    pub(super) fn get(&self, name: &str) -> Option<&Feature> {
        self.0.iter().find(|f| f.name.eq_ignore_ascii_case(name))
    }

    /// All, in table order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Feature> {
        self.0.iter()
    }

    /// Sets a state; the configuration follows when the modules of IP restrictions come or go.
    pub(super) fn set(&mut self, name: &str, state: FeatureState, configuration: &mut Configuration) {
        for feature in self.0.iter_mut().filter(|f| f.name.eq_ignore_ascii_case(name)) {
            let had = feature.state == FeatureState::Enabled || feature.state == FeatureState::DisablePending;
            let has = state == FeatureState::Enabled || state == FeatureState::DisablePending;
            feature.state = state;
            if feature.name == IP_SECURITY && had != has {
                register_modules(configuration, has);
            }
        }
    }

    /// A restart of the computer: what is pending happens.
    pub(super) fn restart(&mut self, configuration: &mut Configuration) {
        for index in 0..self.0.len() {
            let (name, state) = (self.0[index].name, self.0[index].state);
            match state {
                FeatureState::EnablePending => self.set(name, FeatureState::Enabled, configuration),
                FeatureState::DisablePending => self.set(name, FeatureState::Disabled, configuration),
                FeatureState::Enabled | FeatureState::Disabled | FeatureState::DisabledWithPayloadRemoved => {
                }
            }
        }
    }
}

/// Writes or removes the modules in `applicationHost.config`. Workers that run do not notice.
fn register_modules(configuration: &mut Configuration, register: bool) {
    let server = ConfigPath::apphost();
    // The dynamic restrictions are a download of their own for IIS 7.
    let windows = configuration.windows();
    let brought = IP_SECURITY_MODULES
        .iter()
        .filter(|(name, _)| *name != DYNAMIC || windows.has_deny_action());
    for (name, library) in brought {
        let named = ("name".to_owned(), (*name).to_owned());
        for (section, values) in [
            (
                GLOBAL_MODULES,
                vec![named.clone(), ("image".to_owned(), (*library).to_owned())],
            ),
            (MODULES, vec![named.clone()]),
        ] {
            let edit = if register {
                Edit::Add {
                    values,
                    position: Position::End,
                }
            } else {
                Edit::Remove {
                    pattern: vec![named.clone()],
                }
            };
            if let Some(schema) = known(section) {
                // Setup leaves a module alone that somebody registered or removed by hand.
                let _ = configuration.edit(schema, &server, &server, &[edit]);
            }
        }
    }
    configuration.touch();
}

#[cfg(test)]
mod tests {
    use super::{FeatureState, Features, IP_SECURITY, WindowsRelease};
    use crate::machine::configuration::schema::{GLOBAL_MODULES, MODULES, known};
    use crate::machine::configuration::{ConfigPath, Configuration};

    fn registered(configuration: &Configuration) -> [bool; 2] {
        [GLOBAL_MODULES, MODULES].map(|section| {
            let schema = known(section).expect("in the table");
            let effective = configuration
                .effective(schema, &ConfigPath::apphost())
                .expect("no duplicates");
            effective
                .entries
                .iter()
                .any(|e| e.get("name") == Some("IpRestrictionModule"))
        })
    }

    #[test]
    fn enabling_registers_the_modules_and_disabling_takes_them_away() {
        let (mut features, mut configuration) = (
            Features::fresh(WindowsRelease::default()),
            Configuration::exchange_2019(),
        );
        let stamp = configuration.stamp();
        assert_eq!(registered(&configuration), [false, false]);
        features.set(
            &IP_SECURITY.to_lowercase(),
            FeatureState::Enabled,
            &mut configuration,
        );
        assert_eq!(registered(&configuration), [true, true]);
        assert_ne!(configuration.stamp(), stamp);
        features.set(IP_SECURITY, FeatureState::Disabled, &mut configuration);
        assert_eq!(registered(&configuration), [false, false]);
    }

    #[test]
    fn a_pending_feature_is_there_after_a_restart() {
        let (mut features, mut configuration) = (
            Features::fresh(WindowsRelease::default()),
            Configuration::exchange_2019(),
        );
        features.set(IP_SECURITY, FeatureState::EnablePending, &mut configuration);
        assert_eq!(registered(&configuration), [false, false]);
        features.restart(&mut configuration);
        assert_eq!(
            features.get(IP_SECURITY).map(|f| f.state),
            Some(FeatureState::Enabled)
        );
        assert_eq!(registered(&configuration), [true, true]);
    }
}
