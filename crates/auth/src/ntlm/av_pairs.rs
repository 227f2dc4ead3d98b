//! AV pairs: the server's names and time, and what the client adds to them (MS-NLMP 2.2.2.1).

use ntlmclient::{TargetInfoEntry, TargetInfoType};

use super::digest::utf16;
use crate::channel_binding::ChannelBinding;
use crate::error::Error;
use crate::file_time::FileTime;

/// MsvAvFlags: the message carries a MIC.
const FLAG_MIC: u32 = 2;

/// A list of AV pairs, without its terminator.
#[derive(Clone, Default)]
pub(super) struct AvPairs(Vec<TargetInfoEntry>);

impl AvPairs {
    /// Reads a list up to its terminator; every length is checked. What follows the terminator is not part of it.
    pub(super) fn read(message: &'static str, mut bytes: &[u8]) -> Result<Self, Error> {
        let mut pairs = Vec::new();
        loop {
            let (id, length, rest) = match bytes {
                // A list may be absent, or end with the payload instead of a terminator.
                [] => return Ok(Self(pairs)),
                [a, b, c, d, rest @ ..] => (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]), rest),
                _ => {
                    return Err(malformed(
                        message,
                        "a complete AV pair",
                        format!("{} bytes", bytes.len()),
                    ));
                }
            };
            let entry_type = TargetInfoType::from(id);
            if entry_type == TargetInfoType::Terminator {
                return Ok(Self(pairs));
            }
            let (data, rest) = rest.split_at_checked(usize::from(length)).ok_or_else(|| {
                malformed(
                    message,
                    "an AV pair inside the list",
                    format!("{length} of {} bytes", rest.len()),
                )
            })?;
            pairs.push(TargetInfoEntry {
                entry_type,
                data: data.to_vec(),
            });
            bytes = rest;
        }
    }

    /// From the entries of a parsed CHALLENGE, up to their terminator.
    pub(super) fn from_entries(entries: Vec<TargetInfoEntry>) -> Self {
        Self(
            entries
                .into_iter()
                .take_while(|entry| entry.entry_type != TargetInfoType::Terminator)
                .collect(),
        )
    }

    /// The list with its terminator.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for entry in &self.0 {
            // `TargetInfoEntry::to_bytes` panics beyond.
            if entry.data.len() > usize::from(u16::MAX) {
                return Err(Error::TooLong {
                    field: "AV pair",
                    length: entry.data.len(),
                    limit: usize::from(u16::MAX),
                });
            }
            bytes.extend_from_slice(&entry.to_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        Ok(bytes)
    }

    pub(super) fn get(&self, id: TargetInfoType) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|entry| entry.entry_type == id)
            .map(|entry| entry.data.as_slice())
    }

    /// Replaces every pair of that kind by one at the end.
    pub(super) fn set(&mut self, id: TargetInfoType, data: Vec<u8>) {
        self.0.retain(|entry| entry.entry_type != id);
        self.0.push(TargetInfoEntry { entry_type: id, data });
    }

    /// The server's clock. Its presence obliges the client to send a MIC.
    pub(super) fn timestamp(&self, message: &'static str) -> Result<Option<FileTime>, Error> {
        let Some(data) = self.get(TargetInfoType::Timestamp) else {
            return Ok(None);
        };
        let ticks = data
            .try_into()
            .map_err(|_| malformed(message, "a timestamp of 8 bytes", format!("{} bytes", data.len())))?;
        Ok(Some(FileTime::from_ticks(u64::from_le_bytes(ticks))))
    }

    fn flags(&self, message: &'static str) -> Result<u32, Error> {
        let Some(data) = self.get(TargetInfoType::Flags) else {
            return Ok(0);
        };
        data.try_into()
            .map(u32::from_le_bytes)
            .map_err(|_| malformed(message, "AV flags of 4 bytes", format!("{} bytes", data.len())))
    }

    /// Whether the flags announce a MIC.
    pub(super) fn announces_mic(&self, message: &'static str) -> Result<bool, Error> {
        Ok(self.flags(message)? & FLAG_MIC != 0)
    }

    /// What the client adds to the server's list (MS-NLMP 3.1.5.1.2): the MIC flag where a MIC will follow, the
    /// channel binding (sixteen zeros without TLS) and the name of the service it believes to talk to.
    pub(super) fn add_client_part(
        &mut self,
        message: &'static str,
        mic: bool,
        target: &str,
        binding: Option<&ChannelBinding>,
    ) -> Result<(), Error> {
        if mic {
            let flags = self.flags(message)? | FLAG_MIC;
            self.set(TargetInfoType::Flags, flags.to_le_bytes().to_vec());
        }
        let hash = binding.map_or([0; 16], ChannelBinding::hash);
        self.set(TargetInfoType::ChannelBindings, hash.to_vec());
        self.set(TargetInfoType::TargetName, utf16(target));
        Ok(())
    }
}

fn malformed(message: &'static str, expected: &'static str, found: String) -> Error {
    Error::Malformed {
        message,
        expected,
        found,
    }
}
