//! How this client's shells are told from those of others: by the beginning of the name that the client chooses for them.
//!
//! A name is the one thing that every server since Windows Server 2012 takes over as it is; a label (`rsp:Name`) is not known to older ones.

use uuid::Uuid;
use wsman::ShellId;

/// The first four bytes of every name: "casgate" as far as hexadecimal digits can write it.
const MARK: [u8; 4] = [0xCA, 0x56, 0xA7, 0xE0];

/// A name that can be recognised.
pub(crate) fn shell_id(random: Uuid) -> ShellId {
    let mut bytes = random.into_bytes();
    if let Some(start) = bytes.first_chunk_mut() {
        *start = MARK;
    }
    ShellId::new(Uuid::from_bytes(bytes))
}

/// Whether this client, in this or another process, made the shell.
pub(crate) fn is_ours(shell: &ShellId) -> bool {
    Uuid::parse_str(&shell.key()).is_ok_and(|id| id.into_bytes().starts_with(&MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_names_are_recognised_and_differ() {
        let (one, other) = (shell_id(Uuid::new_v4()), shell_id(Uuid::new_v4()));
        assert_ne!(one, other);
        assert!(is_ours(&one) && one.as_str().starts_with("CA56A7E0-"), "{one}");
        assert!(is_ours(&ShellId::from(
            format!("uuid:{}", one.as_str().to_lowercase()).as_str()
        )));
        for foreign in ["47131C3A-4B2E-4E6A-8A6B-6A4B3C4A1D11", "", "CA56A7E0"] {
            assert!(!is_ours(&ShellId::from(foreign)), "{foreign}");
        }
    }
}
