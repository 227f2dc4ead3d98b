//! The effect of [`command::upload::SCRIPT`]: a file comes in through standard input.
//!
//! What the script does is done, in its order: the header, a temporary name, base64 lines as they come, the hash of what was stored, the
//! move. The client's bytes are really decoded, stored and hashed here.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use command::cmd;
use sha2::{Digest, Sha256};

use super::Call;

/// The longest line that is taken; the script would take any.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// A file that is on its way.
struct Receiving {
    path: String,
    part: String,
    expected: String,
}

/// Receives a file; returns what the script prints, or the message of what it throws.
pub(super) async fn run(call: &mut Call<'_, '_>) -> Result<String, String> {
    let (mut pending, mut receiving) = (Vec::new(), None);
    let mut result = Ok(());
    while let Some(bytes) = call.stdin.read().await {
        pending.extend(bytes);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            result = result.and_then(|()| take(call, &mut receiving, &line));
        }
        if pending.len() > LONGEST_LINE {
            result = result.and(Err("expected lines, found none".to_owned()));
            pending.clear();
        }
        if result.is_err() {
            break;
        }
    }
    if !pending.is_empty() {
        result = result.and_then(|()| take(call, &mut receiving, &pending));
    }
    let finished = match (&receiving, result) {
        (_, Err(message)) => Err(message),
        (None, Ok(())) => Err("expected a file, found an empty input".to_owned()),
        (Some(file), Ok(())) => finish(call, file),
    };
    if let (Some(file), true) = (&receiving, finished.is_err()) {
        call.machine().state().files.remove(&file.part.to_lowercase());
    }
    finished
}

fn take(call: &Call<'_, '_>, receiving: &mut Option<Receiving>, line: &[u8]) -> Result<(), String> {
    let line = String::from_utf8_lossy(line);
    let Some(file) = receiving else {
        *receiving = Some(begin(call, &line)?);
        return Ok(());
    };
    let bytes = STANDARD.decode(line.trim()).map_err(|_| {
        "Exception calling \"FromBase64String\" with \"1\" argument(s): \"The input is not a valid Base-64 string\""
            .to_owned()
    })?;
    let mut state = call.machine().state();
    if let Some((_, stored)) = state.files.get_mut(&file.part.to_lowercase()) {
        stored.extend_from_slice(&bytes);
    }
    Ok(())
}

fn begin(call: &Call<'_, '_>, line: &str) -> Result<Receiving, String> {
    let (written, expected) =
        command::upload::read_header(line).ok_or("expected a path and a hash, found something else")?;
    let environment = &call.shell.environment;
    let expanded = cmd::expand(&written, &|name| environment.get(name).map(str::to_owned));
    let path = expanded.replace('/', "\\");
    let is_absolute = path.get(1..3) == Some(":\\");
    let path = match is_absolute {
        true => path,
        false => format!("{}\\{path}", call.shell.directory.trim_end_matches('\\')),
    };
    let tail = path.get(2..).unwrap_or_default();
    if tail.contains(['<', '>', ':', '"', '|', '?', '*']) || tail.chars().any(char::is_control) {
        return Err(
            "Exception calling \"Create\" with \"1\" argument(s): \"Illegal characters in path.\"".to_owned(),
        );
    }
    if path.ends_with('\\') {
        return Err(format!("expected a file name, found the folder {path}"));
    }
    // Any name does that nobody else has.
    let part = format!("{path}.{:032x}.part", call.machine().state().chance.pid());
    let empty = (part.clone(), Vec::new());
    call.machine().state().files.insert(part.to_lowercase(), empty);
    Ok(Receiving { path, part, expected })
}

fn finish(call: &Call<'_, '_>, file: &Receiving) -> Result<String, String> {
    let mut state = call.machine().state();
    let key = file.part.to_lowercase();
    let bytes = state.files.get(&key).map(|(_, bytes)| bytes.as_slice());
    let bytes = bytes.unwrap_or_default();
    let length = bytes.len();
    let found = Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
    if found != file.expected {
        return Err(format!(
            "expected SHA-256 {}, found {found} of {length} bytes",
            file.expected
        ));
    }
    if let Some((_, bytes)) = state.files.remove(&key) {
        state
            .files
            .insert(file.path.to_lowercase(), (file.path.clone(), bytes));
    }
    Ok(format!("{found} {length} {}", file.path))
}
