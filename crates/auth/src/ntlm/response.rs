//! The NTLMv2 response and the keys that follow from it (MS-NLMP 3.3.2, 3.4.5).

use zeroize::Zeroizing;

use super::av_pairs::AvPairs;
use super::digest::{hmac_md5, same_bytes, upper_case, utf16};
use crate::credentials::{NtHash, UserName};
use crate::error::Error;
use crate::file_time::FileTime;

const MESSAGE: &str = "NTLMv2 response";

/// NTOWFv2: the key of everything else, per account.
pub(super) struct ResponseKey(Zeroizing<[u8; 16]>);

impl ResponseKey {
    /// HMAC-MD5 with the NT hash over the user in upper case and the domain as it is written.
    pub(super) fn new(hash: &NtHash, name: &UserName) -> Self {
        let parts = [utf16(&upper_case(&name.user)), utf16(&name.domain)];
        Self(Zeroizing::new(hmac_md5(hash.bytes(), &[&parts[0], &parts[1]])))
    }

    /// The client's answer to a challenge.
    pub(super) fn respond(
        &self,
        server_challenge: [u8; 8],
        client_challenge: [u8; 8],
        time: FileTime,
        pairs: &AvPairs,
    ) -> Result<Response, Error> {
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend_from_slice(&time.ticks().to_le_bytes());
        blob.extend_from_slice(&client_challenge);
        blob.extend_from_slice(&[0; 4]);
        blob.extend_from_slice(&pairs.to_bytes()?);
        blob.extend_from_slice(&[0; 4]);
        let proof = self.proof(server_challenge, &blob);
        let mut nt = proof.to_vec();
        nt.append(&mut blob);
        let mut lm = hmac_md5(&self.0, &[&server_challenge, &client_challenge]).to_vec();
        lm.extend_from_slice(&client_challenge);
        Ok(Response {
            nt,
            lm,
            key_exchange_key: self.key_exchange_key(&proof),
        })
    }

    /// Verifies a client's answer. `None`: the proof does not match, the password is another one.
    pub(super) fn verify(
        &self,
        server_challenge: [u8; 8],
        received: &Received<'_>,
    ) -> Option<Zeroizing<[u8; 16]>> {
        let expected = self.proof(server_challenge, received.blob);
        same_bytes(&expected, &received.proof).then(|| self.key_exchange_key(&expected))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u8; 16] {
        *self.0
    }

    /// NTProofStr.
    fn proof(&self, server_challenge: [u8; 8], blob: &[u8]) -> [u8; 16] {
        hmac_md5(&self.0, &[&server_challenge, blob])
    }

    /// SessionBaseKey, which is the KeyExchangeKey with NTLMv2.
    fn key_exchange_key(&self, proof: &[u8; 16]) -> Zeroizing<[u8; 16]> {
        Zeroizing::new(hmac_md5(&self.0, &[proof]))
    }
}

/// Both responses of the client, and the key that encrypts the random session key.
pub(super) struct Response {
    pub(super) nt: Vec<u8>,
    pub(super) lm: Vec<u8>,
    pub(super) key_exchange_key: Zeroizing<[u8; 16]>,
}

/// A received NTLMv2 response, taken apart (NTLMv2_RESPONSE and NTLMv2_CLIENT_CHALLENGE, MS-NLMP 2.2.2.7, 2.2.2.8).
pub(super) struct Received<'a> {
    pub(super) proof: [u8; 16],
    blob: &'a [u8],
    pub(super) time: FileTime,
    pub(super) pairs: AvPairs,
}

impl<'a> Received<'a> {
    pub(super) fn read(response: &'a [u8]) -> Result<Self, Error> {
        match response.len() {
            0 => {
                return Err(Error::WeakResponse {
                    found: "no response (anonymous)",
                });
            }
            24 => {
                return Err(Error::WeakResponse {
                    found: "an NTLMv1 response",
                });
            }
            _ => {}
        }
        let short = || Error::Malformed {
            message: MESSAGE,
            expected: "at least 44 bytes",
            found: format!("{} bytes", response.len()),
        };
        let (proof, blob) = response.split_first_chunk::<16>().ok_or_else(short)?;
        let (version, rest) = blob.split_first_chunk::<8>().ok_or_else(short)?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (_client_challenge, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (_reserved, pairs) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        if !version.starts_with(&[1, 1]) {
            return Err(Error::Malformed {
                message: MESSAGE,
                expected: "response version 1",
                found: format!("{:?}", version.get(..2).unwrap_or_default()),
            });
        }
        Ok(Self {
            proof: *proof,
            blob,
            time: FileTime::from_ticks(u64::from_le_bytes(*time)),
            pairs: AvPairs::read(MESSAGE, pairs)?,
        })
    }
}
