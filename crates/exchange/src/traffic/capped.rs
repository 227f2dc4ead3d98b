//! A map that takes so many keys and no more.

use std::collections::BTreeMap;

/// So many keys at most; what finds no room is counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Capped<K, V> {
    entries: BTreeMap<K, V>,
    most: usize,
    turned_away: u64,
}

impl<K: Ord, V: Default> Capped<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            most,
            turned_away: 0,
        }
    }

    /// The entry of a key, a fresh one perhaps; `None` where there is no room for it.
    pub(super) fn entry(&mut self, key: K) -> Option<&mut V> {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.turned_away += 1;
            return None;
        }
        Some(self.entries.entry(key).or_default())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    /// Whether every key found room, so that their number is exact.
    pub(super) fn is_whole(&self) -> bool {
        self.turned_away == 0
    }

    /// Adds what another one counted.
    pub(super) fn absorb(&mut self, other: Self, mut add: impl FnMut(&mut V, V)) {
        self.turned_away += other.turned_away;
        for (key, value) in other.entries {
            if let Some(entry) = self.entry(key) {
                add(entry, value);
            }
        }
    }
}
