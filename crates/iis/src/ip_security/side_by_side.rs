//! Sections judged side by side: what each of them decides on every piece of the address space that one of them can tell apart.
//!
//! Domain rules cannot be judged by address, so a client may be in any of the domains that the rules name, whatever its address. A claim about
//! some states fails, if it does, already for a client in at most as many domains as the claim has states (one that decides in each). So only so
//! small sets of domains are looked at, and what is found holds for all.

use std::collections::HashMap;

use super::partition::{Cube, Family, Partition, Piece};
use super::rule::Rule;
use super::scope::Scope;
use super::section::Section;
use crate::Error;

/// The most that domain rules may multiply the pieces to.
const MOST_QUESTIONS: usize = 1 << 22;

/// Where a list has nothing to say, and `allowUnlisted` decides.
const UNLISTED: usize = usize::MAX;

/// A rule in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// What IIS tells rules apart by.
    pub(super) key: usize,
    /// Whom it covers; `None` where that is nobody.
    pub(super) scope: Option<usize>,
    pub(super) allowed: bool,
}

/// A section in numbers.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// The rules, from the top.
    pub(super) entries: Vec<Entry>,
    pub(super) allow_unlisted: bool,
}

/// Numbers for the scopes and the keys of some sections, so that what is alike is found without reading texts again.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    scopes: HashMap<Scope, usize>,
    keys: HashMap<(String, String, String), usize>,
}

impl Numbers {
    pub(super) fn list(&mut self, section: &Section) -> List {
        List {
            entries: section.rules.iter().map(|rule| self.entry(rule)).collect(),
            allow_unlisted: section.allow_unlisted,
        }
    }

    pub(super) fn entry(&mut self, rule: &Rule) -> Entry {
        let (next_scope, next_key) = (self.scopes.len(), self.keys.len());
        Entry {
            key: *self.keys.entry(rule.key()).or_insert(next_key),
            scope: match rule.scope() {
                Scope::Nothing => None,
                scope => Some(*self.scopes.entry(scope).or_insert(next_scope)),
            },
            allowed: rule.allowed,
        }
    }

    /// The scope with this number.
    pub(super) fn scope(&self, number: usize) -> Option<&Scope> {
        let mut scopes = self.scopes.iter();
        scopes
            .find(|(_, other)| **other == number)
            .map(|(scope, _)| scope)
    }

    /// Both families cut along all scopes, and clients that are in up to `domains` of the named domains.
    pub(super) fn ground(&self, domains: usize) -> Result<Ground, Error> {
        let mut cubes = [Vec::new(), Vec::new()];
        let mut names = Vec::new();
        for (scope, number) in &self.scopes {
            match *scope {
                Scope::V4 { address, mask } => {
                    let (address, mask) = (address.into(), mask.into());
                    cubes[0].push((*number, Cube { address, mask }));
                }
                Scope::V6 { address, mask } => cubes[1].push((*number, Cube { address, mask })),
                Scope::Domain(_) => names.push(*number),
                Scope::Nothing => {}
            }
        }
        names.sort_unstable();
        let partitions = [
            Partition::new(Family::V4, &cubes[0])?,
            Partition::new(Family::V6, &cubes[1])?,
        ];
        let pieces: usize = partitions.iter().map(Partition::size).sum();
        Ok(Ground {
            clients: clients(&names, domains, MOST_QUESTIONS / pieces.max(1))?,
            partitions,
            scopes: self.scopes.len(),
        })
    }
}

/// The sets of at most `most` domains, the empty one first.
fn clients(names: &[usize], most: usize, limit: usize) -> Result<Vec<Vec<usize>>, Error> {
    let mut sets = vec![Vec::new()];
    let mut begun = 0;
    for _ in 0..most {
        let end = sets.len();
        for at in begun..end {
            let last = sets[at].last().copied();
            for name in names.iter().filter(|name| last.is_none_or(|last| **name > last)) {
                let mut larger: Vec<usize> = sets[at].clone();
                larger.push(*name);
                sets.push(larger);
            }
            if sets.len() > limit.max(1) {
                return Err(Error::TooManyDomains { found: names.len() });
            }
        }
        begun = end;
    }
    Ok(sets)
}

/// What sections are judged on.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) partitions: [Partition; 2],
    /// In which domains a client may be.
    clients: Vec<Vec<usize>>,
    scopes: usize,
}

impl Ground {
    /// Whether every scope of the list was known when the families were cut.
    pub(super) fn knows(&self, list: &List) -> bool {
        list.entries
            .iter()
            .all(|entry| entry.scope.is_none_or(|scope| scope < self.scopes))
    }

    /// A list, ready to decide.
    pub(super) fn judge<'a>(&self, list: &'a List) -> Judge<'a> {
        let mut position = vec![UNLISTED; self.scopes];
        for (at, entry) in list.entries.iter().enumerate().rev() {
            if let Some(slot) = entry.scope.and_then(|scope| position.get_mut(scope)) {
                *slot = at;
            }
        }
        let first = |covers: &[usize]| {
            covers
                .iter()
                .map(|scope| position[*scope])
                .min()
                .unwrap_or(UNLISTED)
        };
        let [v4, v6] = &self.partitions;
        Judge {
            entries: &list.entries,
            allow_unlisted: list.allow_unlisted,
            stretches: [v4, v6].map(|p| p.stretches.iter().map(|s| first(&s.covers)).collect()),
            patterns: [v4, v6].map(|p| p.patterns.iter().map(|s| first(&s.covers)).collect()),
            clients: self.clients.iter().map(|domains| first(domains)).collect(),
        }
    }

    /// Every place where lists may decide differently.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.partitions.len()).flat_map(move |family| {
            let partition = &self.partitions[family];
            (0..partition.stretches.len()).flat_map(move |stretch| {
                (0..partition.patterns.len())
                    .filter(move |pattern| self.meet(family, stretch, *pattern).is_some())
                    .flat_map(move |pattern| {
                        (0..self.clients.len()).map(move |client| Place {
                            family,
                            stretch,
                            pattern,
                            client,
                        })
                    })
            })
        })
    }

    /// The addresses of a place.
    pub(super) fn piece(&self, place: Place) -> Option<Piece> {
        self.meet(place.family, place.stretch, place.pattern)
    }

    /// The scopes that cover a place.
    pub(super) fn covers(&self, place: Place) -> impl Iterator<Item = usize> {
        let partition = &self.partitions[place.family];
        let stretch = &partition.stretches[place.stretch].covers;
        let pattern = &partition.patterns[place.pattern].covers;
        stretch
            .iter()
            .chain(pattern)
            .chain(&self.clients[place.client])
            .copied()
    }

    fn meet(&self, family: usize, stretch: usize, pattern: usize) -> Option<Piece> {
        let partition = &self.partitions[family];
        partition.piece(&partition.stretches[stretch], &partition.patterns[pattern])
    }
}

/// A piece of the address space and a client's domains, by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    family: usize,
    stretch: usize,
    pattern: usize,
    client: usize,
}

impl Place {
    /// Whether both are of one stretch, apart from patterns and domains.
    pub(super) fn is_beside(self, other: Self) -> bool {
        (self.family, self.stretch) == (other.family, other.stretch)
    }
}

/// Which entry of one list is the first that covers a stretch, a pattern, a client's domains: the first of these three decides.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    entries: &'a [Entry],
    allow_unlisted: bool,
    stretches: [Vec<usize>; 2],
    patterns: [Vec<usize>; 2],
    clients: Vec<usize>,
}

impl Judge<'_> {
    pub(super) fn allows(&self, place: Place) -> bool {
        let at = self.stretches[place.family][place.stretch]
            .min(self.patterns[place.family][place.pattern])
            .min(self.clients[place.client]);
        self.entries
            .get(at)
            .map_or(self.allow_unlisted, |entry| entry.allowed)
    }
}
