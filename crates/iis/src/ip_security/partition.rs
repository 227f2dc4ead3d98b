//! One address family cut into pieces on which no rule tells two addresses apart, so that what holds for one address of a piece holds for all.
//!
//! Networks nest or are apart: walking over their edges cuts the line of addresses into stretches. Masks with holes (`0.0.0.255`) cut across all
//! of it; bit by bit they are cut into patterns that exclude each other. A piece is where a stretch and a pattern meet. All of this is exact; only
//! how many pieces there may be is bounded, and no list of plain networks comes near. `side_by_side` asks each section what it decides there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Error;

/// The most patterns, and the most pieces, that masks with holes may cut the addresses into.
const MOST_PATTERNS: usize = 1 << 12;
const MOST_PIECES: usize = 1 << 22;

/// IPv4 addresses mapped into IPv6 (`::ffff:0:0/96`). Such a client counts as IPv4, so IPv6 rules never meet it.
const MAPPED: (u128, u128) = (0xFFFF_0000_0000, 0xFFFF_FFFF_FFFF);

/// One of the two kinds of addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(super) fn bits(self) -> u32 {
        match self {
            Self::V4 => u32::BITS,
            Self::V6 => u128::BITS,
        }
    }

    pub(super) fn last(self) -> u128 {
        u128::MAX >> (u128::BITS - self.bits())
    }

    /// The address with this number; numbers beyond the family do not occur.
    pub(super) fn address(self, number: u128) -> IpAddr {
        match (self, u32::try_from(number)) {
            (Self::V4, Ok(bits)) => IpAddr::V4(Ipv4Addr::from_bits(bits)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }

    /// Family and number of a client's address.
    pub(super) fn of(client: IpAddr) -> (Self, u128) {
        match client.to_canonical() {
            IpAddr::V4(v4) => (Self::V4, v4.to_bits().into()),
            IpAddr::V6(v6) => (Self::V6, v6.to_bits()),
        }
    }
}

/// Addresses that equal `address` under `mask`; a mask without bits is every address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Cube {
    pub(super) address: u128,
    pub(super) mask: u128,
}

impl Cube {
    pub(super) const ALL: Self = Self { address: 0, mask: 0 };

    pub(super) fn contains(self, number: u128) -> bool {
        number & self.mask == self.address
    }

    /// First and last address, where the mask has no holes.
    fn range(self, family: Family) -> Option<(u128, u128)> {
        let host = !self.mask & family.last();
        (host & host.wrapping_add(1) == 0).then_some((self.address, self.address | host))
    }

    /// How many addresses of the cube are not above `number`. There is at least one bit in the mask.
    fn up_to(self, number: u128, family: Family) -> u128 {
        let free = !self.mask & family.last();
        let mut count = 0;
        for bit in (0..family.bits()).rev() {
            let at = 1u128 << bit;
            let rest = 1u128 << (free & (at - 1)).count_ones();
            match (self.mask & at != 0, self.address & at != 0, number & at != 0) {
                (true, false, true) => return count + rest,
                (true, true, false) => return count,
                (false, _, true) => count += rest,
                (true, _, _) | (false, _, false) => {}
            }
        }
        count + 1
    }
}

/// The addresses from `first` to `last` that are in `cube`: where a stretch and a pattern meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece {
    pub(super) family: Family,
    pub(super) first: u128,
    pub(super) last: u128,
    pub(super) cube: Cube,
}

impl Piece {
    pub(super) fn stretch(family: Family, first: u128, last: u128) -> Self {
        Self {
            family,
            first,
            last,
            cube: Cube::ALL,
        }
    }

    pub(super) fn is_stretch(&self) -> bool {
        self.cube == Cube::ALL
    }

    pub(super) fn contains(&self, number: u128) -> bool {
        (self.first..=self.last).contains(&number) && self.cube.contains(number)
    }

    /// How many addresses there are. IPv6 without the mapped addresses fits into 128 bits.
    pub(super) fn count(&self) -> u128 {
        let within = |first: u128, last: u128| {
            if self.is_stretch() {
                (last - first).saturating_add(1)
            } else {
                let below = first
                    .checked_sub(1)
                    .map_or(0, |before| self.cube.up_to(before, self.family));
                self.cube.up_to(last, self.family) - below
            }
        };
        if self.family == Family::V6 && self.first <= MAPPED.0 && self.last >= MAPPED.1 {
            let below = MAPPED.0.checked_sub(1).filter(|last| *last >= self.first);
            let above = MAPPED.1.checked_add(1).filter(|first| *first <= self.last);
            return below.map_or(0, |last| within(self.first, last))
                + above.map_or(0, |first| within(first, self.last));
        }
        within(self.first, self.last)
    }

    /// Without the cube, where it leaves consecutive addresses of a stretch that is a network.
    pub(super) fn simplified(self) -> Self {
        let host = self.first ^ self.last;
        let free = host & !self.cube.mask;
        let is_power = |bits: u128| bits & bits.wrapping_add(1) == 0;
        if self.is_stretch() || !is_power(host) || self.first & host != 0 || !is_power(free) {
            return self;
        }
        let first = self.first | self.cube.address & host;
        Self::stretch(self.family, first, first | free)
    }

    /// The lowest address.
    pub(super) fn lowest(&self) -> Option<u128> {
        if self.contains(self.first) {
            return Some(self.first);
        }
        // Like `first` down to some bit, one there instead of zero, and as low as the cube lets it be from there on.
        (0..self.family.bits())
            .map(|bit| {
                let at = 1u128 << bit;
                let above = self.first & !(at - 1) & !at;
                (above | at | (self.cube.address & (at - 1)), at, above)
            })
            .find(|(number, at, _)| self.first & at == 0 && self.contains(*number))
            .map(|(number, ..)| number)
    }
}

/// Consecutive addresses that no plain network tells apart.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) first: u128,
    pub(super) last: u128,
    /// The scopes that cover it.
    pub(super) covers: Vec<usize>,
}

/// Addresses that no mask with holes tells apart.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) cube: Cube,
    /// The scopes that cover it.
    pub(super) covers: Vec<usize>,
}

/// A family in pieces.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) family: Family,
    pub(super) stretches: Vec<Stretch>,
    pub(super) patterns: Vec<Pattern>,
}

impl Partition {
    /// Cuts a family along these scopes.
    pub(super) fn new(family: Family, scopes: &[(usize, Cube)]) -> Result<Self, Error> {
        let mut networks = Vec::new();
        let mut holed = Vec::new();
        for (id, cube) in scopes {
            match cube.range(family) {
                Some((first, last)) => networks.push((first, last, *id)),
                None => holed.push((*id, *cube)),
            }
        }
        let stretches = stretches(family, networks);
        let patterns = patterns(&holed)?;
        let partition = Self {
            family,
            stretches,
            patterns,
        };
        if partition.patterns.len() > 1 && partition.size() > MOST_PIECES {
            return Err(Error::TangledMasks { limit: MOST_PIECES });
        }
        Ok(partition)
    }

    /// How many pieces there are at most.
    pub(super) fn size(&self) -> usize {
        self.stretches.len().saturating_mul(self.patterns.len())
    }

    /// Where a stretch and a pattern meet; `None` where they do not.
    pub(super) fn piece(&self, stretch: &Stretch, pattern: &Pattern) -> Option<Piece> {
        let piece = Piece {
            family: self.family,
            first: stretch.first,
            last: stretch.last,
            cube: pattern.cube,
        };
        (piece.is_stretch() || piece.count() > 0).then_some(piece)
    }
}

/// Whether one range follows the other, over the mapped addresses where need be.
pub(super) fn follows(family: Family, last: u128, first: u128) -> bool {
    let next = last.checked_add(1);
    next == Some(first)
        || family == Family::V6 && next == Some(MAPPED.0) && MAPPED.1.checked_add(1) == Some(first)
}

fn stretches(family: Family, mut networks: Vec<(u128, u128, usize)>) -> Vec<Stretch> {
    // The larger of two that begin together comes first, so that what is open nests.
    networks.sort_unstable_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
    let mut found = Vec::with_capacity(networks.len() * 2 + 1);
    let mut open: Vec<(u128, usize)> = Vec::new();
    let mut at = Some(0);
    let mut reach = |from: Option<u128>, last: u128, open: &[(u128, usize)]| -> Option<u128> {
        if let Some(first) = from.filter(|first| *first <= last) {
            cut(family, first, last, open, &mut found);
            return last.checked_add(1);
        }
        from
    };
    for (first, last, id) in networks {
        while let Some((end, _)) = open.last().copied().filter(|(end, _)| *end < first) {
            at = reach(at, end, &open);
            open.pop();
        }
        if let Some(before) = first.checked_sub(1) {
            at = reach(at, before, &open);
        }
        open.push((last, id));
    }
    while let Some((end, _)) = open.last().copied() {
        at = reach(at, end, &open);
        open.pop();
    }
    reach(at, family.last(), &open);
    found
}

/// Adds a stretch, without the mapped addresses.
fn cut(family: Family, first: u128, last: u128, open: &[(u128, usize)], found: &mut Vec<Stretch>) {
    let mut add = |first: u128, last: u128| {
        if first <= last {
            let covers = open.iter().map(|(_, id)| *id).collect();
            found.push(Stretch { first, last, covers });
        }
    };
    if family == Family::V4 || last < MAPPED.0 || first > MAPPED.1 {
        return add(first, last);
    }
    add(first, MAPPED.0 - 1);
    add(MAPPED.1 + 1, last);
}

fn patterns(holed: &[(usize, Cube)]) -> Result<Vec<Pattern>, Error> {
    let mut found = Vec::new();
    let mut open = vec![(Cube::ALL, holed.iter().collect::<Vec<_>>())];
    while let Some((cube, over)) = open.pop() {
        // The highest bit that one of them asks for and that is not settled yet.
        let asked = over.iter().fold(0, |bits, (_, other)| bits | other.mask) & !cube.mask;
        let Some(bit) = asked.checked_ilog2() else {
            let covers = over.into_iter().map(|(id, _)| *id).collect();
            found.push(Pattern { cube, covers });
            if found.len() > MOST_PATTERNS {
                return Err(Error::TangledMasks { limit: MOST_PATTERNS });
            }
            continue;
        };
        let at = 1u128 << bit;
        for value in [at, 0] {
            let fitting = over
                .iter()
                .copied()
                .filter(|(_, other)| other.mask & at == 0 || other.address & at == value);
            let cube = Cube {
                address: cube.address | value,
                mask: cube.mask | at,
            };
            open.push((cube, fitting.collect()));
        }
    }
    Ok(found)
}
