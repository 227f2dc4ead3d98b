//! What can go wrong in building a command or reading its output. appcmd has an error type of its own, [`AppcmdError`](crate::AppcmdError).

/// A command that cannot be built, a program that failed, or an output that cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The text is not `Site/path`.
    #[error("`{text}` is not an application path: {reason}")]
    BadApplicationPath {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that cannot stand in a command line.
    #[error("`{name}` cannot be the name of {what}: {reason}")]
    BadName {
        /// What it should name, e.g. `an application pool`.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A rule with a text that could not be written safely, or that is neither an address nor a domain.
    #[error("the rule `{rule}` cannot be written: expected an address with a mask, or a domain name")]
    UnwritableRule {
        /// The rule, as a person reads it.
        rule: String,
    },
    /// Two rules with the same key. IIS refuses such a section (500.19, appcmd exit code 183).
    #[error("two rules with the same address, mask and domain name: `{rule}`")]
    DuplicateRule {
        /// The second rule.
        rule: String,
    },
    /// The command line could not be made.
    #[error("the command line cannot be made")]
    CommandLine {
        /// Why.
        #[from]
        source: command::Error,
    },
    /// More lines than a scheduled task runs.
    #[error("{found} command lines, and a scheduled task has room for {most}")]
    TooManyLines {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The program ended with an exit code that means failure.
    #[error("{program} ended with {exit_code}: {text}")]
    Failed {
        /// The program, e.g. `sc queryex W3SVC`.
        program: String,
        /// Its exit code.
        exit_code: u32,
        /// What it wrote, for people.
        text: String,
    },
    /// The program ended well, but what it wrote is not what was expected.
    #[error("{program}: expected {expected}, found {found}")]
    Unreadable {
        /// The program.
        program: String,
        /// What should have been there.
        expected: &'static str,
        /// What was there, shortened.
        found: String,
    },
    /// A configuration file that is not XML.
    #[error("not a configuration file")]
    NotXml {
        /// Why.
        #[source]
        source: markup::Error,
    },
    /// A section with more rules than are handled.
    #[error("expected at most {limit} ipSecurity entries, found more")]
    TooManyRules {
        /// The limit.
        limit: usize,
    },
    /// Masks with holes that cut the addresses into more pieces than are looked at.
    #[error("expected masks without holes, found some that cut the addresses into more than {limit} pieces")]
    TangledMasks {
        /// The limit.
        limit: usize,
    },
    /// Domain rules that could mean more different things than are looked at.
    #[error(
        "expected few domain rules beside the address rules, found {found}: what they mean together cannot be proved"
    )]
    TooManyDomains {
        /// How many domains the rules name.
        found: usize,
    },
    /// A way from one section to another of which it cannot be proved that it denies nobody whom both ends allow.
    #[error("commit {commit} of {of} {why}: {client}")]
    Unproven {
        /// The commit that breaks the rule, from 1.
        commit: usize,
        /// How many commits there are.
        of: usize,
        /// A client for whom it does.
        client: String,
        /// What it does.
        why: &'static str,
    },
    /// A configuration that says something other than the schema allows.
    #[error("expected {expected} in attribute `{attribute}`, found `{found}`")]
    BadAttribute {
        /// The attribute.
        attribute: &'static str,
        /// What the schema allows.
        expected: &'static str,
        /// What was there.
        found: String,
    },
}

impl Error {
    /// A program's exit code means failure.
    pub(crate) fn failed(program: &str, output: &command::Output) -> Self {
        Self::Failed {
            program: program.to_owned(),
            exit_code: output.exit_code,
            text: complaint(output),
        }
    }

    /// The exit code, where a program failed.
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Self::Failed { exit_code, .. } => Some(*exit_code),
            _ => None,
        }
    }
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first part of a text, on one line, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    shortened(text, 200)
}

/// A text on one line, of about so many bytes. Output may be long, and an error is shown and recorded.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    let mut short = String::new();
    for word in text.split_whitespace() {
        let room = longest.saturating_sub(short.len());
        // Something is shown of a first word that is too long.
        if word.len() >= room {
            let end = word.floor_char_boundary(if short.is_empty() { room } else { 0 });
            short.push_str(&word[..end]);
            short.push_str(" …");
            return short.trim_start().to_owned();
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    match short.is_empty() {
        true => "nothing".to_owned(),
        false => short,
    }
}

/// Both streams in one text, for an error message: which of them a program complains on differs.
pub(crate) fn complaint(output: &command::Output) -> String {
    excerpt(&format!("{} {}", output.stdout_text(), output.stderr_text()))
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(" a\r\n\r\n b\tc "), "a b c");
        assert_eq!(excerpt("\r\n"), "nothing");
        let long = excerpt(&"word ".repeat(100));
        assert!(long.ends_with("word …") && long.len() < 210, "{long}");
        let one_word = excerpt(&"x".repeat(1_000_000));
        assert_eq!(one_word, format!("{} …", "x".repeat(200)));
        assert_eq!(excerpt(&"€".repeat(100)), format!("{} …", "€".repeat(66)));
    }
}
