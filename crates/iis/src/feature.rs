//! `dism.exe`: optional features of Windows. `/english` keeps its words the same in every language.

use std::fmt;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;

/// The state of an optional feature, as dism prints it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FeatureState {
    /// It is there.
    Enabled,
    /// It is not there, and can be enabled from the server's own files.
    Disabled,
    /// It is not there, and its files are gone too: enabling needs a source.
    DisabledWithPayloadRemoved,
    /// It will be there after a restart of the server.
    EnablePending,
    /// It will be gone after a restart of the server.
    DisablePending,
}

impl FeatureState {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Enabled, "Enabled"),
        (Self::Disabled, "Disabled"),
        (Self::DisabledWithPayloadRemoved, "Disabled with Payload Removed"),
        (Self::EnablePending, "Enable Pending"),
        (Self::DisablePending, "Disable Pending"),
    ];
}

impl fmt::Display for FeatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            Self::ALL
                .iter()
                .find(|(state, _)| state == self)
                .map_or("", |(_, words)| words),
        )
    }
}

/// What enabling a feature led to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EnableReport {
    /// The feature takes effect only after a restart of the server (exit code 3010).
    pub restart_required: bool,
}

/// Asks for the state of a feature, by its dism name (`IIS-IPSecurity`). An unknown feature is [`Error::Failed`].
///
/// # Errors
/// [`Error::BadName`] for what cannot be the name of a feature.
pub fn state(name: &str) -> Result<Invocation<Result<FeatureState, Error>>, Error> {
    let line = line("/get-featureinfo", name, &[])?;
    let program = format!("dism /get-featureinfo {name}");
    Ok(Invocation::new(line, move |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(&program, output));
        }
        let text = output.stdout_text();
        read_state(&text).ok_or_else(|| Error::Unreadable {
            program: program.clone(),
            expected: "a line `State : Enabled` or another state",
            found: excerpt(&text),
        })
    }))
}

/// Enables a feature without restarting the server. That it is enabled already is no error to dism.
///
/// # Errors
/// [`Error::BadName`] for what cannot be the name of a feature.
pub fn enable(name: &str) -> Result<Invocation<Result<EnableReport, Error>>, Error> {
    const RESTART_REQUIRED: u32 = 3010;
    let line = line("/enable-feature", name, &["/norestart"])?;
    let program = format!("dism /enable-feature {name}");
    Ok(Invocation::new(line, move |output: &Output| {
        match output.exit_code {
            0 => Ok(EnableReport {
                restart_required: false,
            }),
            RESTART_REQUIRED => Ok(EnableReport {
                restart_required: true,
            }),
            _ => Err(Error::failed(&program, output)),
        }
    }))
}

fn line(verb: &str, name: &str, more: &[&str]) -> Result<CommandLine, Error> {
    let fits = !name.is_empty()
        && name.len() <= 128
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !fits {
        let reason = "expected 1 to 128 ASCII letters, digits, `-`, `_` or `.`";
        return Err(Error::BadName {
            what: "a Windows feature",
            name: name.to_owned(),
            reason,
        });
    }
    let name = format!("/featurename:{name}");
    let args: Vec<&str> = ["/online", verb, &name]
        .into_iter()
        .chain(more.iter().copied())
        .chain(["/english"])
        .collect();
    Ok(CommandLine::native("dism", &args)?)
}

fn read_state(text: &str) -> Option<FeatureState> {
    let fields = text.lines().filter_map(|line| line.split_once(" : "));
    let (_, words) = fields
        .map(|(key, value)| (key.trim(), value.trim()))
        .find(|(key, _)| *key == "State")?;
    FeatureState::ALL
        .iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(words))
        .map(|(state, _)| *state)
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::{EnableReport, FeatureState, enable, state};
    use crate::Error;

    /// The shape of dism 10.0 with `/english`; the words of the state vary.
    fn info(words: &str) -> Output {
        let stdout = format!(
            "\r\nDeployment Image Servicing and Management tool\r\nVersion: 10.0.17763.1\r\n\r\nImage Version: 10.0.17763.1\r\n\r\n\
             Feature Information:\r\n\r\nFeature Name : IIS-IPSecurity\r\nDisplay Name : IP Security\r\n\
             Description : Allow or deny content access based on IP address or domain name.\r\nRestart Required : Possible\r\n\
             State : {words}\r\n\r\nCustom Properties:\r\n\r\n(No custom properties found)\r\n\r\nThe operation completed successfully.\r\n"
        );
        Output {
            exit_code: 0,
            stdout: stdout.into_bytes(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn every_state_is_read() {
        let invocation = state("IIS-IPSecurity").unwrap();
        assert_eq!(
            invocation.line().as_str(),
            "dism /online /get-featureinfo /featurename:IIS-IPSecurity /english"
        );
        for (known, words) in FeatureState::ALL {
            assert_eq!(invocation.parse(&info(words)), Ok(known));
            assert_eq!(known.to_string(), words);
        }
    }

    #[test]
    fn other_answers_are_errors() {
        let invocation = state("IIS-IPSecurity").unwrap();
        assert!(matches!(
            invocation.parse(&info("Aktiviert")),
            Err(Error::Unreadable { .. })
        ));
        assert!(matches!(
            invocation.parse(&Output::default()),
            Err(Error::Unreadable { .. })
        ));
        let unknown = Output {
            exit_code: 0x800f_080c,
            stdout: b"\r\nError: 0x800f080c\r\n\r\nFeature name X is unknown.\r\n".to_vec(),
            stderr: Vec::new(),
        };
        assert_eq!(
            invocation.parse(&unknown).unwrap_err().exit_code(),
            Some(0x800f_080c)
        );
    }

    #[test]
    fn enabling_may_ask_for_a_restart() {
        let invocation = enable("IIS-IPSecurity").unwrap();
        assert_eq!(
            invocation.line().as_str(),
            "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /english"
        );
        let ended = |exit_code| {
            invocation.parse(&Output {
                exit_code,
                ..Output::default()
            })
        };
        assert_eq!(
            ended(0),
            Ok(EnableReport {
                restart_required: false
            })
        );
        assert_eq!(
            ended(3010),
            Ok(EnableReport {
                restart_required: true
            })
        );
        let gone = Output {
            exit_code: 0x800f_081f,
            stdout: b"\r\nError: 0x800f081f\r\n\r\nThe source files could not be found.\r\n".to_vec(),
            stderr: Vec::new(),
        };
        assert_eq!(
            invocation.parse(&gone).unwrap_err().to_string(),
            "dism /enable-feature IIS-IPSecurity ended with 2148468767: Error: 0x800f081f The source files could not be found."
        );
    }

    #[test]
    fn names_are_checked() {
        for name in ["", "a b", "x /quiet", "x\"", "x&y", "%x%"] {
            assert!(
                matches!(
                    state(name),
                    Err(Error::BadName {
                        what: "a Windows feature",
                        ..
                    })
                ),
                "{name:?}"
            );
            assert!(enable(name).is_err(), "{name:?}");
        }
    }
}
