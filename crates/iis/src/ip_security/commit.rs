//! The way from one section to another, in as few commits as the command line allows.
//!
//! One appcmd call is one commit: all of it takes effect together or nothing does. Where the change does not fit into one line, it is cut into
//! several, in an order in which no state between denies a client that both ends allow. A crash may stop the way at any such state.
//!
//! The order: (1) `allowUnlisted=true`; (2) denials go that do not stay; (3) new rules are appended, a rule that changes its place or its decision
//! in one piece with its removal; (4) allowances go that do not stay; (5) `allowUnlisted=false`. Why it is safe: rules that stay are those with
//! which the target begins, so in front of the target's first match for a client there are, at every instant, only rules that the target has
//! there too and allowances that are still to go; a client whose first match is not appended yet is still covered by the old allowance or by the
//! old `allowUnlisted`. `transition` proves it anew for each way before it is gone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;

use command::{CommandLine, Invocation};

use super::SECTION;
use super::rule::Rule;
use super::section::{DenyAction, Section};
use crate::appcmd::{self, AppcmdError};
use crate::{ApplicationPath, Error};

/// Longest line that is written. Below the limit of cmd.exe, since `%windir%` grows when it is replaced and WinRM puts `cmd /c` in front.
pub(super) const ROOM: usize = CommandLine::MAX - 191;

/// One appcmd call, and what it does to a section.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The call.
    pub line: Invocation<Result<(), AppcmdError>>,
    edits: Vec<Edit>,
}

impl Commit {
    /// Makes the section what it is after the call.
    pub fn apply(&self, section: &mut Section) {
        self.apply_to(&mut section.rules, Rule::clone, Rule::key);
        for edit in &self.edits {
            match edit {
                Edit::AllowUnlisted(value) => section.allow_unlisted = *value,
                Edit::DenyAction(action) => section.deny_action = *action,
                Edit::EnableProxyMode(value) => section.enable_proxy_mode = *value,
                Edit::Remove(_) | Edit::Append(_) | Edit::Move(..) => {}
            }
        }
    }

    /// The section after the call, where the call fits: what it removes is there, and what it appends is not. appcmd makes none of the edits of one that
    /// does not.
    pub(super) fn attempt(&self, section: &Section) -> Option<Section> {
        let mut keys: HashSet<_> = section.rules.iter().map(Rule::key).collect();
        let fits = self.edits.iter().all(|edit| match edit {
            Edit::Remove(rule) => keys.remove(&rule.key()),
            Edit::Append(rule) => keys.insert(rule.key()),
            Edit::Move(old, new) => keys.remove(&old.key()) && keys.insert(new.key()),
            Edit::AllowUnlisted(_) | Edit::DenyAction(_) | Edit::EnableProxyMode(_) => true,
        });
        fits.then(|| {
            let mut after = section.clone();
            self.apply(&mut after);
            after
        })
    }

    /// [`apply`](Self::apply) to rules in another form: how one is made, and what makes it unique.
    pub(super) fn apply_to<T, K: Eq + Hash>(
        &self,
        rules: &mut Vec<T>,
        mut made: impl FnMut(&Rule) -> T,
        key: impl Fn(&T) -> K,
    ) {
        // No edit removes what an earlier one of the same commit appended, so all that goes can go at once.
        let removed = self.edits.iter().filter_map(|edit| match edit {
            Edit::Remove(rule) | Edit::Move(rule, _) => Some(rule),
            Edit::AllowUnlisted(_) | Edit::DenyAction(_) | Edit::EnableProxyMode(_) | Edit::Append(_) => None,
        });
        let gone: HashSet<K> = removed.map(|rule| key(&made(rule))).collect();
        if !gone.is_empty() {
            rules.retain(|rule| !gone.contains(&key(rule)));
        }
        for edit in &self.edits {
            if let Edit::Append(rule) | Edit::Move(_, rule) = edit {
                rules.push(made(rule));
            }
        }
    }

    /// The rules that must not be there before the call.
    pub(super) fn appended(&self) -> impl Iterator<Item = &Rule> {
        self.edits.iter().filter_map(|edit| match edit {
            Edit::Append(rule) => Some(rule),
            Edit::AllowUnlisted(_)
            | Edit::DenyAction(_)
            | Edit::EnableProxyMode(_)
            | Edit::Remove(_)
            | Edit::Move(..) => None,
        })
    }

    /// What becomes of `allowUnlisted` and `enableProxyMode`.
    pub(super) fn switches(&self, mut allow_unlisted: bool, mut proxy_mode: bool) -> (bool, bool) {
        for edit in &self.edits {
            match edit {
                Edit::AllowUnlisted(value) => allow_unlisted = *value,
                Edit::EnableProxyMode(value) => proxy_mode = value.unwrap_or(false),
                Edit::DenyAction(_) | Edit::Remove(_) | Edit::Append(_) | Edit::Move(..) => {}
            }
        }
        (allow_unlisted, proxy_mode)
    }
}

/// The section after each of the commits: all that a client may meet on the way, and all that a crash may leave.
pub fn states<'a>(from: &Section, commits: &'a [Commit]) -> impl Iterator<Item = Section> + use<'a> {
    commits.iter().scan(from.clone(), |state, commit| {
        commit.apply(state);
        Some(state.clone())
    })
}

/// The commits that turn the section `from` at an application into `to`: none when nothing differs, one when it fits into a command line, otherwise
/// several. No state between denies a client that `from` and `to` both allow. The end is `to` in meaning and in the order of its rules.
///
/// `from` may be the effective section: a removal of an inherited entry becomes a `<remove>` at this place. What a child cannot take back is an
/// inherited `allowUnlisted="false"`; reading the section again shows it.
///
/// # Errors
/// [`Error::UnwritableRule`] when a rule to be written holds anything but addresses or names; [`Error::DuplicateRule`] when two rules of one side
/// have the same key.
pub fn commits(app: &ApplicationPath, from: &Section, to: &Section) -> Result<Vec<Commit>, Error> {
    commits_within(app, from, to, ROOM)
}

pub(super) fn commits_within(
    app: &ApplicationPath,
    from: &Section,
    to: &Section,
    room: usize,
) -> Result<Vec<Commit>, Error> {
    no_duplicates(&from.rules)?;
    no_duplicates(&to.rules)?;
    packed(app, edits(from, to), room)
}

/// Edits in their order, in as few commits as their lines have room for.
pub(super) fn packed(
    app: &ApplicationPath,
    edits: impl IntoIterator<Item = Edit>,
    room: usize,
) -> Result<Vec<Commit>, Error> {
    let head = format!(r#"{} set config "{app}" /section:{SECTION}"#, appcmd::PROGRAM);
    const TAIL: &str = " /commit:apphost";
    let length = |text: &str| text.encode_utf16().count();
    let (mut commits, mut line, mut done) = (Vec::new(), head.clone(), Vec::new());
    let mut taken = length(&head) + TAIL.len();
    for edit in edits {
        let text = edit.text()?;
        let more = length(&text);
        if !done.is_empty() && taken + more > room {
            let full = std::mem::replace(&mut line, head.clone()) + TAIL;
            commits.push(commit(full, std::mem::take(&mut done))?);
            taken = length(&head) + TAIL.len();
        }
        line.push_str(&text);
        taken += more;
        done.push(edit);
    }
    if !done.is_empty() {
        commits.push(commit(line + TAIL, done)?);
    }
    Ok(commits)
}

fn commit(line: String, edits: Vec<Edit>) -> Result<Commit, Error> {
    Ok(Commit {
        line: Invocation::new(CommandLine::raw(line)?, appcmd::succeeded),
        edits,
    })
}

fn no_duplicates(rules: &[Rule]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match rules.iter().find(|rule| !seen.insert(rule.key())) {
        Some(rule) => Err(Error::DuplicateRule {
            rule: rule.to_string(),
        }),
        None => Ok(()),
    }
}

/// One change that is never cut.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    AllowUnlisted(bool),
    DenyAction(Option<DenyAction>),
    EnableProxyMode(Option<bool>),
    Remove(Rule),
    Append(Rule),
    /// The first goes and the second, with the same key, is appended.
    Move(Rule, Rule),
}

impl Edit {
    fn text(&self) -> Result<String, Error> {
        let word = |value: bool| if value { "True" } else { "False" };
        Ok(match self {
            Self::AllowUnlisted(value) => format!(r#" /allowUnlisted:"{}""#, word(*value)),
            // A default cannot be un-written with appcmd, so it is spelled out.
            Self::DenyAction(action) => {
                format!(r#" /denyAction:"{}""#, action.unwrap_or(DenyAction::Forbidden))
            }
            Self::EnableProxyMode(value) => {
                format!(r#" /enableProxyMode:"{}""#, word(value.unwrap_or(false)))
            }
            Self::Remove(rule) => format!(r#" /-"{}""#, rule.as_element_key()?),
            Self::Append(rule) => format!(r#" /+"{}""#, rule.as_new_element()?),
            Self::Move(old, new) => {
                format!(r#" /-"{}" /+"{}""#, old.as_element_key()?, new.as_new_element()?)
            }
        })
    }
}

/// All changes in a safe order.
fn edits(from: &Section, to: &Section) -> Vec<Edit> {
    let (going, staying) = going(from, to);
    let new = &to.rules[staying..];
    let new_keys: BTreeSet<_> = new.iter().map(Rule::key).collect();
    let (denials, allowances): (Vec<&Rule>, Vec<&Rule>) = going.into_iter().partition(|rule| !rule.allowed);
    let (proxy, action) = (Section::is_in_proxy_mode, Section::denial);

    let mut edits = Vec::new();
    // Widening.
    if to.allow_unlisted && !from.allow_unlisted {
        edits.push(Edit::AllowUnlisted(true));
    }
    if proxy(from) && !proxy(to) {
        edits.push(Edit::EnableProxyMode(to.enable_proxy_mode));
    }
    edits.extend(denials.into_iter().cloned().map(Edit::Remove));
    let old: BTreeMap<_, &Rule> = allowances.iter().map(|rule| (rule.key(), *rule)).collect();
    edits.extend(new.iter().map(|rule| match old.get(&rule.key()) {
        Some(old) => Edit::Move((*old).clone(), rule.clone()),
        None => Edit::Append(rule.clone()),
    }));
    // Narrowing.
    let unwanted = allowances
        .into_iter()
        .filter(|rule| !new_keys.contains(&rule.key()));
    edits.extend(unwanted.cloned().map(Edit::Remove));
    if action(from) != action(to) {
        edits.push(Edit::DenyAction(to.deny_action));
    }
    if proxy(to) && !proxy(from) {
        edits.push(Edit::EnableProxyMode(to.enable_proxy_mode));
    }
    if from.allow_unlisted && !to.allow_unlisted {
        edits.push(Edit::AllowUnlisted(false));
    }
    edits
}

/// The rules of `from` that do not stay, and how many rules at the target's beginning are there already, in the target's order.
fn going<'a>(from: &'a Section, to: &Section) -> (Vec<&'a Rule>, usize) {
    let mut staying = 0;
    let mut going = Vec::new();
    for rule in &from.rules {
        // As it is written, not only as IIS compares keys: the way back ends with the very texts that were there.
        if to.rules.get(staying) == Some(rule) {
            staying += 1;
        } else {
            going.push(rule);
        }
    }
    (going, staying)
}

#[cfg(test)]
pub(super) mod tests;
