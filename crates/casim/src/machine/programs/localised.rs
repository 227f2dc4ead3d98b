//! What programs print when Windows speaks another language. The wording is the simulator's own, German words stand for all;
//! what counts is that the English ones are gone, and that what is the same in every language stays: codes, numbers, names.
//!
//! `dism /english` keeps its words, as on Windows. Of `sc`, whose keys are translated in some languages and not in others, all
//! keys are translated here.

/// Sentences and keys, and what stands for them.
const GERMAN: &[(&str, &str)] = &[
    ("Attempting stop...", "Anhalten wird versucht..."),
    (
        "Internet services successfully stopped",
        "Die Internetdienste wurden angehalten",
    ),
    ("Attempting start...", "Start wird versucht..."),
    (
        "Internet services successfully restarted",
        "Die Internetdienste wurden neu gestartet",
    ),
    (
        "Restart attempt failed.",
        "Der Neustartversuch ist fehlgeschlagen.",
    ),
    (
        "Access denied, you must be an administrator of the remote computer to use this\r\ncommand.",
        "Zugriff verweigert. Sie benötigen Administratorrechte auf dem Remotecomputer.",
    ),
    (
        "The service did not respond to the start or control request in a timely fashion.",
        "Der Dienst antwortete nicht rechtzeitig auf die Start- oder Steuerungsanforderung.",
    ),
    ("SERVICE_NAME: ", "DIENSTNAME: "),
    ("DISPLAY_NAME: ", "ANZEIGENAME: "),
    ("        TYPE               : ", "        TYP                : "),
    ("        STATE              : ", "        STATUS             : "),
    ("        WIN32_EXIT_CODE    : ", "        WIN32_BEENDIGUNG   : "),
    ("        SERVICE_EXIT_CODE  : ", "        DIENST_BEENDIGUNG  : "),
    ("        CHECKPOINT         : ", "        PRÜFPUNKT          : "),
    ("        WAIT_HINT          : ", "        WARTEHINWEIS       : "),
    (
        "The specified service does not exist as an installed service.",
        "Der angegebene Dienst ist kein installierter Dienst.",
    ),
    (
        "An instance of the service is already running.",
        "Es wird bereits eine Instanz des Dienstes ausgeführt.",
    ),
    (
        "INFO: No tasks are running which match the specified criteria.",
        "INFORMATION: Es werden keine Aufgaben mit den angegebenen Kriterien ausgeführt.",
    ),
    (
        "The dependency service or group failed to start.",
        "Der Abhängigkeitsdienst konnte nicht gestartet werden.",
    ),
];

/// The same output on a German server.
pub(super) fn in_german(text: &str) -> String {
    GERMAN.iter().fold(text.to_owned(), |text, (english, german)| {
        text.replace(english, german)
    })
}
