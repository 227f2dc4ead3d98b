//! Keys: made from passwords and at random, used to encrypt, decrypt and sign.

use picky_krb::crypto::CipherSuite;
use picky_krb::crypto::aes::{AesSize, checksum_sha_aes, derive_key_from_password};
use rand::RngCore;
use zeroize::Zeroizing;

use super::encryption::{EncryptionType, Usage};
use super::rc4_hmac;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::ntlm::same_bytes;

/// A key and what it is for. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct Key {
    kind: EncryptionType,
    bytes: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A key as a message carries it.
    pub(crate) fn new(kind: EncryptionType, bytes: &[u8]) -> Result<Self, Error> {
        match bytes.len() == kind.key_length() {
            true => Ok(Self {
                kind,
                bytes: Zeroizing::new(bytes.to_vec()),
            }),
            false => Err(Error::Malformed {
                message: "EncryptionKey",
                expected: "a key of its encryption type's length",
                found: format!("{} bytes for {kind}", bytes.len()),
            }),
        }
    }

    /// A fresh key.
    pub(crate) fn random(kind: EncryptionType, entropy: &mut dyn RngCore) -> Self {
        let mut bytes = Zeroizing::new(vec![0; kind.key_length()]);
        entropy.fill_bytes(&mut bytes);
        Self { kind, bytes }
    }

    /// The user's long-term key (string-to-key of RFC 3962 4 and RFC 4757 2). `parameters` are those of
    /// ETYPE-INFO2: with AES the number of iterations.
    pub(crate) fn of_user(
        kind: EncryptionType,
        credentials: &Credentials,
        salt: &[u8],
        parameters: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let size = match kind {
            EncryptionType::Rc4 => return Self::new(kind, credentials.nt_hash()?.bytes()),
            EncryptionType::Aes128 => AesSize::Aes128,
            EncryptionType::Aes256 => AesSize::Aes256,
        };
        if credentials.password.is_nt_hash() {
            return Err(Error::KerberosPasswordNeeded);
        }
        if let Some(parameters) = parameters.filter(|&parameters| parameters != ITERATIONS) {
            return Err(Error::Malformed {
                message: "ETYPE-INFO2",
                expected: "4096 iterations for AES",
                found: format!("other parameters of {} bytes", parameters.len()),
            });
        }
        let bytes = derive_key_from_password(credentials.password.expose(), salt, &size);
        Self::new(kind, &Zeroizing::new(bytes.map_err(refused)?))
    }

    pub(crate) fn kind(&self) -> EncryptionType {
        self.kind
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts and protects a part of a message. AES draws its confounder from the operating system.
    pub(crate) fn encrypt(
        &self,
        usage: Usage,
        plain: &[u8],
        entropy: &mut dyn RngCore,
    ) -> Result<Vec<u8>, Error> {
        match self.suite() {
            Some(suite) => suite
                .cipher()
                .encrypt(&self.bytes, usage.number(), plain)
                .map_err(refused),
            None => {
                let mut confounder = [0; 8];
                entropy.fill_bytes(&mut confounder);
                Ok(rc4_hmac::encrypt(&*self.rc4()?, usage, confounder, plain))
            }
        }
    }

    /// Decrypts and verifies. `None`: another key made it, or it was altered.
    pub(crate) fn decrypt(&self, usage: Usage, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let plain = match self.suite() {
            // The confounder and the checksum; the crate needs at least these.
            Some(_) if sealed.len() < 16 + 12 => None,
            Some(suite) => suite.cipher().decrypt(&self.bytes, usage.number(), sealed).ok(),
            None => rc4_hmac::decrypt(&*self.rc4().ok()?, usage, sealed),
        };
        plain.map(Zeroizing::new)
    }

    /// The keyed checksum of the type over data that stays in clear.
    pub(crate) fn checksum(&self, usage: Usage, data: &[u8]) -> Result<Vec<u8>, Error> {
        let size = match self.kind {
            EncryptionType::Aes256 => AesSize::Aes256,
            EncryptionType::Aes128 => AesSize::Aes128,
            EncryptionType::Rc4 => {
                return Ok(rc4_hmac::checksum(&*self.rc4()?, usage.number(), &[data]).to_vec());
            }
        };
        checksum_sha_aes(&self.bytes, usage.number(), data, &size).map_err(refused)
    }

    /// Whether a keyed checksum is the right one.
    pub(crate) fn verifies(&self, usage: Usage, data: &[u8], checksum: &[u8]) -> bool {
        self.checksum(usage, data)
            .is_ok_and(|expected| same_bytes(&expected, checksum))
    }

    /// The key as RC4 takes it.
    pub(crate) fn rc4(&self) -> Result<Zeroizing<[u8; 16]>, Error> {
        let bytes = self.bytes.as_slice().try_into();
        Ok(Zeroizing::new(bytes.map_err(refused)?))
    }

    fn suite(&self) -> Option<CipherSuite> {
        match self.kind {
            EncryptionType::Aes256 => Some(CipherSuite::Aes256CtsHmacSha196),
            EncryptionType::Aes128 => Some(CipherSuite::Aes128CtsHmacSha196),
            EncryptionType::Rc4 => None,
        }
    }
}

/// 4096, the default of RFC 3962 4 and the only number that Windows and MIT use.
const ITERATIONS: &[u8] = &[0, 0, 0x10, 0];

/// The crate refuses only keys and data of a wrong length, which cannot get here.
fn refused(error: impl std::fmt::Display) -> Error {
    Error::Malformed {
        message: "Kerberos cryptography",
        expected: "a key and data of the right length",
        found: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .map(|digit| u8::try_from(digit).unwrap())
            .collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn of(kind: EncryptionType, password: &str, salt: &[u8]) -> Key {
        Key::of_user(
            kind,
            &Credentials::new("raeburn", Secret::from(password)),
            salt,
            None,
        )
        .unwrap()
    }

    #[test]
    fn long_term_keys_are_those_of_the_specifications() {
        // RFC 3962 appendix B has no vector with 4096 iterations. These two are of sspi-rs, whose KDC is Windows.
        let salt = b"EXAMPLE.COMtest1";
        assert_eq!(
            of(EncryptionType::Aes256, "5hYYSAfFJp", salt).bytes(),
            hex(
                "daded1cc15ae17deaa63a490f76789 44758f3b255a542569cb20eba761eeabac"
                    .replace(' ', "")
                    .as_str()
            )
        );
        assert_eq!(
            of(EncryptionType::Aes128, "5hYYSAfFJp", salt).bytes(),
            hex("bb43d002e37743161256aec90681cfdc")
        );
        // RFC 4757 2: the NT hash. The salt plays no part.
        assert_eq!(
            of(EncryptionType::Rc4, "foo", b"ignored").bytes(),
            hex("ac8e657f83df82beea5d43bdaf7800cc")
        );
    }

    #[test]
    fn what_is_encrypted_decrypts_only_with_its_key_and_usage() {
        let mut chance = StdRng::seed_from_u64(1);
        for kind in EncryptionType::ALL {
            let (key, other) = (Key::random(kind, &mut chance), Key::random(kind, &mut chance));
            for length in [0, 1, 15, 16, 17, 31, 32, 33, 100] {
                let plain = vec![0x5a; length];
                let mut sealed = key.encrypt(Usage::ApReply, &plain, &mut chance).unwrap();
                assert_eq!(
                    *key.decrypt(Usage::ApReply, &sealed).unwrap(),
                    plain,
                    "{kind} {length}"
                );
                assert!(key.decrypt(Usage::TgsReply, &sealed).is_none());
                assert!(other.decrypt(Usage::ApReply, &sealed).is_none());
                *sealed.last_mut().unwrap() ^= 1;
                assert!(key.decrypt(Usage::ApReply, &sealed).is_none());
            }
            let sum = key.checksum(Usage::InitiatorSign, b"data").unwrap();
            assert!(key.verifies(Usage::InitiatorSign, b"data", &sum));
            assert!(!key.verifies(Usage::AcceptorSign, b"data", &sum));
            assert!(!key.verifies(Usage::InitiatorSign, b"date", &sum));
        }
    }

    #[test]
    fn an_nt_hash_is_a_key_for_rc4_alone() {
        let hash = crate::credentials::NtHash::of_password(&Secret::from("foo"));
        let credentials = Credentials::new("u", Secret::from_nt_hash(&hash));
        let key = |kind| Key::of_user(kind, &credentials, b"", None);
        assert_eq!(key(EncryptionType::Rc4).unwrap().bytes(), hash.bytes());
        assert!(matches!(
            key(EncryptionType::Aes256),
            Err(Error::KerberosPasswordNeeded)
        ));
    }

    #[test]
    fn other_iteration_counts_are_refused_rather_than_guessed() {
        let credentials = Credentials::new("u", Secret::from("x"));
        let with =
            |parameters: &[u8]| Key::of_user(EncryptionType::Aes256, &credentials, b"s", Some(parameters));
        assert!(with(&[0, 0, 0x10, 0]).is_ok());
        assert!(matches!(with(&[0, 0, 0, 1]), Err(Error::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut chance = StdRng::seed_from_u64(3);
            for kind in EncryptionType::ALL {
                let key = Key::random(kind, &mut chance);
                prop_assert!(key.decrypt(Usage::AcceptorSeal, &bytes).is_none());
                prop_assert_eq!(Key::new(kind, &bytes).is_ok(), bytes.len() == kind.key_length());
            }
        }
    }
}
