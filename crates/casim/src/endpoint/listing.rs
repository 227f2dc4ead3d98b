//! Lists of shells, part by part, as `Enumerate` and `Pull` hand them out.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;
use wsman::{Fault, ListedShell, Response, ShellList};

use super::refusals;

/// What one shell takes in a reply, generously.
const ITEM: usize = 1536;
/// What goes around the items.
const OVERHEAD: usize = 2048;
/// How many lists may be half read; the oldest ones are forgotten. `MaxConcurrentOperationsPerUser` of old Windows.
const MOST: usize = 15;

/// The lists that somebody has not read to the end.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<VecDeque<(Uuid, Vec<ListedShell>)>>);

impl Lists {
    /// The first part of a list.
    pub(super) fn begin(&self, shells: Vec<ListedShell>, most: Option<u32>, envelope: usize) -> Response {
        self.part(shells, most, envelope, false)
    }

    /// A further part.
    pub(super) fn go_on(
        &self,
        context: Option<&str>,
        most: Option<u32>,
        envelope: usize,
    ) -> Result<Response, Fault> {
        let name = context.and_then(|context| context.trim().strip_prefix("uuid:"));
        let id = name.and_then(|name| Uuid::parse_str(name).ok());
        let rest = id.and_then(|id| {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = open.iter().position(|(known, _)| *known == id)?;
            open.remove(at)
        });
        let (_, rest) = rest.ok_or_else(refusals::no_such_list)?;
        Ok(self.part(rest, most, envelope, true))
    }

    fn part(
        &self,
        mut shells: Vec<ListedShell>,
        most: Option<u32>,
        envelope: usize,
        is_pulled: bool,
    ) -> Response {
        let asked = most.map_or(1, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let fits = (envelope.saturating_sub(OVERHEAD) / ITEM).min(asked).max(1);
        let rest = shells.split_off(fits.min(shells.len()));
        let context = (!rest.is_empty()).then(|| {
            let id = Uuid::new_v4();
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= MOST {
                open.pop_front();
            }
            open.push_back((id, rest));
            format!("uuid:{id}")
        });
        Response::Shells(ShellList {
            shells,
            context,
            is_pulled,
        })
    }
}
