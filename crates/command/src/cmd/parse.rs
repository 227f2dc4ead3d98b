//! Quotes, carets, operators and redirections.

use std::iter::Peekable;
use std::str::Chars;

use crate::Error;

/// How a command hangs on the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Joined {
    /// It is the first of the line.
    First,
    /// `&`: it runs in any case.
    Always,
    /// `&&`: it runs when what came before ended with 0.
    OnSuccess,
    /// `||`: it runs when what came before ended with another code.
    OnFailure,
}

/// One command of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Simple {
    /// The command with its arguments: carets and redirections are gone, quotes are still there, blanks in front are cut, blanks behind
    /// stay (`echo a & …` prints `a `). [`quote::split`](crate::quote::split) takes it apart.
    pub text: String,
    /// How it hangs on the one before it.
    pub joined: Joined,
    /// Its standard error goes where the line's standard output goes (`2>&1`).
    pub stderr_to_stdout: bool,
    /// Its standard output goes where the line's standard error goes (`1>&2`).
    pub stdout_to_stderr: bool,
    /// Its standard output is dropped (`>nul`).
    pub stdout_to_nul: bool,
    /// Its standard error is dropped (`2>nul`).
    pub stderr_to_nul: bool,
}

/// Which command runs after the one at `index` ended, or none. `||` binds more weakly than `&&`: in `a && b || c`, `c` answers for both; in
/// `a || b && c` nothing more runs when `a` was well.
pub fn follow(commands: &[Simple], index: usize, succeeded: bool) -> Option<usize> {
    let skipped = if succeeded {
        Joined::OnFailure
    } else {
        Joined::OnSuccess
    };
    let next = index + 1;
    if commands.get(next)?.joined != skipped {
        return Some(next);
    }
    (next..commands.len()).find(|&i| match commands[i].joined {
        Joined::First | Joined::OnSuccess => false,
        Joined::Always => true,
        Joined::OnFailure => !succeeded,
    })
}

/// Cuts a line into its commands. Variables are expected to be replaced already ([`expand()`](super::expand())).
///
/// # Errors
/// [`Error::Unsupported`] for what is not imitated, [`Error::Syntax`] for what cmd.exe refuses too, [`Error::Empty`] for an empty line, and
/// [`Error::Unspeakable`] for characters that no line can carry.
pub fn parse(line: &str) -> Result<Vec<Simple>, Error> {
    crate::quote::check(line, "a command line")?;
    let mut parser = Parser {
        line,
        chars: line.chars().peekable(),
        commands: Vec::new(),
        joined: Joined::First,
        draft: Draft::new(),
    };
    parser.run()?;
    Ok(parser.commands)
}

/// Where a stream of a command goes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Target {
    Stdout,
    Stderr,
    Nul,
}

/// A command that is still being read.
struct Draft {
    text: String,
    redirected: bool,
    stdout: Target,
    stderr: Target,
}

impl Draft {
    fn new() -> Self {
        Self {
            text: String::new(),
            redirected: false,
            stdout: Target::Stdout,
            stderr: Target::Stderr,
        }
    }
}

struct Parser<'a> {
    line: &'a str,
    chars: Peekable<Chars<'a>>,
    commands: Vec<Simple>,
    joined: Joined,
    draft: Draft,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let mut quoted = false;
        while let Some(c) = self.chars.next() {
            match c {
                '"' => {
                    quoted = !quoted;
                    self.draft.text.push(c);
                }
                _ if quoted => self.draft.text.push(c),
                // A caret takes the meaning from what follows; at the very end there is nothing, and it is dropped.
                '^' => self.draft.text.extend(self.chars.next()),
                '&' => {
                    let (joined, found) = if self.chars.next_if_eq(&'&').is_some() {
                        (Joined::OnSuccess, "&&")
                    } else {
                        (Joined::Always, "&")
                    };
                    self.end_of_command(found)?;
                    self.joined = joined;
                }
                '|' => {
                    if self.chars.next_if_eq(&'|').is_none() {
                        return Err(self.unsupported("a pipe"));
                    }
                    self.end_of_command("||")?;
                    self.joined = Joined::OnFailure;
                }
                '<' => return Err(self.unsupported("input from a file")),
                '>' => self.redirection()?,
                '(' if self.draft.text.trim().is_empty() => {
                    return Err(self.unsupported("a block in parentheses"));
                }
                '@' if self.draft.text.trim().is_empty() => {}
                _ => self.draft.text.push(c),
            }
        }
        // `a &` ends well; `a &&` and `a ||` wait for more, and an empty line is none at all.
        let empty = self.draft.text.trim().is_empty() && !self.draft.redirected;
        match (self.joined, empty) {
            (Joined::Always, true) => Ok(()),
            (Joined::First, true) => Err(Error::Empty),
            _ => self.end_of_command("end of line"),
        }
    }

    fn end_of_command(&mut self, found: &str) -> Result<(), Error> {
        let draft = std::mem::replace(&mut self.draft, Draft::new());
        let text = draft.text.trim_start().to_owned();
        if text.is_empty() {
            return Err(Error::Syntax {
                found: found.to_owned(),
                line: self.line.to_owned(),
            });
        }
        let word = text.split([' ', '\t', '(', '/']).next().unwrap_or_default();
        if word.eq_ignore_ascii_case("if") || word.eq_ignore_ascii_case("for") {
            return Err(self.unsupported("`if` or `for`"));
        }
        self.commands.push(Simple {
            text,
            joined: self.joined,
            stderr_to_stdout: draft.stderr == Target::Stdout,
            stdout_to_stderr: draft.stdout == Target::Stderr,
            stdout_to_nul: draft.stdout == Target::Nul,
            stderr_to_nul: draft.stderr == Target::Nul,
        });
        Ok(())
    }

    /// After `>`: `[1|2]>[>]&N` or `[1|2]>[>]nul`. Redirections take effect from left to right.
    fn redirection(&mut self) -> Result<(), Error> {
        let from_stderr = self.handle()?;
        self.chars.next_if_eq(&'>');
        let target = if self.chars.next_if_eq(&'&').is_some() {
            match self.chars.next() {
                Some('1') => self.draft.stdout,
                Some('2') => self.draft.stderr,
                _ => return Err(self.unsupported("a redirection to a handle other than 1 and 2")),
            }
        } else {
            while self.chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            let mut file = String::new();
            while let Some(c) = self.chars.next_if(|c| !" \t&|<>,;=".contains(*c)) {
                file.push(c);
            }
            if !file.trim_matches('"').eq_ignore_ascii_case("nul") {
                return Err(self.unsupported("a redirection into a file"));
            }
            Target::Nul
        };
        self.draft.redirected = true;
        if from_stderr {
            self.draft.stderr = target;
        } else {
            self.draft.stdout = target;
        }
        Ok(())
    }

    /// The handle in front of `>`: a single digit that stands apart. It is taken off the text. True for the standard error.
    fn handle(&mut self) -> Result<bool, Error> {
        let text = &mut self.draft.text;
        let mut back = text.chars().rev();
        let digit = back.next().filter(char::is_ascii_digit);
        let apart = back.next().is_none_or(|c| " \t,;=\"".contains(c));
        let Some(digit) = digit.filter(|_| apart) else {
            return Ok(false);
        };
        if digit != '1' && digit != '2' {
            return Err(self.unsupported("a redirection of a handle other than 1 and 2"));
        }
        text.pop();
        Ok(digit == '2')
    }

    fn unsupported(&self, feature: &'static str) -> Error {
        Error::Unsupported {
            feature,
            line: self.line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
