//! Sets of addresses as people read them: `+256 198.51.100.0/24, -1 192.0.2.9`.

use std::fmt;

use ipnet::IpNet;

use super::address_set::{AddressSet, Difference};
use super::partition::{Family, Piece, follows};

/// How many ranges are named where a text must be short, and how many of a family of which all others are meant.
const FEW: usize = 4;
const FEW_LEFT: usize = 10;

/// A number of addresses: up to eleven digits as they are, beyond that as a power of two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Count(u128);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            few @ 0..100_000_000_000 => write!(f, "{few}"),
            many if many.is_power_of_two() => write!(f, "2^{}", many.ilog2()),
            many => write!(f, "about 2^{:.0}", log2(many)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded to a whole power of two")]
fn log2(many: u128) -> f64 {
    (many as f64).log2()
}

/// So many addresses, and which.
struct Part {
    count: u128,
    text: String,
}

impl AddressSet {
    /// The set in parts, one for each range; a family of which more than half is in the set is one part.
    fn parts(&self, few_left: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        for family in Family::BOTH {
            let of_family = |pieces: &[Piece]| -> Vec<Piece> {
                pieces
                    .iter()
                    .filter(|piece| piece.family == family)
                    .copied()
                    .collect()
            };
            let (stretches, cut_out) = (of_family(&self.stretches), of_family(&self.cut_out));
            let count = stretches
                .iter()
                .fold(0u128, |sum, piece| sum.saturating_add(piece.count()));
            if count > family.last() / 2 && cut_out.is_empty() {
                let text = all_but(family, &stretches, few_left);
                parts.push(Part { count, text });
            } else {
                parts.extend(stretches.iter().chain(&cut_out).map(|piece| Part {
                    count: piece.count(),
                    text: text(piece),
                }));
            }
        }
        parts
    }
}

/// `all IPv4`, `all IPv4 but 127.0.0.1, 192.0.2.9`.
fn all_but(family: Family, stretches: &[Piece], few: usize) -> String {
    let name = match family {
        Family::V4 => "all IPv4",
        Family::V6 => "all IPv6",
    };
    let mut missing = Vec::new();
    let mut next = Some(0);
    for piece in stretches {
        if let (Some(first), Some(last)) = (next, piece.first.checked_sub(1))
            && first <= last
            && !first
                .checked_sub(1)
                .is_some_and(|end| follows(family, end, piece.first))
        {
            missing.push(Piece::stretch(family, first, last));
        }
        next = piece.last.checked_add(1);
    }
    if let Some(first) = next.filter(|first| *first <= family.last()) {
        missing.push(Piece::stretch(family, first, family.last()));
    }
    let named: Vec<String> = missing.iter().take(few).map(text).collect();
    match missing.len() - named.len() {
        0 if named.is_empty() => name.to_owned(),
        0 => format!("{name} but {}", named.join(", ")),
        more => format!("{name} but {} and {more} more ranges", named.join(", ")),
    }
}

fn text(piece: &Piece) -> String {
    let [first, last] = [piece.first, piece.last].map(|number| piece.family.address(number));
    if !piece.is_stretch() {
        let [address, mask] =
            [piece.cube.address, piece.cube.mask].map(|number| piece.family.address(number));
        let whole = piece.first == 0 && piece.last == piece.family.last();
        return match whole {
            true => format!("{address} mask {mask}"),
            false => format!("{address} mask {mask} in {first}-{last}"),
        };
    }
    match network(piece) {
        Some(network) if network.prefix_len() == network.max_prefix_len() => first.to_string(),
        Some(network) => network.to_string(),
        None => format!("{first}-{last}"),
    }
}

/// The range as one network, if it is one.
fn network(piece: &Piece) -> Option<IpNet> {
    let host = piece.first ^ piece.last;
    let is_one = host & host.wrapping_add(1) == 0 && piece.first & host == 0;
    let bits = u8::try_from(piece.family.bits() - host.count_ones()).ok()?;
    is_one
        .then(|| IpNet::new(piece.family.address(piece.first), bits).ok())
        .flatten()
}

/// `256 198.51.100.0/24, 1 192.0.2.9`; `nobody`.
impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts(usize::MAX);
        if parts.is_empty() {
            return f.write_str("nobody");
        }
        let parts = parts
            .iter()
            .map(|part| format!("{} {}", Count(part.count), part.text));
        f.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

/// `+256 198.51.100.0/24, -1 192.0.2.9`; `no address`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signed(usize::MAX, usize::MAX).join(", "))
    }
}

impl Difference {
    /// Like the whole text, but at most some ranges of each sign are named and the others only counted. Each item is short; join them with commas.
    pub fn in_short(&self) -> Vec<String> {
        self.signed(FEW, FEW_LEFT)
    }

    fn signed(&self, few: usize, few_left: usize) -> Vec<String> {
        let mut items = Vec::new();
        for (sign, set) in [('+', &self.gained), ('-', &self.lost)] {
            let parts = set.parts(few_left);
            // One that would only be counted can as well be named.
            let named = if parts.len() == few.saturating_add(1) {
                parts.len()
            } else {
                few
            };
            let (named, more) = parts.split_at(named.min(parts.len()));
            items.extend(
                named
                    .iter()
                    .map(|part| format!("{sign}{} {}", Count(part.count), part.text)),
            );
            if !more.is_empty() {
                let count = more
                    .iter()
                    .fold(0u128, |sum, part| sum.saturating_add(part.count));
                items.push(format!("{sign}{} in {} more ranges", Count(count), more.len()));
            }
        }
        if items.is_empty() {
            items.push("no address".to_owned());
        }
        items
    }
}
