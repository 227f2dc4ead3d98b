//! A server's certificate in words: what a person needs to decide whether it is the right one.

use std::fmt;
use std::time::SystemTime;

use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::endpoint::Fingerprint;

/// The most names that are shown.
const MOST_NAMES: usize = 8;

/// A certificate that a server showed. Every text in it comes from the network and cannot move a cursor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The SHA-256 of the whole certificate.
    pub fingerprint: Fingerprint,
    /// What else it says; `None` for bytes that are no certificate.
    pub facts: Option<Facts>,
}

/// What a certificate says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// The names and addresses that it is for (subjectAltName).
    pub names: Vec<String>,
    /// Whose it is, as RFC 4514 writes names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when it holds.
    pub not_before: SystemTime,
    /// Until when it holds.
    pub not_after: SystemTime,
    /// The first day, for people.
    from: String,
    /// The last day, for people.
    until: String,
}

impl Certificate {
    /// Reads it from DER.
    pub fn read(der: &[u8]) -> Self {
        Self {
            fingerprint: Fingerprint::of(der),
            facts: facts(der),
        }
    }
}

fn facts(der: &[u8]) -> Option<Facts> {
    let inner = Parsed::from_der(der).ok()?.tbs_certificate;
    let alternatives = inner.get::<SubjectAltName>().ok().flatten();
    let names = alternatives
        .map(|(_, names)| names.0)
        .unwrap_or_default()
        .iter()
        .filter_map(name)
        .collect();
    Some(Facts {
        names,
        subject: harmless(&inner.subject.to_string()),
        issuer: harmless(&inner.issuer.to_string()),
        not_before: inner.validity.not_before.to_system_time(),
        not_after: inner.validity.not_after.to_system_time(),
        from: inner.validity.not_before.to_date_time().to_string(),
        until: inner.validity.not_after.to_date_time().to_string(),
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(harmless(name.as_str())),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
            let v6 = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
            Some(v4.or(v6).ok()?.to_string())
        }
        _ => None,
    }
}

/// Text of a stranger: printable and not endless.
fn harmless(text: &str) -> String {
    text.chars()
        .take(200)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(facts) = &self.facts else {
            return write!(f, "an unreadable certificate, {}", self.fingerprint);
        };
        match facts.names.as_slice() {
            [] => write!(f, "one without names (subject {})", facts.subject)?,
            names => {
                let shown = &names[..names.len().min(MOST_NAMES)];
                write!(f, "one for {}", shown.join(", "))?;
                if let Some(more) = names.len().checked_sub(MOST_NAMES).filter(|more| *more > 0) {
                    write!(f, " and {more} more")?;
                }
            }
        }
        if facts.issuer == facts.subject {
            f.write_str(", signed by itself")?;
        } else {
            write!(f, ", signed by {}", facts.issuer)?;
        }
        write!(
            f,
            ", valid from {} until {}, {}",
            facts.from, facts.until, self.fingerprint
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn made(names: &[&str], common_name: &str) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2026, 2, 3);
        params
            .distinguished_name
            .push(DnType::CommonName, common_name.to_owned());
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_dates_and_fingerprint_are_told() {
        let der = made(&["cas01.contoso.example", "192.0.2.11", "2001:db8::11"], "cas01");
        let shown = Certificate::read(&der).to_string();
        let (facts, fingerprint) = shown.rsplit_once(", ").unwrap();
        assert_eq!(
            facts,
            "one for cas01.contoso.example, 192.0.2.11, 2001:db8::11, signed by itself, valid from 2024-01-01T00:00:00Z until \
             2026-02-03T00:00:00Z"
        );
        assert_eq!(fingerprint, Fingerprint::of(&der).to_string());
    }

    #[test]
    fn a_certificate_without_names_shows_its_subject_and_cannot_move_a_cursor() {
        let shown = Certificate::read(&made(&[], "\u{1b}[2Jcas01")).to_string();
        assert!(shown.starts_with("one without names (subject CN="), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn many_names_are_not_all_shown() {
        let names: Vec<String> = (0..12).map(|n| format!("cas{n:02}.contoso.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shown = Certificate::read(&made(&names, "farm")).to_string();
        assert!(shown.contains("cas07.contoso.example and 4 more"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(at in 0usize..400, byte: u8, cut in 0usize..500) {
            static DER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| made(&["cas01.contoso.example"], "cas01"));
            let mut der = DER.clone();
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(cut);
            let shown = Certificate::read(&der).to_string();
            prop_assert!(shown.ends_with(&Fingerprint::of(&der).to_string()));
        }
    }
}
