//! Server component states, as the server's own registry holds them: what `Set-ServerComponentState` and Managed Availability have taken out.
//!
//! Below `ServerComponentStates` stands a key for each component with a value for each requester: `1:STATE:TICKS`, where 0 is inactive, 1 active
//! and 2 draining. A component is active when every requester says so, and none is while `ServerWideOffline` is not (as read from Exchange's own
//! decompiled code; third party). The directory holds a second copy, which is not read here.

use std::collections::BTreeMap;

use command::{CommandLine, Invocation, Output};
use serde::{Deserialize, Serialize};

/// Where the states are.
pub const KEY: &str = r"HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\ServerComponentStates";

/// These two stay as they are when the whole server is offline.
const APART: [&str; 2] = ["Monitoring", "RecoveryActionsEnabled"];

/// Inactive on every server outside Microsoft's own data centres.
const BORN_INACTIVE: [&str; 2] = ["ForwardSyncDaemon", "ProvisioningRps"];

const SERVER_WIDE: &str = "ServerWideOffline";

/// What one requester says of a component.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// 0.
    Inactive,
    /// 1.
    Active,
    /// 2.
    Draining,
}

/// A component that somebody has taken out.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct TakenOut {
    /// The component, e.g. `ActiveSyncProxy`.
    pub component: String,
    /// Who holds it, e.g. `Maintenance`: only the same requester's `Active` gives it back.
    pub requester: String,
    /// In which state.
    pub state: ComponentState,
}

/// Reads which components are not active, those apart that never are. Empty where the key does not exist: nobody has ever asked for anything.
///
/// # Errors
/// Inside the invocation: [`iis::Error::Failed`] when reg fails.
pub fn taken_out() -> Invocation<Result<Vec<TakenOut>, iis::Error>> {
    const LINE: CommandLine = CommandLine::literal(
        r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\ServerComponentStates /s",
    );
    Invocation::new(LINE, |output: &Output| match output.exit_code {
        0 => Ok(read(&output.stdout_text())),
        // No such key.
        1 => Ok(Vec::new()),
        exit_code => Err(iis::Error::Failed {
            program: format!("reg query {KEY} /s"),
            exit_code,
            text: output.stderr_text().trim().to_owned(),
        }),
    })
}

/// Whether a component serves, given what is taken out.
pub fn is_active(component: &str, taken_out: &[TakenOut]) -> bool {
    let holds = |name: &str| {
        taken_out
            .iter()
            .any(|entry| entry.component.eq_ignore_ascii_case(name))
    };
    let is_apart = APART.iter().any(|name| name.eq_ignore_ascii_case(component));
    !holds(component) && (is_apart || !holds(SERVER_WIDE))
}

fn read(text: &str) -> Vec<TakenOut> {
    let mut states: BTreeMap<(String, String), ComponentState> = BTreeMap::new();
    let mut component = String::new();
    for line in text.lines() {
        match line.strip_prefix("    ") {
            None if line.starts_with("HKEY_") => {
                component = line.trim().rsplit('\\').next().unwrap_or_default().to_owned();
            }
            None => {}
            Some(value) => {
                let mut parts = value.split("    ");
                if let (Some(requester), Some("REG_SZ"), Some(data)) =
                    (parts.next(), parts.next(), parts.next())
                    && let Some(state) = state(data.trim())
                {
                    states.insert((component.clone(), requester.to_owned()), state);
                }
            }
        }
    }
    let taken_out = |((component, requester), state)| TakenOut {
        component,
        requester,
        state,
    };
    states
        .into_iter()
        .filter(|((component, _), state)| {
            *state != ComponentState::Active && !BORN_INACTIVE.contains(&component.as_str())
        })
        .map(taken_out)
        .collect()
}

/// `1:0:637683895210000000`.
fn state(data: &str) -> Option<ComponentState> {
    let mut parts = data.split(':');
    match (parts.next()?, parts.next()?) {
        ("1", "0") => Some(ComponentState::Inactive),
        ("1", "1") => Some(ComponentState::Active),
        ("1", "2") => Some(ComponentState::Draining),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\ExchangeServer\v15\ServerComponentStates";

    fn printed(keys: &[(&str, &[(&str, &str)])]) -> Output {
        let text: String = keys
            .iter()
            .map(|(component, values)| {
                let lines = values
                    .iter()
                    .map(|(requester, data)| format!("    {requester}    REG_SZ    {data}\r\n"));
                format!("\r\n{ROOT}\\{component}\r\n{}", lines.collect::<String>())
            })
            .collect();
        Output {
            exit_code: 0,
            stdout: format!("{text}\r\n").into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn who_is_taken_out_and_by_whom() {
        let seen = taken_out()
            .parse(&printed(&[
                (
                    "ActiveSyncProxy",
                    &[
                        ("Maintenance", "1:1:637683895210000000"),
                        ("HealthAPI", "1:0:637683895210000000"),
                    ],
                ),
                ("HubTransport", &[("Maintenance", "1:2:637683895210000000")]),
                ("ForwardSyncDaemon", &[("Functional", "1:0:1")]),
                (
                    "Monitoring",
                    &[("Functional", "1:1:1"), ("odd", "2:0:1"), ("odder", "x")],
                ),
            ]))
            .unwrap();
        let seen_as: Vec<_> = seen
            .iter()
            .map(|t| (t.component.as_str(), t.requester.as_str(), t.state))
            .collect();
        assert_eq!(
            seen_as,
            [
                ("ActiveSyncProxy", "HealthAPI", ComponentState::Inactive),
                ("HubTransport", "Maintenance", ComponentState::Draining),
            ]
        );
        assert!(!is_active("activesyncproxy", &seen) && is_active("OwaProxy", &seen));
    }

    #[test]
    fn a_server_that_is_offline_as_a_whole_serves_nothing() {
        let seen = taken_out()
            .parse(&printed(&[(SERVER_WIDE, &[("Maintenance", "1:0:1")])]))
            .unwrap();
        assert!(!is_active("OwaProxy", &seen) && !is_active(SERVER_WIDE, &seen));
        assert!(is_active("Monitoring", &seen));
    }

    #[test]
    fn no_key_is_nobody_taken_out() {
        let absent = Output {
            exit_code: 1,
            ..Output::default()
        };
        assert_eq!(taken_out().parse(&absent), Ok(Vec::new()));
        let denied = Output {
            exit_code: 5,
            ..Output::default()
        };
        assert_eq!(taken_out().parse(&denied).unwrap_err().exit_code(), Some(5));
        assert_eq!(taken_out().line().as_str(), format!("reg query {KEY} /s"));
    }
}
