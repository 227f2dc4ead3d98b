//! Who goes when. The order is a function of names and pools alone, so that the same inputs give the same plan and the same hash.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use inventory::{PoolName, Quantity, ServerName};

use super::PlannedServer;

/// The servers of one pool (or those without a pool) that no wave has yet.
struct Group {
    /// How many it had at first.
    total: u32,
    /// How many the waves have by now.
    taken: u32,
    left: VecDeque<ServerName>,
}

impl Group {
    /// Compares the shares that the waves have of two groups, as exact fractions.
    fn compare_share(&self, other: &Self) -> Ordering {
        let mine = u64::from(self.taken) * u64::from(other.total);
        let theirs = u64::from(other.taken) * u64::from(self.total);
        mine.cmp(&theirs)
    }
}

/// Cuts the servers into waves. A count is meant over the whole run; a share is meant of each pool, so that no wave takes a whole pool because
/// it happens to come first. What remains is the last wave. Inside a wave, too, the pools take turns.
pub(super) fn cut(servers: &BTreeMap<ServerName, PlannedServer>, sizes: &[Quantity]) -> Vec<Vec<ServerName>> {
    let mut by_pool: BTreeMap<Option<&PoolName>, VecDeque<ServerName>> = BTreeMap::new();
    for (name, server) in servers {
        by_pool
            .entry(server.pool.as_ref())
            .or_default()
            .push_back(name.clone());
    }
    let mut groups: Vec<Group> = by_pool
        .into_values()
        .map(|left| Group {
            total: u32::try_from(left.len()).unwrap_or(u32::MAX),
            taken: 0,
            left,
        })
        .collect();

    let mut waves = Vec::new();
    for size in sizes {
        waves.push(match size {
            Quantity::Count(count) => deal(&mut groups, *count, None),
            Quantity::Percent(_) => {
                let quotas = groups.iter().map(|group| size.at_most_of(group.total)).collect();
                deal(&mut groups, u32::MAX, Some(quotas))
            }
        });
    }
    waves.push(deal(&mut groups, u32::MAX, None));
    waves.retain(|wave| !wave.is_empty());
    waves
}

/// Takes up to `most` servers, one after the other from the group of which the smallest share was taken so far; with quotas, no more than each
/// group's own.
fn deal(groups: &mut [Group], most: u32, mut quotas: Option<Vec<u32>>) -> Vec<ServerName> {
    let mut wave = Vec::new();
    for _ in 0..most {
        let open = |index: usize| {
            quotas
                .as_ref()
                .is_none_or(|quotas| quotas.get(index).is_some_and(|quota| *quota > 0))
        };
        let turn = groups
            .iter()
            .enumerate()
            .filter(|(index, group)| !group.left.is_empty() && open(*index))
            .min_by(|(_, a), (_, b)| a.compare_share(b))
            .map(|(index, _)| index);
        let Some(index) = turn else { break };
        if let Some(server) = groups[index].left.pop_front() {
            groups[index].taken += 1;
            wave.push(server);
        }
        if let Some(quota) = quotas.as_mut().and_then(|quotas| quotas.get_mut(index)) {
            *quota -= 1;
        }
    }
    wave
}
