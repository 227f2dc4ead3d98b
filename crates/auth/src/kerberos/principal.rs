//! Names of users and services (PrincipalName, RFC 4120 5.2.2).

use std::fmt;

use crate::credentials::UserName;
use crate::der;
use crate::error::Error;

/// A name within a realm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Principal {
    kind: NameKind,
    components: Vec<String>,
}

/// The types of names that are sent (RFC 4120 6.2, RFC 6806 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NameKind {
    /// NT-PRINCIPAL: the account's own name.
    User,
    /// NT-ENTERPRISE: `user@suffix`, which the KDC looks up.
    Enterprise,
    /// NT-SRV-INST: a service and where it runs.
    Service,
}

impl Principal {
    /// The account of a user within `realm`. `user@REALM` is that user; any other suffix is for the KDC to look up.
    pub(crate) fn of_user(name: &str, realm: &str) -> Self {
        let UserName { user, .. } = UserName::parse(name);
        match user.rsplit_once('@') {
            Some((account, suffix)) if suffix.eq_ignore_ascii_case(realm) => Self::user(account),
            Some(_) => Self::enterprise(&user),
            None => Self::user(&user),
        }
    }

    /// `user@suffix` as one name that the KDC looks up.
    pub(crate) fn enterprise(name: &str) -> Self {
        Self {
            kind: NameKind::Enterprise,
            components: vec![name.to_owned()],
        }
    }

    fn user(name: &str) -> Self {
        Self {
            kind: NameKind::User,
            components: vec![name.to_owned()],
        }
    }

    /// A service, `HTTP/cas01.contoso.example`.
    pub(crate) fn service(name: &str) -> Self {
        Self {
            kind: NameKind::Service,
            components: name.split('/').map(str::to_owned).collect(),
        }
    }

    /// The ticket-granting service of a realm.
    pub(crate) fn ticket_granting(realm: &str) -> Self {
        Self {
            kind: NameKind::Service,
            components: vec![TICKET_GRANTING.to_owned(), realm.to_owned()],
        }
    }

    pub(crate) fn is_enterprise(&self) -> bool {
        self.kind == NameKind::Enterprise
    }

    /// The salt of its key where the KDC names none (RFC 4120 4).
    pub(crate) fn default_salt(&self, realm: &str) -> Vec<u8> {
        let mut salt = realm.to_owned();
        salt.extend(self.components.iter().map(String::as_str));
        salt.into_bytes()
    }

    /// PrincipalName in DER. Windows takes UTF-8 in its strings, which RFC 4120 allows for the future.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        let kind = match self.kind {
            NameKind::User => 1,
            NameKind::Enterprise => 10,
            NameKind::Service => 2,
        };
        let components: Vec<_> = self
            .components
            .iter()
            .map(|component| der::value(der::GENERAL_STRING, &[component.as_bytes()]))
            .collect();
        let components: Vec<&[u8]> = components.iter().map(Vec::as_slice).collect();
        der::value(
            der::SEQUENCE,
            &[
                &der::field(0, &[&der::integer(kind)]),
                &der::field(1, &[&der::value(der::SEQUENCE, &components)]),
            ],
        )
    }
}

const TICKET_GRANTING: &str = "krbtgt";

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.components.join("/"))
    }
}

/// A name that a KDC sent. It is sent back as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ForeignName {
    /// PrincipalName in DER.
    pub(crate) der: Vec<u8>,
    /// Its components.
    pub(crate) components: Vec<String>,
}

impl ForeignName {
    pub(crate) fn read(mut outer: der::Reader<'_>) -> Result<Self, Error> {
        let der = outer
            .clone()
            .one(der::SEQUENCE, "a PrincipalName")?
            .whole
            .to_vec();
        let mut fields = outer.fields("a PrincipalName")?;
        let mut list = fields
            .required(1, "the components of a name")?
            .inside(der::SEQUENCE, "the components of a name")?;
        let mut components = Vec::new();
        while !list.is_empty() {
            components.push(list.string("a component of a name")?);
        }
        Ok(Self { der, components })
    }

    /// The realm whose ticket-granting service this is.
    pub(crate) fn granting_realm(&self) -> Option<&str> {
        match self.components.as_slice() {
            [service, realm] if service.eq_ignore_ascii_case(TICKET_GRANTING) => Some(realm),
            _ => None,
        }
    }
}

/// The realm that a user's name tells by itself: the suffix of `user@realm`, or a DNS name in front of the backslash.
pub(crate) fn realm_of_user(name: &str) -> Option<String> {
    let UserName { domain, user } = UserName::parse(name);
    let realm = match user.rsplit_once('@') {
        Some((account, suffix)) if !account.is_empty() => suffix.to_owned(),
        _ if domain.contains('.') => domain,
        _ => return None,
    };
    (!realm.is_empty() && realm != ".").then(|| realm.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_looked_up_only_where_their_name_is_of_another_realm() {
        let realm = "CONTOSO.EXAMPLE";
        for (name, shown, enterprise) in [
            (r"CONTOSO\operator", "operator", false),
            ("operator", "operator", false),
            ("operator@contoso.example", "operator", false),
            ("operator@mail.example", "operator@mail.example", true),
            ("a@b@contoso.example", "a@b", false),
        ] {
            let principal = Principal::of_user(name, realm);
            assert_eq!(
                (principal.to_string().as_str(), principal.is_enterprise()),
                (shown, enterprise)
            );
        }
    }

    #[test]
    fn names_tell_their_realm_where_they_can() {
        for (name, realm) in [
            ("operator@contoso.example", Some("CONTOSO.EXAMPLE")),
            (r"contoso.example\operator", Some("CONTOSO.EXAMPLE")),
            (r"CONTOSO\operator", None),
            (r".\operator", None),
            ("operator", None),
            ("@x", None),
            ("x@", None),
        ] {
            assert_eq!(realm_of_user(name).as_deref(), realm, "{name}");
        }
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let written = Principal::ticket_granting("CONTOSO.EXAMPLE").to_der();
        let read = ForeignName::read(der::Reader::new("test", &written)).unwrap();
        assert_eq!(read.der, written);
        assert_eq!(read.granting_realm(), Some("CONTOSO.EXAMPLE"));
        let service = Principal::service("HTTP/müller.example").to_der();
        let read = ForeignName::read(der::Reader::new("test", &service)).unwrap();
        assert_eq!(read.components, ["HTTP", "müller.example"]);
        assert_eq!(read.granting_realm(), None);
    }

    #[test]
    fn the_default_salt_is_the_realm_and_the_components() {
        assert_eq!(Principal::service("HTTP/h").default_salt("R"), b"RHTTPh");
    }
}
