//! The commands that make a server print the wanted lines of its log. All are native, and the same in every language of Windows.
//!
//! `findstr` reads the whole file on the server but sends only what fits, so that few bytes travel. It has no seek; nothing native has. What is known of
//! it (third parties: its documentation is short): a file named on the line may have lines of any length, a pattern at most 254 characters, classes such
//! as `[0-9]` are taken literally enough for digits, and several `/c:` are alternatives. `/i` costs little and avoids a fault of searches for several
//! strings with regard to case.

use command::{CommandLine, Invocation, Output};

use super::file::LogFile;
use super::settings::Settings;
use super::window::Window;
use crate::Error;
use crate::error::excerpt;

/// The longest pattern that findstr takes.
const LONGEST_PATTERN: usize = 254;

/// More files than a site's folder has.
const MOST_FILES: usize = 100_000;

/// Makes HTTP.SYS write what it still holds in memory. It answers with words only; where it fails, the last seconds are missing.
pub fn flush() -> Invocation<u32> {
    const LINE: CommandLine = CommandLine::literal("netsh http flush logbuffer");
    Invocation::new(LINE, |output| output.exit_code)
}

/// The files of the site's log. A folder that is not there, or is empty, has none. `dir` would tell sizes in the server's language.
///
/// # Errors
/// [`Error::CommandLine`] for a folder that no line can carry.
pub fn list_files(settings: &Settings) -> Result<Invocation<Result<Vec<LogFile>, Error>>, Error> {
    let line = CommandLine::raw(format!(
        r#"for %f in ("{}\*.log") do @echo %~zf %~nxf"#,
        folder(settings)
    ))?;
    let program = line.to_string();
    Ok(Invocation::new(line, move |output| read_files(&program, output)))
}

fn read_files(program: &str, output: &Output) -> Result<Vec<LogFile>, Error> {
    if output.exit_code != 0 {
        return Err(Error::failed(program, output));
    }
    let text = output.stdout_text();
    let mut files = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let told = line
            .split_once(' ')
            .and_then(|(length, name)| Some((length.parse().ok()?, name)));
        match told {
            Some((length, name)) if files.len() < MOST_FILES => files.push(LogFile {
                name: name.to_owned(),
                length,
            }),
            _ => {
                return Err(Error::Unreadable {
                    program: program.to_owned(),
                    expected: "a length and a file's name on each line",
                    found: excerpt(line),
                });
            }
        }
    }
    Ok(files)
}

/// The line that prints the file's `#Fields:` and, of `window` (of all its time where there is none), the requests to any of `paths` or below.
/// Other lines may be among them: the reader judges.
///
/// # Errors
/// [`Error::BadName`] for a file's name that cannot stand on a line, [`Error::CommandLine`] for a line that is too long.
pub fn search(
    settings: &Settings,
    file: &LogFile,
    window: Option<Window>,
    paths: &[&str],
) -> Result<CommandLine, Error> {
    if file.name.contains(['"', '%', '\\', '/', '<', '>', '|']) {
        return Err(Error::BadName {
            what: "a log file",
            name: file.name.clone(),
            reason: "expected no quotation mark, percent sign, slash or backslash",
        });
    }
    let times = window.map_or_else(|| vec![String::new()], |window| window.patterns());
    let mut line = "findstr /r /i".to_owned();
    for time in &times {
        for path in paths {
            line.push_str(&format!(r#" /c:"{}""#, pattern(time, path)));
        }
    }
    line.push_str(&format!(
        r##" /c:"^#Fields:" "{}\{}""##,
        folder(settings),
        file.name
    ));
    Ok(CommandLine::raw(line)?)
}

/// `^2026-11-25 1[0-9]:.* /Microsoft-Server-ActiveSync`. A path that is too long is cut: more lines fit then, never fewer.
fn pattern(time: &str, path: &str) -> String {
    let mut pattern = if time.is_empty() {
        String::new()
    } else {
        format!("^{time}.*")
    };
    pattern.push_str(" /");
    for c in path.trim_matches('/').chars() {
        let piece = match c {
            // IIS logs a blank as `+`, and may write what is no ASCII in several ways.
            ' ' => "[+ ]".to_owned(),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '~') => c.to_string(),
            c if c.is_ascii() && c != '^' && c != ']' => format!("[{c}]"),
            _ => break,
        };
        if pattern.len() + piece.len() > LONGEST_PATTERN {
            break;
        }
        pattern.push_str(&piece);
    }
    pattern
}

fn folder(settings: &Settings) -> String {
    format!(r"{}\W3SVC{}", settings.directory, settings.site)
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;
    use crate::web_log::Period;

    fn settings() -> Settings {
        Settings {
            site: 1,
            directory: r"%SystemDrive%\inetpub\logs\LogFiles".to_owned(),
            enabled: true,
            is_w3c: true,
            period: Period::Daily,
            local_time_rollover: false,
            has_time: true,
        }
    }

    fn file(name: &str) -> LogFile {
        LogFile {
            name: name.to_owned(),
            length: 0,
        }
    }

    #[test]
    fn lines_read_as_expected() {
        let window = Window::last(datetime(2026, 11, 25, 19, 30, 0, 0), 1, 0);
        let line = search(
            &settings(),
            &file("u_ex261125.log"),
            Some(window),
            &["/Microsoft-Server-ActiveSync"],
        );
        assert_eq!(
            line.unwrap().as_str(),
            "findstr /r /i /c:\"^2026-11-25 1[8-9]:.* /Microsoft-Server-ActiveSync\" /c:\"^#Fields:\" \
             \"%SystemDrive%\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex261125.log\""
        );
        let line = search(&settings(), &file("u_ex261125.log"), None, &["/", "/a b.c"]).unwrap();
        assert!(
            line.as_str()
                .contains(r#" /c:" /" /c:" /a[+ ]b[.]c" /c:"^#Fields:""#),
            "{line}"
        );
        assert_eq!(
            list_files(&settings()).unwrap().line().as_str(),
            r#"for %f in ("%SystemDrive%\inetpub\logs\LogFiles\W3SVC1\*.log") do @echo %~zf %~nxf"#
        );
    }

    #[test]
    fn whatever_the_folder_holds_nothing_is_run_by_its_name() {
        for bad in ["a\" & del x \".log", "%windir%.log", r"..\..\x.log"] {
            assert!(search(&settings(), &file(bad), None, &["/x"]).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_stay_within_findstr_s_limit() {
        for path in [
            "/".to_owned() + &"x".repeat(390),
            "/".to_owned() + &". ".repeat(190),
            "/é".to_owned(),
        ] {
            let pattern = pattern("2026-11-25 1[0-9]:", &path);
            assert!(
                pattern.len() <= LONGEST_PATTERN && pattern.starts_with("^2026"),
                "{pattern}"
            );
        }
    }

    #[test]
    fn listings() {
        let listing = list_files(&settings()).unwrap();
        let printed = |text: &str| Output {
            stdout: text.into(),
            ..Output::default()
        };
        let files = listing
            .parse(&printed("268435456 u_ex261124.log\r\n0 u_ex261125.log\r\n"))
            .unwrap();
        assert_eq!(
            (files[0].length, files[1].name.as_str()),
            (268_435_456, "u_ex261125.log")
        );
        assert_eq!(listing.parse(&printed("")), Ok(Vec::new()));
        assert!(listing.parse(&printed("File Not Found\r\n")).is_err());
        assert!(
            listing
                .parse(&Output {
                    exit_code: 1,
                    ..Output::default()
                })
                .is_err()
        );
    }
}
