//! Stars over whatever looks like a password, before a line of a file is shown.
//!
//! Works on the text, not on parsed TOML: a file that does not parse is the very one whose lines are shown. It rather stars out too much.

/// Words in a key that make its value a secret.
const SECRET_WORDS: [&str; 4] = ["password", "passwd", "pwd", "secret"];
/// Keys inside a password table whose values say where the password is; everything else in there is starred out.
const PLACES: [&str; 5] = ["env", "file", "command", "prompt", "keyring"];

/// The text with each secret byte replaced by `*`: same length, same lines.
pub(super) fn passwords(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut in_secret_table = false;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |n| at + n);
        let line = &text[at..line_end];
        if line.trim_start().starts_with('[') {
            in_secret_table = names_secret(line);
        }
        at = match secret_value(line, in_secret_table) {
            Some(offset) => star_value(text, &mut bytes, at + offset, line_end),
            None => line_end,
        };
        at += 1;
    }
    star_user_info(text, &mut bytes);
    // Only whole characters were replaced, each byte by one ASCII byte; the fallback shows nothing rather than something secret.
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// Whether a table's header is that of a secret: `[credential.ops.password]`.
fn names_secret(header: &str) -> bool {
    let last = header
        .split(']')
        .next()
        .unwrap_or_default()
        .rsplit(['.', '['])
        .next()
        .unwrap_or_default();
    let last = last.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| last.contains(word))
}

/// Where the value of a secret key begins on this line: behind the first `=` that follows a secret word, or in a secret's own table behind
/// any `=` whose key does not name a place.
fn secret_value(line: &str, in_secret_table: bool) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    if in_secret_table && let Some(equals) = line.find('=') {
        return (!PLACES.contains(&line[..equals].trim())).then_some(equals + 1);
    }
    let word = SECRET_WORDS.iter().filter_map(|word| lower.find(word)).min()?;
    let equals = word + line[word..].find('=')?;
    Some(equals + 1)
}

/// Stars out one value that begins at or after `start`; answers where to look on.
fn star_value(text: &str, bytes: &mut [u8], start: usize, line_end: usize) -> usize {
    let value = text[start..].trim_start_matches([' ', '\t']);
    let begin = text.len() - value.len();
    for quote in ["\"\"\"", "'''"] {
        if let Some(inner) = value.strip_prefix(quote) {
            let end = inner.find(quote).map_or(text.len(), |n| begin + 3 + n);
            star(bytes, begin + 3..end);
            return text[end..].find('\n').map_or(text.len(), |n| end + n);
        }
    }
    if value.starts_with('{') {
        star_table(text, bytes, begin, line_end);
    } else {
        star_literal(text, bytes, begin, line_end);
    }
    line_end
}

/// Inside `{ … }`: stars out every value whose key does not name a place.
fn star_table(text: &str, bytes: &mut [u8], begin: usize, end: usize) {
    let mut at = begin + 1;
    while let Some(n) = text[at..end].find('=') {
        let equals = at + n;
        let key = text[at..equals].trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let next = end_of_literal(text, equals + 1, end);
        if !PLACES.contains(&key) {
            star_literal(text, bytes, equals + 1, next);
        }
        at = next;
    }
}

/// Stars out what stands between the quotes, or everything up to the end where the text is not quoted as it should be.
fn star_literal(text: &str, bytes: &mut [u8], begin: usize, end: usize) {
    let value = text[begin..end].trim_start();
    let start = end - value.len();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return star(bytes, start..end);
    };
    // The last quote behind which nothing but a comment or the rest of an inline table can follow.
    let closes = |&(at, _): &(usize, &str)| {
        let rest = value[at + 1..].trim_start();
        at > 0 && !value[..at].ends_with('\\') && (rest.is_empty() || rest.starts_with(['#', '}', ',']))
    };
    let close = value
        .rmatch_indices(quote)
        .find(closes)
        .map_or(value.len(), |(at, _)| at);
    star(bytes, start + 1..start + close);
}

/// The end of the quoted text, array or word that begins at or after `begin`: behind its closing quote, or at the next comma.
fn end_of_literal(text: &str, begin: usize, end: usize) -> usize {
    let mut quote = None;
    let mut brackets = 0_usize;
    let mut escaped = false;
    for (n, c) in text[begin..end].char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' => quote = Some(c),
                '[' => brackets += 1,
                ']' => brackets = brackets.saturating_sub(1),
                ',' | '}' if brackets == 0 => return begin + n,
                _ => {}
            },
        }
    }
    end
}

/// Stars out the password of `user:password@host`, with or without a scheme in front.
fn star_user_info(text: &str, bytes: &mut [u8]) {
    for (at, _) in text.match_indices('@') {
        let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
        let word = line.rsplit(['"', '\'', ' ']).next().unwrap_or_default();
        let user = word.find("://").map_or(word, |scheme| &word[scheme + 3..]);
        if let Some(colon) = user.find(':') {
            star(bytes, at - user.len() + colon + 1..at);
        }
    }
}

/// Replaces bytes, but keeps line breaks.
fn star(bytes: &mut [u8], range: std::ops::Range<usize>) {
    for byte in bytes.get_mut(range).into_iter().flatten() {
        if !matches!(*byte, b'\n' | b'\r') {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::passwords;

    #[test]
    fn stars_out_secrets_and_nothing_else() {
        for (text, shown) in [
            ("password = \"hunter2\"", "password = \"*******\""),
            ("password = 'hunter2' # x", "password = '*******' # x"),
            ("password = 'hunter2' # it's", "password = '*******' # it's"),
            ("password = 'hunter2", "password = '*******"),
            ("password = it's-hunter2", "password = ************"),
            ("password = 'hun' ter2", "password = '*********"),
            ("password = hunter2", "password = *******"),
            ("password=\"hun\\\"ter2", "password=\"*********"),
            (
                "password = { env = \"P\", file = 'f' }",
                "password = { env = \"P\", file = 'f' }",
            ),
            (
                "password = { value = \"hunter2\", env = \"P\" }",
                "password = { value = \"*******\", env = \"P\" }",
            ),
            (
                "password = { command = [\"pass\", \"x\"] }",
                "password = { command = [\"pass\", \"x\"] }",
            ),
            (
                "credential.ops = { user = 'u', password = 'hunter2' }",
                "credential.ops = { user = 'u', password = '*******' }",
            ),
            (
                "Password = \"\"\"hun\nter2\"\"\"\nport = 1",
                "Password = \"\"\"***\n****\"\"\"\nport = 1",
            ),
            (
                "password = '''hun\nter2\nport = 1",
                "password = '''***\n****\n********",
            ),
            (
                "password = \"größe\"\nport = 1",
                "password = \"*******\"\nport = 1",
            ),
            ("client_secret = \"x\"", "client_secret = \"*\""),
            (
                "proxy = \"socks5://me:hunter2@host:1080\"",
                "proxy = \"socks5://me:*******@host:1080\"",
            ),
            (
                "socket = \"tcp://127.0.0.1:19999\" # a@b",
                "socket = \"tcp://127.0.0.1:19999\" # a@b",
            ),
            (
                "# password is not needed\nport = 1",
                "# password is not needed\nport = 1",
            ),
            (
                "[credential.ops.password]\nenv = \"P\"\nvalue = \"x\"\n[pool.eas]\nvip = \"y\"",
                "[credential.ops.password]\nenv = \"P\"\nvalue = \"*\"\n[pool.eas]\nvip = \"y\"",
            ),
            ("", ""),
        ] {
            assert_eq!(passwords(text), shown);
            assert_eq!(passwords(text).len(), text.len());
        }
    }
}
