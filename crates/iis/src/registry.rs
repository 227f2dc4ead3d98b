//! `reg.exe`: values of the registry, as text.

use std::collections::BTreeMap;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::complaint;

/// Reads one value: its data as reg prints it (`0xf` for a number). `None` when the key or the value does not exist, which reg tells by exit code
/// 1 and by nothing else that is the same in every language.
pub fn query(key: &str, value: &str) -> Result<Invocation<Result<Option<String>, Error>>, Error> {
    let line = CommandLine::native("reg", &["query", checked(key)?, "/v", value])?;
    let program = program("query", key);
    let value = value.to_owned();
    Ok(Invocation::new(line, move |output: &Output| {
        match read(&program, output)? {
            Some(values) => match values.get(&value) {
                Some(data) => Ok(Some(data.to_owned())),
                None => Err(unreadable(&program, output)),
            },
            None => Ok(None),
        }
    }))
}

/// The values of one key: the data of each as reg prints it. Names are compared without regard to case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// The data of a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The data of a value that holds a number (`REG_DWORD`, printed as `0xf`).
    pub fn number(&self, name: &str) -> Option<u32> {
        u32::from_str_radix(self.get(name)?.strip_prefix("0x")?, 16).ok()
    }

    /// Whether the key has no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads all values of a key; those of its subkeys are not among them. `None` when the key does not exist.
pub fn query_key(key: &str) -> Result<Invocation<Result<Option<Values>, Error>>, Error> {
    let line = CommandLine::native("reg", &["query", checked(key)?])?;
    let program = program("query", key);
    Ok(Invocation::new(line, move |output: &Output| {
        read(&program, output)
    }))
}

/// Writes a text (`REG_SZ`), over what is there.
pub fn add(key: &str, value: &str, data: &str) -> Result<Invocation<Result<(), Error>>, Error> {
    let line = CommandLine::native(
        "reg",
        &[
            "add",
            checked(key)?,
            "/v",
            value,
            "/t",
            "REG_SZ",
            "/d",
            data,
            "/f",
        ],
    )?;
    Ok(ending_well(line, program("add", key)))
}

/// Deletes a value.
pub fn delete(key: &str, value: &str) -> Result<Invocation<Result<(), Error>>, Error> {
    let line = CommandLine::native("reg", &["delete", checked(key)?, "/v", value, "/f"])?;
    Ok(ending_well(line, program("delete", key)))
}

fn program(verb: &str, key: &str) -> String {
    format!("reg {verb} {key}")
}

fn ending_well(line: CommandLine, program: String) -> Invocation<Result<(), Error>> {
    Invocation::new(line, move |output: &Output| match output.exit_code {
        0 => Ok(()),
        _ => Err(Error::failed(&program, output)),
    })
}

fn checked(key: &str) -> Result<&str, Error> {
    const ROOTS: [&str; 4] = [r"HKLM\", r"HKEY_LOCAL_MACHINE\", r"HKCU\", r"HKEY_CURRENT_USER\"];
    if ROOTS.iter().any(|root| {
        key.get(..root.len())
            .is_some_and(|k| k.eq_ignore_ascii_case(root))
    }) {
        Ok(key)
    } else {
        Err(Error::BadName {
            what: "a registry key",
            name: key.to_owned(),
            reason: "expected it to start with HKLM\\ or HKCU\\",
        })
    }
}

fn unreadable(program: &str, output: &Output) -> Error {
    Error::Unreadable {
        program: program.to_owned(),
        expected: "the value",
        found: complaint(output),
    }
}

/// Lines of values stand below the key's name: four blanks, the name, `REG_…`, the data, four blanks between each.
fn read(program: &str, output: &Output) -> Result<Option<Values>, Error> {
    match output.exit_code {
        0 => {}
        1 => return Ok(None),
        _ => return Err(Error::failed(program, output)),
    }
    let text = output.stdout_text();
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("    ")?.split_once("    REG_")?;
        let data = rest.split_once("    ").map_or("", |(_, data)| data);
        Some((name.to_ascii_lowercase(), data.trim_end_matches('\r').to_owned()))
    };
    Ok(Some(Values(text.split('\n').filter_map(line).collect())))
}

#[cfg(test)]
mod tests;
