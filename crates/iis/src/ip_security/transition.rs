//! The way to a section and back, proved before the first commit is sent.
//!
//! What is proved, for each way and for every address (in whatever domains a client may be): on its way from the old decision to the new one, being
//! let in comes before being cut off. So nobody who is allowed at both ends is denied by any commit between, a crash included, since a crash leaves
//! one of these states. The proof does not trust the order in which `commit` cuts its edits: it looks at each state for itself.

use std::fmt;

use super::address_set::{Difference, diff};
use super::commit::{Commit, commits};
use super::scope::Scope;
use super::section::Section;
use super::side_by_side::{Ground, Judge, Numbers, Place};
use crate::{ApplicationPath, Error};

/// A claim about three states (before, between, after) needs a client in three domains at most.
const DOMAINS: usize = 3;

/// A change whose way there and whose way back are proved.
#[derive(Clone, Debug)]
pub struct Transition {
    there: Vec<Commit>,
    back: Vec<Commit>,
    change: Difference,
}

impl Transition {
    /// Plans the way from one section to another, and back, and proves both.
    ///
    /// # Errors
    /// Those of [`commits`]; [`Error::Unproven`] with the client that shows why; [`Error::TangledMasks`] and [`Error::TooManyDomains`] where the
    /// proof would have to look at too much.
    pub fn plan(app: &ApplicationPath, from: &Section, to: &Section) -> Result<Self, Error> {
        let there = commits(app, from, to)?;
        prove(from, &there, to)?;
        let back = commits(app, to, from)?;
        prove(to, &back, from)?;
        Ok(Self {
            there,
            back,
            change: diff(from, to)?,
        })
    }

    /// The commits of the way there.
    pub fn commits(&self) -> &[Commit] {
        &self.there
    }

    /// How many commits the way back takes, from the end of the way there.
    pub fn commits_back(&self) -> usize {
        self.back.len()
    }

    /// Who is let in and who is cut off.
    pub fn change(&self) -> &Difference {
        &self.change
    }
}

/// `in one commit`, `in 40 commits`: how a change is written.
impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.there.len() {
            1 => f.write_str("in one commit"),
            more => write!(f, "in {more} commits"),
        }
    }
}

/// Proves that the commits lead from one section to another in meaning, and that for every client being let in comes before being cut off.
///
/// # Errors
/// [`Error::Unproven`] names the first commit that breaks this and a client for whom it does. [`Error::TangledMasks`], [`Error::TooManyDomains`].
pub fn prove(from: &Section, commits: &[Commit], to: &Section) -> Result<(), Error> {
    let mut numbers = Numbers::default();
    let [first, last] = [from, to].map(|section| numbers.list(section));
    let ground = numbers.ground(DOMAINS)?;
    let ends = [&first, &last].map(|list| ground.judge(list));
    let mut clients: Vec<Client> = ground.places().map(|place| Client::new(place, &ends)).collect();
    let has_proxy = [from, to].map(Section::is_in_proxy_mode);
    let (mut list, mut proxy) = (first.clone(), has_proxy[0]);
    let unproven = |at: usize, client: String, why| Error::Unproven {
        commit: at,
        of: commits.len(),
        client,
        why,
    };
    for (at, commit) in (1..).zip(commits) {
        commit.apply_to(&mut list.entries, |rule| numbers.entry(rule), |entry| entry.key);
        (list.allow_unlisted, proxy) = commit.switches(list.allow_unlisted, proxy);
        if !ground.knows(&list) {
            return Err(unproven(
                at,
                "some addresses".to_owned(),
                "has a rule of neither end",
            ));
        }
        let judge = ground.judge(&list);
        for client in &mut clients {
            let step = client
                .step(judge.allows(client.place))
                .and_then(|()| client.forwarded(&judge, proxy, &ends, has_proxy));
            step.map_err(|why| unproven(at, name(&numbers, &ground, client.place), why))?;
        }
    }
    let astray = clients
        .iter()
        .find(|client| client.is_in() != ends[1].allows(client.place));
    astray.map_or(Ok(()), |client| {
        let client = name(&numbers, &ground, client.place);
        Err(unproven(
            commits.len(),
            client,
            "leaves another decision than the wanted one",
        ))
    })
}

/// All clients of one place, on their way.
struct Client {
    place: Place,
    /// Allowed at both ends.
    both: bool,
    stand: Stand,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stand {
    NotYet,
    In,
    CutOff,
}

impl Client {
    fn new(place: Place, [from, to]: &[Judge<'_>; 2]) -> Self {
        let stand = if from.allows(place) {
            Stand::In
        } else {
            Stand::NotYet
        };
        Self {
            place,
            both: from.allows(place) && to.allows(place),
            stand,
        }
    }

    fn is_in(&self) -> bool {
        self.stand == Stand::In
    }

    fn step(&mut self, allowed: bool) -> Result<(), &'static str> {
        self.stand = match (self.stand, allowed) {
            (Stand::NotYet | Stand::In, true) => Stand::In,
            (Stand::NotYet, false) => Stand::NotYet,
            (Stand::In, false) if self.both => return Err("denies who is allowed before and after"),
            (Stand::In | Stand::CutOff, false) => Stand::CutOff,
            (Stand::CutOff, true) => return Err("lets in again who was cut off before"),
        };
        Ok(())
    }

    /// With proxy mode, all addresses of a client are judged, its own and the forwarded ones. Where only one end has it, that end alone speaks for
    /// the forwarded ones, so a state with proxy mode must allow all that this end allows.
    fn forwarded(
        &self,
        state: &Judge<'_>,
        proxy: bool,
        ends: &[Judge<'_>; 2],
        has_proxy: [bool; 2],
    ) -> Result<(), &'static str> {
        let end = match has_proxy {
            _ if !proxy => return Ok(()),
            [true, true] => return Ok(()),
            [false, false] => return Err("has proxy mode, which neither end has"),
            [true, false] => &ends[0],
            [false, true] => &ends[1],
        };
        match end.allows(self.place) && !state.allows(self.place) {
            true => Err("denies whom another may be forwarded for"),
            false => Ok(()),
        }
    }
}

/// The lowest address of a place, and the domains that the client is in.
fn name(numbers: &Numbers, ground: &Ground, place: Place) -> String {
    let address = ground
        .piece(place)
        .and_then(|piece| Some(piece.family.address(piece.lowest()?)));
    let mut text = address.map(|address| address.to_string()).unwrap_or_default();
    for scope in ground.covers(place).filter_map(|number| numbers.scope(number)) {
        if let Scope::Domain(domain) = scope {
            text.push_str(&format!(" in {domain}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
