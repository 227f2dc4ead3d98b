//! `[playbook]`, `[policy]` and `[[step]]` to a [`Playbook`].

mod allow;
mod command;
mod hook;
mod restrict;
mod step;
mod window;
mod witness;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Code;
use crate::duration;
use crate::hook::Hook;
use crate::playbook::{OnFailure, Playbook, Policy, Strategy};
use crate::quantity::Quantity;
use crate::reader::findings::Findings;
use crate::reader::keys;
use crate::reader::table::Table;
use crate::selector::Selector;
use crate::step::Step;

/// A playbook as far as it could be read. What could not has its default, which is of use only where nothing was found.
pub(crate) struct PlaybookRead {
    pub(crate) title: String,
    /// `None` where it does not parse.
    pub(crate) servers: Option<Selector>,
    pub(crate) policy: Policy,
    /// One for each `[[step]]`, in the order of the file; `None` where not even its kind is known.
    pub(crate) steps: Vec<Option<Step>>,
    pub(crate) hooks: Vec<Hook>,
}

impl PlaybookRead {
    /// The playbook, if every part of it is there.
    pub(crate) fn complete(self) -> Option<Playbook> {
        let steps = self.steps.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Playbook {
            title: self.title,
            servers: self.servers?,
            policy: self.policy,
            steps,
            hooks: self.hooks,
        })
    }
}

/// Reads a parsed playbook.
pub(crate) fn read(root: &Spanned<DeTable<'_>>, found: &mut Findings<'_>) -> PlaybookRead {
    let file = Table::root(root, &keys::FILE, found);
    let hint = "begin with [playbook], title = \"...\" and servers = \"@pool\"";
    let head = file
        .need("playbook", hint, found)
        .and_then(|entry| Table::open(&entry, "[playbook]".to_owned(), &keys::PLAYBOOK, found));
    let mut title = None;
    let mut servers = None;
    if let Some(head) = head {
        title = head
            .need("title", "say in one line what it does", found)
            .and_then(|entry| entry.text(found));
        servers = head.need("servers", "write servers = \"@pool\", a name, or \"all\"", found).and_then(|entry| {
            let text = entry.any_text(found)?;
            match text.parse::<Selector>() {
                Ok(selector) => Some(selector),
                Err(error) => {
                    let hint = "write \"@pool\", a server's name, \"cas0*\" or \"all\", joined by and, or, not and parentheses";
                    found.error(Code::BadSelector, entry.span(), format!("`servers`: {error}"), hint);
                    None
                }
            }
        });
    }
    let policy = file
        .get("policy")
        .and_then(|entry| Table::open(&entry, "[policy]".to_owned(), &keys::POLICY, found))
        .map_or_else(Policy::default, |table| policy(&table, found));
    PlaybookRead {
        title: title.unwrap_or_default().to_owned(),
        servers,
        policy,
        steps: steps(&file, found),
        hooks: hooks(&file, found),
    }
}

fn hooks(file: &Table<'_>, found: &mut Findings<'_>) -> Vec<Hook> {
    let Some(entry) = file.get("hook") else {
        return Vec::new();
    };
    let hint = "write [[hook]] in double brackets before each hook";
    let Some(elements) = entry.elements(hint, found) else {
        return Vec::new();
    };
    elements
        .filter_map(|element| hook::read(&element, found))
        .collect()
}

fn steps(file: &Table<'_>, found: &mut Findings<'_>) -> Vec<Option<Step>> {
    let hint = "write [[step]] in double brackets before each step";
    let Some(entry) = file.need("step", hint, found) else {
        return Vec::new();
    };
    if entry.is_table() {
        found.error(
            Code::WrongType,
            entry.place(),
            "`step` is one table, expected a list of steps",
            hint,
        );
        return Vec::new();
    }
    let Some(elements) = entry.elements(hint, found) else {
        return Vec::new();
    };
    let steps = elements
        .map(|element| step::read(&element, found))
        .collect::<Vec<_>>();
    if steps.is_empty() {
        found.error(Code::MissingKey, entry.span(), "the playbook has no step", hint);
    }
    steps
}

fn policy(table: &Table<'_>, found: &mut Findings<'_>) -> Policy {
    let fallback = Policy::default();
    let waves = table.get("waves").and_then(|entry| {
        let elements = entry.elements("write a list such as [1, \"25%\", \"50%\"]", found)?;
        let waves = elements
            .filter_map(|element| positive(&element, found))
            .collect::<Vec<_>>();
        if waves.is_empty() && entry.is_empty() {
            let hint = "write [1, \"25%\", \"50%\"], or [\"100%\"] for all at once";
            found.error(Code::BadQuantity, entry.span(), "`waves` is empty", hint);
        }
        Some(waves)
    });
    let day = SignedDuration::from_hours(24);
    let second = SignedDuration::from_secs(1);
    let mut time = |key, least, fallback| {
        table
            .get(key)
            .map_or(Some(fallback), |entry| entry.duration((least, day), found))
            .unwrap_or(fallback)
    };
    let min_healthy_time = time(
        "min_healthy_time",
        SignedDuration::ZERO,
        fallback.min_healthy_time,
    );
    let canary_hold = time("canary_hold", SignedDuration::ZERO, fallback.canary_hold);
    let healthy_deadline = time("healthy_deadline", second, fallback.healthy_deadline);
    let progress_deadline = time("progress_deadline", second, fallback.progress_deadline);
    let lease = time("lease", second, fallback.lease);
    if progress_deadline < healthy_deadline {
        let places = ["progress_deadline", "healthy_deadline"]
            .into_iter()
            .find_map(|key| table.get(key));
        let message = format!(
            "progress_deadline ({}) is shorter than healthy_deadline ({}): a server would give up waiting for another one before that one has to be back",
            duration::show(progress_deadline),
            duration::show(healthy_deadline)
        );
        let place = places.map_or(table.span.clone(), |entry| entry.span());
        found.error(
            Code::DeadlineOrder,
            place,
            message,
            "make progress_deadline at least as long",
        );
    }
    let words = [
        OnFailure::Undo,
        OnFailure::UndoAll,
        OnFailure::Stop,
        OnFailure::Ask,
    ]
    .map(|word| (word.as_str(), word));
    let strategy = strategy(table, found);
    let waves = waves.unwrap_or(fallback.waves);
    Policy {
        strategy,
        canary_hold,
        pause_after: pause_after(table, waves.len(), found),
        spread: table
            .get("spread")
            .and_then(|entry| entry.text(found))
            .map(str::to_owned),
        waves,
        max_parallel: table
            .get("max_parallel")
            .and_then(|entry| positive(&entry, found))
            .unwrap_or(fallback.max_parallel),
        max_failures: table
            .get("max_failures")
            .and_then(|entry| entry.number(0..=1_000_000, found))
            .unwrap_or(fallback.max_failures),
        min_healthy_time,
        healthy_deadline,
        progress_deadline,
        lease,
        on_failure: table
            .get("on_failure")
            .and_then(|entry| entry.word(&words, &[], found))
            .unwrap_or_default(),
        max_cut_off: table.get("max_cut_off").and_then(|entry| entry.quantity(found)),
        window: table.get("window").and_then(|entry| window::read(&entry, found)),
    }
}

/// `strategy`; what only waves have means nothing to a sliding window.
fn strategy(table: &Table<'_>, found: &mut Findings<'_>) -> Strategy {
    let words = [Strategy::Waves, Strategy::Sliding].map(|word| (word.as_str(), word));
    let strategy = table
        .get("strategy")
        .and_then(|entry| entry.word(&words, &[], found))
        .unwrap_or_default();
    if strategy == Strategy::Sliding {
        for key in ["waves", "canary_hold", "pause_after"] {
            if let Some(entry) = table.get(key) {
                let message = format!("`{key}` means nothing to strategy = \"sliding\", which has no waves");
                let hint = "write strategy = \"waves\", or leave it out";
                found.error(Code::BadValue, entry.place(), message, hint);
            }
        }
    }
    strategy
}

/// The waves, counted from 1, after which a person is asked. Behind the `listed` ones comes one more, after which the run is over.
fn pause_after(table: &Table<'_>, listed: usize, found: &mut Findings<'_>) -> Vec<u32> {
    let Some(entry) = table.get("pause_after") else {
        return Vec::new();
    };
    let Some(elements) = entry.elements("write a list of waves, the first one is 1: [1]", found) else {
        return Vec::new();
    };
    let mut waves: Vec<u32> = elements
        .filter_map(|element| element.number(1..=1_000_000, found))
        .collect();
    waves.sort_unstable();
    waves.dedup();
    if let Some(beyond) = waves
        .iter()
        .find(|wave| usize::try_from(**wave).is_ok_and(|wave| wave > listed))
    {
        let message = format!(
            "`pause_after` names wave {beyond}, but after wave {listed} comes the last one, and then nothing"
        );
        let hint = "name waves of `waves`; the first one is 1";
        found.error(Code::BadValue, entry.span(), message, hint);
    }
    waves
}

/// A number of servers that is not 0.
fn positive(entry: &crate::reader::entry::Entry<'_>, found: &mut Findings<'_>) -> Option<Quantity> {
    let quantity = entry.quantity(found)?;
    if quantity.is_zero() {
        let message = format!("{} is {quantity}: nothing would ever begin", entry.name());
        found.error(
            Code::BadQuantity,
            entry.span(),
            message,
            "write at least 1, or a share above 0%",
        );
        return None;
    }
    Some(quantity)
}
