//! Commands that cmd.exe carries out itself.

use super::{Done, NOT_SIMULATED, Shell};
use crate::machine::stream::OutputSink;

/// Commands of cmd.exe that the simulator does not do.
const ABSENT: &[&str] = &[
    "assoc", "break", "call", "cls", "color", "copy", "date", "dir", "endlocal", "for", "ftype", "goto",
    "if", "md", "mkdir", "mklink", "move", "path", "pause", "popd", "prompt", "pushd", "rd", "ren", "rename",
    "rmdir", "setlocal", "shift", "start", "time", "verify", "vol",
];

/// Folders that `cd` finds.
const FOLDERS: &[&str] = &[
    r"C:\",
    r"C:\Windows",
    r"C:\Windows\System32",
    r"C:\Windows\System32\inetsrv",
    r"C:\Windows\SysWOW64\inetsrv",
    r"C:\Program Files\Microsoft\Exchange Server\V15",
];

/// Runs a command of cmd.exe itself; `None` when `word` is none.
pub(super) fn run(shell: &mut Shell<'_>, word: &str, tail: &str, out: &OutputSink) -> Option<Done> {
    let code = match word.to_ascii_lowercase().as_str() {
        "echo" => echo(tail, out),
        "exit" => return Some(exit(shell, tail)),
        "ver" => {
            let version = shell.machine.options().windows.version();
            out.stdout
                .write(format!("\r\nMicrosoft Windows [Version {version}]\r\n").as_bytes());
            0
        }
        "set" => set(shell, tail.trim_start(), out),
        "cd" | "chdir" => change_directory(shell, tail.trim(), out),
        "type" => print_file(shell, tail.trim(), out),
        "del" | "erase" => delete_file(shell, tail, out),
        "rem" | "title" => 0,
        absent if ABSENT.contains(&absent) => {
            out.stderr.line(&format!(
                "casim: the simulator does not do the command '{absent}' of cmd.exe."
            ));
            NOT_SIMULATED
        }
        _ => return None,
    };
    Some(Done::Code(code))
}

/// Prints what follows the first separator, blanks at the end included.
fn echo(tail: &str, out: &OutputSink) -> u32 {
    let mut rest = tail.chars();
    let separator = rest.next();
    let text = rest.as_str();
    match text.trim().to_ascii_lowercase().as_str() {
        "" if separator.is_none_or(char::is_whitespace) => out.stdout.line("ECHO is on."),
        "on" | "off" if separator.is_some_and(char::is_whitespace) => {}
        _ => out.stdout.line(text),
    }
    0
}

/// `exit [/b] [code]`. At the prompt `/b` makes no difference.
fn exit(shell: &Shell<'_>, tail: &str) -> Done {
    let mut words = tail.split_whitespace().peekable();
    words.next_if(|word| word.eq_ignore_ascii_case("/b"));
    // As atoi does: digits in front count, anything else is 0; the code is a signed 32-bit number.
    let Some(word) = words.next() else {
        return Done::Exit(shell.last);
    };
    let (negative, digits) = word
        .strip_prefix('-')
        .map_or((false, word), |digits| (true, digits));
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = digits.get(..length).and_then(|d| d.parse().ok()).unwrap_or(0);
    let low = u32::try_from(number & 0xffff_ffff).unwrap_or(u32::MAX);
    Done::Exit(if negative { low.wrapping_neg() } else { low })
}

fn set(shell: &mut Shell<'_>, arguments: &str, out: &OutputSink) -> u32 {
    // `set "A=1"`: the quotation marks are taken off; without them blanks at the end belong to the value.
    let quoted = arguments
        .strip_prefix('"')
        .map(|rest| rest.rsplit_once('"').map_or(rest, |(inside, _)| inside));
    let plain = quoted.unwrap_or(arguments);
    if let Some((name, value)) = plain.split_once('=') {
        shell.environment.set(name, value);
        return 0;
    }
    let plain = plain.trim_end();
    let lines = shell.environment.starting_with(plain);
    lines.iter().for_each(|line| out.stdout.line(line));
    if lines.is_empty() {
        out.stderr
            .line(&format!("Environment variable {plain} not defined"));
        return 1;
    }
    0
}

/// `del [/f] [/q] FILE`: ends with 0 whatever becomes of it, as cmd.exe does.
fn delete_file(shell: &Shell<'_>, tail: &str, out: &OutputSink) -> u32 {
    let words = command::quote::split(tail);
    let (switches, files): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.starts_with('/'));
    let are_known = switches
        .iter()
        .all(|s| s.eq_ignore_ascii_case("/f") || s.eq_ignore_ascii_case("/q"));
    let ([file], true) = (files.as_slice(), are_known) else {
        out.stderr
            .line("casim: the simulator does 'del' of one file only.");
        return NOT_SIMULATED;
    };
    if file.contains(['*', '?']) {
        out.stderr
            .line("casim: the simulator does 'del' of one file only.");
        return NOT_SIMULATED;
    }
    let path = match file.get(1..2) {
        Some(":") => (*file).clone(),
        _ => format!(r"{}\{file}", shell.directory.trim_end_matches('\\')),
    };
    if shell.machine.state().files.remove(&path.to_lowercase()).is_none() {
        out.stderr.line(&format!("Could Not Find {path}"));
    }
    0
}

/// `type FILE`, one file by its full path or in the working directory.
fn print_file(shell: &Shell<'_>, argument: &str, out: &OutputSink) -> u32 {
    let file = argument.trim_matches('"');
    if file.is_empty() {
        out.stderr.line("The syntax of the command is incorrect.");
        return 1;
    }
    if file.contains(['*', '?']) || (argument.contains(' ') && !argument.starts_with('"')) {
        out.stderr
            .line("casim: the simulator does not do 'type' of several files.");
        return NOT_SIMULATED;
    }
    let path = match file.get(1..2) {
        Some(":") => file.to_owned(),
        _ => format!(r"{}\{file}", shell.directory.trim_end_matches('\\')),
    };
    match shell.machine.contents(&path) {
        // Files below inetsrv\config are for administrators.
        Some(_)
            if path.to_lowercase().contains(r"\inetsrv\config\")
                && shell.machine.faults().filtered_token.is_on() =>
        {
            out.stderr.line("Access is denied.");
            1
        }
        Some(bytes) => {
            out.stdout.write(&bytes);
            0
        }
        None => {
            out.stderr.line("The system cannot find the file specified.");
            1
        }
    }
}

fn change_directory(shell: &mut Shell<'_>, arguments: &str, out: &OutputSink) -> u32 {
    let switch = arguments
        .get(..2)
        .is_some_and(|head| head.eq_ignore_ascii_case("/d"));
    let target = if switch {
        arguments.get(2..).unwrap_or_default()
    } else {
        arguments
    };
    let target = target.trim().trim_matches('"');
    if target.is_empty() {
        out.stdout.line(&shell.directory);
        return 0;
    }
    let target = target
        .strip_suffix('\\')
        .filter(|t| !t.ends_with(':'))
        .unwrap_or(target);
    match FOLDERS.iter().find(|folder| folder.eq_ignore_ascii_case(target)) {
        Some(folder) => {
            (*folder).clone_into(&mut shell.directory);
            0
        }
        None => {
            out.stderr.line("The system cannot find the path specified.");
            1
        }
    }
}
