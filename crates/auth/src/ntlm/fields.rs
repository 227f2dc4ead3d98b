//! The common shape of the three messages: a fixed head with (length, offset) pairs that point into a payload.

use super::{LONGEST_MESSAGE, SIGNATURE};
use crate::error::Error;

/// One message, read with every access checked.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    name: &'static str,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Checks signature, type and size.
    pub(super) fn open(name: &'static str, kind: u32, bytes: &'a [u8]) -> Result<Self, Error> {
        let message = Self { name, bytes };
        if bytes.len() > LONGEST_MESSAGE {
            return Err(message.malformed("at most 65536 bytes", format!("{} bytes", bytes.len())));
        }
        if !bytes.starts_with(SIGNATURE) {
            return Err(message.malformed("NTLMSSP at the start", "other bytes"));
        }
        let found = message.u32_at(8)?;
        if found != kind {
            return Err(message.malformed("the message type that is due", format!("type {found}")));
        }
        Ok(message)
    }

    pub(super) fn malformed(&self, expected: &'static str, found: impl Into<String>) -> Error {
        Error::Malformed {
            message: self.name,
            expected,
            found: found.into(),
        }
    }

    pub(super) fn bytes_at<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        let found = self.bytes.get(at..).and_then(|tail| tail.first_chunk::<N>());
        found
            .copied()
            .ok_or_else(|| self.malformed("a complete head", format!("{} bytes", self.bytes.len())))
    }

    pub(super) fn u16_at(&self, at: usize) -> Result<u16, Error> {
        self.bytes_at(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32_at(&self, at: usize) -> Result<u32, Error> {
        self.bytes_at(at).map(u32::from_le_bytes)
    }

    /// Where the payload that the pair at `at` describes begins, and the payload. An empty one lies nowhere.
    pub(super) fn payload_at(&self, at: usize) -> Result<(Option<usize>, &'a [u8]), Error> {
        let length = usize::from(self.u16_at(at)?);
        if length == 0 {
            return Ok((None, &[]));
        }
        let offset = usize::try_from(self.u32_at(at + 4)?).unwrap_or(usize::MAX);
        let payload = self.bytes.get(offset..).and_then(|tail| tail.get(..length));
        let payload = payload.ok_or_else(|| {
            self.malformed(
                "every payload inside the message",
                format!("{length} bytes at {offset} of {}", self.bytes.len()),
            )
        })?;
        Ok((Some(offset), payload))
    }

    pub(super) fn utf16(&self, bytes: &[u8]) -> Result<String, Error> {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|&pair| u16::from_le_bytes(pair));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        match (text, odd) {
            (Ok(text), []) => Ok(text),
            _ => Err(self.malformed("text in UTF-16", format!("{} other bytes", bytes.len()))),
        }
    }
}

/// Writes payloads behind a head of fixed length and remembers the pairs that describe them.
pub(super) struct Payloads {
    head: usize,
    bytes: Vec<u8>,
}

impl Payloads {
    pub(super) fn behind(head: usize) -> Self {
        Self {
            head,
            bytes: Vec::new(),
        }
    }

    /// Appends a payload and gives its pair: length, capacity, offset.
    pub(super) fn add(&mut self, field: &'static str, payload: &[u8]) -> Result<[u8; 8], Error> {
        let offset = self.head + self.bytes.len();
        let too_long = |limit| Error::TooLong {
            field,
            length: payload.len(),
            limit,
        };
        let length = u16::try_from(payload.len()).map_err(|_| too_long(usize::from(u16::MAX)))?;
        if offset + payload.len() > LONGEST_MESSAGE {
            return Err(too_long(LONGEST_MESSAGE.saturating_sub(offset)));
        }
        let offset = u32::try_from(offset).map_err(|_| too_long(0))?;
        self.bytes.extend_from_slice(payload);
        let [a, b] = length.to_le_bytes();
        let [c, d, e, f] = offset.to_le_bytes();
        Ok([a, b, a, b, c, d, e, f])
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
