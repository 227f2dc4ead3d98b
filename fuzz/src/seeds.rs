//! What the runners begin with, made by our own writers.
//!
//! The files in `corpus` are these seeds, written by `fuzz seeds`; a test compares them, so that they follow the writers.

mod logins;
mod messages;
mod texts;

use std::path::Path;

/// One input that its target accepts, unless its name begins with `bad`.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Whose.
    pub target: &'static str,
    /// The file's name.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

fn seed(target: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>) -> Seed {
    Seed {
        target,
        name,
        bytes: bytes.into(),
    }
}

/// Every seed of every target.
pub fn all() -> Vec<Seed> {
    [messages::seeds(), logins::seeds(), texts::seeds()].concat()
}

/// The files of a folder with their names, in the order of these; none where there is no folder.
///
/// # Errors
/// A text that names the file that cannot be read.
pub fn read(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| format!("{}: {error}", folder.display()))?
            .path();
        if path.is_file() {
            let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            files.push((
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                bytes,
            ));
        }
    }
    files.sort();
    Ok(files)
}
