//! A text that nobody may see: a password, or the NT hash that stands for one.
//!
//! Built by `cli`, handed down to [`Credentials`](crate::Credentials), read only where a key is derived from it.

use zeroize::Zeroizing;

use crate::credentials::NtHash;
use crate::ntlm::same_bytes;

/// A secret text, wiped from memory when dropped.
///
/// It has neither `Debug` nor `Display`, on purpose: a structure that holds one cannot be printed by accident.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Password,
    NtHash,
}

impl Secret {
    /// A secret that is the NT hash of a password instead of the password. NTLM takes it, Basic cannot.
    pub fn from_nt_hash(hash: &NtHash) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(32));
        for byte in hash.bytes() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or_default());
            }
        }
        Self {
            text,
            form: Form::NtHash,
        }
    }

    /// The text itself: the password, or the 32 hexadecimal digits of the NT hash.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether both are the same secret, in a time that does not tell where they differ.
    pub fn same_as(&self, other: &Self) -> bool {
        self.form == other.form && same_bytes(self.text.as_bytes(), other.text.as_bytes())
    }

    /// Whether this is an NT hash, so that no password is known.
    pub fn is_nt_hash(&self) -> bool {
        self.form == Form::NtHash
    }
}

impl From<String> for Secret {
    fn from(password: String) -> Self {
        Self {
            text: Zeroizing::new(password),
            form: Form::Password,
        }
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Self {
        Self::from(password.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_reads_like_a_hash_is_not_that_hash() {
        let hash = Secret::from_nt_hash(&NtHash::of_password(&Secret::from("Password")));
        let text = Secret::from(hash.expose());
        assert!(hash.same_as(&hash.clone()) && text.same_as(&text.clone()));
        assert!(!hash.same_as(&text) && !text.same_as(&hash));
        assert!(hash.is_nt_hash() && !text.is_nt_hash());
    }
}
