//! The sections that the simulator knows, as IIS's own schema declares them: attributes, defaults, keys, locks.
//!
//! Names, defaults, key attributes and `overrideModeDefault` are facts of `IIS_schema.xml` and of the `configSections`
//! of `applicationHost.config` on IIS 10; IIS 7 has less of
//! them, see [`all`]. Child elements inside a section (`<files>`, `<providers>`, ...) are not modelled.

mod sections;

use crate::machine::WindowsRelease;

use sections::{IP_SECURITY_OF_IIS_7, SECTIONS, UNMODELLED};

/// What values an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Kind {
    /// `true` or `false`, written in lower case.
    Bool,
    /// Anything.
    Text,
    /// One of the names.
    Enum(&'static [&'static str]),
    /// Some of the names, joined by `, `.
    Flags(&'static [&'static str]),
}

/// One attribute of a section or of a collection entry.
#[derive(Debug)]
pub(in crate::machine) struct Attribute {
    pub(in crate::machine) name: &'static str,
    pub(in crate::machine) kind: Kind,
    pub(in crate::machine) default: &'static str,
}

/// The collection directly inside a section.
#[derive(Debug)]
pub(in crate::machine) struct Collection {
    /// The element's name, mostly `add`.
    pub(in crate::machine) element: &'static str,
    /// Key attributes in schema order; more than one is a combined key.
    pub(in crate::machine) keys: &'static [&'static str],
    pub(in crate::machine) attributes: &'static [Attribute],
}

/// Where a section may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Definition {
    Everywhere,
    AppHostOnly,
}

/// Whether levels below may write a section in their own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum OverrideMode {
    Allow,
    Deny,
}

/// One registered section.
#[derive(Debug)]
pub(in crate::machine) struct SectionSchema {
    /// Full name, `system.webServer/security/ipSecurity`.
    pub(in crate::machine) path: &'static str,
    pub(in crate::machine) override_mode_default: OverrideMode,
    pub(in crate::machine) definition: Definition,
    pub(in crate::machine) attributes: &'static [Attribute],
    pub(in crate::machine) collection: Option<Collection>,
}

/// The section this whole program is about.
pub(in crate::machine) const IP_SECURITY: &str = "system.webServer/security/ipSecurity";
/// Limits by the number of requests; IIS 8 and later.
const DYNAMIC_IP_SECURITY: &str = "system.webServer/security/dynamicIpSecurity";
/// TLS requirements of a path.
pub(in crate::machine) const ACCESS: &str = "system.webServer/security/access";
/// Modules enabled for requests.
pub(in crate::machine) const MODULES: &str = "system.webServer/modules";
/// Native modules that a worker process loads when it starts.
pub(in crate::machine) const GLOBAL_MODULES: &str = "system.webServer/globalModules";
/// Anonymous authentication.
pub(in crate::machine) const ANONYMOUS: &str =
    "system.webServer/security/authentication/anonymousAuthentication";
/// Basic authentication.
pub(in crate::machine) const BASIC: &str = "system.webServer/security/authentication/basicAuthentication";
/// Windows authentication.
pub(in crate::machine) const WINDOWS: &str = "system.webServer/security/authentication/windowsAuthentication";

/// What a section name on the command line means.
#[derive(Debug)]
pub(in crate::machine) enum Lookup {
    Known(&'static SectionSchema),
    /// Exists in IIS, not in the simulator.
    Unmodelled(&'static str),
    /// No such section, or a short name that fits several.
    Unknown,
}

/// Finds a section by full name or by an unambiguous last part, ignoring case.
pub(in crate::machine) fn find(name: &str, windows: WindowsRelease) -> Lookup {
    if let Some(schema) = all(windows).find(|s| s.path.eq_ignore_ascii_case(name)) {
        return Lookup::Known(schema);
    }
    if let Some(path) = UNMODELLED.iter().find(|path| path.eq_ignore_ascii_case(name)) {
        return Lookup::Unmodelled(path);
    }
    let short = |path: &str| {
        path.rsplit('/')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case(name))
    };
    let mut known = all(windows).filter(|s| short(s.path));
    match (known.next(), known.next()) {
        (Some(schema), None) => Lookup::Known(schema),
        (None, _) => UNMODELLED
            .iter()
            .find(|p| short(p))
            .map_or(Lookup::Unknown, |p| Lookup::Unmodelled(p)),
        (Some(_), Some(_)) => Lookup::Unknown,
    }
}

/// Every modelled section that this Windows' IIS has, in schema order.
pub(in crate::machine) fn all(windows: WindowsRelease) -> impl Iterator<Item = &'static SectionSchema> {
    let is_old = !windows.has_deny_action();
    SECTIONS
        .iter()
        .filter(move |s| !(is_old && s.path == DYNAMIC_IP_SECURITY))
        .map(move |s| match s.path {
            IP_SECURITY if is_old => &IP_SECURITY_OF_IIS_7,
            _ => s,
        })
}

/// A section that this crate names itself; `None` only if the table above lost it (a test looks).
pub(in crate::machine) fn known(path: &str) -> Option<&'static SectionSchema> {
    SECTIONS.iter().find(|s| s.path == path)
}

impl SectionSchema {
    /// The attribute of the section element with this name, ignoring case.
    pub(in crate::machine) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }
}

impl Collection {
    /// The attribute of an entry with this name, ignoring case.
    pub(in crate::machine) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }
}

impl Attribute {
    /// The value as the configuration system writes it, `None` when it is not one of this attribute.
    pub(in crate::machine) fn canonical(&self, value: &str) -> Option<String> {
        let pick = |names: &'static [&'static str], value: &str| {
            names
                .iter()
                .find(|n| n.eq_ignore_ascii_case(value.trim()))
                .map(|n| (*n).to_owned())
        };
        match self.kind {
            Kind::Bool => pick(&["true", "false"], value),
            Kind::Text => Some(value.to_owned()),
            Kind::Enum(names) => pick(names, value),
            Kind::Flags(names) => {
                let flags: Option<Vec<String>> = value.split(',').map(|flag| pick(names, flag)).collect();
                flags.map(|flags| flags.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ACCESS, ANONYMOUS, BASIC, GLOBAL_MODULES, IP_SECURITY, Lookup, MODULES, WINDOWS, WindowsRelease,
        find, known,
    };

    #[test]
    fn every_section_named_in_code_is_in_the_table() {
        for path in [
            IP_SECURITY,
            ACCESS,
            MODULES,
            GLOBAL_MODULES,
            ANONYMOUS,
            BASIC,
            WINDOWS,
        ] {
            assert!(known(path).is_some(), "{path}");
        }
    }

    #[test]
    fn the_short_name_of_ip_security_is_ambiguous() {
        assert!(matches!(
            find("ipSecurity", WindowsRelease::Server2019),
            Lookup::Unknown
        ));
        assert!(
            matches!(find("SYSTEM.WEBSERVER/security/ipsecurity", WindowsRelease::Server2019), Lookup::Known(s) if s.path == IP_SECURITY)
        );
        assert!(
            matches!(find("basicAuthentication", WindowsRelease::Server2019), Lookup::Known(s) if s.path == BASIC)
        );
        assert!(matches!(
            find("handlers", WindowsRelease::Server2019),
            Lookup::Unmodelled("system.webServer/handlers")
        ));
        assert!(matches!(
            find("nosuch", WindowsRelease::Server2019),
            Lookup::Unknown
        ));
    }

    #[test]
    fn iis_7_knows_less_of_ip_security() {
        let attributes = |windows| match find(IP_SECURITY, windows) {
            Lookup::Known(schema) => schema.attributes.iter().map(|a| a.name).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let old = ["enableReverseDns", "allowUnlisted"];
        assert_eq!(attributes(WindowsRelease::Server2008R2), old);
        for windows in [WindowsRelease::Server2012R2, WindowsRelease::Server2016] {
            assert_eq!(
                attributes(windows),
                [&old[..], &["enableProxyMode", "denyAction"]].concat()
            );
            assert!(matches!(find("dynamicIpSecurity", windows), Lookup::Known(_)));
        }
        assert!(matches!(
            find("dynamicIpSecurity", WindowsRelease::Server2008R2),
            Lookup::Unknown
        ));
    }

    #[test]
    fn values_are_written_in_their_canonical_spelling() {
        let canonical = |section: &str, name: &str, value: &str| {
            known(section)
                .and_then(|s| s.attribute(name))
                .and_then(|a| a.canonical(value))
        };
        assert_eq!(
            canonical(IP_SECURITY, "allowunlisted", "FALSE").as_deref(),
            Some("false")
        );
        assert_eq!(canonical(IP_SECURITY, "allowUnlisted", "no"), None);
        assert_eq!(
            canonical(IP_SECURITY, "denyAction", "notfound").as_deref(),
            Some("NotFound")
        );
        assert_eq!(
            canonical(ACCESS, "sslFlags", "ssl,SSL128").as_deref(),
            Some("Ssl, Ssl128")
        );
    }
}
