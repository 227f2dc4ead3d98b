//! `for %f in ("FOLDER\*.log") do @echo …`: one command for each file of the web server's log. Other sets, folders and bodies are not simulated.

use super::{NOT_SIMULATED, Shell};
use crate::machine::log_files::{self, FOLDER, VirtualFile};
use crate::machine::stream::OutputSink;

/// What follows the word, where a line begins with it.
pub(super) fn tail(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['@', ' ', '\t']);
    let (word, tail) = line.split_at_checked(3)?;
    (word.eq_ignore_ascii_case("for") && tail.starts_with([' ', '\t'])).then_some(tail)
}

pub(super) fn run(shell: &Shell<'_>, tail: &str, out: &OutputSink) -> u32 {
    let Some(parsed) = parse(tail) else {
        out.stderr
            .line(&format!("casim: the simulator does not do 'for{tail}'."));
        return NOT_SIMULATED;
    };
    let (variable, set, body) = parsed;
    let (folder, pattern) = set.rsplit_once('\\').unwrap_or((&shell.directory, set));
    if !folder.eq_ignore_ascii_case(FOLDER) {
        // A wildcard that fits nothing is no error: the body does not run.
        return 0;
    }
    for file in log_files::all(shell.machine) {
        if fits(pattern, &file.name) {
            let text = replaced(body, variable, &file);
            out.stdout.line(&text);
        }
    }
    0
}

/// The variable's letter, the one word of the set, and what is echoed.
fn parse(tail: &str) -> Option<(char, &str, &str)> {
    let rest = tail.trim_start().strip_prefix('%')?;
    let variable = rest.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = rest.get(1..)?.trim_start();
    let rest = keyword(rest, "in")?.trim_start().strip_prefix("(\"")?;
    let (set, rest) = rest.split_once("\")")?;
    let body = keyword(rest.trim_start(), "do")?.trim_start();
    let body = keyword(body.strip_prefix('@')?, "echo")?;
    let plain = !set.contains(['"', '?', ';', ',']) && !body.contains(['&', '|', '>', '<', '(']);
    plain.then_some((variable, set, body.strip_prefix(' ')?))
}

fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with([' ', '('])).then_some(rest)
}

/// `*.log` and names without wildcards.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

/// The body with `%~zf` (length), `%~nxf` (name) and `%f` (path) filled in.
fn replaced(body: &str, variable: char, file: &VirtualFile) -> String {
    body.replace(&format!("%~z{variable}"), &file.length().to_string())
        .replace(&format!("%~nx{variable}"), &file.name)
        .replace(&format!("%{variable}"), &format!(r"{FOLDER}\{}", file.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shape_is_understood() {
        assert_eq!(tail("@FOR %f in"), Some(" %f in"));
        assert_eq!(
            (tail("format c:"), tail("echo for x"), tail("fo")),
            (None, None, None)
        );
        let parsed = parse(r#" %f in ("C:\logs\*.log") do @echo %~zf %~nxf"#);
        assert_eq!(parsed, Some(('f', r"C:\logs\*.log", "%~zf %~nxf")));
        for other in [
            r#" /f %f in ("x") do @echo %f"#,
            r#" %f in (a b) do @echo %f"#,
            r#" %f in ("x") do del %f"#,
            r#" %f in ("x") do @echo %f & del %f"#,
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
        assert!(
            fits("*.LOG", "u_ex261125.log") && fits("u_ex*", "u_ex261125.log") && !fits("*.txt", "a.log")
        );
    }
}
