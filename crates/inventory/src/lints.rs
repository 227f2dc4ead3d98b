//! What no file says wrong by itself: names of the other file, steps in an order that cannot be meant, rules that shut out the wrong ones.

mod locator;
mod order;
mod rules;
mod together;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::fleet::Inventory;
use crate::playbook::Playbook;
use crate::reader::Findings;
use crate::source::Source;
use locator::{Locator, Segment};

pub(crate) use together::together;

/// What is odd about an inventory alone.
pub(crate) fn inventory(inventory: &Inventory, source: &Source) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    let locator = Locator::new(source);
    for pool in inventory.pools.keys() {
        if inventory.members(pool).next().is_none() {
            let place = locator.key(&[Segment::Key("pool"), Segment::Key(pool.as_str())]);
            let hint = format!("write pool = \"{pool}\" at its servers, or remove the pool");
            found.warning(
                Code::EmptyPool,
                place,
                format!("no server belongs to pool `{pool}`"),
                hint,
            );
        }
    }
    found.into_list()
}

/// What is odd about a playbook alone.
pub(crate) fn playbook(playbook: &Playbook, source: &Source) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    let locator = Locator::new(source);
    order::lint(playbook, &locator, &mut found);
    rules::lint(playbook, &locator, &mut found);
    found.into_list()
}

/// Those of `found` that do not speak about the content of a step which has an error of its own: its missing parts were filled with
/// defaults, and what follows from these is no news. Where a step stands is sure in any case.
pub(crate) fn unspoilt(found: Vec<Diagnostic>, errors: &[Diagnostic], source: &Source) -> Vec<Diagnostic> {
    let starts = Locator::new(source).step_starts();
    let step_of = |at: usize| starts.iter().rposition(|&start| start <= at);
    let spoilt = errors
        .iter()
        .filter(|error| error.severity == Severity::Error)
        .map(|error| step_of(error.span.start))
        .collect::<Vec<_>>();
    let about_order = |code| {
        matches!(
            code,
            Code::DrainWithoutReturn
                | Code::ReturnWithoutDrain
                | Code::StepOrder
                | Code::UnprovenReturn
                | Code::MissingStep
        )
    };
    found
        .into_iter()
        .filter(|lint| about_order(lint.code) || !spoilt.contains(&step_of(lint.span.start)))
        .collect()
}
