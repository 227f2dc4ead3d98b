//! What a step would change, in lines for `plan` and `status`, from what its probe saw.

use inventory::Step;
use rollout::Before;

/// One line for each change; never empty.
pub fn describe(step: &Step, before: &Before) -> Vec<String> {
    match before {
        Before::Drain { rotation } | Before::ReturnToRotation { rotation } => vec![match rotation {
            Some(seen) => format!(
                "{} of {} in rotation, this one {}",
                seen.in_rotation, seen.members, seen.state
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
