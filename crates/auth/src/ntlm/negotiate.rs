//! NEGOTIATE, the client's first message (MS-NLMP 2.2.1.1).

use ntlmclient::{Flags, NegotiateMessage, OsVersion};

use super::fields::Message;
use super::flags;
use crate::error::Error;

const NAME: &str = "NEGOTIATE";

/// What both messages of the client name as its version: Windows 10, NTLM revision 15. Servers only log it.
pub(super) const VERSION: OsVersion = OsVersion {
    major_version: 10,
    minor_version: 0,
    build_number: 0,
    reserved: [0; 3],
    ntlm_revision: 15,
};

/// The client's NEGOTIATE, without names.
pub(super) fn write() -> Result<Vec<u8>, Error> {
    let message = NegotiateMessage {
        flags: flags::OFFERED,
        supplied_domain: String::new(),
        supplied_workstation: String::new(),
        os_version: VERSION,
    };
    // The only failure is a message with neither UNICODE nor OEM.
    ntlmclient::Message::Negotiate(message)
        .to_bytes()
        .map_err(|error| Error::Malformed {
            message: NAME,
            expected: "an encodable message",
            found: error.to_string(),
        })
}

/// The flags of a client's NEGOTIATE. `ntlmclient` asks for 44 bytes, while the version and even the names may be
/// absent: 16 bytes are enough.
pub(super) fn read(bytes: &[u8]) -> Result<Flags, Error> {
    let message = Message::open(NAME, 1, bytes)?;
    message.u32_at(12).map(Flags::from_bits_retain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_message_is_read_back() {
        let bytes = write().unwrap();
        assert_eq!(bytes.len(), 40);
        assert_eq!(read(&bytes).unwrap(), flags::OFFERED);
    }

    #[test]
    fn other_messages_are_refused() {
        assert!(matches!(
            read(b"NTLMSSP\0\x01\0\0\0"),
            Err(Error::Malformed { .. })
        ));
        assert!(matches!(
            read(b"NTLMSSP\0\x03\0\0\0\0\0\0\0"),
            Err(Error::Malformed { .. })
        ));
        assert!(matches!(
            read(b"NTLMSSPX\x01\0\0\0\0\0\0\0"),
            Err(Error::Malformed { .. })
        ));
    }
}
