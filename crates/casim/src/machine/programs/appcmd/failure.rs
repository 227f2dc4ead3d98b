//! Errors of appcmd: their text and their exit codes.

use std::fmt;

/// `ERROR_INVALID_PARAMETER`
const INVALID: u32 = 87;
/// `ERROR_ALREADY_EXISTS`
const EXISTS: u32 = 183;
/// `ERROR_NOT_FOUND`
const NOT_FOUND: u32 = 1168;
/// `ERROR_OBJECT_NOT_FOUND`, for a missing collection element.
const NO_ELEMENT: u32 = 4312;
/// `ERROR_LOCK_VIOLATION`
const LOCKED: u32 = 33;

/// One failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What was printed before the error.
    before: String,
    hresult: Option<u32>,
    message: String,
    code: u32,
    /// Printed without `ERROR ( ... )` around it.
    bare: bool,
}

impl Failure {
    fn with(code: u32, message: impl Into<String>) -> Self {
        Self {
            before: String::new(),
            hresult: None,
            message: message.into(),
            code,
            bare: false,
        }
    }

    fn hresult(hresult: u32, message: impl Into<String>) -> Self {
        let win32 = hresult >> 16 == 0x8007;
        let code = if win32 { hresult & 0xffff } else { hresult };
        Self {
            hresult: Some(hresult),
            ..Self::with(code, message)
        }
    }

    /// The command line does not follow the grammar; the text names the argument.
    pub(super) fn must_begin_with_slash(argument: &str) -> Self {
        let message = format!(
            "Failed to process input: The parameter '{argument}' must begin with a / or - (HRESULT=80070057)."
        );
        Self {
            bare: true,
            ..Self::with(INVALID, message)
        }
    }

    pub(super) fn unsupported_object(name: &str) -> Self {
        let message = format!(
            "Object '{}' is not supported.  Run 'appcmd.exe /?' to display supported objects.",
            name.to_uppercase()
        );
        Self {
            bare: true,
            ..Self::with(INVALID, message)
        }
    }

    pub(super) fn unsupported_command(verb: &str, object: &str) -> Self {
        let message = format!(
            "Command '{}' is not supported for object '{object}'.  Run 'appcmd.exe {object} /?' to display supported commands.",
            verb.to_uppercase()
        );
        Self {
            bare: true,
            ..Self::with(INVALID, message)
        }
    }

    pub(super) fn must_specify(object: &str) -> Self {
        Self::with(
            INVALID,
            format!("Must specify the {object} object with identifier."),
        )
    }

    pub(super) fn cannot_find(object: &str, identifier: &str) -> Self {
        Self::with(
            NOT_FOUND,
            format!("Cannot find {object} object with identifier \"{identifier}\"."),
        )
    }

    pub(super) fn unknown_section(name: &str) -> Self {
        Self::with(
            INVALID,
            format!("Unknown config section \"{name}\".  Replace with -? for help."),
        )
    }

    pub(super) fn unknown_attribute(name: &str) -> Self {
        Self::with(
            INVALID,
            format!("Unknown attribute \"{name}\".  Replace with -? for help."),
        )
    }

    pub(super) fn malformed_indexer() -> Self {
        Self::with(
            INVALID,
            "Malformed collection indexer; format is [@position,name='value',name2='value2',...].  The @position \
             specifier is optional, and be '@start', '@end', or '@N' where N is a numeric index into the collection.",
        )
    }

    pub(super) fn invalid_commit(path: &str) -> Self {
        Self::with(INVALID, format!("Invalid commit path \"{path}\"."))
    }

    pub(super) fn duplicate(element: &str, keys: &[&str], values: &[String]) -> Self {
        let attributes = match keys {
            [key] => format!("unique key attribute '{key}' set to '{}'", values.join(", ")),
            keys => format!(
                "combined key attributes '{}' respectively set to '{}'",
                keys.join(", "),
                values.join(", ")
            ),
        };
        Self::with(
            EXISTS,
            format!(
                "New {element} object missing required attributes. Cannot add duplicate collection entry of type \
                 '{element}' with {attributes}\r\n\r\n."
            ),
        )
    }

    /// An object with this name exists.
    pub(super) fn exists() -> Self {
        let text = "Command execution failed.\r\nCannot create a file when that file already exists.\r\n\r\n";
        Self::hresult(0x8007_00b7, text)
    }

    /// `ERROR_SERVICE_ALREADY_RUNNING`, for a pool that is started.
    pub(super) fn already_started() -> Self {
        let text = "Command execution failed.\r\nAn instance of the service is already running.\r\n\r\n";
        Self::hresult(0x8007_0420, text)
    }

    pub(super) fn missing_element() -> Self {
        Self::with(NO_ELEMENT, "Cannot find requested collection element.")
    }

    /// A value that the attribute does not take, or an entry without its key.
    pub(super) fn invalid_data() -> Self {
        Self::hresult(
            0x8007_000d,
            "Command execution failed.\r\nThe data is invalid.\r\n\r\n",
        )
    }

    pub(super) fn service_not_active() -> Self {
        Self::hresult(
            0x8007_0426,
            "Command execution failed.\r\nThe service has not been started.\r\n\r\n",
        )
    }

    pub(super) fn locked(file: &str) -> Self {
        Self::with(
            LOCKED,
            format!(
                "Configuration error\r\nFilename: {file}\r\nLine Number: 0\r\nDescription: This configuration section \
                 cannot be used at this path. This happens when the section is locked at a parent level. Locking is \
                 either by default (overrideModeDefault=\"Deny\"), or set explicitly by a location tag with \
                 overrideMode=\"Deny\" or the legacy allowOverride=\"false\".\r\n\r\n."
            ),
        )
    }

    pub(super) fn filtered_token() -> Self {
        Self::with(
            NOT_FOUND,
            "Configuration error\r\nFilename: redirection.config\r\nLine Number: 0\r\nDescription: Cannot read \
             configuration file due to insufficient permissions\r\n.",
        )
    }

    /// A commit that did not happen, after the line that announced it.
    pub(super) fn changed_on_disk(announced: String) -> Self {
        let message = "Failed to commit configuration changes.  \r\n\r\nFilename: \
            \\\\?\\C:\\Windows\\system32\\inetsrv\\config\\applicationHost.config\r\nError: Cannot commit configuration \
            changes because the file has changed on disk\r\n\r\n";
        Self {
            before: announced,
            ..Self::hresult(0x8007_0020, message)
        }
    }

    /// The activation service does not answer.
    pub(super) fn rpc_failed() -> Self {
        Self::hresult(0x8007_06be, "The remote procedure call failed.")
    }

    /// Nothing can be written any more.
    pub(super) fn disk_full() -> Self {
        Self::hresult(0x8007_0070, "There is not enough space on the disk.")
    }

    /// A commit of text that XML cannot hold, after the line that announced it.
    pub(super) fn not_xml(announced: String) -> Self {
        let message = "Failed to commit configuration changes.  \r\n\r\n";
        Self {
            before: announced,
            ..Self::hresult(0xc00c_ee2b, message)
        }
    }

    pub(super) fn code(&self) -> u32 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        match (self.bare, self.hresult) {
            (true, _) => write!(f, "{}\r\n", self.message),
            (false, None) => write!(f, "ERROR ( message:{} )\r\n", self.message),
            (false, Some(hresult)) => {
                write!(f, "ERROR ( hresult:{hresult:08x}, message:{} )\r\n", self.message)
            }
        }
    }
}

/// Sentences that appcmd takes from its resources, and what stands for them when Windows speaks another language.
const GERMAN: &[(&str, &str)] = &[
    (
        "Applied configuration changes to section",
        "Die Konfigurationsänderungen wurden angewendet auf den Abschnitt",
    ),
    ("at configuration commit path", "am Konfigurations-Commitpfad"),
    (
        "Cannot find requested collection element.",
        "Das angeforderte Auflistungselement wurde nicht gefunden.",
    ),
    (
        "Cannot add duplicate collection entry of type",
        "Doppelter Auflistungseintrag vom Typ",
    ),
    ("Cannot find", "Nicht gefunden:"),
    ("object with identifier", "Objekt mit dem Bezeichner"),
    ("Command execution failed.", "Fehler bei der Befehlsausführung."),
    (
        "Failed to commit configuration changes.",
        "Fehler beim Commit der Konfigurationsänderungen.",
    ),
    (
        "Cannot commit configuration changes because the file has changed on disk",
        "Commit nicht möglich, da die Datei auf dem Datenträger geändert wurde",
    ),
    ("successfully recycled", "wurde erfolgreich wiederverwendet"),
    (
        "This configuration section cannot be used at this path.",
        "Dieser Konfigurationsabschnitt kann in diesem Pfad nicht verwendet werden.",
    ),
    ("Unknown attribute", "Unbekanntes Attribut"),
    (
        "The remote procedure call failed.",
        "Der Remoteprozeduraufruf ist fehlgeschlagen.",
    ),
    (
        "There is not enough space on the disk.",
        "Es steht nicht genug Speicherplatz auf dem Datenträger zur Verfügung.",
    ),
];

/// The same output on a German server. The wording is the simulator's own; what counts is that English words are gone.
pub(super) fn in_german(text: &str) -> String {
    GERMAN.iter().fold(text.to_owned(), |text, (english, german)| {
        text.replace(english, german)
    })
}
