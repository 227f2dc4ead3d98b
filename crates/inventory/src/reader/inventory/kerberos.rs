//! What a server says about Kerberos: the user's realm and its KDCs, and the service's name.

use super::super::entry::{Entry, shown};
use crate::diagnostic::Code;
use crate::fleet::Kerberos;
use crate::reader::findings::Findings;
use crate::reader::table::Table;

/// What `[defaults]` and `[server.NAME]` share of it; `None` where it is not written.
#[derive(Clone, Default)]
pub(super) struct Shared {
    realm: Option<String>,
    kdcs: Option<Vec<String>>,
    service: Option<String>,
}

impl Shared {
    pub(super) fn read(table: &Table<'_>, found: &mut Findings<'_>) -> Self {
        Self {
            realm: word(table, "realm", "CONTOSO.EXAMPLE", found),
            kdcs: table.get("kdc").map(|entry| kdcs(&entry, found)),
            service: word(table, "spn_service", "WSMAN", found),
        }
    }

    /// What holds for one server.
    pub(super) fn complete(self, defaults: &Self, table: &Table<'_>, found: &mut Findings<'_>) -> Kerberos {
        Kerberos {
            realm: self.realm.or_else(|| defaults.realm.clone()),
            kdcs: self.kdcs.or_else(|| defaults.kdcs.clone()).unwrap_or_default(),
            spn_service: self.service.or_else(|| defaults.service.clone()),
            spn_host: word(table, "spn_host", "cas01.contoso.example", found),
        }
    }
}

/// A name of letters, digits, dots, hyphens and underscores.
fn word(table: &Table<'_>, key: &'static str, example: &str, found: &mut Findings<'_>) -> Option<String> {
    let entry = table.get(key)?;
    let text = entry.text(found)?;
    if is_word(text, "") {
        return Some(text.to_owned());
    }
    let message = format!("`{key}` cannot be `{}`", shown(text));
    found.error(
        Code::BadValue,
        entry.span(),
        message,
        format!("write it like \"{example}\""),
    );
    None
}

fn kdcs(entry: &Entry<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let texts = entry.texts(found);
    let mut kdcs = Vec::with_capacity(texts.len());
    for (text, span) in texts {
        if is_word(text, ":[]") {
            kdcs.push(text.to_owned());
        } else {
            let message = format!("a KDC cannot be `{}`", shown(text));
            let hint = "write a host, or a host and its port: [\"dc1.contoso.example\", \"192.0.2.1:88\"]";
            found.error(Code::BadValue, span, message, hint);
        }
    }
    kdcs
}

fn is_word(text: &str, more: &str) -> bool {
    let known = |letter: char| letter.is_alphanumeric() || "-._".contains(letter) || more.contains(letter);
    !text.is_empty() && text.chars().all(known)
}

#[cfg(test)]
mod tests {
    use crate::fleet::{Auth, Kerberos};
    use crate::{Source, read_inventory};

    const CREDENTIAL: &str = "[credential.ops]\nuser = 'ops@contoso.example'\npassword = { env = \"P\" }\n";

    #[test]
    fn a_server_s_own_words_count_more_than_the_defaults() {
        let text = format!(
            "{CREDENTIAL}[defaults]\ncredential = \"ops\"\nauth = \"kerberos\"\nrealm = \"CONTOSO.EXAMPLE\"\nkdc = [\"dc1\", \"[2001:db8::1]:88\"]\n\
             [server.a]\naddress = \"a\"\n\
             [server.b]\naddress = \"192.0.2.1\"\nkdc = []\nspn_service = \"WSMAN\"\nspn_host = \"b.contoso.example\"\n"
        );
        let inventory = read_inventory(&Source::new("test.toml", text)).unwrap();
        let realm = Some("CONTOSO.EXAMPLE".to_owned());
        let [a, b] = ["a", "b"].map(|name| &inventory.servers[&name.into()]);
        assert_eq!(a.auth, Auth::Kerberos);
        assert_eq!(a.kerberos.kdcs, ["dc1", "[2001:db8::1]:88"]);
        assert_eq!((&a.kerberos.realm, &a.kerberos.spn_host), (&realm, &None));
        let expected = Kerberos {
            realm,
            kdcs: Vec::new(),
            spn_service: Some("WSMAN".to_owned()),
            spn_host: Some("b.contoso.example".to_owned()),
        };
        assert_eq!(b.kerberos, expected);
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for line in [
            "realm = \"A B\"",
            "kdc = [\"https://proxy/KdcProxy\"]",
            "kdc = \"dc1\"",
            "spn_host = \"a/b\"",
            "spn_service = \"\"",
        ] {
            let text = format!("{CREDENTIAL}[server.a]\naddress = \"a\"\ncredential = \"ops\"\n{line}\n");
            let found = read_inventory(&Source::new("test.toml", text)).unwrap_err();
            assert_eq!(found.len(), 1, "{line}: {found:#?}");
        }
    }
}
