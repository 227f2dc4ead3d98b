//! `casgate restore-backup`: IIS's whole configuration on one server as a run's backup has it. The last resort of a person, never a step.

use driver::Clock;
use iis::ApplicationPath;
use iis::ip_security::Section;
use inventory::{ServerName, Step};
use journal::{RestoreNote, RestoreState, StateDirectory, note_restore};
use rollout::{Before, Event, EventKind, Found, Outcome, Plan};

use crate::args::{Common, RestoreBackup};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::inputs::Fleet;
use crate::printer::Printer;
use crate::{people, state};

pub(crate) async fn run(common: &Common, args: &RestoreBackup, printer: &Printer) -> Result<ExitCode, Error> {
    let runs = StateDirectory::new(state::folder(common)?);
    let run = runs.find(&args.run).map_err(|source| Error::Journal { source })?;
    let events = runs.read(&run).map_err(|source| Error::Journal { source })?;
    let server = ServerName::from(args.server.as_str());
    let kept = Kept::of(&events, &server).ok_or_else(|| Error::NoBackup {
        run: run.to_string(),
        server: server.to_string(),
    })?;
    warn(&kept, &server, printer);
    approve(args, &server, printer)?;
    let fleet = Fleet::read(common)?;
    let world = fleet.world(std::slice::from_ref(&server), Clock::real(), run.clone(), printer)?;
    let folder = runs.run(&run);
    let note = |state| {
        let note = RestoreNote {
            at: world.clock().now(),
            operator: people::operator(),
            server: server.to_string(),
            backup: kept.backup.clone(),
            state,
        };
        note_restore(&folder, &note).map_err(|source| Error::Journal { source })
    };
    note(RestoreState::Started)?;
    let restored = driver::restore_backup(&world, &kept.plan, &server, &kept.backup, &kept.former).await;
    match restored {
        Ok(facts) => {
            printer.text(&format!("{server}  backup {} restored", kept.backup));
            facts.iter().for_each(|fact| printer.text(&format!("    {fact}")));
            printer.text(
                "the load balancer was not asked: look at the server, and let `casgate status` say how it differs from the playbook",
            );
            printer.json(&serde_json::json!({ "server": server, "backup": kept.backup, "state": "done", "facts": facts }));
            note(RestoreState::Done { facts })?;
            Ok(ExitCode::Done)
        }
        Err(error) => {
            let lines = report::wording::failure(&error);
            printer.text(&format!(
                "{server}  backup {} NOT restored, or not proved",
                kept.backup
            ));
            lines.iter().for_each(|line| printer.text(&format!("    {line}")));
            printer.json(&serde_json::json!({ "server": server, "backup": kept.backup, "state": "failed", "error": lines }));
            note(RestoreState::Failed {
                error: lines.join("; "),
            })?;
            Ok(ExitCode::HumanNeeded)
        }
    }
}

/// What the run noted of one server.
struct Kept {
    plan: Plan,
    backup: String,
    /// When the backup was made.
    since: jiff::Timestamp,
    /// The applications' own sections before the run changed them.
    former: Vec<(ApplicationPath, Section)>,
    /// Features that the run has installed since.
    installed: Vec<String>,
}

impl Kept {
    fn of(events: &[Event], of: &ServerName) -> Option<Self> {
        let mut plan = None;
        let (mut backup, mut since) = (None, None);
        let mut former: Vec<(ApplicationPath, Section)> = Vec::new();
        let mut installed = Vec::new();
        for event in events {
            match &event.kind {
                EventKind::RunStarted { plan: started, .. } => plan = Some((**started).clone()),
                EventKind::StepProbed {
                    server,
                    step,
                    found: Found::Ready(before),
                } if server == of => match (before, plan.as_ref()?.steps.get(*step)) {
                    (Before::BackUp { name }, _) => backup = Some((*step, name.clone())),
                    (Before::Restrict { own, .. }, Some(Step::Restrict(restrict))) => {
                        let app = &restrict.application;
                        if since.is_some() && !former.iter().any(|(known, _)| known == app) {
                            former.push((app.clone(), own.clone()));
                        }
                    }
                    _ => {}
                },
                EventKind::StepApplied {
                    server,
                    step,
                    outcome: Outcome::Done(_),
                } if server == of => match plan.as_ref()?.steps.get(*step) {
                    Some(Step::BackUp(_)) => since = since.or(Some(event.at)),
                    Some(Step::InstallFeature(feature)) => installed.push(feature.name.clone()),
                    _ => {}
                },
                _ => {}
            }
        }
        let (_, backup) = backup?;
        Some(Self {
            plan: plan?,
            backup,
            since: since?,
            former,
            installed,
        })
    }
}

/// What it stops and what it loses.
fn warn(kept: &Kept, server: &ServerName, printer: &Printer) {
    printer.note(&format!(
        "restoring {} on {server} replaces ALL of IIS's configuration there by what it was at {:.0}:",
        kept.backup, kept.since
    ));
    printer.note("  it stops IIS: OWA, ActiveSync, EWS, MAPI and the back end, for everybody whose mailbox is on this server");
    printer.note("  it loses every change since, by whomever: certificates' bindings, pools, redirections, other lists");
    for feature in &kept.installed {
        printer.note(&format!(
            "  it takes the module of {feature} out of the configuration, while Windows goes on saying that it is installed"
        ));
    }
    printer.note("  it does not drain the server: do that first; and it is no `undo`, which takes back only what casgate wrote");
}

/// On a terminal the server's name, typed; off it only `--yes`.
fn approve(args: &RestoreBackup, server: &ServerName, printer: &Printer) -> Result<(), Error> {
    if args.yes {
        return Ok(());
    }
    let hint = match printer.ask(&format!("Type the server's name to restore it ({server}):")) {
        Some(answer) if answer == server.as_str() => return Ok(()),
        Some(_) => format!("only `{server}` is taken as a yes"),
        None => "off a terminal nobody can be asked: use --yes".to_owned(),
    };
    Err(Error::NotApproved { hint })
}
