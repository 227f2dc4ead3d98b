//! Asking before acting: on a terminal a typed `yes`; off it only what was said on the command line.

use rollout::PlanHash;

use crate::args::Approval;
use crate::error::Error;
use crate::printer::Printer;

/// Whether the operator wants exactly the plan of this hash. `question` says what a yes means.
pub(crate) fn ask(
    approval: &Approval,
    plan: &PlanHash,
    question: &str,
    printer: &Printer,
) -> Result<(), Error> {
    if let Some(approved) = &approval.approve {
        return if plan.is_approved_by(approved) {
            Ok(())
        } else {
            Err(Error::StalePlan {
                approved: approved.clone(),
                found: plan.to_string(),
            })
        };
    }
    if approval.yes {
        return Ok(());
    }
    match printer.ask(&format!("{question} Type yes:")) {
        Some(answer) if answer == "yes" => Ok(()),
        Some(_) => Err(Error::NotApproved {
            hint: "only the word `yes` is taken as a yes".to_owned(),
        }),
        None => Err(Error::NotApproved {
            hint: format!("off a terminal nobody can be asked: use --approve {plan} (or --yes)"),
        }),
    }
}
