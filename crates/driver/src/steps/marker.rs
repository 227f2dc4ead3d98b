//! Restart markers: a note on the server itself, written before a change, of the processes that ran then.
//!
//! Whether IIS still has to be restarted is later seen by comparing the note with the processes that run now. That holds across crashes of
//! casgate, a lost journal, another operator and a restart by hand, where a flag "changed" in casgate's memory would be wrong.

use std::collections::{BTreeMap, BTreeSet};

use iis::registry;
use inventory::{RestartMethod, Step};
use jiff::SignedDuration;
use rollout::{Plan, StepError};

use crate::failure::{Setback, from_iis};
use crate::lease::KEY;
use crate::session::Session;

const PREFIX: &str = "pending ";
const LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// What a marker is for: an application or a feature, by name.
pub(super) type Cause = String;

/// Whether the plan restarts IIS at all; only then markers are worth writing.
pub(super) fn are_wanted(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match step {
        Step::RestartIis(step) => step.method != RestartMethod::None,
        _ => false,
    })
}

/// The markers of the plan's own steps, with the processes that each names.
pub(super) async fn read(session: &mut Session) -> Result<BTreeMap<Cause, BTreeSet<u32>>, StepError> {
    let causes = causes(session.plan());
    let doing = "read the restart markers";
    let expected = format!("the values below {KEY}, or no such key");
    let line = registry::query_key(KEY).map_err(|error| from_iis(doing, &expected, &error))?;
    let values = session.look(doing, &line).await?;
    let values = values.map_err(|error| from_iis(doing, &expected, &error))?;
    let values = values.unwrap_or_default();
    Ok(causes
        .into_iter()
        .filter_map(|cause| {
            let noted = pids(values.get(&value(&cause))?);
            Some((cause, noted))
        })
        .collect())
}

/// Notes the processes that run before a change.
pub(super) async fn write(
    session: &mut Session,
    cause: &str,
    running: &BTreeSet<u32>,
) -> Result<(), Setback> {
    let doing = "write the restart marker";
    let expected = format!("a value below {KEY}");
    let data = running.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let line =
        registry::add(KEY, &value(cause), &data).map_err(|error| from_iis(doing, &expected, &error))?;
    let written = session.change(doing, &line, LIMIT).await?;
    written.map_err(|error| from_iis(doing, &expected, &error).into())
}

/// Takes a note away.
pub(super) async fn delete(session: &mut Session, cause: &str) -> Result<(), StepError> {
    let doing = "delete the restart marker";
    let expected = format!("the value below {KEY} goes");
    let line = registry::delete(KEY, &value(cause)).map_err(|error| from_iis(doing, &expected, &error))?;
    let deleted = session
        .change(doing, &line, LIMIT)
        .await
        .map_err(StepError::from)?;
    deleted.map_err(|error| from_iis(doing, &expected, &error))
}

fn value(cause: &str) -> String {
    format!("{PREFIX}{cause}")
}

/// What the plan's steps change that a restart may have to follow.
fn causes(plan: &Plan) -> BTreeSet<Cause> {
    let changed = plan.steps.iter().filter_map(|step| match step {
        Step::Restrict(step) => Some(step.application.to_string()),
        Step::InstallFeature(step) => Some(step.name.clone()),
        _ => None,
    });
    changed.collect()
}

fn pids(data: &str) -> BTreeSet<u32> {
    data.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ports, plan, world};

    const CHANGES: &str = "[[step]]\ninstall_feature = { name = \"IIS-IPSecurity\" }\n\
        [[step]]\nrestrict = { application = \"Default Web Site/ecp\", unlisted = \"deny\", existing = \"keep\", \
        allow = [{ role = \"loopback\" }] }\n";

    #[test]
    fn markers_are_written_only_where_a_restart_will_take_them_away() {
        let world = world(&Ports::default(), 1.0);
        let restarted = |method: &str| {
            let rest = format!("{CHANGES}[[step]]\nrestart_iis = {{ method = \"{method}\" }}\n");
            are_wanted(&plan(&world, &rest))
        };
        assert!(restarted("iisreset"));
        assert!(restarted("recycle_app_pool"));
        assert!(!restarted("none"));
        assert!(!are_wanted(&plan(&world, CHANGES)));
    }

    #[test]
    fn a_marker_is_for_each_thing_that_the_plan_changes() {
        let world = world(&Ports::default(), 1.0);
        let causes: Vec<_> = causes(&plan(&world, CHANGES)).into_iter().collect();
        assert_eq!(causes, ["Default Web Site/ecp", "IIS-IPSecurity"]);
    }

    #[test]
    fn what_is_no_process_id_is_passed_over() {
        let noted: Vec<_> = pids("4100 5200 x -1 99999999999").into_iter().collect();
        assert_eq!(noted, [4100, 5200]);
    }
}
