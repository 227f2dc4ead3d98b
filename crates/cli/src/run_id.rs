//! Names for runs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollout::RunId;

/// Date and minute for people, four random hexadecimal digits against collisions.
pub(crate) fn new(now: Timestamp) -> RunId {
    let stamp = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M").to_string();
    let chance = uuid::Uuid::new_v4().as_u128() & 0xffff;
    RunId::new(&format!("{stamp}-{chance:04x}"))
}
