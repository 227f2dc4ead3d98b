//! A site's `logFile` settings, as appcmd tells them.

use command::{CommandLine, Invocation, Output};

use crate::appcmd::PROGRAM;
use crate::{AppcmdError, ApplicationPath};

/// When IIS begins a new file (`logFile`'s attribute `period`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Period {
    /// Each hour: `u_exYYMMDDHH.log`.
    Hourly,
    /// Each day, the default: `u_exYYMMDD.log`.
    Daily,
    /// Each week: `u_exYYMMWW.log`, the week counted within the month.
    Weekly,
    /// Each month: `u_exYYMM.log`.
    Monthly,
    /// At a size: `u_extendN.log`.
    MaxSize,
}

impl Period {
    const ALL: [(&'static str, Self); 5] = [
        ("Hourly", Self::Hourly),
        ("Daily", Self::Daily),
        ("Weekly", Self::Weekly),
        ("Monthly", Self::Monthly),
        ("MaxSize", Self::MaxSize),
    ];
}

/// Where and how a site logs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The site's number, which names the folder: `W3SVC1`.
    pub site: u32,
    /// The folder above that one; variables such as `%SystemDrive%` stand in it.
    pub directory: String,
    /// Whether anything is logged.
    pub enabled: bool,
    /// Whether the format is W3C, the only one that is read here.
    pub is_w3c: bool,
    /// When a new file begins.
    pub period: Period,
    /// Whether that follows the server's local time. The lines' own times are in UTC all the same.
    pub local_time_rollover: bool,
    /// Whether each line tells its date and its time.
    pub has_time: bool,
}

/// What is asked for, in this order, one line of answer each.
const ATTRIBUTES: [&str; 7] = [
    "id",
    "logFile.directory",
    "logFile.logFormat",
    "logFile.period",
    "logFile.enabled",
    "logFile.localTimeRollover",
    "logFile.logExtFileFlags",
];

/// Asks for the settings of an application's site. `/text:` prints one value and nothing else, in every language.
#[expect(
    clippy::expect_used,
    reason = "a site's name is bounded and holds no character that a line cannot carry"
)]
pub fn settings(app: &ApplicationPath) -> Invocation<Result<Settings, AppcmdError>> {
    let lines =
        ATTRIBUTES.map(|attribute| format!(r#"{PROGRAM} list site "{}" /text:{attribute}"#, app.site()));
    let line = CommandLine::raw(lines.join(" & ")).expect("a line about a site");
    Invocation::new(line, read)
}

fn read(output: &Output) -> Result<Settings, AppcmdError> {
    let text = output.stdout_text();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let [site, directory, format, period, enabled, rollover, flags] = lines.as_slice() else {
        return Err(AppcmdError::of(output).unwrap_or_else(|| {
            AppcmdError::unreadable("seven settings of the site's log, a line each", &text)
        }));
    };
    let unreadable = |what: &str, found: &str| {
        AppcmdError::of(output).unwrap_or_else(|| AppcmdError::unreadable(what, found))
    };
    let is_path =
        directory.starts_with('%') || directory.get(1..3) == Some(r":\") || directory.starts_with(r"\\");
    if !is_path || directory.contains(['"', '<', '>', '|']) {
        return Err(unreadable("the folder of the log", directory));
    }
    let word = |text: &str| {
        text.eq_ignore_ascii_case("true")
            .then_some(true)
            .or_else(|| text.eq_ignore_ascii_case("false").then_some(false))
    };
    let known = Period::ALL
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(period));
    let logs = |flag: &str| {
        flags
            .split(',')
            .any(|word| word.trim().eq_ignore_ascii_case(flag))
    };
    Ok(Settings {
        site: site.parse().map_err(|_| unreadable("the site's number", site))?,
        directory: directory.trim_end_matches('\\').to_owned(),
        enabled: word(enabled).ok_or_else(|| unreadable("whether the site logs", enabled))?,
        is_w3c: format.eq_ignore_ascii_case("W3C"),
        period: known
            .map(|(_, period)| *period)
            .ok_or_else(|| unreadable("when a new log begins", period))?,
        // Neither is needed: more files are looked at, or all of a file is read.
        local_time_rollover: word(rollover).unwrap_or(true),
        has_time: logs("Date") && logs("Time"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Result<Settings, AppcmdError> {
        let app = "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap();
        settings(&app).parse(&Output {
            stdout: (lines.join("\r\n") + "\r\n").into(),
            ..Output::default()
        })
    }

    const DEFAULTS: [&str; 7] = [
        "1",
        r"%SystemDrive%\inetpub\logs\LogFiles",
        "W3C",
        "Daily",
        "true",
        "false",
        "Date, Time, ClientIP, UserName, ServerIP, Method, UriStem, UriQuery, TimeTaken, HttpStatus, Win32Status, ServerPort, UserAgent, HttpSubStatus, Referer",
    ];

    #[test]
    fn the_defaults() {
        let settings = told(&DEFAULTS).unwrap();
        assert_eq!(settings.directory, r"%SystemDrive%\inetpub\logs\LogFiles");
        assert_eq!((settings.site, settings.period), (1, Period::Daily));
        assert!(settings.enabled && settings.is_w3c && settings.has_time && !settings.local_time_rollover);
    }

    #[test]
    fn what_is_not_understood_is_no_setting() {
        let with = |index: usize, text| {
            let mut lines = DEFAULTS;
            lines[index] = text;
            told(&lines)
        };
        assert!(with(0, "one").is_err());
        assert!(with(1, r#"C:\a" & del "#).is_err());
        assert!(with(3, "Yearly").is_err());
        assert!(with(4, "perhaps").is_err());
        assert!(!with(2, "NCSA").unwrap().is_w3c);
        assert!(!with(6, "Time, ClientIP").unwrap().has_time);
        assert!(
            with(5, "ERROR ( message:Unknown attribute. )")
                .unwrap()
                .local_time_rollover
        );
        assert!(told(&DEFAULTS[..3]).is_err());
        assert!(told(&["ERROR ( message:Cannot find SITE object with identifier \"x\". )"; 7]).is_err());
    }

    #[test]
    fn the_line_fits() {
        let app = ApplicationPath::new(&"x".repeat(390), "/a").unwrap();
        assert!(settings(&app).line().as_str().len() < CommandLine::MAX);
    }
}
