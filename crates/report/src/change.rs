//! What a step would change, in lines for `plan` and `status`, from what its probe saw.

use inventory::Step;
use rollout::{Before, Found};

/// One line for each change; never empty.
pub fn describe(step: &Step, before: &Before) -> Vec<String> {
    match before {
        Before::Drain { rotation, .. } | Before::ReturnToRotation { rotation } => vec![match rotation {
            Some(seen) if seen.out.is_empty() => format!(
                "{} of {} in rotation, this one {}",
                seen.in_rotation, seen.members, seen.state
            ),
            Some(seen) => format!(
                "{} of {} in rotation, this one {}; out: {}",
                seen.in_rotation,
                seen.members,
                seen.state,
                seen.who_is_out()
            ),
            None => "no load balancer".to_owned(),
        }],
        Before::BackUp { name } => vec![format!("+ backup {name}")],
        Before::InstallFeature {
            enabled,
            module_listed,
        } => {
            let name = if let Step::InstallFeature(wanted) = step {
                wanted.name.as_str()
            } else {
                "feature"
            };
            let mut lines = Vec::new();
            if !enabled {
                lines.push(format!("+ feature {name}"));
            }
            if !module_listed {
                lines.push("+ module in IIS's list of modules".to_owned());
            }
            lines
        }
        Before::Restrict {
            effective, wanted, ..
        } => iis::ip_security::describe_in_short(effective, wanted),
        Before::RestartIis { reason, .. } => vec![format!("~ restart: {reason}")],
        Before::WaitHealthy { pages } => pages
            .iter()
            .map(|(path, answer)| format!("{path}: {answer}"))
            .collect(),
        Before::Witness => vec!["witnesses ask".to_owned()],
        Before::Command => match step {
            Step::Command(step) => vec![format!("~ run: {}", step.command)],
            _ => vec!["~ run a command".to_owned()],
        },
        Before::Powershell => vec!["~ run a PowerShell script".to_owned()],
    }
}

/// What is not on a server any more as a step found it when it was planned; a line each, none when all is as it was. Process ids are not
/// compared: they change by themselves, and what a restart depends on is told by whether one is needed.
pub fn changed(step: &Step, planned: &Found, now: &Found) -> Vec<String> {
    let word = step.kind();
    match (planned, now) {
        (
            Found::Ready(Before::Restrict {
                effective: then,
                wanted: wanted_then,
                ..
            }),
            Found::Ready(Before::Restrict {
                effective, wanted, ..
            }),
        ) => {
            let since = iis::ip_security::describe(then, effective);
            let since = since
                .into_iter()
                .map(|line| format!("{word}, on the server since: {line}"));
            // The wanted rules follow from the plan and from the server's own addresses.
            let wanted_since = match since.len() {
                0 => iis::ip_security::describe(wanted_then, wanted),
                _ => Vec::new(),
            };
            let wanted_since = wanted_since
                .into_iter()
                .map(|line| format!("{word}, what the server would get: {line}"));
            since.chain(wanted_since).collect()
        }
        (
            Found::Ready(Before::RestartIis { .. } | Before::Command | Before::Powershell),
            Found::Ready(Before::RestartIis { .. } | Before::Command | Before::Powershell),
        ) => Vec::new(),
        (Found::Ready(then), Found::Ready(now)) if then == now => Vec::new(),
        (Found::AlreadyDone(_), Found::AlreadyDone(_)) => Vec::new(),
        _ => vec![format!(
            "{word}: planned {}, now {}",
            state(step, planned),
            state(step, now)
        )],
    }
}

fn state(step: &Step, found: &Found) -> String {
    match found {
        Found::AlreadyDone(_) => "as wanted".to_owned(),
        Found::Ready(before) => format!("to do ({})", describe(step, before).join(", ")),
        Found::Failed(error) => format!("failing ({})", error.found),
    }
}
