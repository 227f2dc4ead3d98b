//! Signing and sealing with extended session security, 128-bit keys and key exchange (MS-NLMP 3.4).

use rc4::consts::U16;
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::Zeroizing;

use super::digest::{hmac_md5, md5, same_bytes};
use crate::error::Error;

/// Whose messages a key protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Direction {
    fn signing_magic(self) -> &'static [u8] {
        match self {
            Self::ClientToServer => b"session key to client-to-server signing key magic constant\0",
            Self::ServerToClient => b"session key to server-to-client signing key magic constant\0",
        }
    }

    fn sealing_magic(self) -> &'static [u8] {
        match self {
            Self::ClientToServer => b"session key to client-to-server sealing key magic constant\0",
            Self::ServerToClient => b"session key to server-to-client sealing key magic constant\0",
        }
    }
}

/// The keys, the cipher and the sequence number of one direction.
pub(crate) struct Sealing {
    signing_key: Zeroizing<[u8; 16]>,
    sealing_key: Zeroizing<[u8; 16]>,
    cipher: Rc4<U16>,
    sequence: Option<u32>,
}

impl Sealing {
    /// SIGNKEY and SEALKEY (MS-NLMP 3.4.5.2, 3.4.5.3) of an exported session key.
    pub(crate) fn new(exported_session_key: &[u8; 16], direction: Direction) -> Self {
        let sealing_key = Zeroizing::new(md5(&[exported_session_key, direction.sealing_magic()]));
        Self {
            signing_key: Zeroizing::new(md5(&[exported_session_key, direction.signing_magic()])),
            cipher: Rc4::new((&*sealing_key).into()),
            sealing_key,
            sequence: Some(0),
        }
    }

    /// Encrypts `data` in place and gives the signature. The cipher runs on over the checksum and into the next
    /// message.
    pub(crate) fn seal(&mut self, data: &mut [u8]) -> Result<[u8; 16], Error> {
        let checksum = self.checksum(data)?;
        self.cipher.apply_keystream(data);
        self.finish(checksum)
    }

    /// Signs without encrypting (GSS_GetMIC), as the mechListMIC needs it.
    pub(crate) fn sign(&mut self, data: &[u8]) -> Result<[u8; 16], Error> {
        let checksum = self.checksum(data)?;
        self.finish(checksum)
    }

    /// Decrypts and verifies.
    pub(crate) fn unseal(&mut self, signature: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut plain = data.to_vec();
        self.check_form(signature)?;
        self.cipher.apply_keystream(&mut plain);
        self.verify(&plain, signature)?;
        Ok(plain)
    }

    /// Verifies a signature over data in clear.
    pub(crate) fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.check_form(signature)?;
        let sequence = self.sequence()?;
        let expected = self.sign(data)?;
        match same_bytes(&expected, signature) {
            true => Ok(()),
            false => Err(Error::Tampered { sequence }),
        }
    }

    /// The sealing and the signing key.
    #[cfg(test)]
    pub(super) fn keys(&self) -> ([u8; 16], [u8; 16]) {
        (*self.sealing_key, *self.signing_key)
    }

    /// Starts the cipher anew after a mechListMIC; the sequence number goes on. That is what Windows does, and
    /// what RFC 4178 does not mention.
    pub(crate) fn restart_cipher(&mut self) {
        self.cipher = Rc4::new((&*self.sealing_key).into());
    }

    fn sequence(&self) -> Result<u32, Error> {
        self.sequence.ok_or(Error::Exhausted)
    }

    /// The sequence number is in clear, so a lost or repeated message can be told from an altered one.
    fn check_form(&self, signature: &[u8]) -> Result<(), Error> {
        let expected = self.sequence()?;
        let form = |expected, found: String| Error::Malformed {
            message: "signature",
            expected,
            found,
        };
        let [version @ .., _, _, _, _, _, _, _, _, a, b, c, d] = signature else {
            return Err(form("16 bytes", format!("{} bytes", signature.len())));
        };
        if version != [1, 0, 0, 0] {
            return Err(form(
                "version 1 and 16 bytes",
                format!("{} bytes", signature.len()),
            ));
        }
        let found = u32::from_le_bytes([*a, *b, *c, *d]);
        match found == expected {
            true => Ok(()),
            false => Err(Error::OutOfOrder { expected, found }),
        }
    }

    /// The checksum over the sequence number and the plain text, not yet encrypted.
    fn checksum(&self, data: &[u8]) -> Result<[u8; 8], Error> {
        let [a, b, c, d, e, f, g, h, ..] =
            hmac_md5(&self.signing_key, &[&self.sequence()?.to_le_bytes(), data]);
        Ok([a, b, c, d, e, f, g, h])
    }

    /// Encrypts the checksum, composes the signature and counts the message.
    fn finish(&mut self, mut checksum: [u8; 8]) -> Result<[u8; 16], Error> {
        let sequence = self.sequence()?;
        self.cipher.apply_keystream(&mut checksum);
        self.sequence = sequence.checked_add(1);
        let ([a, b, c, d, e, f, g, h], [i, j, k, l]) = (checksum, sequence.to_le_bytes());
        Ok([1, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l])
    }
}
