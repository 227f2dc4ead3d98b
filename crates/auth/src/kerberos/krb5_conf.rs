//! The machine's own Kerberos settings, `krb5.conf`, as far as a client without ticket caches needs them.
//!
//! Whoever may read files hands the text in and looks up what [`Krb5Conf::includes`] names.

use std::collections::BTreeMap;

use crate::error::Error;

/// What a `krb5.conf` says: the default realm, KDCs of realms, realms of hosts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Krb5Conf {
    default_realm: Option<String>,
    dns_lookup_kdc: Option<bool>,
    /// Of each realm, as written: `host`, `host:port`, `tcp/host`.
    kdcs: BTreeMap<String, Vec<String>>,
    /// Of hosts (`cas01.contoso.example`) and of all hosts below a domain (`.contoso.example`), in lower case.
    domains: BTreeMap<String, String>,
    includes: Vec<Include>,
}

/// Another file that belongs to the settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Include {
    /// This file.
    File(String),
    /// All files of this folder whose names consist of letters, digits, `-` and `_`, or end in `.conf`.
    Folder(String),
}

/// Longer files are no settings.
const LONGEST: usize = 1024 * 1024;
/// Braces in braces beyond this are no settings.
const DEEPEST: usize = 8;

impl Krb5Conf {
    /// Reads the text of a file. Sections and keys that are of no use here are passed over.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the number of the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(Error::TooLong {
                field: "krb5.conf",
                length: text.len(),
                limit: LONGEST,
            });
        }
        let mut settings = Self::default();
        let mut section = String::new();
        let mut path: Vec<String> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let malformed = |expected| Error::Malformed {
                message: "krb5.conf",
                expected,
                found: format!(
                    "line {}: {:?}",
                    number + 1,
                    line.chars().take(60).collect::<String>()
                ),
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(include) = include(line) {
                settings.includes.push(include);
            } else if let Some(name) = line.strip_prefix('[') {
                let (name, _) = name
                    .split_once(']')
                    .ok_or_else(|| malformed("`]` after a section's name"))?;
                name.trim().clone_into(&mut section);
                path.clear();
            } else if line.starts_with('}') {
                path.pop().ok_or_else(|| malformed("no `}` without a `{`"))?;
            } else {
                let (key, value) = line.split_once('=').ok_or_else(|| malformed("`key = value`"))?;
                let key = key.trim().trim_end_matches('*');
                match value.trim() {
                    "{" if path.len() == DEEPEST => return Err(malformed("fewer braces")),
                    "{" => path.push(key.to_owned()),
                    value => settings.set(&section, &path, key, value.trim_matches('"')),
                }
            }
        }
        Ok(settings)
    }

    fn set(&mut self, section: &str, path: &[String], key: &str, value: &str) {
        match (section, path, key) {
            ("libdefaults", [], "default_realm") if self.default_realm.is_none() => {
                self.default_realm = Some(value.to_owned());
            }
            ("libdefaults", [], "dns_lookup_kdc") if self.dns_lookup_kdc.is_none() => {
                let no = ["false", "no", "off", "n", "f", "nil", "0"];
                self.dns_lookup_kdc = Some(!no.contains(&value.to_lowercase().as_str()));
            }
            ("realms", [realm], "kdc" | "master_kdc" | "primary_kdc") => {
                let kdcs = self.kdcs.entry(realm.clone()).or_default();
                if !kdcs.iter().any(|known| known == value) {
                    kdcs.push(value.to_owned());
                }
            }
            ("domain_realm", [], host) => {
                self.domains
                    .entry(host.to_lowercase())
                    .or_insert_with(|| value.to_owned());
            }
            _ => {}
        }
    }

    /// Adds what another file says. What is there already stays; KDCs of the same realm are put behind.
    pub fn merge(&mut self, other: Self) {
        self.default_realm = self.default_realm.take().or(other.default_realm);
        self.dns_lookup_kdc = self.dns_lookup_kdc.or(other.dns_lookup_kdc);
        for (realm, more) in other.kdcs {
            let kdcs = self.kdcs.entry(realm).or_default();
            kdcs.extend(
                more.into_iter()
                    .filter(|kdc| !kdcs.contains(kdc))
                    .collect::<Vec<_>>(),
            );
        }
        for (host, realm) in other.domains {
            self.domains.entry(host).or_insert(realm);
        }
        self.includes.extend(other.includes);
    }

    /// The files that belong to the settings and have not been read yet. The list is empty afterwards.
    pub fn take_includes(&mut self) -> Vec<Include> {
        std::mem::take(&mut self.includes)
    }

    /// `default_realm`.
    pub fn default_realm(&self) -> Option<&str> {
        self.default_realm.as_deref()
    }

    /// `dns_lookup_kdc`: whether DNS may be asked for KDCs that are not named here. It may where nothing is written.
    pub fn dns_lookup_kdc(&self) -> bool {
        self.dns_lookup_kdc.unwrap_or(true)
    }

    /// The KDCs of a realm that are spoken to over TCP, as `host` or `host:port`. KDC proxies (`https://`) are left
    /// out.
    pub fn kdcs(&self, realm: &str) -> Vec<String> {
        let named = |(name, _): &(&String, &Vec<String>)| name.eq_ignore_ascii_case(realm);
        self.kdcs
            .iter()
            .find(named)
            .into_iter()
            .flat_map(|(_, kdcs)| kdcs)
            .filter(|kdc| !kdc.contains("://") && !kdc.starts_with("udp/"))
            .map(|kdc| kdc.strip_prefix("tcp/").unwrap_or(kdc).to_owned())
            .collect()
    }

    /// The realm that `domain_realm` names for a host: for itself, or for the nearest domain above it.
    pub fn realm_of_host(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.').to_lowercase();
        let mut rest = host.as_str();
        if let Some(realm) = self.domains.get(rest) {
            return Some(realm);
        }
        while let Some((_, domain)) = rest.split_once('.') {
            // MIT takes `example.com` for its hosts too where `.example.com` is not there.
            let above = self
                .domains
                .get(&format!(".{domain}"))
                .or_else(|| self.domains.get(domain));
            if above.is_some() {
                return above.map(String::as_str);
            }
            rest = domain;
        }
        None
    }
}

fn include(line: &str) -> Option<Include> {
    let (word, path) = line.split_once(char::is_whitespace)?;
    let path = path.trim().to_owned();
    match word {
        "include" => Some(Include::File(path)),
        "includedir" => Some(Include::Folder(path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = r"
# a comment
includedir /etc/krb5.conf.d/
[logging]
 default = FILE:/var/log/krb5libs.log
[libdefaults]
  default_realm = CONTOSO.EXAMPLE
  default_realm = SECOND.EXAMPLE
[realms]
  CONTOSO.EXAMPLE = {
    kdc = dc1.contoso.example
    kdc = tcp/dc2.contoso.example:1088
    kdc = udp/dc3.contoso.example
    kdc = https://proxy.contoso.example/KdcProxy
    v4_instance_convert = {
      mit = mit.edu
    }
    admin_server = dc1.contoso.example
  }
[domain_realm]
  .contoso.example = CONTOSO.EXAMPLE
  odd.contoso.example = ODD.EXAMPLE
  Fabrikam.example = FABRIKAM.EXAMPLE
";

    #[test]
    fn the_usual_file_is_understood() {
        let mut settings = Krb5Conf::parse(TEXT).unwrap();
        assert_eq!(settings.default_realm(), Some("CONTOSO.EXAMPLE"));
        assert_eq!(
            settings.kdcs("contoso.example"),
            ["dc1.contoso.example", "dc2.contoso.example:1088"]
        );
        assert!(settings.kdcs("FABRIKAM.EXAMPLE").is_empty());
        assert_eq!(
            settings.take_includes(),
            [Include::Folder("/etc/krb5.conf.d/".to_owned())]
        );
        assert!(settings.take_includes().is_empty());
    }

    #[test]
    fn hosts_belong_to_the_nearest_domain() {
        let settings = Krb5Conf::parse(TEXT).unwrap();
        for (host, realm) in [
            ("cas01.contoso.example", Some("CONTOSO.EXAMPLE")),
            ("CAS01.site.Contoso.Example.", Some("CONTOSO.EXAMPLE")),
            ("odd.contoso.example", Some("ODD.EXAMPLE")),
            ("cas01.fabrikam.example", Some("FABRIKAM.EXAMPLE")),
            ("contoso.example", None),
            ("cas01", None),
            ("", None),
        ] {
            assert_eq!(settings.realm_of_host(host), realm, "{host}");
        }
    }

    #[test]
    fn what_was_read_first_counts() {
        let mut settings = Krb5Conf::parse(TEXT).unwrap();
        let more = "[libdefaults]\ndefault_realm = X\n[realms]\nCONTOSO.EXAMPLE = {\nkdc = dc9\n}\nX = {\n kdc = x1\n}\n";
        settings.merge(Krb5Conf::parse(more).unwrap());
        assert_eq!(settings.default_realm(), Some("CONTOSO.EXAMPLE"));
        assert_eq!(settings.kdcs("CONTOSO.EXAMPLE").last().unwrap(), "dc9");
        assert_eq!(settings.kdcs("X"), ["x1"]);
    }

    #[test]
    fn dns_is_asked_unless_the_file_says_otherwise() {
        assert!(Krb5Conf::default().dns_lookup_kdc());
        for (value, asked) in [
            ("false", false),
            ("No", false),
            ("0", false),
            ("true", true),
            ("yes", true),
        ] {
            let text = format!("[libdefaults]\ndns_lookup_kdc = {value}\n");
            let mut settings = Krb5Conf::parse(&text).unwrap();
            settings.merge(Krb5Conf::parse("[libdefaults]\ndns_lookup_kdc = maybe\n").unwrap());
            assert_eq!(settings.dns_lookup_kdc(), asked, "{value}");
        }
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (text, line) in [("[realms\n", 1), ("\n}\n", 2), ("nonsense\n", 1)] {
            let error = Krb5Conf::parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
        }
        assert!(Krb5Conf::parse(&"a = {\n".repeat(9)).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "([a-z.\\[\\]{}=*\"#; \\n]|include ){0,200}", host in "[a-z.]{0,20}") {
            if let Ok(settings) = Krb5Conf::parse(&text) {
                let _ = (settings.realm_of_host(&host), settings.kdcs(&host));
            }
        }
    }
}
