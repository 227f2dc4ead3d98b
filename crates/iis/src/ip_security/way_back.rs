//! The way back that nobody watches: lines for a scheduled task, which runs all of them, in their order, whatever one ends with.
//!
//! When it runs, nobody knows how far the way there had come. A line fits a state or fails as a whole, and that is all that a task can tell of the
//! state: so everything that one line removes, or appends, is there in the same states of the way there, all of it or nothing. What such lines leave
//! does not depend on where they began.
//!
//! The order: (1) the switches that widen; (2) allowances of the former list come that are gone; (3) denials go, and a key that one end allows and the
//! other denies is allowed; (4) allowances go that the former list does not have; now only the order of the rules may depend on the
//! beginning; (5) where the former list has denials, its rules are appended anew in its order; (6) the switches that narrow. Rules with which both
//! lists begin are never touched. Why it is safe: up to (3) everything widens, then all of the former allowances are there and nothing stands against
//! them, and from there on each client is on its way to the former decision. [`way_back()`] proves it anew for each state of the way there.
//!
//! Run again from wherever an earlier run was cut off (a boot, say) it ends in the same place: what a line of (5) appends is also removed, by (3) and
//! (4), all or nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use command::CommandLine;

use super::commit::{Commit, Edit, ROOM, commits_within, packed, states};
use super::rule::Rule;
use super::section::Section;
use super::transition::prove;
use crate::scheduled_task::MOST_ACTIONS;
use crate::{ApplicationPath, Error};

/// The lines that lead back to `from` from wherever the way from `from` to `to` has come, be it that it was never begun. Each may be run twice
/// at once: the second time it fails, or changes nothing.
///
/// # Errors
/// As [`commits`](super::commits); [`Error::Unproven`] where a state of the way there has a way back that denies somebody whom both ends allow, or does
/// not end in `from`; [`Error::TooManyLines`]; [`Error::CommandLine`] when more keys change their decision, in both directions, than a line has room
/// for.
pub fn way_back(app: &ApplicationPath, from: &Section, to: &Section) -> Result<Vec<CommandLine>, Error> {
    way_back_resumed(app, from, from, to)
}

/// [`way_back()`] where the way was begun before, was cut off, and goes on from what was left of it.
///
/// # Errors
/// As [`way_back()`].
pub fn way_back_resumed(
    app: &ApplicationPath,
    from: &Section,
    left: &Section,
    to: &Section,
) -> Result<Vec<CommandLine>, Error> {
    let passed = passed_resumed(app, from, left, to, ROOM)?;
    let back = back_within(app, &passed, to, ROOM)?;
    if back.len() > MOST_ACTIONS {
        return Err(Error::TooManyLines {
            found: back.len(),
            most: MOST_ACTIONS,
        });
    }
    for state in &passed {
        let mut now = state.clone();
        let fitting: Vec<Commit> = back
            .iter()
            .filter(|commit| commit.attempt(&now).map(|after| now = after).is_some())
            .cloned()
            .collect();
        prove(state, &fitting, from)?;
    }
    Ok(back.iter().map(|commit| commit.line.line().clone()).collect())
}

/// Whether a section is one that casgate may have left: on the way from `from` to `to`, on [`way_back()`], or on the shortest way from a state of the way
/// there to `from`, which is how an undo goes. Each may have been cut off.
///
/// # Errors
/// As [`commits`](super::commits).
pub fn is_left_between(
    app: &ApplicationPath,
    from: &Section,
    to: &Section,
    found: &Section,
) -> Result<bool, Error> {
    let is_like = |state: &Section| {
        // Comparing meanings takes its time, and there may be hundreds of states.
        state.rules.len() == found.rules.len()
            && state.allow_unlisted == found.allow_unlisted
            && state.same_meaning(found)
    };
    let ours: HashSet<Key> = from.rules.iter().chain(&to.rules).map(Rule::key).collect();
    if found.rules.iter().any(|rule| !ours.contains(&rule.key())) {
        // No state has an entry that neither end has.
        return Ok(false);
    }
    let passed = passed(app, from, to, ROOM)?;
    let mut back = back_within(app, &passed, to, ROOM).unwrap_or_default();
    if back.len() > MOST_ACTIONS {
        // No task was set.
        back.clear();
    }
    let mut is_found = false;
    visit_left(app, &passed, &back, ROOM, &mut |state| {
        is_found = is_found || is_like(state);
        !is_found
    })?;
    Ok(is_found)
}

/// Shows every such section, until one is enough. The last states of the way there come first, since there it is cut off least.
fn visit_left(
    app: &ApplicationPath,
    passed: &[Section],
    back: &[Commit],
    room: usize,
    wants_more: &mut impl FnMut(&Section) -> bool,
) -> Result<(), Error> {
    let Some(from) = passed.first() else {
        return Ok(());
    };
    if !passed.iter().rev().all(&mut *wants_more) {
        return Ok(());
    }
    for begin in passed.iter().rev() {
        let undoing = commits_within(app, begin, from, room)?;
        if !states(begin, &undoing).all(|state| wants_more(&state)) {
            return Ok(());
        }
        let mut state = begin.clone();
        for commit in back {
            if let Some(after) = commit.attempt(&state) {
                state = after;
                if !wants_more(&state) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Every state of the way there, `from` first.
fn passed(app: &ApplicationPath, from: &Section, to: &Section, room: usize) -> Result<Vec<Section>, Error> {
    let there = commits_within(app, from, to, room)?;
    Ok(std::iter::once(from.clone())
        .chain(states(from, &there))
        .collect())
}

/// The same of a way that goes on from what was left of it.
fn passed_resumed(
    app: &ApplicationPath,
    from: &Section,
    left: &Section,
    to: &Section,
    room: usize,
) -> Result<Vec<Section>, Error> {
    let mut all = passed(app, left, to, room)?;
    if left != from {
        all.insert(0, from.clone());
    }
    Ok(all)
}

/// [`way_back()`] without its proof. `passed` is all of the way there, which ends in `to`.
fn back_within(
    app: &ApplicationPath,
    passed: &[Section],
    to: &Section,
    room: usize,
) -> Result<Vec<Commit>, Error> {
    let Some(from) = passed.first() else {
        return Ok(Vec::new());
    };
    if passed.len() <= 2 {
        // One commit that takes back one commit: where that was not made it fails, or puts rules that are there into the order that they have.
        let back = commits_within(app, to, from, room)?;
        if back.len() <= 1 {
            return Ok(back);
        }
    }
    let lists = Lists::new(from, to);
    let anew = lists.anew(app, room)?;
    let groups = Groups::new(passed, &anew);
    let mut back = packed(app, widening(passed), room)?;
    back.extend(groups.packed(app, lists.coming(), Edit::Append, room)?);
    back.extend(groups.packed(app, lists.denials(), Edit::Remove, room)?);
    back.extend(packed(app, lists.turned(), lists.room_to_turn(room))?);
    back.extend(groups.packed(app, lists.going(), Edit::Remove, room)?);
    back.extend(anew);
    back.extend(packed(app, narrowing(passed), room)?);
    Ok(back)
}

fn widening(passed: &[Section]) -> Vec<Edit> {
    let Some(from) = passed.first() else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    if from.allow_unlisted && passed.iter().any(|state| !state.allow_unlisted) {
        edits.push(Edit::AllowUnlisted(true));
    }
    if !from.is_in_proxy_mode() && passed.iter().any(Section::is_in_proxy_mode) {
        edits.push(Edit::EnableProxyMode(from.enable_proxy_mode));
    }
    edits
}

fn narrowing(passed: &[Section]) -> Vec<Edit> {
    let Some(from) = passed.first() else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    if passed.iter().any(|state| state.denial() != from.denial()) {
        edits.push(Edit::DenyAction(from.deny_action));
    }
    if from.is_in_proxy_mode() && passed.iter().any(|state| !state.is_in_proxy_mode()) {
        edits.push(Edit::EnableProxyMode(from.enable_proxy_mode));
    }
    if !from.allow_unlisted && passed.iter().any(|state| state.allow_unlisted) {
        edits.push(Edit::AllowUnlisted(false));
    }
    edits
}

type Key = (String, String, String);

/// What both lists have behind the rules with which they begin alike, by their keys.
struct Lists<'a> {
    former: &'a [Rule],
    wanted: &'a [Rule],
    formerly: HashMap<Key, bool>,
    later: HashMap<Key, bool>,
    /// Whether a key is allowed formerly and denied later. Then one that is denied formerly and allowed later cannot simply go: the other might stand
    /// before it, or behind it.
    shuts: bool,
}

impl<'a> Lists<'a> {
    fn new(from: &'a Section, to: &'a Section) -> Self {
        let pairs = from.rules.iter().zip(&to.rules);
        let alike = pairs.take_while(|(former, wanted)| former == wanted).count();
        let (former, wanted) = (&from.rules[alike..], &to.rules[alike..]);
        let by_key = |rules: &[Rule]| rules.iter().map(|rule| (rule.key(), rule.allowed)).collect();
        let (formerly, later): (HashMap<_, _>, HashMap<_, _>) = (by_key(former), by_key(wanted));
        let shuts = formerly
            .iter()
            .any(|(key, allowed)| *allowed && later.get(key) == Some(&false));
        Self {
            former,
            wanted,
            formerly,
            later,
            shuts,
        }
    }

    /// Formerly denied, and allowed later.
    fn is_opened(&self, key: &Key) -> bool {
        self.formerly.get(key) == Some(&false) && self.later.get(key) == Some(&true)
    }

    /// (2): what may be gone and has to be there, and what only has to be there so that (3) can turn all of it at once.
    fn coming(&self) -> impl Iterator<Item = &'a Rule> {
        let allowances = self.former.iter().filter(|rule| rule.allowed);
        let opened = self
            .wanted
            .iter()
            .filter(|rule| self.shuts && self.is_opened(&rule.key()));
        allowances.chain(opened)
    }

    /// (3): denials of keys that no end allows.
    fn denials(&self) -> impl Iterator<Item = &'a Rule> {
        let former = self
            .former
            .iter()
            .filter(|rule| !rule.allowed && self.later.get(&rule.key()) != Some(&true));
        let wanted = self
            .wanted
            .iter()
            .filter(|rule| !rule.allowed && !self.formerly.contains_key(&rule.key()));
        former.chain(wanted)
    }

    /// (3): keys of which nobody knows whether they are allowed or denied now.
    fn turned(&self) -> impl Iterator<Item = Edit> {
        let turned = self.wanted.iter().filter(|rule| {
            let key = rule.key();
            let is_shut = !rule.allowed && self.formerly.get(&key) == Some(&true);
            is_shut || (self.shuts && self.is_opened(&key))
        });
        turned.map(|rule| {
            let allowed = Rule {
                allowed: true,
                ..rule.clone()
            };
            Edit::Move(allowed.clone(), allowed)
        })
    }

    /// Turned in both directions, all of them are turned at once.
    fn room_to_turn(&self, room: usize) -> usize {
        let is_in_both = self.shuts && self.wanted.iter().any(|rule| self.is_opened(&rule.key()));
        if is_in_both { usize::MAX } else { room }
    }

    /// (4): what the former list does not allow.
    fn going(&self) -> impl Iterator<Item = &'a Rule> {
        self.wanted
            .iter()
            .filter(|rule| rule.allowed && self.formerly.get(&rule.key()) != Some(&true))
    }

    /// (5): the former rules, where their order has a meaning.
    fn anew(&self, app: &ApplicationPath, room: usize) -> Result<Vec<Commit>, Error> {
        if self.former.iter().all(|rule| rule.allowed) {
            return Ok(Vec::new());
        }
        let edits = self.former.iter().cloned().map(|rule| match rule.allowed {
            true => Edit::Move(rule.clone(), rule),
            false => Edit::Append(rule),
        });
        packed(app, edits, room)
    }
}

/// Keys that are there in the same states, and that come anew in the same commit.
struct Groups(HashMap<Key, Group>);

#[derive(Clone, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Group {
    /// By the number of the state.
    is_there: Vec<bool>,
    /// By the number of the commit that appends it anew.
    anew: Option<usize>,
}

impl Groups {
    fn new(passed: &[Section], anew: &[Commit]) -> Self {
        let mut groups: HashMap<Key, Group> = HashMap::new();
        for (at, state) in passed.iter().enumerate() {
            for rule in &state.rules {
                let group = groups.entry(rule.key()).or_default();
                group.is_there.resize(passed.len(), false);
                if let Some(is_there) = group.is_there.get_mut(at) {
                    *is_there = true;
                }
            }
        }
        for (at, commit) in anew.iter().enumerate() {
            for rule in commit.appended() {
                groups.entry(rule.key()).or_default().anew = Some(at);
            }
        }
        Self(groups)
    }

    /// Commits, each of which fits as a whole or not at all. What is there in every state need not be appended.
    fn packed<'a>(
        &self,
        app: &ApplicationPath,
        rules: impl Iterator<Item = &'a Rule>,
        edit: fn(Rule) -> Edit,
        room: usize,
    ) -> Result<Vec<Commit>, Error> {
        let mut grouped: BTreeMap<Group, Vec<Edit>> = BTreeMap::new();
        for rule in rules {
            let group = self.0.get(&rule.key()).cloned().unwrap_or_default();
            let edit = edit(rule.clone());
            if matches!(edit, Edit::Append(_)) && group.is_there.iter().all(|is_there| *is_there) {
                continue;
            }
            grouped.entry(group).or_default().push(edit);
        }
        let mut commits = Vec::new();
        for edits in grouped.into_values() {
            commits.extend(packed(app, edits, room)?);
        }
        Ok(commits)
    }
}

#[cfg(test)]
mod tests;
