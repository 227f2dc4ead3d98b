//! Quoting for Windows, in two layers that are kept apart.
//!
//! * A program takes its command line apart with the rules of `CommandLineToArgvW` (Win32): [`argument`] writes for them, [`split`] is the inverse.
//! * Before that, cmd.exe reads the line with rules of its own (`%VAR%`, quotes, `^ & | < > ( )`): [`for_cmd`] protects an argument from
//!   them; [`cmd`](crate::cmd) is the inverse.
//!
//! The two disagree on one thing: to a program `\"` is a plain character, to cmd.exe it opens or closes a quoted stretch. So an argument with a
//! quotation mark or a percent sign in it is hidden from cmd.exe with carets, its quotation marks included; all others stay readable.

use crate::Error;

/// Checks that a text holds no character that a command line cannot carry: control characters except the tab (a line break ends the command,
/// and the XML around it has no way to write the others) and the two non-characters that XML 1.0 excludes.
pub fn check(text: &str, place: &'static str) -> Result<(), Error> {
    let bad = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    match text.chars().enumerate().find(|(_, c)| bad(*c)) {
        Some((position, character)) => Err(Error::Unspeakable {
            character,
            position,
            place,
        }),
        None => Ok(()),
    }
}

/// One value in the form that `CommandLineToArgvW` turns back into it. Quoted unless it consists of harmless characters only, so that of the
/// metacharacters of cmd.exe none but `"` and `%` can still have a meaning; [`for_cmd`] takes that from them too.
///
/// # Errors
/// [`Error::Unspeakable`] for what no command line can carry.
pub fn argument(value: &str) -> Result<String, Error> {
    check(value, "an argument")?;
    let harmless = |c: char| c.is_alphanumeric() || "-_.:/\\+*?$#~{}[]".contains(c);
    if !value.is_empty() && value.chars().all(harmless) {
        return Ok(value.to_owned());
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    let mut backslashes = 0;
    for c in value.chars() {
        match c {
            '\\' => backslashes += 1,
            // Backslashes are only special right before a quotation mark: then they are doubled, and one more escapes the mark.
            '"' => {
                text.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        text.push(c);
    }
    text.extend(std::iter::repeat_n('\\', backslashes));
    text.push('"');
    Ok(text)
}

/// Takes a line apart as `CommandLineToArgvW` does: blanks separate, `"` quotes, `\"` is a quotation mark, `\\` is a backslash only before one,
/// and inside quotes `""` is a quotation mark that ends the quoted stretch. The program's name follows the same rules here, which makes a
/// difference only for names that no file can have.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' if !quoted => words.extend(word.take()),
            '\\' => {
                let mut count = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let word = word.get_or_insert_default();
                if chars.peek() == Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        chars.next();
                        word.push('"');
                    }
                } else {
                    word.extend(std::iter::repeat_n('\\', count));
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                if quoted && chars.next_if_eq(&'"').is_some() {
                    word.push('"');
                }
                quoted = !quoted;
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Hides an argument, as [`argument`] wrote it, from cmd.exe.
///
/// Without `"` inside and without `%`, the quotes around it are enough. Otherwise every metacharacter gets a caret, quotation marks too, so that
/// cmd.exe never enters a quoted stretch (in which carets stay) and no `%` can start the name of a variable, since each is followed by a caret.
/// Delayed expansion (`!VAR!`, off unless an administrator turned it on for the whole server) is not provided for.
pub fn for_cmd(argument: &str) -> String {
    let inner = argument
        .strip_prefix('"')
        .and_then(|a| a.strip_suffix('"'))
        .unwrap_or(argument);
    if !inner.contains(['"', '%']) {
        return argument.to_owned();
    }
    let mut text = String::with_capacity(argument.len() + 8);
    let mut after_percent = false;
    for c in argument.chars() {
        if after_percent || "\"^&|<>()!".contains(c) {
            text.push('^');
        }
        text.push(c);
        after_percent = c == '%';
    }
    text
}

/// The program's name in front of a line. Quotes stand around the path segments with spaces, never at the line's very start: there, `cmd /c`
/// would take the first and the last quotation mark of the whole line away (`cmd /?`).
pub(crate) fn program(name: &str) -> Result<String, Error> {
    check(name, "a program's name")?;
    if name.trim().is_empty() {
        return Err(Error::Empty);
    }
    if let Some((position, character)) = name.chars().enumerate().find(|(_, c)| "\"^&|<>!*?".contains(*c)) {
        return Err(Error::Unspeakable {
            character,
            position,
            place: "a program's name",
        });
    }
    let plain = |segment: &str| !segment.contains([' ', '\t', '(', ')', ',', ';', '=', '@', '\'', '`']);
    let segments: Vec<String> = name
        .split('\\')
        .map(|s| {
            if plain(s) {
                s.to_owned()
            } else {
                format!("\"{s}\"")
            }
        })
        .collect();
    Ok(segments.join("\\"))
}

#[cfg(test)]
mod tests;
