//! `findstr /r /i /c:"PATTERN" … FILE`: the lines of one file that one of the patterns fits.
//!
//! Of what findstr can do, regular expressions and literal strings in one named file are here, with its limits where third parties have found them: a
//! pattern of at most 254 characters. A pipe's limits do not matter, since there are no pipes.

mod pattern;

use super::Call;
use crate::machine::log_files::{self, FOLDER};
use pattern::Pattern;

/// The longest pattern of a regular expression.
const LONGEST: usize = 254;

struct Search {
    patterns: Vec<Pattern>,
    file: String,
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(30).await;
    let search = match parse(&call.arguments) {
        Ok(search) => search,
        Err(Refused::Bad(message)) => {
            call.out.stderr.line(&format!("FINDSTR: {message}"));
            return 2;
        }
        Err(Refused::NotSimulated(what)) => return call.not_simulated(&what),
    };
    let in_folder = search.file.rsplit_once('\\');
    let log = in_folder
        .filter(|(folder, _)| folder.eq_ignore_ascii_case(FOLDER))
        .and_then(|(_, name)| log_files::find(call.machine(), name));
    let blocks: Box<dyn Iterator<Item = Vec<u8>> + Send + '_> = match &log {
        Some(file) => Box::new(file.blocks(call.machine())),
        None => match call.machine().contents(&search.file) {
            Some(bytes) => Box::new(std::iter::once(bytes)),
            None => {
                call.out
                    .stderr
                    .line(&format!("FINDSTR: Cannot open {}", search.file));
                return 1;
            }
        },
    };
    let mut any = false;
    let mut rest: Vec<u8> = Vec::new();
    let fits = |line: &[u8]| {
        let plain = line.strip_suffix(b"\n").unwrap_or(line);
        let plain = plain.strip_suffix(b"\r").unwrap_or(plain);
        search.patterns.iter().any(|pattern| pattern.fits(plain))
    };
    for mut block in blocks {
        if !rest.is_empty() {
            rest.append(&mut block);
            block = std::mem::take(&mut rest);
        }
        let whole = block
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        rest.extend_from_slice(&block[whole..]);
        let lines = block[..whole].split_inclusive(|byte| *byte == b'\n');
        let output: Vec<u8> = lines.filter(|line| fits(line)).flatten().copied().collect();
        any |= !output.is_empty();
        call.out.stdout.write_in_time(&output).await;
        tokio::task::yield_now().await;
    }
    if !rest.is_empty() && fits(&rest) {
        any = true;
        call.out.stdout.write_in_time(&rest).await;
    }
    u32::from(!any)
}

enum Refused {
    Bad(String),
    NotSimulated(String),
}

fn parse(arguments: &[String]) -> Result<Search, Refused> {
    let (mut regular, mut literal, mut any_case) = (false, false, false);
    let mut texts = Vec::new();
    let mut files = Vec::new();
    for argument in arguments {
        let lower = argument.to_ascii_lowercase();
        match lower.as_str() {
            "/r" => regular = true,
            "/l" => literal = true,
            "/i" => any_case = true,
            switch if switch.starts_with("/c:") => texts.push(argument.get(3..).unwrap_or_default()),
            switch if switch.starts_with('/') => {
                return Err(Refused::NotSimulated(format!("'findstr {argument}'")));
            }
            _ => files.push(argument.clone()),
        }
    }
    if texts.is_empty() || files.is_empty() {
        return Err(if files.len() + texts.len() == 0 {
            Refused::Bad("Bad command line".to_owned())
        } else {
            Refused::NotSimulated("'findstr' without /c: and a file".to_owned())
        });
    }
    // Without either, findstr guesses by the first string; where no string has a special character, both are the same.
    let plain = texts
        .iter()
        .all(|text| !text.contains(['.', '*', '^', '$', '[', ']', '\\']));
    if regular == literal && (regular || !plain) {
        return Err(Refused::NotSimulated(
            "'findstr' with neither or both of /r and /l and a special character".to_owned(),
        ));
    }
    let [file] = files.as_slice() else {
        return Err(Refused::NotSimulated("'findstr' in several files".to_owned()));
    };
    if file.contains(['*', '?']) {
        return Err(Refused::NotSimulated(
            "'findstr' in files with a wildcard".to_owned(),
        ));
    }
    if texts.iter().any(|text| regular && text.len() > LONGEST) {
        return Err(Refused::Bad("Search string too long.".to_owned()));
    }
    let pattern = |text: &&str| match regular {
        true => Pattern::regular(text, any_case),
        false => Pattern::literal(text, any_case),
    };
    Ok(Search {
        patterns: texts.iter().map(pattern).collect(),
        file: file.clone(),
    })
}
