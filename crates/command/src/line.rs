//! The text of one command line.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, powershell, quote};

/// One line for cmd.exe: the text of `rsp:Command` (MS-WSMV 2.2.4.7), checked for length and for characters that no line can carry.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CommandLine(Cow<'static, str>);

impl CommandLine {
    /// The longest line that cmd.exe takes, in UTF-16 units ("Command prompt line string limitation", Microsoft support).
    pub const MAX: usize = 8191;

    /// A line that stands in the source: printable ASCII, not too long. Meant for `const` items, where a bad text does not compile.
    ///
    /// # Panics
    /// When called at run time with a text that [`CommandLine::raw`] would refuse, or with a character outside printable ASCII.
    pub const fn literal(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(
            !bytes.is_empty() && bytes.len() <= Self::MAX,
            "a command line has 1 to 8191 characters"
        );
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                bytes[i] >= 0x20 && bytes[i] < 0x7F,
                "a literal command line is printable ASCII"
            );
            i += 1;
        }
        Self(Cow::Borrowed(text))
    }

    /// An operator's own line, handed to cmd.exe as it is. Refuses what cannot be carried (line breaks, NUL, other control characters) and what
    /// is empty or too long.
    pub fn raw(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        quote::check(&text, "a command line")?;
        if text.trim().is_empty() {
            return Err(Error::Empty);
        }
        let length = text.encode_utf16().count();
        if length > Self::MAX {
            return Err(Error::TooLong {
                length,
                limit: Self::MAX,
            });
        }
        Ok(Self(Cow::Owned(text)))
    }

    /// A program with arguments. Each argument is a value: it is quoted for cmd.exe and for `CommandLineToArgvW`, so the program receives
    /// exactly it. The program's name is the caller's own text: it may name an environment variable (`%windir%\system32\…`) and may hold spaces.
    pub fn native<S: AsRef<str>>(program: &str, args: &[S]) -> Result<Self, Error> {
        let mut line = quote::program(program)?;
        for arg in args {
            line.push(' ');
            line.push_str(&quote::for_cmd(&quote::argument(arg.as_ref())?));
        }
        Self::raw(line)
    }

    /// A script for Windows PowerShell, as base64 of UTF-16 (`-EncodedCommand`): no quoting of any kind touches it. About 3,000 characters fit.
    pub fn powershell(script: &str) -> Result<Self, Error> {
        Self::raw(format!("{} {}", powershell::PREFIX, powershell::encode(script)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CommandLine;
    use crate::{Error, cmd, quote};

    #[test]
    fn what_no_line_can_carry_is_refused() {
        assert_eq!(
            CommandLine::raw("echo a\nformat c:"),
            Err(Error::Unspeakable {
                character: '\n',
                position: 6,
                place: "a command line"
            })
        );
        for bad in ["a\0", "a\r", "\u{1b}[31m", "\u{FFFF}"] {
            assert!(
                matches!(CommandLine::raw(bad), Err(Error::Unspeakable { .. })),
                "{bad:?}"
            );
        }
        assert_eq!(CommandLine::raw(" \t "), Err(Error::Empty));
        assert_eq!(CommandLine::native("", &["x"]), Err(Error::Empty));
        assert_eq!(
            CommandLine::native("echo", &["a\rb"]),
            Err(Error::Unspeakable {
                character: '\r',
                position: 1,
                place: "an argument"
            })
        );
    }

    #[test]
    fn length_is_counted_in_utf16_units() {
        let longest = "x".repeat(CommandLine::MAX);
        assert_eq!(
            CommandLine::raw(longest.clone()).map(|l| l.as_str().len()),
            Ok(CommandLine::MAX)
        );
        assert_eq!(
            CommandLine::raw(longest + "x"),
            Err(Error::TooLong {
                length: 8192,
                limit: 8191
            })
        );
        assert_eq!(
            CommandLine::raw("😀".repeat(4096)),
            Err(Error::TooLong {
                length: 8192,
                limit: 8191
            })
        );
        assert!(matches!(
            CommandLine::powershell(&"x".repeat(4000)),
            Err(Error::TooLong { .. })
        ));
    }

    #[test]
    fn lines_read_as_expected() {
        let line = |program, args: &[&str]| CommandLine::native(program, args).unwrap().to_string();
        assert_eq!(line("sc", &["queryex", "W3SVC"]), "sc queryex W3SVC");
        assert_eq!(
            line(r"C:\Program Files\x.exe", &["a b", ""]),
            r#"C:\"Program Files"\x.exe "a b" """#
        );
        assert_eq!(
            line(r"%windir%\x.exe", &["50%", r#"say "hi""#]),
            r#"%windir%\x.exe ^"50%^" ^"say \^"hi\^"^""#
        );
        assert_eq!(line("x", &["a&b", r"C:\tail dir\"]), r#"x "a&b" "C:\tail dir\\""#);
    }

    /// Every variable that a caret-less line could name exists, and its value is poison.
    fn poisoned(name: &str) -> Option<String> {
        (!name.contains('^') && !name.is_empty()).then(|| format!("\"&poison {name}"))
    }

    proptest! {
        /// What a program receives through cmd.exe is exactly what was meant, whatever the environment holds.
        #[test]
        fn a_program_receives_exactly_its_arguments(
            args in proptest::collection::vec(r#"([ -~]|["\\%^&|<>()!:=;,]|[\u{A0}-\u{FFFD}]|\PC){0,12}"#, 0..5)
        ) {
            prop_assume!(args.iter().all(|a| quote::check(a, "an argument").is_ok()));
            let line = CommandLine::native("prog", &args).unwrap();
            let commands = cmd::parse(&cmd::expand(line.as_str(), &poisoned)).unwrap();
            prop_assert_eq!(commands.len(), 1);
            let mut expected = vec!["prog".to_owned()];
            expected.extend(args);
            prop_assert_eq!(quote::split(&commands[0].text), expected);
        }
    }
}
