//! Names of messages, sessions, shells and commands. All are GUIDs, and all are kept as they were written.

use std::fmt;

use uuid::Uuid;

/// `uuid:` and the GUID in capitals, the way Windows writes one.
fn urn(uuid: Uuid) -> String {
    format!("uuid:{}", plain(uuid))
}

/// The GUID in capitals.
fn plain(uuid: Uuid) -> String {
    uuid.hyphenated()
        .encode_upper(&mut Uuid::encode_buffer())
        .to_owned()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $write:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(String);

        impl $name {
            /// Writes a GUID the way this kind of name is written.
            pub fn new(uuid: Uuid) -> Self {
                Self($write(uuid))
            }

            /// As it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether both name the same thing: without regard to letter case and to a `uuid:` in front.
            pub fn same(&self, other: &Self) -> bool {
                self.key() == other.key()
            }

            /// The name in capitals, without `uuid:`: the form to look things up by.
            pub fn key(&self) -> String {
                let upper = self.0.trim().to_ascii_uppercase();
                upper.strip_prefix("UUID:").map_or_else(|| upper.clone(), str::to_owned)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.trim().to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names one message; the reply's `RelatesTo` repeats it.
    MessageId, urn
}
id! {
    /// Names one client session: the same on every request of it (MS-WSMV 2.2.4.37).
    SessionId, urn
}
id! {
    /// Names a shell. Windows accepts the client's choice; WinRM 1 answers with a `uuid:` in front, which is then part of the name.
    ShellId, plain
}
id! {
    /// Names a command in a shell. The client may choose it.
    CommandId, plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_written_as_windows_writes_them() {
        let uuid = Uuid::from_u128(0xabcd_0000_0000_0000_0000_0000_0000_00ef);
        assert_eq!(
            MessageId::new(uuid).as_str(),
            "uuid:ABCD0000-0000-0000-0000-0000000000EF"
        );
        assert_eq!(
            ShellId::new(uuid).as_str(),
            "ABCD0000-0000-0000-0000-0000000000EF"
        );
    }

    #[test]
    fn sameness_ignores_case_and_prefix_but_the_text_is_kept() {
        let winrm1 = ShellId::from("uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85");
        assert!(winrm1.same(&ShellId::from(" 739990ff-1492-4cdd-80bb-6e07adb06d85\n")));
        assert!(!winrm1.same(&ShellId::from("739990FF-1492-4CDD-80BB-6E07ADB06D86")));
        assert_eq!(winrm1.to_string(), "uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85");
    }
}
