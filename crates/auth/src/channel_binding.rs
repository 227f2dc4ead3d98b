//! The channel binding of a TLS connection: which server certificate the login was made under.
//!
//! The client puts it into its login, a server with extended protection compares it, and so a login that was
//! relayed through somebody else's TLS connection is refused.

use std::fmt;

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use crate::der::{self, Reader};
use crate::error::Error;
use crate::ntlm::md5;

/// A channel binding of the type `tls-server-end-point` (RFC 5929 4).
#[derive(Clone, Eq, PartialEq)]
pub struct ChannelBinding {
    application_data: Vec<u8>,
}

impl ChannelBinding {
    /// From the certificate's digest.
    fn from_digest(digest: &[u8]) -> Self {
        Self {
            application_data: [b"tls-server-end-point:", digest].concat(),
        }
    }

    /// `tls-server-end-point:` and the digest of the certificate: the application data of the GSS channel bindings.
    pub fn application_data(&self) -> &[u8] {
        &self.application_data
    }

    /// The hash that NTLM carries (MsvAvChannelBindings, MS-NLMP 2.2.2.1): MD5 over gss_channel_bindings_struct
    /// with empty addresses.
    pub fn hash(&self) -> [u8; 16] {
        let length = u32::try_from(self.application_data.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        md5(&[&[0; 16], &length, &self.application_data])
    }
}

impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelBinding({})", self.application_data.escape_ascii())
    }
}

/// The channel binding of the leaf certificate that a server sent, in DER.
///
/// `None` where RFC 5929 defines none: the signature algorithm has no single hash (EdDSA) or is not known.
///
/// # Errors
/// [`Error::Malformed`] for bytes that are not a certificate.
pub fn channel_binding(certificate: &[u8]) -> Result<Option<ChannelBinding>, Error> {
    let digest = match hash_of(certificate)? {
        Some(Hash::Sha224) => Sha224::digest(certificate).to_vec(),
        Some(Hash::Sha256) => Sha256::digest(certificate).to_vec(),
        Some(Hash::Sha384) => Sha384::digest(certificate).to_vec(),
        Some(Hash::Sha512) => Sha512::digest(certificate).to_vec(),
        Some(Hash::Sha512_224) => Sha512_224::digest(certificate).to_vec(),
        Some(Hash::Sha512_256) => Sha512_256::digest(certificate).to_vec(),
        None => return Ok(None),
    };
    Ok(Some(ChannelBinding::from_digest(&digest)))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue } (RFC 5280 4.1).
fn hash_of(certificate: &[u8]) -> Result<Option<Hash>, Error> {
    let mut outer = Reader::new("certificate", certificate);
    let mut fields = outer.inside(der::SEQUENCE, "a Certificate")?;
    outer.end()?;
    fields.one(der::SEQUENCE, "a TBSCertificate")?;
    let mut algorithm = fields.inside(der::SEQUENCE, "a signatureAlgorithm")?;
    let oid = algorithm
        .one(der::OBJECT_IDENTIFIER, "an algorithm's identifier")?
        .content;
    match der::dotted(oid).as_str() {
        RSASSA_PSS => pss_hash(algorithm),
        dotted => Ok(SIGNATURES
            .iter()
            .find(|(known, _)| *known == dotted)
            .map(|(_, hash)| *hash)),
    }
}

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm \[0\] DEFAULT sha1, ... } (RFC 4055 3.1).
fn pss_hash(mut algorithm: Reader<'_>) -> Result<Option<Hash>, Error> {
    if algorithm.is_empty() {
        return Ok(Some(Hash::Sha256));
    }
    let mut parameters = algorithm.inside(der::SEQUENCE, "RSASSA-PSS parameters")?;
    if parameters.is_empty() {
        return Ok(Some(Hash::Sha256));
    }
    let first = parameters.any()?;
    if first.tag != der::context(0) {
        return Ok(Some(Hash::Sha256));
    }
    let mut hash = parameters.of(first).inside(der::SEQUENCE, "a hash algorithm")?;
    let oid = hash
        .one(der::OBJECT_IDENTIFIER, "a hash algorithm's identifier")?
        .content;
    let dotted = der::dotted(oid);
    Ok(HASHES
        .iter()
        .find(|(known, _)| *known == dotted)
        .map(|(_, hash)| *hash))
}

/// Signature algorithms and the hash that RFC 5929 takes: theirs, but SHA-256 in place of MD5 and SHA-1.
const SIGNATURES: &[(&str, Hash)] = &[
    ("1.2.840.113549.1.1.2", Hash::Sha256),  // md2WithRSAEncryption
    ("1.2.840.113549.1.1.4", Hash::Sha256),  // md5WithRSAEncryption
    ("1.2.840.113549.1.1.5", Hash::Sha256),  // sha1WithRSAEncryption
    ("1.3.14.3.2.29", Hash::Sha256),         // sha1WithRSASignature, the old name
    ("1.2.840.113549.1.1.11", Hash::Sha256), // sha256WithRSAEncryption
    ("1.2.840.113549.1.1.12", Hash::Sha384), // sha384WithRSAEncryption
    ("1.2.840.113549.1.1.13", Hash::Sha512), // sha512WithRSAEncryption
    ("1.2.840.113549.1.1.14", Hash::Sha224), // sha224WithRSAEncryption
    ("1.2.840.113549.1.1.15", Hash::Sha512_224),
    ("1.2.840.113549.1.1.16", Hash::Sha512_256),
    ("1.2.840.10040.4.3", Hash::Sha256),      // dsa-with-sha1
    ("2.16.840.1.101.3.4.3.1", Hash::Sha224), // dsa-with-sha224
    ("2.16.840.1.101.3.4.3.2", Hash::Sha256), // dsa-with-sha256
    ("1.2.840.10045.4.1", Hash::Sha256),      // ecdsa-with-SHA1
    ("1.2.840.10045.4.3.1", Hash::Sha224),    // ecdsa-with-SHA224
    ("1.2.840.10045.4.3.2", Hash::Sha256),    // ecdsa-with-SHA256
    ("1.2.840.10045.4.3.3", Hash::Sha384),    // ecdsa-with-SHA384
    ("1.2.840.10045.4.3.4", Hash::Sha512),    // ecdsa-with-SHA512
];

/// The hashes that RSASSA-PSS parameters name.
const HASHES: &[(&str, Hash)] = &[
    ("1.2.840.113549.2.5", Hash::Sha256), // MD5
    ("1.3.14.3.2.26", Hash::Sha256),      // SHA-1
    ("2.16.840.1.101.3.4.2.4", Hash::Sha224),
    ("2.16.840.1.101.3.4.2.1", Hash::Sha256),
    ("2.16.840.1.101.3.4.2.2", Hash::Sha384),
    ("2.16.840.1.101.3.4.2.3", Hash::Sha512),
    ("2.16.840.1.101.3.4.2.5", Hash::Sha512_224),
    ("2.16.840.1.101.3.4.2.6", Hash::Sha512_256),
];

#[cfg(test)]
mod tests;
