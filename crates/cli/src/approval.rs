//! Asking before acting: on a terminal a typed `yes`; off it only what was said on the command line.

use rollout::Plan;

use crate::args::Apply;
use crate::error::Error;
use crate::printer::Printer;

/// Whether the operator wants exactly this plan.
pub(crate) fn ask(args: &Apply, plan: &Plan, printer: &Printer) -> Result<(), Error> {
    let hash = plan.hash().to_string();
    if let Some(approved) = &args.approve {
        return if plan.hash().is_approved_by(approved) {
            Ok(())
        } else {
            Err(Error::StalePlan {
                approved: approved.clone(),
                found: hash,
            })
        };
    }
    if args.yes {
        return Ok(());
    }
    match printer.ask(&format!(
        "Change {} servers as shown? Type yes:",
        plan.servers.len()
    )) {
        Some(answer) if answer == "yes" => Ok(()),
        Some(_) => Err(Error::NotApproved {
            hint: "only the word `yes` is taken as a yes".to_owned(),
        }),
        None => Err(Error::NotApproved {
            hint: format!("off a terminal nobody can be asked: use --approve {hash} (or --yes)"),
        }),
    }
}
