//! From the first word of a command to the program it names.

use crate::machine::environment::PATH;
use crate::machine::programs::Program;

const SYSTEM32: &str = r"c:\windows\system32";
const INETSRV: &str = r"c:\windows\system32\inetsrv";
const INETSRV_32: &str = r"c:\windows\syswow64\inetsrv";
const WINDOWS_POWERSHELL: &str = r"c:\windows\system32\windowspowershell\v1.0";

/// Folder, file without `.exe`, program.
const FILES: &[(&str, &str, Program)] = &[
    (INETSRV, "appcmd", Program::Appcmd),
    (INETSRV_32, "appcmd", Program::Appcmd),
    (SYSTEM32, "cmd", Program::Cmd),
    (SYSTEM32, "dism", Program::Dism),
    (SYSTEM32, "findstr", Program::FindStr),
    (SYSTEM32, "fsutil", Program::FsUtil),
    (SYSTEM32, "hostname", Program::HostName),
    (SYSTEM32, "iisreset", Program::IisReset),
    (SYSTEM32, "more", Program::More),
    (SYSTEM32, "netsh", Program::Netsh),
    (SYSTEM32, "ping", Program::Ping),
    (WINDOWS_POWERSHELL, "powershell", Program::PowerShell),
    (SYSTEM32, "reg", Program::Reg),
    (SYSTEM32, "sc", Program::Sc),
    (SYSTEM32, "schtasks", Program::SchTasks),
    (SYSTEM32, "tasklist", Program::TaskList),
    (SYSTEM32, "whoami", Program::WhoAmI),
];

/// Programs of System32 that exist on Windows and not here.
const ABSENT: &[&str] = &[
    "certutil",
    "choice",
    "curl",
    "find",
    "icacls",
    "ipconfig",
    "net",
    "net1",
    "netstat",
    "nltest",
    "nslookup",
    "pkgmgr",
    "robocopy",
    "shutdown",
    "sort",
    "systeminfo",
    "takeown",
    "taskkill",
    "timeout",
    "tracert",
    "wevtutil",
    "where",
    "winrm",
    "winrs",
    "wmic",
    "xcopy",
];

/// Splits off the command word: up to a blank, a separator or a slash, quotes apart. The slash stays with the rest, so
/// that `iisreset/noforce` has an argument; so does a character that ends `echo` (`echo.`).
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let echo = text
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("echo"));
    if echo
        && text
            .get(4..)
            .is_some_and(|rest| rest.starts_with(['.', ':', '(', '+', '[', ']', '\\']))
    {
        return text.split_at(4);
    }
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && matches!(c, ' ' | '\t' | ',' | ';' | '=' | '/')
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// Finds a program by name along the working directory and the path, or by path.
///
/// # Errors
///
/// What cmd.exe says when there is none.
pub(super) fn find(word: &str, directory: &str) -> Result<Program, String> {
    let name = word.replace('"', "").to_ascii_lowercase();
    let (folder, file) = name
        .rsplit_once('\\')
        .map_or((None, name.as_str()), |(folder, file)| (Some(folder), file));
    let file = file
        .strip_suffix(".exe")
        .or_else(|| file.strip_suffix(".com"))
        .unwrap_or(file);
    let in_folder = |folder: &str| {
        let folder = folder.trim_end_matches('\\').to_ascii_lowercase();
        let found = FILES
            .iter()
            .find(|(f, name, _)| *f == folder && *name == file)
            .map(|(_, _, program)| *program);
        let absent = || {
            (folder == SYSTEM32)
                .then(|| ABSENT.iter().find(|name| **name == file))
                .flatten()
        };
        found.or_else(|| absent().map(|name| Program::Absent(name)))
    };
    let found = match folder {
        None => in_folder(directory).or_else(|| PATH.iter().find_map(|folder| in_folder(folder))),
        Some(".") => in_folder(directory),
        Some(folder) => in_folder(folder),
    };
    let exists = |folder: &str| FILES.iter().any(|(known, ..)| known.starts_with(folder));
    found.ok_or_else(|| match folder {
        Some(folder) if folder != "." && !exists(folder) => "The system cannot find the path specified.\r\n".to_owned(),
        _ => format!("'{word}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::{find, split_word};
    use crate::machine::programs::Program;

    #[test]
    fn words_end_at_blanks_separators_and_slashes() {
        assert_eq!(split_word("iisreset/noforce"), ("iisreset", "/noforce"));
        assert_eq!(split_word(r#""C:\a b\x.exe" /y"#), (r#""C:\a b\x.exe""#, " /y"));
        assert_eq!(split_word("echo.x"), ("echo", ".x"));
        assert_eq!(split_word("ver"), ("ver", ""));
    }

    #[test]
    fn programs_are_found_as_windows_finds_them() {
        let home = r"C:\Users\operator";
        assert_eq!(
            find(r"C:\Windows\system32\inetsrv\appcmd.exe", home),
            Ok(Program::Appcmd)
        );
        assert_eq!(
            find(r#""C:\WINDOWS\System32\inetsrv\APPCMD""#, home),
            Ok(Program::Appcmd)
        );
        assert!(find("appcmd", home).is_err(), "inetsrv is not on the path");
        assert_eq!(
            find("appcmd", r"C:\Windows\System32\inetsrv"),
            Ok(Program::Appcmd)
        );
        assert_eq!(find("powershell.exe", home), Ok(Program::PowerShell));
        assert_eq!(find("tasklist", home), Ok(Program::TaskList));
        assert_eq!(find("taskkill", home), Ok(Program::Absent("taskkill")));
        let path = "The system cannot find the path specified.\r\n".to_owned();
        assert_eq!(find(r"D:\tools\x.exe", home), Err(path));
        let unknown = find("nosuch.exe", home).expect_err("there is none");
        assert!(unknown.starts_with("'nosuch.exe' is not recognized"), "{unknown}");
    }
}
