//! Command lines: quoting and its inverse, encoded scripts.

use command::{CommandLine, cmd, powershell, quote, upload};

use super::short;

/// The input as a command line, as an argument of one, and as an encoded script.
pub(crate) fn lines(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let _ = quote::split(&text);
    let _ = upload::read_header(&text);
    let _ = powershell::decode(&text).inspect_err(short);
    let _ = powershell::decode_stdin(input).inspect_err(short);
    let _ = cmd::expand(&text, &|name| (name.len() < 3).then(|| name.to_owned()));
    let parsed = cmd::parse(&text).inspect_err(short);
    if let Ok(commands) = &parsed {
        for index in 0..commands.len().min(8) {
            let _ = (
                cmd::follow(commands, index, true),
                cmd::follow(commands, index, false),
            );
        }
    }
    if let Ok(script) = powershell::decode(&powershell::encode(&text)) {
        assert_eq!(script, text, "an encoded script");
    }
    match CommandLine::native("program", &[&*text, "last"]) {
        Ok(line) => {
            let commands = cmd::parse(line.as_str()).expect("a quoted line is one that cmd.exe reads");
            let [only] = commands.as_slice() else {
                panic!("{} commands of one argument: {}", commands.len(), line.as_str());
            };
            assert_eq!(
                quote::split(&only.text),
                ["program", &*text, "last"],
                "{}",
                line.as_str()
            );
        }
        Err(error) => short(&error),
    }
    parsed.is_ok()
}
