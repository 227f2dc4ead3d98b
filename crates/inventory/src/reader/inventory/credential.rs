//! `[credential.NAME]`: a user, and the place of the password, never the password.

use crate::credential::{Credential, PasswordSource};
use crate::diagnostic::Code;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;

const HINT: &str = "say where it is: password = { env = \"CASGATE_PASSWORD\" }, or file, command or prompt";

/// Reads one; what could not be read is empty.
pub(super) fn read(table: &Table<'_>, found: &mut Findings<'_>) -> Credential {
    let user = table.need(
        "user",
        "write 'DOMAIN\\user' in single quotes, or \"user@domain\"",
        found,
    );
    let password = table
        .need("password", HINT, found)
        .and_then(|entry| password(&entry, &table.title, found));
    Credential {
        user: user
            .and_then(|entry| user_name(&entry, found))
            .unwrap_or_default(),
        password: password.unwrap_or_else(|| PasswordSource::Prompt(String::new())),
    }
}

/// `DOMAIN\user` or `user@domain`; a bare name is an account of the server itself.
fn user_name(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    if entry.is_text() && entry.any_text(found)?.contains(char::is_control) {
        let message = "`user` holds a control character: the backslash began an escape";
        found.error(
            Code::BadValue,
            entry.span(),
            message,
            "write it in single quotes: 'DOMAIN\\user'",
        );
        return None;
    }
    let user = entry.text(found)?;
    let halves = user.split(['\\', '@']).collect::<Vec<_>>();
    if halves.len() > 2 || halves.iter().any(|half| half.is_empty()) {
        let message = "`user` is neither DOMAIN\\user nor user@domain";
        found.error(
            Code::BadValue,
            entry.span(),
            message,
            "write 'DOMAIN\\user' in single quotes, or \"user@domain\"",
        );
        return None;
    }
    Some(user.to_owned())
}

/// `{ env = … }`, `{ file = … }`, `{ command = [ … ] }` or `{ prompt = … }`.
fn password(entry: &Entry<'_>, title: &str, found: &mut Findings<'_>) -> Option<PasswordSource> {
    if !entry.is_table() {
        let message = format!("{title} holds a password itself");
        found.error(Code::LiteralPassword, entry.span(), message, HINT);
        return None;
    }
    let before = found.len();
    let table = Table::open(entry, "`password`".to_owned(), &keys::PASSWORD, found)?;
    let mut sources = ["env", "file", "command", "prompt"]
        .into_iter()
        .filter_map(|key| table.get(key));
    let Some(source) = sources.next() else {
        if found.len() == before {
            found.error(
                Code::MissingKey,
                entry.span(),
                "`password` does not say where the password is",
                HINT,
            );
        }
        return None;
    };
    if let Some(second) = sources.next() {
        let message = format!("`password` names both {} and {}", source.key, second.key);
        found.error(Code::BadValue, second.place(), message, "name one place only");
        return None;
    }
    match source.key {
        "env" => {
            let name = source.text(found)?;
            if name.contains(['=', '$', '%', ' ']) {
                let message = "`env` is not the name of an environment variable";
                found.error(
                    Code::BadValue,
                    source.span(),
                    message,
                    "write the bare name: \"CASGATE_PASSWORD\"",
                );
                return None;
            }
            Some(PasswordSource::Env(name.to_owned()))
        }
        "file" => Some(PasswordSource::File(source.text(found)?.to_owned())),
        "prompt" => Some(PasswordSource::Prompt(source.text(found)?.to_owned())),
        _ => {
            let hint = "write program and arguments as a list: [\"pass\", \"show\", \"casgate\"]";
            let words = source
                .elements(hint, found)?
                .map(|word| word.text(found).map(str::to_owned));
            let words = words
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<Vec<_>>>()?;
            if words.is_empty() {
                found.error(Code::BadValue, source.span(), "`command` names no program", hint);
                return None;
            }
            Some(PasswordSource::Command(words))
        }
    }
}
