//! What a login leads to: sealing and unsealing the messages of one connection.
//!
//! Both sides use the same type; the `winrm` connection and the simulated endpoint each own one.

use std::fmt;

use crate::error::Error;
use crate::kerberos;
use crate::multipart;
use crate::ntlm::Sealing;

/// A sealed message: the signature goes in front; the data is as long as the plain text, and with RC4 under Kerberos
/// one byte of padding longer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    /// The signature (16 bytes with NTLM, 60 with Kerberos and AES).
    pub signature: Vec<u8>,
    /// The encrypted message.
    pub data: Vec<u8>,
}

/// The seal state of one connection, either side.
///
/// Messages must be unsealed in the order in which the peer sealed them. After the first one that does not verify
/// the session refuses everything ([`Error::Broken`]): close the connection and log in again.
pub struct Session {
    protection: Protection,
    broken: bool,
}

/// The mechanism that made the session.
enum Protection {
    Ntlm {
        outgoing: Box<Sealing>,
        incoming: Box<Sealing>,
    },
    Kerberos {
        sealing: Box<kerberos::Sealing>,
        protocol: &'static str,
    },
}

impl Session {
    pub(crate) fn ntlm(outgoing: Sealing, incoming: Sealing) -> Self {
        Self {
            protection: Protection::Ntlm {
                outgoing: Box::new(outgoing),
                incoming: Box::new(incoming),
            },
            broken: false,
        }
    }

    /// `protocol` depends on the HTTP scheme that the login went under, not on the mechanism.
    pub(crate) fn kerberos(sealing: kerberos::Sealing, protocol: &'static str) -> Self {
        Self {
            protection: Protection::Kerberos {
                sealing: Box::new(sealing),
                protocol,
            },
            broken: false,
        }
    }

    /// Encrypts and signs one message ([MS-NLMP] 3.4.3, RFC 4121 4.2, RFC 4757 7.3).
    ///
    /// # Errors
    /// [`Error::Broken`] after an earlier failure, [`Error::Exhausted`] after 2^32 messages.
    ///
    /// [MS-NLMP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/
    pub fn seal(&mut self, plain: &[u8]) -> Result<Sealed, Error> {
        self.guarded(|protection| match protection {
            Protection::Ntlm { outgoing, .. } => {
                let mut data = plain.to_vec();
                let signature = outgoing.seal(&mut data)?.to_vec();
                Ok(Sealed { signature, data })
            }
            Protection::Kerberos { sealing, .. } => sealing.seal(plain),
        })
    }

    /// Decrypts one message and verifies its signature and its place in the sequence.
    ///
    /// # Errors
    /// [`Error::Tampered`], [`Error::OutOfOrder`] and [`Error::Malformed`]; each of them ends the session.
    pub fn unseal(&mut self, signature: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
        self.guarded(|protection| match protection {
            Protection::Ntlm { incoming, .. } => incoming.unseal(signature, data),
            Protection::Kerberos { sealing, .. } => sealing.unseal(signature, data),
        })
    }

    /// The protocol's name in the multipart headers.
    pub fn protocol(&self) -> &'static str {
        match self.protection {
            Protection::Ntlm { .. } => multipart::SPNEGO,
            Protection::Kerberos { protocol, .. } => protocol,
        }
    }

    /// The mechanism that the login came to: `ntlm` or `kerberos`.
    pub fn mechanism(&self) -> &'static str {
        match self.protection {
            Protection::Ntlm { .. } => "ntlm",
            Protection::Kerberos { .. } => "kerberos",
        }
    }

    /// Seals a message and frames it for HTTP: the value of `Content-Type`, and the body.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal).
    pub fn seal_body(&mut self, plain: &[u8]) -> Result<(String, Vec<u8>), Error> {
        let sealed = self.seal(plain)?;
        // What is announced is the length with the padding, if there is any.
        Ok(multipart::write(
            self.protocol(),
            sealed.data.len(),
            &sealed.signature,
            &sealed.data,
        ))
    }

    /// Reads a framed body and unseals it.
    ///
    /// # Errors
    /// Those of [`multipart::read`] and [`unseal`](Self::unseal), and [`Error::Protocol`] when the body was sealed
    /// with another protocol. Every error ends the session: the peer's cipher state has moved on.
    pub fn unseal_body(&mut self, content_type: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
        let expected = self.protocol();
        let part = multipart::read(content_type, body).and_then(|part| {
            match part.protocol.eq_ignore_ascii_case(expected) {
                true => Ok(part),
                false => Err(Error::Protocol {
                    expected,
                    found: part.protocol.to_owned(),
                }),
            }
        });
        match part {
            Ok(part) => self.unseal(part.signature, part.data),
            Err(error) => {
                self.broken = true;
                Err(error)
            }
        }
    }

    fn guarded<T>(&mut self, act: impl FnOnce(&mut Protection) -> Result<T, Error>) -> Result<T, Error> {
        if self.broken {
            return Err(Error::Broken);
        }
        let result = act(&mut self.protection);
        self.broken = result.is_err();
        result
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("protocol", &self.protocol())
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
