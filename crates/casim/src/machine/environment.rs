//! Environment variables of a shell on the server.

use super::{MachineOptions, Session};

/// Variables in the order in which `set` prints them; names compare without case.
#[derive(Debug, Clone)]
pub(super) struct Environment(Vec<(String, String)>);

/// The folders searched for programs after the working directory.
pub(super) const PATH: &[&str] = &[
    r"C:\Windows\system32",
    r"C:\Windows",
    r"C:\Windows\System32\Wbem",
    r"C:\Windows\System32\WindowsPowerShell\v1.0",
];

impl Environment {
    /// The variables that a service's shell has, with those of the session.
    pub(super) fn new(options: &MachineOptions, session: &Session) -> Self {
        let (domain, user) = session
            .user
            .rsplit_once('\\')
            .unwrap_or((&options.domain, &session.user));
        let user = user.split_once('@').map_or(user, |(user, _)| user);
        let profile = format!(r"C:\Users\{user}");
        let temporary = format!(r"{profile}\AppData\Local\Temp");
        let computer = options.name.to_uppercase();
        let path = PATH.join(";");
        let exchange = format!(r"{}\", options.exchange.folder());
        let architecture = if options.shell_is_32_bit { "x86" } else { "AMD64" };
        let known: &[(&str, &str)] = &[
            ("ALLUSERSPROFILE", r"C:\ProgramData"),
            ("CommonProgramFiles", r"C:\Program Files\Common Files"),
            ("COMPUTERNAME", &computer),
            ("ComSpec", r"C:\Windows\system32\cmd.exe"),
            ("ExchangeInstallPath", &exchange),
            ("OS", "Windows_NT"),
            ("Path", &path),
            ("PATHEXT", ".COM;.EXE;.BAT;.CMD"),
            ("PROCESSOR_ARCHITECTURE", architecture),
            ("ProgramData", r"C:\ProgramData"),
            ("ProgramFiles", r"C:\Program Files"),
            ("ProgramFiles(x86)", r"C:\Program Files (x86)"),
            ("PROMPT", "$P$G"),
            ("SystemDrive", "C:"),
            ("SystemRoot", r"C:\Windows"),
            ("TEMP", &temporary),
            ("TMP", &temporary),
            ("USERDOMAIN", domain),
            ("USERNAME", user),
            ("USERPROFILE", &profile),
            ("windir", r"C:\Windows"),
        ];
        let mut environment = Self(
            known
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        );
        if options.shell_is_32_bit {
            environment.set("PROCESSOR_ARCHITEW6432", "AMD64");
        }
        for (name, value) in &session.environment {
            environment.set(name, value);
        }
        environment
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Sets a variable; an empty value removes it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let kept = self
            .0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(n, _)| n.clone());
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.0
                .push((kept.unwrap_or_else(|| name.to_owned()), value.to_owned()));
            self.0.sort_by_key(|(n, _)| n.to_lowercase());
        }
    }

    /// `NAME=value` of all variables whose names begin so.
    pub(super) fn starting_with(&self, prefix: &str) -> Vec<String> {
        let fits = |name: &str| name.to_lowercase().starts_with(&prefix.to_lowercase());
        self.0
            .iter()
            .filter(|(n, _)| fits(n))
            .map(|(n, v)| format!("{n}={v}"))
            .collect()
    }
}
