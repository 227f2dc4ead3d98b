//! The dead man's switch of `restrict`: a scheduled task on the server itself that puts the former rules back, unless casgate takes it away once
//! every step is proven. Set before the first commit; a casgate that is killed, or cut off, needs nobody.

use command::{CommandLine, Invocation};
use iis::ApplicationPath;
use iis::ip_security::{Section, is_left_between, way_back_resumed};
use iis::scheduled_task::{self, TaskName};
use inventory::{Restrict, ServerName, Step};
use jiff::SignedDuration;
use rollout::{Before, Evidence, Found, StepError};
use sha2::{Digest, Sha256};
use winrm::Upload;

use super::restrict;
use crate::failure::{Setback, StepErrorExt, failed, from_iis};
use crate::session::Session;
use crate::world::World;

/// schtasks answers within seconds.
const LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// Only administrators can write there: what a task file says is run as SYSTEM.
const FOLDER: &str = r"%windir%\System32\inetsrv";

const SETTING: &str = "set the dead man's switch";
const CONFIRMING: &str = "take the dead man's switch away";

/// Sets the switch: from now on the server waits for `within`, by its own clock. A change that was begun before, and cut off, is taken back to what
/// was there the `first` time.
pub(super) async fn demand(
    session: &mut Session,
    index: usize,
    app: &ApplicationPath,
    (now, wanted): (&Section, &Section),
    first: Option<&Before>,
    within: SignedDuration,
) -> Result<(), Setback> {
    let unwritable = |error: iis::Error| from_iis(SETTING, "a task that can be written", &error);
    let name = name(session.world(), index).map_err(unwritable)?;
    let former = begun(app, first, now).map_err(unwritable)?;
    let lines = way_back_resumed(app, former, now, wanted).map_err(unwritable)?;
    let lines: Vec<&CommandLine> = lines.iter().collect();
    let why = format!("Puts the former rules of {app} back: casgate did not confirm its change in time.");
    let seconds = u64::try_from(within.as_secs()).unwrap_or(0);
    let bytes = scheduled_task::delayed(&lines, seconds, &why).map_err(unwritable)?;
    let file = format!(r"{FOLDER}\{name}.xml");
    let upload = Upload {
        path: file.clone(),
        length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        sha256: Sha256::digest(&bytes).into(),
    };
    session.upload(SETTING, &upload, &bytes, LIMIT).await?;
    let create = scheduled_task::create(&name, &file).map_err(unwritable)?;
    let created = session.change(SETTING, &create, LIMIT).await?;
    // What was read from the file is not needed any more, whatever came of it; should it stay, it only says what stands in the journal.
    let delete = CommandLine::raw(format!(r#"del /f /q "{file}""#))
        .map_err(|error| failed(SETTING, "a line that can be run", error.to_string()))?;
    let deleted = session
        .change(SETTING, &Invocation::new(delete, |_| ()), LIMIT)
        .await;
    created.map_err(|error| from_iis(SETTING, "the task is registered", &error))?;
    deleted?;
    if is_set(session, &name, SETTING).await? {
        return Ok(());
    }
    Err(failed(
        SETTING,
        format!("the task {name}"),
        "no such task, although schtasks ended well",
    )
    .hint("nothing was changed: look at the Task Scheduler service")
    .into())
}

/// What was there before casgate first changed it, if nobody else has changed it since.
fn begun<'a>(
    app: &ApplicationPath,
    first: Option<&'a Before>,
    now: &'a Section,
) -> Result<&'a Section, iis::Error> {
    match first {
        Some(Before::Restrict {
            effective, wanted, ..
        }) if is_left_between(app, effective, wanted, now)? => Ok(effective),
        _ => Ok(now),
    }
}

/// Takes the switch away, and looks whether it is gone. Where the change is not confirmed, the former rules come back first.
pub(super) async fn settle(
    session: &mut Session,
    index: usize,
    restore: Option<&Before>,
) -> Result<Evidence, StepError> {
    let mut facts = Vec::new();
    if let (
        Some(Before::Restrict {
            effective,
            own,
            wanted,
            ..
        }),
        Some(Step::Restrict(step)),
    ) = (restore, session.plan().steps.get(index).cloned())
    {
        facts.extend(
            restrict::undo(session, &step, effective, own, wanted)
                .await?
                .facts,
        );
    }
    let name = name(session.world(), index).map_err(|error| from_iis(CONFIRMING, "a task's name", &error))?;
    if is_set(session, &name, CONFIRMING).await? {
        let delete = scheduled_task::delete(&name)
            .map_err(|error| from_iis(CONFIRMING, "a line that can be run", &error))?;
        let deleted = session
            .change(CONFIRMING, &delete, LIMIT)
            .await
            .map_err(StepError::from)?;
        // Whether it is gone decides, not what schtasks says.
        if is_set(session, &name, CONFIRMING).await? {
            return Err(match deleted {
                Err(error) => from_iis(CONFIRMING, "the task goes", &error),
                Ok(()) => failed(
                    CONFIRMING,
                    "no such task any more",
                    format!("{name} is still there"),
                ),
            });
        }
    }
    facts.push(format!("the task {name} is gone"));
    Ok(Evidence { facts })
}

/// Whether a change that was confirmed too late is there no more: the switch may have put the former rules back at the last moment.
pub(super) async fn look(session: &mut Session) -> Result<(), StepError> {
    let confirmed: Vec<Restrict> = session
        .plan()
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Restrict(step) if step.confirm_within.is_some() => Some(step.clone()),
            _ => None,
        })
        .collect();
    for step in confirmed {
        if let Found::Ready(_) = restrict::probe(session, &step).await? {
            return Err(failed(
                format!("look once more at the section of {}", step.application),
                "the rules of the playbook",
                "others",
            )
            .hint("the change was confirmed too late, and the server had put the former rules back by itself: give `confirm_within` more time"));
        }
    }
    Ok(())
}

/// What a person does where casgate could not.
pub(super) fn by_hand(world: &World, server: &ServerName, index: usize, must_restore: bool) -> String {
    let Ok(name) = name(world, index) else {
        return String::new();
    };
    let delete = scheduled_task::delete_by_hand(&name);
    match must_restore {
        true => format!("on {server}: {} && {delete}", scheduled_task::run_by_hand(&name)),
        false => format!("on {server}: {delete}"),
    }
}

async fn is_set(session: &mut Session, name: &TaskName, doing: &str) -> Result<bool, StepError> {
    let unreadable = |error: iis::Error| from_iis(doing, "a list of the scheduled tasks", &error);
    let exists = scheduled_task::exists(name).map_err(unreadable)?;
    session.look(doing, &exists).await?.map_err(unreadable)
}

fn name(world: &World, index: usize) -> Result<TaskName, iis::Error> {
    TaskName::new(&format!("casgate-{}-{index}", world.run()))
}
