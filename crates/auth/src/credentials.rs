//! Who logs in: the forms of a user name, and the password or its NT hash.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::ntlm;
use crate::secret::Secret;

/// A user and the secret that proves it.
#[derive(Clone)]
pub struct Credentials {
    /// `DOMAIN\user`, `user@domain` or a plain local user.
    pub user: String,
    /// The password, or its NT hash.
    pub password: Secret,
}

impl Credentials {
    /// A user with a password, or with the NT hash that `password` holds.
    pub fn new(user: impl Into<String>, password: Secret) -> Self {
        Self {
            user: user.into(),
            password,
        }
    }

    /// The user's name, taken apart.
    pub fn user_name(&self) -> UserName {
        UserName::parse(&self.user)
    }

    /// The NT hash that NTLM derives its keys from.
    ///
    /// # Errors
    /// [`Error::BadNtHash`] where the secret claims to be an NT hash and is not.
    pub(crate) fn nt_hash(&self) -> Result<NtHash, Error> {
        match self.password.is_nt_hash() {
            true => NtHash::from_hex(self.password.expose()),
            false => Ok(NtHash::of_password(&self.password)),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A user's name as the NTLM messages carry it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserName {
    /// The part before the backslash; empty for `user@domain` and for plain names.
    pub domain: String,
    /// The part after the backslash, or the whole name.
    pub user: String,
}

impl UserName {
    /// Takes a name apart at its first backslash. `user@domain` stays whole with an empty domain, as Windows sends
    /// it: the domain controller looks the principal name up.
    pub fn parse(name: &str) -> Self {
        match name.split_once('\\') {
            Some((domain, user)) => Self {
                domain: domain.to_owned(),
                user: user.to_owned(),
            },
            None => Self {
                domain: String::new(),
                user: name.to_owned(),
            },
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.domain.is_empty() {
            true => f.write_str(&self.user),
            false => write!(f, "{}\\{}", self.domain, self.user),
        }
    }
}

/// MD4 over a password in UTF-16: what a domain controller keeps, and as good as the password for NTLM.
///
/// It has neither `Debug` nor `Display`, and is wiped when dropped.
#[derive(Clone)]
pub struct NtHash(Zeroizing<[u8; 16]>);

impl NtHash {
    /// NTOWFv1 of MS-NLMP 3.3.1.
    pub fn of_password(password: &Secret) -> Self {
        Self(ntlm::nt_hash(password.expose()))
    }

    /// From 32 hexadecimal digits, upper or lower case.
    ///
    /// # Errors
    /// [`Error::BadNtHash`] for anything else. The text is not repeated in the error.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadNtHash {
            found: text.chars().count(),
        };
        if text.len() != 32 {
            return Err(bad());
        }
        let mut bytes = Zeroizing::new([0; 16]);
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for &digit in pair {
                let value = char::from(digit).to_digit(16).ok_or_else(bad)?;
                *byte = (*byte << 4) | u8::try_from(value).map_err(|_| bad())?;
            }
        }
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_taken_apart_as_windows_does() {
        let cases = [
            (r"CONTOSO\operator", "CONTOSO", "operator"),
            ("operator@contoso.example", "", "operator@contoso.example"),
            ("operator", "", "operator"),
            (r".\operator", ".", "operator"),
            (r"CONTOSO\odd\name", "CONTOSO", r"odd\name"),
            (r"CONTOSO\operator@x", "CONTOSO", "operator@x"),
            ("", "", ""),
        ];
        for (text, domain, user) in cases {
            let name = UserName::parse(text);
            assert_eq!(
                (name.domain.as_str(), name.user.as_str()),
                (domain, user),
                "{text}"
            );
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn nt_hash_round_trips_through_its_digits() {
        let hash = NtHash::from_hex("A4F49C406510BDCAB6824EE7C30FD852").unwrap();
        let secret = Secret::from_nt_hash(&hash);
        assert!(secret.is_nt_hash());
        assert_eq!(secret.expose(), "a4f49c406510bdcab6824ee7c30fd852");
        // MS-NLMP 4.2.2.1.2: the same hash from the password.
        assert_eq!(
            NtHash::of_password(&Secret::from("Password")).bytes(),
            hash.bytes()
        );
        assert_eq!(
            Credentials::new("User", secret).nt_hash().unwrap().bytes(),
            hash.bytes()
        );
    }

    #[test]
    fn texts_that_are_no_hash_are_refused_without_being_repeated() {
        for text in [
            "",
            "a4f4",
            "zzf49c406510bdcab6824ee7c30fd852",
            "a4f49c406510bdcab6824ee7c30fd8520",
            "ä4f49c406510bdcab6824ee7c30fd85",
        ] {
            let Err(error) = NtHash::from_hex(text) else {
                panic!("{text} was accepted")
            };
            assert!(matches!(error, Error::BadNtHash { .. }));
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }
}
