//! Who may come in, as a set of addresses: exact, countable, and made of few pieces. How it is printed is in `address_text`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::partition::{Cube, Family, Piece, follows};
use super::section::Section;
use super::side_by_side::Numbers;
use crate::Error;

/// Addresses of both families. IPv4 addresses mapped into IPv6 count as IPv4.
#[derive(Clone, Debug, Default)]
pub struct AddressSet {
    /// Apart from each other, in order, and none next to another.
    pub(super) stretches: Vec<Piece>,
    /// What masks with holes cut out, apart from the stretches and from each other.
    pub(super) cut_out: Vec<Piece>,
}

/// What a change means in addresses.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// Denied before, allowed after.
    pub gained: AddressSet,
    /// Allowed before, denied after.
    pub lost: AddressSet,
}

/// The addresses that a section lets in. Domain rules are passed over, since no address tells whom they cover; so is proxy mode.
///
/// # Errors
/// [`Error::TangledMasks`] when masks with holes cut the addresses into too many pieces. Lists of plain networks never do.
pub fn effective(section: &Section) -> Result<AddressSet, Error> {
    let nobody = Section {
        allow_unlisted: false,
        ..Section::default()
    };
    Ok(diff(&nobody, section)?.gained)
}

/// Which addresses a change lets in, and which it cuts off. Domain rules and proxy mode are passed over, as in [`effective`].
///
/// # Errors
/// Those of [`effective`].
pub fn diff(old: &Section, new: &Section) -> Result<Difference, Error> {
    let mut numbers = Numbers::default();
    let [old, new] = [old, new].map(|section| numbers.list(section));
    let ground = numbers.ground(0)?;
    let [before, after] = [&old, &new].map(|list| ground.judge(list));
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    let mut places = ground.places().peekable();
    while let Some(place) = places.next() {
        // All patterns of a stretch together, so that a stretch on which they agree stays whole.
        let mut beside = vec![place];
        while let Some(next) = places.next_if(|next| next.is_beside(place)) {
            beside.push(next);
        }
        let change = |place| (before.allows(place), after.allows(place));
        let whole = beside.iter().all(|other| change(*other) == change(place));
        for place in beside.into_iter().take(if whole { 1 } else { usize::MAX }) {
            let Some(mut piece) = ground.piece(place) else {
                continue;
            };
            if whole {
                piece.cube = Cube::ALL;
            }
            let piece = piece.simplified();
            match change(place) {
                (false, true) => gained.push(piece),
                (true, false) => lost.push(piece),
                _ => {}
            }
        }
    }
    Ok(Difference {
        gained: AddressSet::of(gained),
        lost: AddressSet::of(lost),
    })
}

impl AddressSet {
    /// Joins pieces that follow each other.
    fn of(mut pieces: Vec<Piece>) -> Self {
        pieces.sort_unstable_by_key(|piece| (piece.family, piece.first));
        let mut merged: Vec<Piece> = Vec::new();
        let mut ends: HashMap<(Family, Cube), usize> = HashMap::new();
        for piece in pieces {
            let end = ends.get(&(piece.family, piece.cube)).copied();
            match end.and_then(|at| merged.get_mut(at)) {
                Some(last) if follows(piece.family, last.last, piece.first) => last.last = piece.last,
                _ => {
                    ends.insert((piece.family, piece.cube), merged.len());
                    merged.push(piece);
                }
            }
        }
        let (stretches, cut_out) = merged.into_iter().partition(Piece::is_stretch);
        Self { stretches, cut_out }
    }

    /// Whether the address is in the set. Fast enough to be asked for every line of a log.
    pub fn contains(&self, client: IpAddr) -> bool {
        let (family, number) = Family::of(client);
        let after = self
            .stretches
            .partition_point(|piece| (piece.family, piece.first) <= (family, number));
        let is_in = |piece: &Piece| piece.family == family && piece.contains(number);
        after.checked_sub(1).is_some_and(|at| is_in(&self.stretches[at])) || self.cut_out.iter().any(is_in)
    }

    /// Whether there is no address in the set.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.cut_out.is_empty()
    }

    /// How many addresses are in the set. Only the set of all is told one too small, for want of a larger number.
    pub fn count(&self) -> u128 {
        let pieces = self.stretches.iter().chain(&self.cut_out);
        pieces.fold(0, |sum, piece| piece.count().saturating_add(sum))
    }
}

impl Difference {
    /// Whether the change lets nobody in and cuts nobody off.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

#[cfg(test)]
mod tests;
