//! A command line together with the parser of what it prints.

use std::fmt;
use std::sync::Arc;

use crate::{CommandLine, Output};

/// A command line together with the parser of what it prints. Made by `iis` and `exchange`, run by `winrm`.
pub struct Invocation<T> {
    line: CommandLine,
    parse: Arc<dyn Fn(&Output) -> T + Send + Sync>,
}

impl<T> Invocation<T> {
    /// Joins a line and a parser. The parser sees every output, whatever the exit code.
    pub fn new(line: CommandLine, parse: impl Fn(&Output) -> T + Send + Sync + 'static) -> Self {
        Self {
            line,
            parse: Arc::new(parse),
        }
    }

    /// The line to run.
    pub fn line(&self) -> &CommandLine {
        &self.line
    }

    /// What the output means.
    pub fn parse(&self, output: &Output) -> T {
        (self.parse)(output)
    }

    /// The same line with a further step of interpretation.
    pub fn map<U>(self, then: impl Fn(T) -> U + Send + Sync + 'static) -> Invocation<U>
    where
        T: 'static,
    {
        let parse = self.parse;
        Invocation {
            line: self.line,
            parse: Arc::new(move |output| then(parse(output))),
        }
    }
}

impl<T> Clone for Invocation<T> {
    fn clone(&self) -> Self {
        Self {
            line: self.line.clone(),
            parse: Arc::clone(&self.parse),
        }
    }
}

impl<T> fmt::Debug for Invocation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("line", &self.line.as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Invocation;
    use crate::{CommandLine, Output};

    #[test]
    fn map_parses_with_both_steps() {
        const VER: CommandLine = CommandLine::literal("ver");
        let invocation = Invocation::new(VER, |output: &Output| output.exit_code).map(|code| code == 5);
        assert_eq!(invocation.line().as_str(), "ver");
        assert!(invocation.parse(&Output {
            exit_code: 5,
            ..Output::default()
        }));
        assert!(!invocation.clone().parse(&Output::default()));
        assert_eq!(format!("{invocation:?}"), r#"Invocation { line: "ver", .. }"#);
    }
}
