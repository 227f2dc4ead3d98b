//! Whether the worker processes that have to enforce `ipSecurity` have loaded the module that does it.
//!
//! IIS's list tells what a worker loads when it starts. One that started before the feature came has nothing to enforce the rules with, however
//! good the section is, and no marker need tell of it: somebody else may have installed the feature.

use std::collections::{BTreeMap, BTreeSet};

use iis::{IP_RESTRICTION_MODULE, appcmd, process};
use rollout::{StepError, WorkerProcessObserved};

use super::former::pids_of;
use super::{EVERY, SETTLED_WITHIN, restricted_pools};
use crate::failure::{StepErrorExt, failed, from_appcmd};
use crate::session::Session;
use crate::steps::services::{listed, workers as running};

/// The worker processes of the restricted applications, by what is known of them.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Loaded {
    with: BTreeSet<u32>,
    without: BTreeSet<u32>,
    /// Their DLLs could not be read.
    not_known: BTreeSet<u32>,
}

impl Loaded {
    fn of(workers: BTreeSet<u32>, read: &BTreeMap<u32, bool>) -> Self {
        let mut loaded = Self::default();
        for pid in workers {
            let group = match read.get(&pid) {
                Some(true) => &mut loaded.with,
                Some(false) => &mut loaded.without,
                None => &mut loaded.not_known,
            };
            group.insert(pid);
        }
        loaded
    }

    /// Who has certainly not loaded it.
    pub(super) fn missing_in_words(&self) -> Option<String> {
        let pids = (!self.without.is_empty()).then(|| listed(self.without.iter().copied()))?;
        Some(format!("without {IP_RESTRICTION_MODULE}: process {pids}"))
    }

    /// Everything that is known, and what is not.
    pub(super) fn in_words(&self) -> String {
        let mut words = Vec::new();
        if !self.with.is_empty() {
            let pids = listed(self.with.iter().copied());
            words.push(format!("{IP_RESTRICTION_MODULE} loaded: process {pids}"));
        }
        words.extend(self.missing_in_words());
        if !self.not_known.is_empty() {
            let pids = listed(self.not_known.iter().copied());
            words.push(format!("{IP_RESTRICTION_MODULE} not known: process {pids}"));
        }
        if words.is_empty() {
            words.push(format!(
                "{IP_RESTRICTION_MODULE} not known: no worker process has started yet"
            ));
        }
        words.join("; ")
    }
}

/// What the workers have loaded; `None` where the plan restricts nothing that the server has, or IIS loads no such module into anything.
pub(super) async fn look(
    session: &mut Session,
    workers: &[WorkerProcessObserved],
) -> Result<Option<Loaded>, StepError> {
    let pools = restricted_pools(session).await?;
    if pools.is_empty() {
        return Ok(None);
    }
    let doing = "look at the modules of IIS";
    let modules = session.look(doing, &appcmd::list_modules()).await?;
    let modules = modules.map_err(|error| from_appcmd(doing, "a list of modules", &error))?;
    let is_listed = modules
        .iter()
        .any(|module| module.eq_ignore_ascii_case(IP_RESTRICTION_MODULE));
    if !is_listed {
        return Ok(None);
    }
    let doing = "look at what the worker processes have loaded";
    let read = session.look(doing, &process::with_restriction_module()).await?;
    // Where tasklist does not answer, nothing is known, which is no failure: the witnesses see what is enforced.
    let read = read.unwrap_or_default();
    Ok(Some(Loaded::of(pids_of(workers, &pools), &read)))
}

/// Waits until no worker is without the module: one that has just started may still be loading.
pub(super) async fn settle(
    session: &mut Session,
    mut workers: Vec<WorkerProcessObserved>,
) -> Result<Option<Loaded>, StepError> {
    let healthy_within = session.plan().policy.healthy_deadline;
    let patience = session.clock().deadline(SETTLED_WITHIN.min(healthy_within));
    loop {
        let loaded = look(session, &workers).await?;
        let Some(missing) = loaded.as_ref().and_then(Loaded::missing_in_words) else {
            return Ok(loaded);
        };
        if patience.has_passed() {
            let expected = format!(
                "the worker processes of the restricted applications have loaded {IP_RESTRICTION_MODULE}"
            );
            return Err(failed("look at IIS after its restart", expected, missing).hint(
                "rules are kept and not enforced there: `tasklist /m iprestr.dll` on the server, and the Application event log (IIS-W3SVC-WP) says why \
                 a module was not loaded",
            ));
        }
        session.doing(missing);
        session.clock().pause(EVERY).await;
        workers = running(session).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_neither_loaded_nor_missing() {
        let read = BTreeMap::from([(4100, true), (4200, false), (9, false)]);
        let loaded = Loaded::of(BTreeSet::from([4100, 4200, 4300]), &read);
        assert_eq!(
            loaded.in_words(),
            "IpRestrictionModule loaded: process 4100; without IpRestrictionModule: process 4200; IpRestrictionModule not known: process 4300"
        );
        assert_eq!(
            loaded.missing_in_words().as_deref(),
            Some("without IpRestrictionModule: process 4200")
        );
        let unread = Loaded::of(BTreeSet::from([4100]), &BTreeMap::new());
        assert_eq!(unread.missing_in_words(), None);
        assert_eq!(unread.in_words(), "IpRestrictionModule not known: process 4100");
    }

    #[test]
    fn workers_that_have_not_started_are_not_known() {
        let loaded = Loaded::of(BTreeSet::new(), &BTreeMap::from([(4100, false)]));
        assert_eq!(loaded.missing_in_words(), None);
        assert_eq!(
            loaded.in_words(),
            "IpRestrictionModule not known: no worker process has started yet"
        );
    }
}
